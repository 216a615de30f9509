//! What the stream file says to no effect.

use std::collections::BTreeSet;

use base::Diagnostic;
use base::diagnostic::did_you_mean;

use super::code::{DUPLICATE_PACKAGE, NOTHING_TO_BUILD, UNUSED_ARGUMENT};
use super::{Finding, rebase};
use crate::definition::{Component, Definition, Places, RebuildInherited};
use crate::graph::Graphs;

/// Arguments that builders know without an `ARG` (Dockerfile reference, "Predefined ARGs").
const PREDEFINED: [&str; 11] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SOURCE_DATE_EPOCH",
];

/// Packages that are listed twice, arguments that no Containerfile takes, and images that cannot be rebuilt.
pub(crate) fn findings(definition: &Definition, graphs: &Graphs) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, component) in &graphs.stream.components {
        findings.extend(twice(&definition.places, name, component));
        // The Containerfile is the same on every platform.
        let mut nodes = graphs.iter().filter_map(|graph| graph.nodes.get(name));
        if let Some(known) = nodes.find_map(|node| node.args.as_ref()) {
            findings.extend(without_arg(&definition.places, name, component, known));
        }
    }
    findings.extend(images_to_build(definition));
    findings.extend(rebase::findings(definition, graphs));
    findings
}

/// Images that are there already cannot be built, whatever is asked for.
fn images_to_build(definition: &Definition) -> Option<Finding> {
    let stream = &definition.stream;
    let inherited = stream.components.values().filter(|component| component.inherited.is_some());
    let (images, built): (Vec<&Component>, Vec<&Component>) =
        inherited.partition(|component| component.is_prebuilt());
    if stream.rebuild_inherited != RebuildInherited::All || images.is_empty() {
        return None;
    }
    let message = format!(
        "{} of the {} inherited components are published images, which are not built",
        images.len(),
        images.len() + built.len()
    );
    let finding = Diagnostic::warning(NOTHING_TO_BUILD.code, message)
        .help("replace them with their sources, or leave `rebuildInherited` out");
    let diagnostic = definition.places.at(&["rebuildInherited"], finding);
    Some(Finding { component: None, diagnostic })
}

fn twice(places: &Places, name: &str, component: &Component) -> Vec<Finding> {
    let mut met = BTreeSet::new();
    let again = component.packages.iter().enumerate().filter(|(_, package)| !met.insert(*package));
    let finding = |(index, package): (usize, &String)| {
        let finding =
            Diagnostic::warning(DUPLICATE_PACKAGE.code, format!("the package `{package}` is listed twice"));
        let path = ["components", name, "packages", &index.to_string()];
        Finding::about(name, places.at(&path, finding).help("remove one of them"))
    };
    again.map(finding).collect()
}

fn without_arg(places: &Places, name: &str, component: &Component, known: &BTreeSet<String>) -> Vec<Finding> {
    let unknown = |argument: &&String| !known.contains(*argument) && !PREDEFINED.contains(&argument.as_str());
    let finding = |argument: &String| {
        let message = format!("the Containerfile of `{name}` has no ARG {argument}");
        let finding = Diagnostic::warning(UNUSED_ARGUMENT.code, message);
        let finding = places.at_key(&["components", name, "args", argument], finding);
        let help = did_you_mean(argument, known.iter().map(String::as_str)).unwrap_or_else(|| {
            format!("write `ARG {argument}` in the Containerfile, or remove the argument")
        });
        Finding::about(name, finding.help(help))
    };
    component.args.keys().filter(unknown).map(finding).collect()
}
