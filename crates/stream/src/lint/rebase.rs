//! Bases that may be exchanged by what a stream says, and are not.

use std::collections::BTreeSet;

use base::Diagnostic;
use base::diagnostic::did_you_mean;
use oci::rebase::ABI_LABEL;

use super::Finding;
use super::code::{NO_ABI_LABEL, UNUSED_LAYER_REBASE};
use crate::bases::matcher;
use crate::definition::Definition;
use crate::graph::{Edge, Graphs};

/// Entries that fit no base, and components that fit one and promise nothing.
pub(super) fn findings(definition: &Definition, graphs: &Graphs) -> Vec<Finding> {
    let nodes = || graphs.iter().flat_map(|graph| graph.nodes.values());
    let bases = || nodes().flat_map(|node| &node.bases).filter(|(_, base)| base.role == Edge::Base);
    let mut findings = Vec::new();
    let mut silent: BTreeSet<&str> = BTreeSet::new();
    for (index, pattern) in graphs.stream.layer_rebase.iter().enumerate() {
        let Ok(matcher) = matcher(pattern) else { continue };
        let mut fitting = bases().filter(|(name, _)| matcher.is_match(name)).peekable();
        if fitting.peek().is_none() {
            let names: BTreeSet<&str> = bases().map(|(name, _)| name.as_str()).collect();
            let help = did_you_mean(pattern, names)
                .unwrap_or_else(|| "remove it; `sw bases` lists what images are layers on".to_owned());
            let message = format!("no image is a layer on `{pattern}`");
            let finding = Diagnostic::warning(UNUSED_LAYER_REBASE.code, message).help(help);
            let diagnostic = definition.places.at(&["layerRebase", &index.to_string()], finding);
            findings.push(Finding { component: None, diagnostic });
        }
        let components = fitting.filter_map(|(_, base)| base.image.component());
        silent.extend(components.filter(|name| {
            graphs.stream.components.get(*name).is_some_and(|one| !one.labels.contains_key(ABI_LABEL))
        }));
    }
    findings.extend(silent.into_iter().map(|component| {
        let message = format!("the base `{component}` is not exchanged: it has no label `{ABI_LABEL}`");
        let help =
            format!("give it one that says what images on it rely on: `labels: {{{ABI_LABEL}: \"1\"}}`");
        let finding = Diagnostic::warning(NO_ABI_LABEL.code, message).help(help);
        Finding::about(component, definition.places.at(&["components", component], finding))
    }));
    findings
}
