//! The order of the result.

use crate::kustomization::SortOptions;
use crate::object::{Id, Object};

/// Kinds that others need come first.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// What could refuse the others comes last.
const LAST: [&str; 3] =
    ["MutatingWebhookConfiguration", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"];

/// Sorts as the kustomization says; without a word by kind and name, as kubectl does.
///
/// # Errors
/// An order that is not known.
pub fn sort(objects: &mut [Object], options: Option<&SortOptions>) -> Result<(), String> {
    let owned = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
    let (first, last) = match options {
        None => (owned(&FIRST), owned(&LAST)),
        Some(options) => match (options.order.as_str(), &options.legacy_sort_options) {
            ("fifo", None) => return Ok(()),
            ("legacy", None) => (owned(&FIRST), owned(&LAST)),
            ("legacy", Some(legacy)) => (legacy.order_first.clone(), legacy.order_last.clone()),
            ("fifo", Some(_)) => return Err("legacySortOptions belong to the order `legacy`".into()),
            (other, _) => return Err(format!("the order `{other}` is not known; write fifo or legacy")),
        },
    };
    objects.sort_by_cached_key(|object| {
        let id = object.id();
        (rank(&id, &first, &last), key(&id))
    });
    Ok(())
}

fn rank(id: &Id, first: &[String], last: &[String]) -> (u8, usize) {
    let at = |kinds: &[String]| kinds.iter().position(|kind| *kind == id.kind);
    match (at(first), at(last)) {
        (Some(position), _) => (0, position),
        (None, Some(position)) => (2, position),
        (None, None) => (1, 0),
    }
}

/// What is not there sorts behind what is.
fn key(id: &Id) -> (String, String) {
    let or = |text: &str, missing: &str| if text.is_empty() { missing.to_owned() } else { text.to_owned() };
    let kind = [or(&id.group, "~G"), or(&id.version, "~V"), or(&id.kind, "~K")].join("_");
    (kind, [or(&id.namespace, "~X"), or(&id.name, "~N")].join("|"))
}
