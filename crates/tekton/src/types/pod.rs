//! What a run says about its pods.

use std::collections::BTreeMap;

use serde_json::Value;

use super::core::env::EnvVar;
use super::core::objects::LocalObjectReference;
use super::core::security::PodSecurityContext;
use super::core::volume::Volume;

/// The label of nodes that says their processor (Kubernetes, "Well-Known Labels").
const ARCHITECTURE: &str = "kubernetes.io/arch";

impl PodTemplate {
    /// Pods that run on nodes of a processor, in the words of Go: `arm64`.
    pub fn on_architecture(architecture: &str) -> Self {
        let node_selector = BTreeMap::from([(ARCHITECTURE.to_owned(), architecture.to_owned())]);
        Self { node_selector, ..Self::default() }
    }

    /// The processor that the nodes must have.
    pub fn architecture(&self) -> Option<&str> {
        self.node_selector.get(ARCHITECTURE).map(String::as_str)
    }
}

wire! {
    /// Settings of the pods of a run. The scheduling fields are kept as they are; they mean nothing on one machine, but for the
    /// processor.
    pub struct PodTemplate {
        /// Scheduling.
        pub node_selector: BTreeMap<String, String>,
        /// Environment of all containers.
        pub env: Vec<EnvVar>,
        /// Scheduling.
        pub tolerations: Vec<Value>,
        /// Scheduling.
        pub affinity: Value,
        /// User, groups, sysctls of the pod.
        pub security_context: Option<PodSecurityContext>,
        /// More volumes.
        pub volumes: Vec<Volume>,
        /// Scheduling.
        pub runtime_class_name: Option<String>,
        /// Whether a token is mounted.
        pub automount_service_account_token: Option<bool>,
        /// `ClusterFirst`, `Default`, `None`, …
        pub dns_policy: Option<String>,
        /// Name servers and search domains.
        pub dns_config: Option<PodDnsConfig>,
        /// Whether services appear in the environment.
        pub enable_service_links: Option<bool>,
        /// Scheduling.
        pub priority_class_name: Option<String>,
        /// Scheduling.
        pub scheduler_name: String,
        /// Secrets for pulling images.
        pub image_pull_secrets: Vec<LocalObjectReference>,
        /// More lines in /etc/hosts.
        pub host_aliases: Vec<HostAlias>,
        /// Whether the pod is in the host's network.
        pub host_network: bool,
        /// Whether the pod is in the host's user namespace.
        pub host_users: Option<bool>,
        /// Scheduling.
        pub topology_spread_constraints: Vec<Value>,
    }

    /// Name servers and search domains.
    pub struct PodDnsConfig {
        /// Addresses of name servers.
        pub nameservers: Vec<String>,
        /// Search domains.
        pub searches: Vec<String>,
        /// Options of resolv.conf.
        pub options: Vec<PodDnsConfigOption>,
    }

    /// An option of resolv.conf.
    pub struct PodDnsConfigOption {
        /// The name.
        pub name: String,
        /// The value, when it has one.
        pub value: Option<String>,
    }

    /// A line of /etc/hosts.
    pub struct HostAlias {
        /// The address.
        pub ip: String,
        /// Its names.
        pub hostnames: Vec<String>,
    }
}
