//! What a stream says about rebuilding.

use base::{Diagnostic, Diagnostics};

use super::Scope;
use crate::definition::{Component, RebuildInherited};

/// Images that are there already cannot be built, whatever is asked for.
pub(super) fn check(scope: Scope<'_>, findings: &mut Diagnostics) {
    if scope.stream.rebuild_inherited != RebuildInherited::All {
        return;
    }
    let inherited = scope.stream.components.values().filter(|component| component.inherited.is_some());
    let (images, built): (Vec<&Component>, Vec<&Component>) =
        inherited.partition(|component| component.prebuilt().is_some());
    if !images.is_empty() {
        let message = format!(
            "{} of the {} inherited components are published images, which are not built",
            images.len(),
            images.len() + built.len()
        );
        let finding = Diagnostic::warning("nothing-to-build", message)
            .help("replace them with their sources, or leave `rebuildInherited` out");
        findings.push(scope.places.at(&["rebuildInherited"], finding));
    }
}
