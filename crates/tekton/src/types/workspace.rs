//! Workspaces: declared by tasks and pipelines, handed on by pipeline tasks, bound to storage by runs.

use super::core::objects::PersistentVolumeClaim;
use super::core::volume::{
    ConfigMapVolumeSource, CsiVolumeSource, EmptyDirVolumeSource, PersistentVolumeClaimVolumeSource,
    ProjectedVolumeSource, SecretVolumeSource,
};

wire! {
    /// A folder that a task wants.
    pub struct WorkspaceDeclaration {
        /// The name.
        pub name: String,
        /// Free text.
        pub description: String,
        /// Where steps see it; empty means `/workspace/<name>` ([`WorkspaceDeclaration::path`]).
        pub mount_path: String,
        /// Whether steps may only read it.
        pub read_only: bool,
        /// Whether the task also works without.
        pub optional: bool,
    }

    /// A folder that a pipeline wants and hands to its tasks.
    pub struct PipelineWorkspaceDeclaration {
        /// The name.
        pub name: String,
        /// Free text.
        pub description: String,
        /// Whether the pipeline also works without.
        pub optional: bool,
    }

    /// Gives a pipeline's workspace to a task of it.
    pub struct WorkspacePipelineTaskBinding {
        /// The task's name for it.
        pub name: String,
        /// The pipeline's name for it; empty means the same name.
        pub workspace: String,
        /// A folder in it instead of its root.
        pub sub_path: String,
    }

    /// A workspace that only the steps and sidecars that list it may see.
    pub struct WorkspaceUsage {
        /// The task's name for it.
        pub name: String,
        /// Where this container sees it.
        pub mount_path: String,
    }

    /// The storage behind a workspace of a run: exactly one source.
    pub struct WorkspaceBinding {
        /// The declared name.
        pub name: String,
        /// A folder in it instead of its root.
        pub sub_path: String,
        /// A new claim for each run.
        pub volume_claim_template: Option<Box<PersistentVolumeClaim>>,
        /// An existing claim.
        pub persistent_volume_claim: Option<PersistentVolumeClaimVolumeSource>,
        /// A fresh folder for each task run.
        pub empty_dir: Option<EmptyDirVolumeSource>,
        /// Files from a config map.
        pub config_map: Option<ConfigMapVolumeSource>,
        /// Files from a secret.
        pub secret: Option<SecretVolumeSource>,
        /// Files from several sources.
        pub projected: Option<ProjectedVolumeSource>,
        /// A volume of a storage driver.
        pub csi: Option<CsiVolumeSource>,
    }
}

impl WorkspaceDeclaration {
    /// Where steps see it.
    pub fn path(&self) -> String {
        if self.mount_path.is_empty() { format!("/workspace/{}", self.name) } else { self.mount_path.clone() }
    }
}

impl WorkspacePipelineTaskBinding {
    /// The pipeline's name for it.
    pub fn pipeline_workspace(&self) -> &str {
        if self.workspace.is_empty() { &self.name } else { &self.workspace }
    }
}
