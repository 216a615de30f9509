//! A stream whose every reference is resolved: what starts from what, in the order of building.

use std::collections::{BTreeMap, BTreeSet};

use base::{Source, Span};

use crate::definition::Stream;

/// A stream that [`check`](crate::check::check) found whole. Acyclic; every base of every component means something.
#[derive(Debug, Clone)]
pub struct Graph {
    /// What the stream file says.
    pub stream: Stream,
    /// What the checks found out about each component; the keys are those of [`Stream::components`].
    pub nodes: BTreeMap<String, Node>,
    levels: Vec<Vec<String>>,
}

/// What is known of a component beyond the stream file.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The images it starts from or copies out of, by the name as its Containerfile, or `from` instead of that, writes it.
    pub bases: BTreeMap<String, Base>,
    /// Its Containerfile, when its task takes one and the source is there.
    pub containerfile: Option<Source>,
}

/// An image that a component starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// What the name means.
    pub image: BaseImage,
    /// The file that says so: the Containerfile, or the stream file in `from`.
    pub source: Source,
    /// Where it says so.
    pub span: Span,
    /// The key of the stream's table that gave the meaning; none for a name with a digest.
    pub entry: Option<String>,
}

impl Node {
    /// The components it starts from, each once.
    pub fn base_components(&self) -> BTreeSet<&str> {
        self.bases.values().filter_map(|base| base.image.component()).collect()
    }
}

/// What a base name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseImage {
    /// The image of this component.
    Component(String),
    /// An image from a registry: a reference with a digest, or one whose digest is in the lock.
    Image(String),
}

impl BaseImage {
    /// The component, if it is one.
    pub fn component(&self) -> Option<&str> {
        if let Self::Component(name) = self { Some(name) } else { None }
    }
}

/// Components that start from each other.
#[derive(Debug, Clone)]
pub struct Cycle {
    /// Each starts from the next; the first one is repeated at the end.
    pub path: Vec<String>,
    /// What was to be put in order.
    pub nodes: BTreeMap<String, Node>,
}

impl Graph {
    /// Puts components in order. Every base that is a component must be one of `nodes`.
    ///
    /// # Errors
    /// Components that start from each other.
    pub fn new(stream: Stream, nodes: BTreeMap<String, Node>) -> Result<Self, Cycle> {
        let mut levels: Vec<Vec<String>> = Vec::new();
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let mut waiting: Vec<(&str, BTreeSet<&str>)> =
            nodes.iter().map(|(name, node)| (name.as_str(), node.base_components())).collect();
        while !waiting.is_empty() {
            let (ready, rest): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|(_, bases)| bases.iter().all(|base| done.contains(base)));
            if ready.is_empty() {
                let path = cycle(&nodes, &done);
                return Err(Cycle { path, nodes });
            }
            done.extend(ready.iter().map(|(name, _)| name));
            levels.push(ready.into_iter().map(|(name, _)| name.to_owned()).collect());
            waiting = rest;
        }
        Ok(Self { stream, nodes, levels })
    }

    /// Components that can be built together: each starts only from components of earlier levels. Sorted by name within a level.
    pub fn levels(&self) -> impl Iterator<Item = &[String]> {
        self.levels.iter().map(Vec::as_slice)
    }

    /// All components, bases before what starts from them.
    pub fn order(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().flatten().map(String::as_str)
    }

    /// Everything that `component` starts from, directly or not, without itself.
    pub fn ancestors(&self, component: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut todo: Vec<&str> = vec![component];
        while let Some(next) = todo.pop() {
            for base in self.nodes.get(next).into_iter().flat_map(Node::base_components) {
                if found.insert(base) {
                    todo.push(base);
                }
            }
        }
        found
    }

    /// The payload's tags, each with its component.
    pub fn payload(&self) -> BTreeMap<&str, &str> {
        let components = self.stream.components.iter();
        components
            .filter_map(|(name, component)| Some((component.payload_tag(name)?, name.as_str())))
            .collect()
    }
}

/// Walks along bases that are not done until it meets a component again; every one left has such a base.
fn cycle(nodes: &BTreeMap<String, Node>, done: &BTreeSet<&str>) -> Vec<String> {
    let undone = |name: &str| {
        let bases = nodes.get(name).into_iter().flat_map(Node::base_components);
        bases.filter(|base| !done.contains(base)).min()
    };
    let mut path: Vec<&str> =
        nodes.keys().map(String::as_str).filter(|n| !done.contains(n)).take(1).collect();
    while let Some(next) = path.last().and_then(|last| undone(last)) {
        if let Some(start) = path.iter().position(|met| *met == next) {
            path.drain(..start);
            path.push(next);
            break;
        }
        path.push(next);
    }
    path.into_iter().map(str::to_owned).collect()
}
