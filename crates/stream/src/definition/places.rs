//! Where in the texts of stream files a field stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Diagnostic, Source, Span};
use tekton::yaml::{Kind, Node};

/// Where the fields of a stream were written: in its file, and for an overlay in the files of the streams below it and in
/// the operations that changed them.
///
/// A place is named by the keys (and indexes in lists) that lead to it: `["components", "etcd", "packages", "0"]`.
#[derive(Debug, Clone)]
pub struct Places {
    /// By the first keys of where they lie: `components etcd`. An overlay of many operations has a layer or more of each.
    layers: BTreeMap<String, Vec<Layer>>,
    /// How many layers there are.
    count: usize,
}

/// How many keys tell layers apart that are looked for.
const KEYS: usize = 2;

/// What one text says of the part of the stream at `at`.
#[derive(Debug, Clone)]
struct Layer {
    /// Later ones lie over earlier ones.
    order: usize,
    at: Vec<String>,
    source: Source,
    /// Of the key with which it was written.
    key: Option<Span>,
    node: Arc<Node>,
}

/// What was found on the way along a path.
struct Found<'a> {
    source: &'a Source,
    node: &'a Node,
    /// The last key that led to the node; the key of a node that is not there is its parent's.
    key: Option<Span>,
    /// How much of the path there is.
    depth: usize,
}

impl Places {
    pub(super) fn new(source: &Source, root: Node) -> Self {
        let mut places = Self { layers: BTreeMap::new(), count: 0 };
        places.lay(&[], source, None, root);
        places
    }

    /// Says that the part at `path` was written in `source` as `node`, with the key at `key`.
    pub fn lay(&mut self, path: &[&str], source: &Source, key: Option<Span>, node: Node) {
        let at = path.iter().map(|part| (*part).to_owned()).collect();
        self.count += 1;
        let layer = Layer { order: self.count, at, source: source.clone(), key, node: Arc::new(node) };
        self.layers.entry(path[..path.len().min(KEYS)].join(" ")).or_default().push(layer);
    }

    /// Points `finding` at a value; at its key, when the value is a list or mapping; at the nearest field above, when there is none.
    #[must_use]
    pub fn at(&self, path: &[&str], finding: Diagnostic) -> Diagnostic {
        let (source, span) = self.value(path);
        finding.at(source, span)
    }

    /// Points `finding` at a key.
    #[must_use]
    pub fn at_key(&self, path: &[&str], finding: Diagnostic) -> Diagnostic {
        let (source, span) = self.key(path);
        finding.at(source, span)
    }

    /// The file and span that [`at`](Self::at) points at.
    pub fn value(&self, path: &[&str]) -> (&Source, Span) {
        let found = self.follow(path);
        let span = match found.key {
            Some(key) if !is_short(found.node) => key,
            _ => found.node.span,
        };
        (found.source, span)
    }

    /// The file and span that [`at_key`](Self::at_key) points at.
    pub fn key(&self, path: &[&str]) -> (&Source, Span) {
        let found = self.follow(path);
        (found.source, found.key.unwrap_or(found.node.span))
    }

    /// The file and span where exactly this field was written; none for defaults.
    pub fn written(&self, path: &[&str]) -> Option<(&Source, Span)> {
        let found = self.follow(path);
        (found.depth == path.len()).then(|| (found.source, found.key.unwrap_or(found.node.span)))
    }

    /// The uppermost text that says something of all of the path, else of most of it.
    fn follow(&self, path: &[&str]) -> Found<'_> {
        let near = (0..=path.len().min(KEYS)).filter_map(|keys| self.layers.get(&path[..keys].join(" ")));
        let found = near.flatten().filter_map(|layer| Some((layer.order, layer.follow(path)?)));
        let best = found.max_by_key(|(order, found)| (found.depth, *order));
        best.expect("the first layer says something of every path").1
    }
}

impl Layer {
    fn follow(&self, path: &[&str]) -> Option<Found<'_>> {
        if self.at.len() > path.len() || self.at.iter().zip(path).any(|(own, asked)| own != asked) {
            return None;
        }
        let mut found = Found { source: &self.source, node: &self.node, key: self.key, depth: self.at.len() };
        for part in &path[self.at.len()..] {
            if let Some(entry) = found.node.entry(part) {
                found.node = &entry.value;
                found.key = Some(entry.key_span);
            } else if let Some(item) = part.parse::<usize>().ok().and_then(|i| found.node.items().get(i)) {
                found.node = item;
                found.key = None;
            } else {
                break;
            }
            found.depth += 1;
        }
        Some(found)
    }
}

/// Whether marking the whole value helps.
fn is_short(node: &Node) -> bool {
    !matches!(node.kind, Kind::Mapping(_) | Kind::Sequence(_) | Kind::Null)
}
