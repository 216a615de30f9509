//! What is looked at again when a component changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::definition::{Component, Origin};
use crate::graph::Graph;

/// What depends on a component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependents {
    /// Components that start from it or copy out of it, each with the stream that it is inherited from.
    pub direct: BTreeMap<String, Option<String>>,
    /// Components that start from those, and so on, each with the components that it has this from.
    pub indirect: BTreeMap<String, Vec<String>>,
    /// Tests that start its image.
    pub tests: Vec<String>,
    /// Components whose sources are in the same repository: a commit there is new to them too.
    pub same_repository: Vec<String>,
    /// Whether the release payload is a layer on its image.
    pub release_base: bool,
}

/// Everything that depends on `component`.
pub fn dependents(graph: &Graph, component: &str) -> Dependents {
    let stream = &graph.stream;
    let from = |name: &str| graph.nodes.get(name).map(|node| node.base_components()).unwrap_or_default();
    let inherited = |name: &str| stream.components.get(name).and_then(|c| c.inherited.clone());
    let mut found = Dependents::default();
    let mut all: BTreeSet<&str> = BTreeSet::from([component]);
    // Bases come first, so one walk finds all.
    for name in graph.order() {
        let bases = from(name);
        if bases.contains(component) {
            found.direct.insert(name.to_owned(), inherited(name));
            all.insert(name);
        } else {
            let through: Vec<String> =
                bases.iter().filter(|base| all.contains(**base)).map(|base| (*base).to_owned()).collect();
            if !through.is_empty() {
                found.indirect.insert(name.to_owned(), through);
                all.insert(name);
            }
        }
    }
    let uses = |images: &BTreeMap<String, String>| images.values().any(|used| used == component);
    found.tests =
        stream.tests.iter().filter(|(_, t)| uses(&t.images)).map(|(name, _)| name.clone()).collect();
    if let Some(own) = stream.components.get(component).and_then(repository) {
        let others = stream
            .components
            .iter()
            .filter(|(name, other)| name.as_str() != component && repository(other) == Some(own));
        found.same_repository = others.map(|(name, _)| name.clone()).collect();
    }
    found.release_base = stream.release_base == component;
    found
}

/// The repository that a component is built from.
fn repository(component: &Component) -> Option<&str> {
    match &component.source {
        Origin::Git(git) => Some(&git.url),
        Origin::Image(_) => component.built_from.as_ref().map(|git| git.url.as_str()),
        Origin::Path(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn bases_tests_and_the_payload() {
        let (_, graph) = sample::checked(sample::STREAM, &sample::files());
        let base = dependents(&graph, "base");
        assert_eq!(base.direct.keys().collect::<Vec<_>>(), ["etcd"]);
        assert!(base.indirect.is_empty() && base.tests.is_empty() && !base.release_base);
        let etcd = dependents(&graph, "etcd");
        assert!(etcd.direct.is_empty() && etcd.release_base);
        assert_eq!(etcd.tests, ["etcd"]);
    }
}
