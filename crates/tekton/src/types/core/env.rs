//! Environment variables and where their values come from.

use super::resources::Quantity;

wire! {
    /// One variable.
    pub struct EnvVar {
        /// The name.
        pub name: String,
        /// The value, when it is given here.
        pub value: String,
        /// Where the value is taken from.
        pub value_from: Option<EnvVarSource>,
    }

    /// Where a value is taken from: exactly one.
    pub struct EnvVarSource {
        /// A field of the pod.
        pub field_ref: Option<FieldRef>,
        /// Requests or limits of the container.
        pub resource_field_ref: Option<ResourceFieldRef>,
        /// A key of a config map.
        pub config_map_key_ref: Option<KeySelector>,
        /// A key of a secret.
        pub secret_key_ref: Option<KeySelector>,
        /// A key of a file in a volume.
        pub file_key_ref: Option<FileKeyRef>,
    }

    /// A field of the pod, such as `metadata.name`.
    pub struct FieldRef {
        /// `v1`.
        pub api_version: String,
        /// The path of the field.
        pub field_path: String,
    }

    /// A request or limit of a container.
    pub struct ResourceFieldRef {
        /// The container; empty means this one.
        pub container_name: String,
        /// Such as `limits.cpu`.
        pub resource: String,
        /// The unit of the value.
        pub divisor: Quantity,
    }

    /// A key of a config map or secret.
    pub struct KeySelector {
        /// The object.
        pub name: String,
        /// The key.
        pub key: String,
        /// Whether it may be missing.
        pub optional: Option<bool>,
    }

    /// A key of a file in a volume.
    pub struct FileKeyRef {
        /// The volume.
        pub volume_name: String,
        /// The file in it.
        pub path: String,
        /// The key in the file.
        pub key: String,
        /// Whether it may be missing.
        pub optional: Option<bool>,
    }

    /// All keys of a config map or secret as variables.
    pub struct EnvFromSource {
        /// Put before every key.
        pub prefix: String,
        /// The config map.
        pub config_map_ref: Option<ObjectRef>,
        /// The secret.
        pub secret_ref: Option<ObjectRef>,
    }

    /// A config map or secret.
    pub struct ObjectRef {
        /// The object.
        pub name: String,
        /// Whether it may be missing.
        pub optional: Option<bool>,
    }
}

impl EnvVar {
    /// `name=value`.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), value_from: None }
    }
}
