//! Volumes and mounts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::env::{FieldRef, ResourceFieldRef};
use super::objects::LocalObjectReference;
use super::resources::Quantity;

wire! {
    /// Storage for the containers of a pod: a name and exactly one source.
    ///
    /// The sources that mean something on one machine are typed; the others are kept as they are.
    pub struct Volume {
        /// DNS label, unique in the pod.
        pub name: String,
        /// A fresh folder.
        pub empty_dir: Option<EmptyDirVolumeSource>,
        /// A path of the node.
        pub host_path: Option<HostPathVolumeSource>,
        /// Files from a config map.
        pub config_map: Option<ConfigMapVolumeSource>,
        /// Files from a secret.
        pub secret: Option<SecretVolumeSource>,
        /// Files from several sources.
        pub projected: Option<ProjectedVolumeSource>,
        /// Files with fields of the pod.
        #[serde(rename = "downwardAPI")]
        pub downward_api: Option<DownwardApiVolumeSource>,
        /// An existing claim.
        pub persistent_volume_claim: Option<PersistentVolumeClaimVolumeSource>,
        /// A volume of a storage driver.
        pub csi: Option<CsiVolumeSource>,
        /// Kept as it is.
        pub aws_elastic_block_store: Value,
        /// Kept as it is.
        pub azure_disk: Value,
        /// Kept as it is.
        pub azure_file: Value,
        /// Kept as it is.
        pub cephfs: Value,
        /// Kept as it is.
        pub cinder: Value,
        /// Kept as it is.
        pub ephemeral: Value,
        /// Kept as it is.
        pub fc: Value,
        /// Kept as it is.
        pub flex_volume: Value,
        /// Kept as it is.
        pub flocker: Value,
        /// Kept as it is.
        pub gce_persistent_disk: Value,
        /// Kept as it is.
        pub git_repo: Value,
        /// Kept as it is.
        pub glusterfs: Value,
        /// Kept as it is.
        pub image: Value,
        /// Kept as it is.
        pub iscsi: Value,
        /// Kept as it is.
        pub nfs: Value,
        /// Kept as it is.
        pub photon_persistent_disk: Value,
        /// Kept as it is.
        pub portworx_volume: Value,
        /// Kept as it is.
        pub quobyte: Value,
        /// Kept as it is.
        pub rbd: Value,
        /// Kept as it is.
        #[serde(rename = "scaleIO")]
        pub scale_io: Value,
        /// Kept as it is.
        pub storageos: Value,
        /// Kept as it is.
        pub vsphere_volume: Value,
    }

    /// A fresh folder.
    pub struct EmptyDirVolumeSource {
        /// `Memory` or empty.
        pub medium: String,
        /// At most so many bytes.
        pub size_limit: Option<Quantity>,
    }

    /// A path of the node.
    pub struct HostPathVolumeSource {
        /// The path.
        pub path: String,
        /// What must or may be there.
        pub r#type: Option<String>,
    }

    /// Files from a config map.
    pub struct ConfigMapVolumeSource {
        /// The config map.
        pub name: String,
        /// Only these keys; empty means all.
        pub items: Vec<KeyToPath>,
        /// Permissions; absent means 0644.
        pub default_mode: Option<i32>,
        /// Whether it may be missing.
        pub optional: Option<bool>,
    }

    /// Files from a secret.
    pub struct SecretVolumeSource {
        /// The secret.
        pub secret_name: String,
        /// Only these keys; empty means all.
        pub items: Vec<KeyToPath>,
        /// Permissions; absent means 0644.
        pub default_mode: Option<i32>,
        /// Whether it may be missing.
        pub optional: Option<bool>,
    }

    /// A key as a file.
    pub struct KeyToPath {
        /// The key.
        pub key: String,
        /// The relative path of the file.
        pub path: String,
        /// Permissions; absent means the volume's.
        pub mode: Option<i32>,
    }

    /// Files from several sources.
    pub struct ProjectedVolumeSource {
        /// The sources.
        pub sources: Vec<VolumeProjection>,
        /// Permissions; absent means 0644.
        pub default_mode: Option<i32>,
    }

    /// One source of a projected volume.
    pub struct VolumeProjection {
        /// A secret.
        pub secret: Option<ObjectProjection>,
        /// A config map.
        pub config_map: Option<ObjectProjection>,
        /// Fields of the pod.
        #[serde(rename = "downwardAPI")]
        pub downward_api: Option<DownwardApiProjection>,
        /// A token of the service account.
        pub service_account_token: Option<ServiceAccountTokenProjection>,
        /// Kept as it is.
        pub cluster_trust_bundle: Value,
        /// Kept as it is.
        pub pod_certificate: Value,
    }

    /// A config map or secret in a projected volume.
    pub struct ObjectProjection {
        /// The object.
        pub name: String,
        /// Only these keys; empty means all.
        pub items: Vec<KeyToPath>,
        /// Whether it may be missing.
        pub optional: Option<bool>,
    }

    /// Fields of the pod in a projected volume.
    pub struct DownwardApiProjection {
        /// The files.
        pub items: Vec<DownwardApiVolumeFile>,
    }

    /// A token of the service account in a projected volume.
    pub struct ServiceAccountTokenProjection {
        /// Whom the token is for.
        pub audience: String,
        /// How long it is valid, in seconds.
        pub expiration_seconds: Option<i64>,
        /// The relative path of the file.
        pub path: String,
    }

    /// Files with fields of the pod.
    pub struct DownwardApiVolumeSource {
        /// The files.
        pub items: Vec<DownwardApiVolumeFile>,
        /// Permissions; absent means 0644.
        pub default_mode: Option<i32>,
    }

    /// A file with a field of the pod.
    pub struct DownwardApiVolumeFile {
        /// The relative path of the file.
        pub path: String,
        /// The field.
        pub field_ref: Option<FieldRef>,
        /// A request or limit.
        pub resource_field_ref: Option<ResourceFieldRef>,
        /// Permissions; absent means the volume's.
        pub mode: Option<i32>,
    }

    /// An existing claim.
    pub struct PersistentVolumeClaimVolumeSource {
        /// The claim.
        pub claim_name: String,
        /// Whether it is mounted read-only.
        pub read_only: bool,
    }

    /// A volume of a storage driver.
    pub struct CsiVolumeSource {
        /// The driver.
        pub driver: String,
        /// Whether it is mounted read-only.
        pub read_only: Option<bool>,
        /// The file system.
        pub fs_type: Option<String>,
        /// For the driver.
        pub volume_attributes: BTreeMap<String, String>,
        /// A secret for the driver.
        pub node_publish_secret_ref: Option<LocalObjectReference>,
    }

    /// Where a container sees a volume.
    pub struct VolumeMount {
        /// The volume.
        pub name: String,
        /// Whether it is read-only.
        pub read_only: bool,
        /// Whether that holds for mounts below it.
        pub recursive_read_only: Option<String>,
        /// The absolute path in the container.
        pub mount_path: String,
        /// A folder in the volume instead of its root.
        pub sub_path: String,
        /// How mounts below it travel.
        pub mount_propagation: Option<String>,
        /// Like `subPath`, with `$(VAR)` of the environment.
        pub sub_path_expr: String,
    }

    /// Where a container sees a block device.
    pub struct VolumeDevice {
        /// The claim.
        pub name: String,
        /// The path in the container.
        pub device_path: String,
    }
}
