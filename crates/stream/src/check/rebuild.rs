//! The bases that may be exchanged under images instead of building these again.

use std::collections::BTreeMap;

use base::{Diagnostic, Diagnostics};
use oci::rebase::ABI_LABEL;

use super::Scope;
use crate::bases::matcher;
use crate::definition::Platform;
use crate::graph::{Base, BaseImage, Edge, Node};

/// Only what an image is a layer on can be exchanged under it. A component that is such a base must promise something itself: the label
/// that an image has from its own base says nothing about what its own layers do.
pub(super) fn resolve(
    scope: Scope<'_>,
    nodes: &mut BTreeMap<Platform, BTreeMap<String, Node>>,
    findings: &mut Diagnostics,
) {
    let promises = |base: &Base| match &base.image {
        BaseImage::Image(_) => true,
        BaseImage::Component(component) => {
            scope.stream.components.get(component).is_some_and(|one| one.labels.contains_key(ABI_LABEL))
        }
    };
    let mut matchers = Vec::new();
    for (index, pattern) in scope.stream.layer_rebase.iter().enumerate() {
        match matcher(pattern) {
            Ok(matcher) => matchers.push(matcher),
            Err(e) => {
                let finding = Diagnostic::error("bad-pattern", e.to_string());
                findings.push(scope.places.at(&["layerRebase", &index.to_string()], finding));
            }
        }
    }
    for node in nodes.values_mut().flat_map(BTreeMap::values_mut) {
        let bases = node.bases.iter().filter(|(_, base)| base.role == Edge::Base && promises(base));
        let fitting = bases.filter(|(name, _)| matchers.iter().any(|matcher| matcher.is_match(name)));
        node.swap = fitting.map(|(name, _)| name.clone()).collect();
    }
}
