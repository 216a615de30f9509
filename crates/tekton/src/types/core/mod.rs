//! The parts of Kubernetes core/v1 that Tekton's types contain, and the objects that travel in the same files.
//!
//! - [`meta`]: names, labels, annotations, owners
//! - [`env`](mod@env): environment variables and where their values come from
//! - [`volume`]: volumes and mounts
//! - [`security`]: users, capabilities, confinement
//! - [`resources`]: quantities, requests and limits
//! - [`probe`]: probes, life cycle hooks, ports
//! - [`objects`]: config maps, secrets, service accounts, volume claims

pub mod env;
pub mod meta;
pub mod objects;
pub mod probe;
pub mod resources;
pub mod security;
pub mod volume;

pub use env::{EnvFromSource, EnvVar};
pub use meta::ObjectMeta;
pub use objects::{ConfigMap, PersistentVolumeClaim, Secret, ServiceAccount};
pub use probe::{IntOrString, Probe};
pub use resources::{Quantity, ResourceRequirements};
pub use security::{PodSecurityContext, SecurityContext};
pub use volume::{Volume, VolumeMount};
