//! A stream whose every reference is resolved: what starts from what, in the order of building.

use std::collections::{BTreeMap, BTreeSet};

use base::{Source, Span};
use serde::{Deserialize, Serialize};

use crate::definition::{Definition, Platform, Stream};
use crate::key::policy::Policy;

/// How a component depends on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// Its image is a layer on the other's.
    Base,
    /// It uses the other's image while it is built: in an earlier stage, or to copy out of.
    Builder,
    /// Its image names the other's by digest.
    Operand,
}

impl Edge {
    /// `base`, `builder`, `operand`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Builder => "builder",
            Self::Operand => "operand",
        }
    }
}

/// A stream on all of its platforms, which [`check`](crate::check::check) found whole.
///
/// Nothing of one platform starts from anything of another; what they share is the stream file, the lock and the release.
#[derive(Debug, Clone)]
pub struct Graphs {
    /// What the stream file says, for all platforms.
    pub stream: Stream,
    graphs: Vec<Graph>,
}

impl Graphs {
    /// The stream with a graph for each of its platforms.
    pub fn new(stream: Stream, mut graphs: Vec<Graph>) -> Self {
        graphs.sort_by_key(|graph| graph.platform);
        Self { stream, graphs }
    }

    /// The graphs, in the order of their platforms.
    pub fn iter(&self) -> impl Iterator<Item = &Graph> + Clone {
        self.graphs.iter()
    }

    /// The stream on `platform`, if it is for that.
    pub fn on(&self, platform: Platform) -> Option<&Graph> {
        self.graphs.iter().find(|graph| graph.platform == platform)
    }

    /// Whether there are several platforms, so that names of components alone do not say which image is meant.
    pub fn are_several(&self) -> bool {
        self.graphs.len() > 1
    }

    /// Sets how much is rebuilt, as the definition says it now.
    pub fn set_policies(&mut self, definition: &Definition) {
        self.stream.rebuild = definition.stream.rebuild;
        self.stream.rebuild_inherited = definition.stream.rebuild_inherited;
        self.graphs.iter_mut().for_each(|graph| graph.set_policies(definition));
    }

    /// The payload's tags, each with its component; a component that is missing on some platforms counts, and what stands in for it
    /// only where it is on none.
    pub fn payload(&self) -> BTreeMap<&str, &str> {
        let stand_ins = self.graphs.iter().flat_map(Graph::of_stand_ins);
        stand_ins.chain(self.graphs.iter().flat_map(Graph::own_payload)).collect()
    }
}

/// A stream on one platform. Acyclic; every base of every component means something.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The platform.
    pub platform: Platform,
    /// What the stream file says, [on](Stream::on) this platform.
    pub stream: Stream,
    /// What the checks found out about each component; the keys are those of [`Stream::components`].
    pub nodes: BTreeMap<String, Node>,
    /// Tags of the payload whose components are not on this platform, each with the component that stands in.
    pub stand_ins: BTreeMap<String, String>,
    levels: Vec<Vec<String>>,
}

/// What is known of a component beyond the stream file.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The images it starts from or copies out of, by the name as its Containerfile, or `from` instead of that, writes it.
    pub bases: BTreeMap<String, Base>,
    /// The components that its image names by digest, each with where that is said.
    pub operands: BTreeMap<String, (Source, Span)>,
    /// Its Containerfile, when its task takes one and the source is there.
    pub containerfile: Option<Source>,
    /// Which image is used instead of a build.
    pub policy: Policy,
    /// The names of the `ARG`s of that file, when it could be read.
    pub args: Option<BTreeSet<String>>,
    /// Those of the bases that may be exchanged under its image.
    pub swap: Vec<String>,
}

/// An image that a component starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// What the name means.
    pub image: BaseImage,
    /// What it is to the component: [`Edge::Base`] or [`Edge::Builder`].
    pub role: Edge,
    /// The file that says so: the Containerfile, or the stream file in `from`.
    pub source: Source,
    /// Where it says so.
    pub span: Span,
    /// The key of the stream's table that gave the meaning; none for a name with a digest.
    pub entry: Option<String>,
}

impl Node {
    /// The components that it depends on, each once, with the first of the edges to it.
    pub fn dependencies(&self) -> BTreeMap<&str, Edge> {
        let bases = self.bases.values().filter_map(|base| Some((base.image.component()?, base.role)));
        let mut found = BTreeMap::new();
        for (component, edge) in bases.chain(self.operands.keys().map(|name| (name.as_str(), Edge::Operand)))
        {
            found.entry(component).and_modify(|known: &mut Edge| *known = edge.min(*known)).or_insert(edge);
        }
        found
    }

    /// The components that it starts from or copies out of.
    fn images(&self) -> impl Iterator<Item = &str> {
        self.bases.values().filter_map(|base| base.image.component())
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

/// Components that depend on each other.
#[derive(Debug, Clone)]
pub struct Cycle {
    /// Each depends on the next; the first one is repeated at the end.
    pub path: Vec<String>,
    /// What was to be put in order.
    pub nodes: BTreeMap<String, Node>,
}

impl Graph {
    /// Puts the components of a stream on `platform` in order. Every base that is a component, and
    /// every operand, must be one of `nodes`.
    ///
    /// # Errors
    /// Components that depend on each other.
    pub fn new(stream: Stream, platform: Platform, nodes: BTreeMap<String, Node>) -> Result<Self, Cycle> {
        let mut levels: Vec<Vec<String>> = Vec::new();
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let mut waiting: Vec<(&str, BTreeSet<&str>)> = nodes
            .iter()
            .map(|(name, node)| (name.as_str(), node.dependencies().into_keys().collect()))
            .collect();
        while !waiting.is_empty() {
            let (ready, rest): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|(_, needs)| needs.iter().all(|need| done.contains(need)));
            if ready.is_empty() {
                let path = cycle(&nodes, &done);
                return Err(Cycle { path, nodes });
            }
            done.extend(ready.iter().map(|(name, _)| name));
            levels.push(ready.into_iter().map(|(name, _)| name.to_owned()).collect());
            waiting = rest;
        }
        Ok(Self { platform, stream, nodes, stand_ins: BTreeMap::new(), levels })
    }

    /// Takes over what a definition says about rebuilding; everything else of it must be what the graph was made of.
    pub fn set_policies(&mut self, definition: &Definition) {
        self.stream.rebuild = definition.stream.rebuild;
        self.stream.rebuild_inherited = definition.stream.rebuild_inherited;
        for (name, node) in &mut self.nodes {
            node.policy = Policy::of(definition, name);
        }
    }

    /// Components that can be built together: each depends only on components of earlier levels. Sorted by name within a level.
    pub fn levels(&self) -> impl Iterator<Item = &[String]> {
        self.levels.iter().map(Vec::as_slice)
    }

    /// All components, each after those that it depends on.
    pub fn order(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().flatten().map(String::as_str)
    }

    /// Everything that `component` starts from or copies out of, directly or not, without itself: what its image may have in it.
    pub fn ancestors(&self, component: &str) -> BTreeSet<&str> {
        self.closure(component, &|node| node.images().collect())
    }

    /// Everything that is built before `component`, because it depends on it, directly or not.
    pub fn before(&self, component: &str) -> BTreeSet<&str> {
        self.closure(component, &|node| node.dependencies().into_keys().collect())
    }

    fn closure<'a>(&'a self, component: &str, next: &dyn Fn(&'a Node) -> Vec<&'a str>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut todo: Vec<&Node> = self.nodes.get(component).into_iter().collect();
        while let Some(node) = todo.pop() {
            for name in next(node) {
                if found.insert(name) {
                    todo.extend(self.nodes.get(name));
                }
            }
        }
        found
    }

    /// The payload's tags, each with its component, or with the one that stands in for it.
    pub fn payload(&self) -> BTreeMap<&str, &str> {
        self.of_stand_ins().chain(self.own_payload()).collect()
    }

    fn own_payload(&self) -> impl Iterator<Item = (&str, &str)> {
        let components = self.stream.components.iter();
        components.filter_map(|(name, component)| Some((component.payload_tag(name)?, name.as_str())))
    }

    fn of_stand_ins(&self) -> impl Iterator<Item = (&str, &str)> {
        self.stand_ins.iter().map(|(tag, component)| (tag.as_str(), component.as_str()))
    }
}

/// Walks along dependencies that are not done until it meets a component again; every one left has such a dependency.
fn cycle(nodes: &BTreeMap<String, Node>, done: &BTreeSet<&str>) -> Vec<String> {
    let undone = |name: &str| {
        let needs = nodes.get(name).into_iter().flat_map(|node| node.dependencies().into_keys());
        needs.filter(|need| !done.contains(need)).min()
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
