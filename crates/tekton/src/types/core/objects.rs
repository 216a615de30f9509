//! Config maps, secrets, service accounts, volume claims.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::meta::ObjectMeta;
use super::resources::ResourceRequirements;
use crate::types::wire::is_empty;

wire! {
    /// Settings by key.
    pub struct ConfigMap {
        /// `v1`.
        pub api_version: String,
        /// `ConfigMap`.
        pub kind: String,
        /// Name, labels, annotations.
        pub metadata: ObjectMeta,
        /// Texts.
        pub data: BTreeMap<String, String>,
        /// Bytes, in base64.
        pub binary_data: BTreeMap<String, String>,
        /// Whether it may change.
        pub immutable: Option<bool>,
    }

    /// An account with the secrets its runs get.
    pub struct ServiceAccount {
        /// `v1`.
        pub api_version: String,
        /// `ServiceAccount`.
        pub kind: String,
        /// Name, labels, annotations.
        pub metadata: ObjectMeta,
        /// Secrets that runs may use.
        pub secrets: Vec<ObjectReference>,
        /// Secrets for pulling images.
        pub image_pull_secrets: Vec<LocalObjectReference>,
        /// Whether a token is mounted.
        pub automount_service_account_token: Option<bool>,
    }

    /// An object of any kind.
    pub struct ObjectReference {
        /// Its kind.
        pub kind: String,
        /// Its namespace.
        pub namespace: String,
        /// Its name.
        pub name: String,
        /// Its identity.
        pub uid: String,
        /// Its version.
        pub api_version: String,
        /// The version that was seen.
        pub resource_version: String,
        /// A part of it.
        pub field_path: String,
    }

    /// An object of the same namespace whose kind is clear.
    pub struct LocalObjectReference {
        /// Its name.
        pub name: String,
    }

    /// A wish for storage.
    pub struct PersistentVolumeClaim {
        /// `v1`.
        pub api_version: String,
        /// `PersistentVolumeClaim`.
        pub kind: String,
        /// Name, labels, annotations.
        pub metadata: ObjectMeta,
        /// What is wished for.
        pub spec: PersistentVolumeClaimSpec,
        /// Kept as it is.
        pub status: Value,
    }

    /// What is wished for.
    pub struct PersistentVolumeClaimSpec {
        /// `ReadWriteOnce`, …
        pub access_modes: Vec<String>,
        /// Selects volumes.
        pub selector: Value,
        /// How much.
        pub resources: ResourceRequirements,
        /// A certain volume.
        pub volume_name: String,
        /// The class of storage.
        pub storage_class_name: Option<String>,
        /// `Filesystem` or `Block`.
        pub volume_mode: Option<String>,
        /// A snapshot or claim to begin with.
        pub data_source: Value,
        /// A snapshot or claim to begin with.
        pub data_source_ref: Value,
        /// The class of its attributes.
        pub volume_attributes_class_name: Option<String>,
    }
}

/// Secrets by key. Printed for debugging, it shows the keys only.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Secret {
    /// `v1`.
    #[serde(skip_serializing_if = "is_empty")]
    pub api_version: String,
    /// `Secret`.
    #[serde(skip_serializing_if = "is_empty")]
    pub kind: String,
    /// Name, labels, annotations.
    #[serde(skip_serializing_if = "is_empty")]
    pub metadata: ObjectMeta,
    /// `Opaque`, `kubernetes.io/basic-auth`, …
    #[serde(skip_serializing_if = "is_empty")]
    pub r#type: String,
    /// Bytes, in base64.
    #[serde(skip_serializing_if = "is_empty")]
    pub data: BTreeMap<String, String>,
    /// Texts; win over `data`.
    #[serde(skip_serializing_if = "is_empty")]
    pub string_data: BTreeMap<String, String>,
    /// Whether it may change.
    #[serde(skip_serializing_if = "is_empty")]
    pub immutable: Option<bool>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.metadata.name)
            .field("type", &self.r#type)
            .field("data", &self.data.keys())
            .field("string_data", &self.string_data.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debugging_does_not_show_secrets() {
        let data = [("password".to_owned(), "aHVudGVyMg==".to_owned())].into();
        let shown = format!("{:?}", Secret { data, ..Secret::default() });
        assert!(shown.contains("password") && !shown.contains("aHVudGVyMg"), "{shown}");
    }
}
