//! Packages that the lock has at several versions.

use std::collections::{BTreeMap, BTreeSet};

use base::Diagnostic;

use super::code::{KERNEL_MISMATCH, SAME_PACKAGE_OTHER_VERSION};
use super::majority::{some, split};
use super::{Finding, Subject, or_waive};
use crate::graph::{Edge, Graph, Node};
use crate::lock::Pin;

/// What the names of kernels, their variants and headers begin with (Debian policy of the package `linux`).
const KERNEL: [&str; 2] = ["linux-image-", "linux-headers-"];
/// Packages that one message names.
const NAMED: usize = 3;

/// The components whose packages are in an image of the payload, each with what was pinned for it.
fn in_payload<'a>(subject: Subject<'a>, graph: &'a Graph) -> impl Iterator<Item = (&'a str, &'a [Pin])> {
    let members = graph.stream.components.iter().filter(|(_, component)| component.payload);
    let mut reached: BTreeSet<&str> = members.map(|(name, _)| name.as_str()).collect();
    // What starts from something comes after it: one walk backwards finds everything below the payload.
    let order: Vec<&str> = graph.order().collect();
    for name in order.into_iter().rev() {
        if reached.contains(name) {
            // Packages of an image that something is only copied out of are not in the payload.
            let edges = graph.nodes.get(name).map(Node::dependencies).unwrap_or_default();
            reached.extend(edges.into_iter().filter(|(_, edge)| *edge == Edge::Base).map(|(base, _)| base));
        }
    }
    let lock = subject.lock;
    reached
        .into_iter()
        .map(|name| (name, lock.pins(graph.platform, name)))
        .filter(|(_, pins)| !pins.is_empty())
}

/// One package at different versions across the payload of a platform.
pub(super) fn other_version(subject: Subject<'_>) -> Vec<Finding> {
    on_each(subject, other_version_on)
}

/// What is found on each platform; the same on several once.
fn on_each(subject: Subject<'_>, found_on: impl Fn(Subject<'_>, &Graph) -> Vec<Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for finding in subject.graphs.iter().flat_map(|graph| found_on(subject, graph)) {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

fn other_version_on(subject: Subject<'_>, graph: &Graph) -> Vec<Finding> {
    let mut packages: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (component, pins) in in_payload(subject, graph) {
        for pin in pins {
            packages.entry(&pin.name).or_default().insert(component, &pin.version);
        }
    }
    let mut differ: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (package, versions) in &packages {
        let Some(split) = split(versions, |name| is_inherited(subject, name)) else { continue };
        for (component, version) in split.others {
            let there = some(&split.with_most);
            let verb = if split.with_most.len() == 1 { "has" } else { "have" };
            let text = format!("{package} {version}, where {there} {verb} {}", split.most);
            differ.entry(component).or_default().push(text);
        }
    }
    differ.into_iter().map(|(component, texts)| finding(subject, component, &texts)).collect()
}

fn finding(subject: Subject<'_>, component: &str, texts: &[String]) -> Finding {
    let more = match texts.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let named: Vec<&str> = texts.iter().take(NAMED).map(String::as_str).collect();
    let code = SAME_PACKAGE_OTHER_VERSION.code;
    let message = format!("`{component}` has {}{more}", named.join("; "));
    let finding = Diagnostic::warning(code, message);
    let help = or_waive(subject.definition, "move the lock: sw update", code, Some(component));
    let finding = subject.definition.places.at(&["components", component, "packages"], finding);
    Finding::about(component, finding.help(help))
}

/// Parts of kernels of different builds on one platform.
pub(super) fn kernels(subject: Subject<'_>) -> Vec<Finding> {
    on_each(subject, kernels_on)
}

fn kernels_on(subject: Subject<'_>, graph: &Graph) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, &str> = BTreeMap::new();
    let mut parts: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (component, pins) in in_payload(subject, graph) {
        let of_kernel = |pin: &&Pin| KERNEL.iter().any(|prefix| pin.name.starts_with(prefix));
        for pin in pins.iter().filter(of_kernel) {
            versions.insert(&pin.name, &pin.version);
            parts.insert(&pin.name, (component, &pin.version));
        }
    }
    let Some(split) = split(&versions, |_| false) else { return Vec::new() };
    let code = KERNEL_MISMATCH.code;
    let one = |(package, version): (&str, &str)| {
        let (component, _) = parts.get(package)?;
        let verb = if split.with_most.len() == 1 { "is" } else { "are" };
        let message = format!(
            "`{component}` has {package} {version}, and {} {verb} at {}",
            some(&split.with_most),
            split.most
        );
        let finding = Diagnostic::warning(code, message);
        let instead = "move the lock (sw update), or ask for parts of one version";
        let help = or_waive(subject.definition, instead, code, Some(component));
        let finding = subject.definition.places.at(&["components", component, "packages"], finding);
        Some(Finding::about(component, finding.help(help)))
    };
    split.others.into_iter().filter_map(one).collect()
}

fn is_inherited(subject: Subject<'_>, name: &str) -> bool {
    subject.graphs.stream.components.get(name).is_some_and(|component| component.inherited.is_some())
}
