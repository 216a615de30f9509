//! Which lists of Kubernetes' own kinds are merged, and by what (`x-kubernetes-patch-merge-key` of its OpenAPI document).

use crate::object::Id;

/// Groups of Kubernetes itself. Custom resources may be in groups that end like these.
const GROUPS: [&str; 22] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The keys of the list at this path: several must be the same together, none means a set of plain values. Lists without an
/// answer are replaced.
pub fn of(id: &Id, path: &[&str]) -> Option<&'static [&'static str]> {
    if !GROUPS.contains(&id.group.as_str()) {
        return None;
    }
    let (last, above) = path.split_last()?;
    let parent = above.last().copied().unwrap_or_default();
    let in_container = CONTAINERS.contains(&parent);
    match *last {
        "finalizers" if parent == "metadata" => Some(&[]),
        "ownerReferences" if parent == "metadata" => Some(&["uid"]),
        "conditions" if parent == "status" => Some(&["type"]),
        "ports" if in_container => Some(&["containerPort", "protocol"]),
        "ports" if id.kind == "Service" => Some(&["port", "protocol"]),
        "env" | "resizePolicy" if in_container => {
            Some(if *last == "env" { &["name"] } else { &["resourceName"] })
        }
        "volumeMounts" if in_container => Some(&["mountPath"]),
        "volumeDevices" if in_container => Some(&["devicePath"]),
        "claims" if parent == "resources" => Some(&["name"]),
        "secrets" | "imagePullSecrets" if id.kind == "ServiceAccount" => Some(&["name"]),
        "webhooks" | "matchConditions" | "variables" if id.group.starts_with("admissionregistration") => {
            Some(&["name"])
        }
        last if parent == "spec" => match last {
            "hostAliases" => Some(&["ip"]),
            "topologySpreadConstraints" => Some(&["topologyKey", "whenUnsatisfiable"]),
            "volumes" | "imagePullSecrets" | "schedulingGates" | "resourceClaims" => Some(&["name"]),
            last if CONTAINERS.contains(&last) => Some(&["name"]),
            _ => None,
        },
        _ => None,
    }
}
