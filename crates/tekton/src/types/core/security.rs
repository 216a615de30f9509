//! Users, capabilities, confinement.

use serde_json::Value;

wire! {
    /// What a container may do.
    pub struct SecurityContext {
        /// Capabilities to add and drop.
        pub capabilities: Option<Capabilities>,
        /// All capabilities and devices.
        pub privileged: Option<bool>,
        /// SELinux label.
        pub se_linux_options: Option<SeLinuxOptions>,
        /// Windows only.
        pub windows_options: Value,
        /// User id.
        pub run_as_user: Option<i64>,
        /// Group id.
        pub run_as_group: Option<i64>,
        /// Refuse to start as root.
        pub run_as_non_root: Option<bool>,
        /// Whether the root file system is read-only.
        pub read_only_root_filesystem: Option<bool>,
        /// Whether set-uid programs work.
        pub allow_privilege_escalation: Option<bool>,
        /// `Default` or `Unmasked`.
        pub proc_mount: Option<String>,
        /// System call filter.
        pub seccomp_profile: Option<ConfinementProfile>,
        /// AppArmor profile.
        pub app_armor_profile: Option<ConfinementProfile>,
    }

    /// Capabilities without the `CAP_` prefix; `ALL` means all.
    pub struct Capabilities {
        /// To add.
        pub add: Vec<String>,
        /// To drop.
        pub drop: Vec<String>,
    }

    /// SELinux label.
    pub struct SeLinuxOptions {
        /// User part.
        pub user: String,
        /// Role part.
        pub role: String,
        /// Type part.
        pub r#type: String,
        /// Level part.
        pub level: String,
    }

    /// A seccomp or AppArmor profile.
    pub struct ConfinementProfile {
        /// `Unconfined`, `RuntimeDefault` or `Localhost`.
        pub r#type: String,
        /// The profile on the node, with `Localhost`.
        pub localhost_profile: Option<String>,
    }

    /// What all containers of a pod may do.
    pub struct PodSecurityContext {
        /// SELinux label.
        pub se_linux_options: Option<SeLinuxOptions>,
        /// Windows only.
        pub windows_options: Value,
        /// User id.
        pub run_as_user: Option<i64>,
        /// Group id.
        pub run_as_group: Option<i64>,
        /// Refuse to start as root.
        pub run_as_non_root: Option<bool>,
        /// More groups.
        pub supplemental_groups: Vec<i64>,
        /// `Merge` or `Strict`.
        pub supplemental_groups_policy: Option<String>,
        /// The group that owns volumes.
        pub fs_group: Option<i64>,
        /// Kernel settings.
        pub sysctls: Vec<Sysctl>,
        /// When volumes change their group.
        pub fs_group_change_policy: Option<String>,
        /// System call filter.
        pub seccomp_profile: Option<ConfinementProfile>,
        /// AppArmor profile.
        pub app_armor_profile: Option<ConfinementProfile>,
        /// When volumes change their label.
        pub se_linux_change_policy: Option<String>,
    }

    /// A kernel setting.
    pub struct Sysctl {
        /// The name.
        pub name: String,
        /// The value.
        pub value: String,
    }
}
