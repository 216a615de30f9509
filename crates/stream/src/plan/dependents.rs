//! What is looked at again when a component changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::definition::{Component, Origin, Stream};
use crate::graph::{Edge, Graph, Graphs, Node};

/// What depends on a component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependents {
    /// Components that depend on it themselves.
    pub direct: BTreeMap<String, Dependent>,
    /// Components that depend on those, and so on, each with the components that it has this from.
    pub indirect: BTreeMap<String, Vec<String>>,
    /// Tests that start its image.
    pub tests: Vec<String>,
    /// Components whose sources are in the same repository: a commit there is new to them too.
    pub same_repository: Vec<String>,
    /// Whether the release payload is a layer on its image.
    pub release_base: bool,
}

/// A component that depends on another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependent {
    /// How.
    pub edge: Edge,
    /// The stream that it is inherited from; none for one of the stream's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited: Option<String>,
}

/// Everything that depends on `component`, on whatever platform.
pub fn dependents(graphs: &Graphs, component: &str) -> Dependents {
    let stream = &graphs.stream;
    let mut found = Dependents::default();
    for graph in graphs.iter() {
        depending_on(graph, component, &mut found);
    }
    // What depends on it directly on one platform may do so through others on the next.
    let direct = &found.direct;
    found.indirect.retain(|name, _| !direct.contains_key(name));
    let uses = |images: &BTreeMap<String, String>| images.values().any(|used| used == component);
    found.tests =
        stream.tests.iter().filter(|(_, t)| uses(&t.images)).map(|(name, _)| name.clone()).collect();
    if let Some(own) = stream.components.get(component).and_then(repository) {
        let others =
            by_repository(stream).remove(own).into_iter().flatten().filter(|name| *name != component);
        found.same_repository = others.map(str::to_owned).collect();
    }
    found.release_base = stream.release_base == component;
    found
}

/// The components that depend on `component` on one platform.
fn depending_on(graph: &Graph, component: &str, found: &mut Dependents) {
    let stream = &graph.stream;
    let needs = |name: &str| graph.nodes.get(name).map(Node::dependencies).unwrap_or_default();
    let inherited = |name: &str| stream.components.get(name).and_then(|c| c.inherited.clone());
    let mut all: BTreeSet<&str> = BTreeSet::from([component]);
    // What others depend on comes first, so one walk finds all.
    for name in graph.order() {
        let needs = needs(name);
        if let Some(edge) = needs.get(component) {
            found.direct.insert(name.to_owned(), Dependent { edge: *edge, inherited: inherited(name) });
            all.insert(name);
        } else {
            let through: Vec<String> =
                needs.keys().filter(|need| all.contains(**need)).map(|need| (*need).to_owned()).collect();
            if !through.is_empty() {
                found.indirect.insert(name.to_owned(), through);
                all.insert(name);
            }
        }
    }
}

/// What a commit in a repository touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Touched {
    /// The repository.
    pub repository: String,
    /// The components that are built from it.
    pub components: Vec<String>,
    /// Components that depend on those, directly or not, and are not built from it themselves.
    pub dependents: Vec<String>,
}

/// What a commit in the repository at `url` touches; none when nothing is built from it.
pub fn touched(graphs: &Graphs, url: &str) -> Option<Touched> {
    let plain = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_owned();
    let all = by_repository(&graphs.stream);
    let (repository, components) = all.into_iter().find(|(known, _)| plain(known) == plain(url))?;
    let mut found: BTreeSet<&str> = components.iter().copied().collect();
    for graph in graphs.iter() {
        for name in graph.order() {
            let needs = graph.nodes.get(name).map(Node::dependencies).unwrap_or_default();
            if needs.keys().any(|need| found.contains(need)) {
                found.insert(name);
            }
        }
    }
    let dependents = found.iter().filter(|name| !components.contains(*name)).map(|name| (*name).to_owned());
    Some(Touched {
        repository: repository.to_owned(),
        dependents: dependents.collect(),
        components: components.iter().map(|name| (*name).to_owned()).collect(),
    })
}

/// The components of each repository.
pub(super) fn by_repository(stream: &Stream) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, component) in &stream.components {
        if let Some(url) = repository(component) {
            found.entry(url).or_default().push(name);
        }
    }
    found
}

/// The repository that a component is built from.
pub(super) fn repository(component: &Component) -> Option<&str> {
    match &component.source {
        Origin::Git(git) => Some(&git.url),
        Origin::Image(_) | Origin::Images(_) => component.built_from.as_ref().map(|git| git.url.as_str()),
        Origin::Path(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn bases_tests_and_the_payload() {
        let (_, graphs) = sample::checked(sample::STREAM, &sample::files());
        let base = dependents(&graphs, "base");
        assert_eq!(base.direct.keys().collect::<Vec<_>>(), ["etcd"]);
        assert!(base.indirect.is_empty() && base.tests.is_empty() && !base.release_base);
        let etcd = dependents(&graphs, "etcd");
        assert!(etcd.direct.is_empty() && etcd.release_base);
        assert_eq!(etcd.tests, ["etcd"]);
    }
}
