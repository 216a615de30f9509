//! A stream and an overlay on it to the stream that they are together.

use base::{Diagnostic, Diagnostics};

use super::Applied;
use super::apply::Target;
use crate::definition::overlay::Parent;
use crate::definition::{Definition, OverlayDefinition};

/// Applies an overlay to the stream it is from.
///
/// Every component, base and test of the result knows the text that says it, so that all later findings point at the
/// line that somebody can change.
///
/// # Errors
/// Every operation that does not apply, with what it names and why that is not there.
pub fn flatten(parent: &Definition, overlay: &OverlayDefinition) -> Result<Definition, Diagnostics> {
    let mut findings = Diagnostics::default();
    let file = &overlay.overlay;
    let mut flat = inherit(parent);
    if flat.history.parents.contains(&file.name) {
        let message = format!("a stream below is called `{}` too", file.name);
        let help = "give the overlay a name of its own: releases, images and caches are told apart by it";
        findings.push(overlay.at(&["name"], Diagnostic::error("name-of-parent", message)).help(help));
    }
    flat.stream.name.clone_from(&file.name);
    flat.stream.repository.clone_from(&file.repository);
    // A published release has images, but no keys.
    if !matches!(file.from, Parent::Payload(_)) {
        flat.stream.caches.insert(0, parent.stream.repository.clone());
    }
    flat.stream.caches.extend(file.caches.iter().cloned());
    if !file.description.is_empty() {
        flat.stream.description.clone_from(&file.description);
    }
    if let Some(version) = &file.version {
        flat.stream.version.clone_from(version);
    }
    if let Some(platforms) = &file.platforms {
        flat.stream.platforms.clone_from(platforms);
    }
    flat.stream.rebuild = file.rebuild.unwrap_or(flat.stream.rebuild);
    flat.stream.rebuild_inherited = file.rebuild_inherited;
    if let Some(names) = &file.layer_rebase {
        flat.stream.layer_rebase.clone_from(names);
    }
    let fields = [
        "name",
        "from",
        "repository",
        "caches",
        "description",
        "version",
        "platforms",
        "rebuild",
        "rebuildInherited",
        "layerRebase",
    ];
    for field in fields {
        if let Some(entry) = overlay.root.entry(field) {
            flat.places.lay(&[field], &overlay.source, Some(entry.key_span), entry.value.clone());
        }
    }
    for (index, operation) in file.operations.iter().enumerate() {
        let (node, span) = overlay.operation(index, operation.verb());
        let target = Target { flat: &mut flat, source: &overlay.source, node, span };
        match target.apply(operation) {
            Ok(()) => flat.history.applied.push(Applied {
                stream: file.name.clone(),
                operation: operation.clone(),
                source: overlay.source.clone(),
                span,
            }),
            Err(finding) => findings.push(*finding),
        }
    }
    findings.into_result(flat)
}

/// The parent's definition as a child sees it: what it says belongs to it by name.
fn inherit(parent: &Definition) -> Definition {
    let mut flat = parent.clone();
    let name = &parent.stream.name;
    for component in flat.stream.components.values_mut() {
        component.inherited.get_or_insert_with(|| name.clone());
        for patch in &mut component.patches {
            patch.inherited.get_or_insert_with(|| name.clone());
        }
    }
    for waiver in &mut flat.stream.waivers {
        waiver.inherited.get_or_insert_with(|| name.clone());
    }
    flat.history.parents.push(name.clone());
    flat
}
