//! Where in the text of a stream file a field stands.

use std::sync::Arc;

use base::{Diagnostic, Source, Span};
use tekton::yaml::{Kind, Node};

/// The text of a stream file, and the tree of it.
///
/// A place is named by the keys (and indexes in lists) that lead to it: `["components", "etcd", "packages", "0"]`.
#[derive(Debug, Clone)]
pub struct Places {
    source: Source,
    root: Arc<Node>,
}

impl Places {
    pub(super) fn new(source: Source, root: Node) -> Self {
        Self { source, root: Arc::new(root) }
    }

    /// The text.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Points `finding` at a value; at its key, when the value is a list or mapping; at the nearest field above, when there is none.
    #[must_use]
    pub fn at(&self, path: &[&str], finding: Diagnostic) -> Diagnostic {
        finding.at(&self.source, self.value(path))
    }

    /// Points `finding` at a key.
    #[must_use]
    pub fn at_key(&self, path: &[&str], finding: Diagnostic) -> Diagnostic {
        finding.at(&self.source, self.key(path))
    }

    /// The span that [`at`](Self::at) points at.
    pub fn value(&self, path: &[&str]) -> Span {
        let (node, key) = self.follow(path);
        match key {
            Some(key) if !is_short(node) => key,
            _ => node.span,
        }
    }

    /// The span that [`at_key`](Self::at_key) points at.
    pub fn key(&self, path: &[&str]) -> Span {
        let (node, key) = self.follow(path);
        key.unwrap_or(node.span)
    }

    /// The last node on the path, with the last key that led to it; the key of a node that is not there is its parent's.
    fn follow(&self, path: &[&str]) -> (&Node, Option<Span>) {
        let mut node = &*self.root;
        let mut key = None;
        for part in path {
            if let Some(entry) = node.entry(part) {
                node = &entry.value;
                key = Some(entry.key_span);
            } else if let Some(item) = part.parse::<usize>().ok().and_then(|index| node.items().get(index)) {
                node = item;
                key = None;
            } else {
                break;
            }
        }
        (node, key)
    }
}

/// Whether marking the whole value helps.
fn is_short(node: &Node) -> bool {
    !matches!(node.kind, Kind::Mapping(_) | Kind::Sequence(_) | Kind::Null)
}
