//! What a container may ask about its own pod (the Kubernetes downward API).

use std::collections::BTreeMap;

/// The facts of one pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodFacts {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its identity.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// The account it runs as.
    pub service_account: String,
    /// This machine's name.
    pub node: String,
}

impl PodFacts {
    /// The value of a `fieldRef`; `None` for a path that the downward API does not have.
    ///
    /// `metadata.labels` and `metadata.annotations` give `key="value"` lines; pod and host share the loopback address.
    pub fn field(&self, path: &str) -> Option<String> {
        let keyed = |prefix: &str, map: &BTreeMap<String, String>| {
            let key = path.strip_prefix(prefix)?.strip_prefix('[')?.strip_suffix(']')?;
            let key = key.trim_matches(['\'', '"']);
            Some(map.get(key).cloned().unwrap_or_default())
        };
        let lines = |map: &BTreeMap<String, String>| {
            map.iter().map(|(k, v)| format!("{k}={v:?}")).collect::<Vec<_>>().join("\n")
        };
        match path {
            "metadata.name" => Some(self.name.clone()),
            "metadata.namespace" => Some(self.namespace.clone()),
            "metadata.uid" => Some(self.uid.clone()),
            "metadata.labels" => Some(lines(&self.labels)),
            "metadata.annotations" => Some(lines(&self.annotations)),
            "spec.nodeName" => Some(self.node.clone()),
            "spec.serviceAccountName" => Some(self.service_account.clone()),
            "status.podIP" | "status.podIPs" | "status.hostIP" | "status.hostIPs" => {
                Some("127.0.0.1".to_owned())
            }
            _ => keyed("metadata.labels", &self.labels)
                .or_else(|| keyed("metadata.annotations", &self.annotations)),
        }
    }
}

/// The value of a `resourceFieldRef` for a container without limits: what the machine has (Kubernetes gives the node's
/// allocatable amount). Cores for `cpu`, bytes for `memory`; `None` for a resource that is not known.
pub fn resource(name: &str, divisor: u64) -> Option<String> {
    let amount = match name {
        "limits.cpu" | "requests.cpu" => std::thread::available_parallelism().map_or(1, |n| n.get() as u64),
        "limits.memory" | "requests.memory" => {
            let info = rustix::system::sysinfo();
            info.totalram as u64 * u64::from(info.mem_unit)
        }
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => 0,
        _ => return None,
    };
    Some(amount.div_ceil(divisor.max(1)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let pod = PodFacts {
            name: "p".into(),
            labels: BTreeMap::from([("a/b".into(), "c".into())]),
            ..PodFacts::default()
        };
        assert_eq!(pod.field("metadata.name").as_deref(), Some("p"));
        assert_eq!(pod.field("metadata.labels['a/b']").as_deref(), Some("c"));
        assert_eq!(pod.field("metadata.labels['x']").as_deref(), Some(""));
        assert_eq!(pod.field("metadata.labels").as_deref(), Some("a/b=\"c\""));
        assert_eq!(pod.field("spec.nothing"), None);
    }
}
