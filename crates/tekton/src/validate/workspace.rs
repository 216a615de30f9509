//! Workspace bindings of runs (§3.2 #40).

use super::finding::{At, Findings};
use crate::types::WorkspaceBinding;

/// What a binding may be, as Tekton lists it.
const SOURCES: [&str; 5] =
    ["persistentvolumeclaim", "volumeclaimtemplate", "emptydir", "configmap", "secret"];

/// One binding: exactly one source, complete.
pub(super) fn binding(f: &mut Findings<'_>, binding: &WorkspaceBinding, at: &At) {
    if *binding == WorkspaceBinding::default() {
        return f.missing(at.clone());
    }
    let sources = [
        binding.volume_claim_template.is_some(),
        binding.persistent_volume_claim.is_some(),
        binding.empty_dir.is_some(),
        binding.config_map.is_some(),
        binding.secret.is_some(),
        binding.projected.is_some(),
        binding.csi.is_some(),
    ];
    let all = SOURCES.map(|source| at.field(source));
    match sources.iter().filter(|set| **set).count() {
        0 => return f.neither(&all),
        1 => {}
        _ => return f.both(&all),
    }
    let empty = |name: Option<&String>| name.is_some_and(String::is_empty);
    if empty(binding.persistent_volume_claim.as_ref().map(|p| &p.claim_name)) {
        f.missing(at.field("persistentvolumeclaim.claimname"));
    } else if empty(binding.config_map.as_ref().map(|c| &c.name)) {
        f.missing(at.field("configmap.name"));
    } else if empty(binding.secret.as_ref().map(|s| &s.secret_name)) {
        f.missing(at.field("secret.secretName"));
    } else if binding.projected.as_ref().is_some_and(|p| p.sources.is_empty()) {
        f.missing(at.field("projected.sources"));
    } else if empty(binding.csi.as_ref().map(|c| &c.driver)) {
        f.missing(at.field("csi.driver"));
    }
}
