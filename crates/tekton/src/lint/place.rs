//! Where something is written.

use base::{Source, Span};

use crate::load::Document;
use crate::substitute::scan::references;
use crate::yaml::{Kind, Node};

/// A field of a document.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub(super) document: &'a Document,
    path: String,
}

impl<'a> At<'a> {
    /// The document's `spec`.
    pub(super) fn spec(document: &'a Document) -> Self {
        Self { document, path: "spec".into() }
    }

    /// `.field`
    pub(super) fn field(&self, field: &str) -> Self {
        Self { document: self.document, path: format!("{}.{field}", self.path) }
    }

    /// `.field[index]`
    pub(super) fn index(&self, field: &str, index: usize) -> Self {
        Self { document: self.document, path: format!("{}.{field}[{index}]", self.path) }
    }

    /// What is written there, if anything is.
    pub(super) fn node(&self) -> Option<&'a Node> {
        self.document.node.at(&self.path)
    }

    /// The place to point at.
    pub(super) fn span(&self) -> Span {
        self.document.node.span_of(&self.path)
    }
}

/// A reference in a text of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written<'a> {
    pub(super) key: &'a str,
    /// The `$(key)` itself; the whole text when its quoting hides where exactly that is.
    pub(super) span: Span,
}

/// The references of a text, in order.
pub(super) fn written<'a>(text: &'a str, node: &Node, source: &Source) -> Vec<Written<'a>> {
    let raw = source.text().get(node.span.start..node.span.end).unwrap_or("");
    let keys: Vec<&str> = references(text).map(|r| r.key).collect();
    let places: Vec<_> = references(raw).collect();
    let same = places.len() == keys.len() && places.iter().zip(&keys).all(|(place, key)| place.key == *key);
    let span = |i: usize| {
        if !same {
            return node.span;
        }
        let place = &places[i].span;
        Span::new(node.span.start + place.start, node.span.start + place.end)
    };
    keys.iter().enumerate().map(|(i, key)| Written { key, span: span(i) }).collect()
}

/// Calls `look` with every text of a tree but descriptions, which are only for people.
pub(super) fn texts<'a>(node: &'a Node, look: &mut impl FnMut(&'a str, &'a Node)) {
    match &node.kind {
        Kind::String(text) => look(text, node),
        Kind::Sequence(items) => items.iter().for_each(|item| texts(item, look)),
        Kind::Mapping(entries) => {
            for entry in entries.iter().filter(|e| e.key != "description") {
                texts(&entry.value, look);
            }
        }
        _ => {}
    }
}

/// Whether a text of the tree holds `needle`.
pub(super) fn mentions(node: Option<&Node>, needle: &str) -> bool {
    let mut found = false;
    if let Some(node) = node {
        texts(node, &mut |text, _| found |= text.contains(needle));
    }
    found
}

/// The keys of all references of a tree.
pub(super) fn keys(node: Option<&Node>) -> std::collections::BTreeSet<&str> {
    let mut keys = std::collections::BTreeSet::new();
    if let Some(node) = node {
        texts(node, &mut |text, _| keys.extend(references(text).map(|r| r.key)));
    }
    keys
}

/// The name in `PREFIX.NAME…`, `PREFIX["NAME"]…` or `PREFIX['NAME']…`.
pub(super) fn name_behind<'k>(key: &'k str, prefix: &str) -> Option<&'k str> {
    let rest = key.strip_prefix(prefix)?;
    if let Some(plain) = rest.strip_prefix('.') {
        return Some(&plain[..plain.find(['.', '[']).unwrap_or(plain.len())]);
    }
    let quoted = rest.strip_prefix('[')?;
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(quoted[1..].split_once(quote)?.0)
}

/// The param that a reference names, in the older spelling too.
pub(super) fn param_name(key: &str) -> Option<&str> {
    name_behind(key.strip_prefix("inputs.").unwrap_or(key), "params")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn references_are_found_where_they_are_written() {
        let text = "a: |\n  one $(x.y)\n  $(z) $(date)\nb: \"q $(k[\\\"n\\\"])\"\n";
        let source = Source::new("f", text);
        let nodes = crate::yaml::parse(&source).unwrap();
        let node = nodes[0].get("a").unwrap();
        let found = written(node.as_str().unwrap(), node, &source);
        let places: Vec<_> = found.iter().map(|w| (w.key, source.position(w.span.start))).collect();
        assert_eq!(places, [("x.y", (2, 7)), ("z", (3, 3)), ("date", (3, 8))]);
        let node = nodes[0].get("b").unwrap();
        let found = written(node.as_str().unwrap(), node, &source);
        assert_eq!((found[0].key, found[0].span), ("k[\"n\"]", node.span), "escaped: the whole text");
    }

    #[test]
    fn names_behind_a_prefix() {
        assert_eq!(param_name("params.a"), Some("a"));
        assert_eq!(param_name("inputs.params.a.k"), Some("a"));
        assert_eq!(param_name("params[\"a.b\"][0]"), Some("a.b"));
        assert_eq!(param_name("params.a[*]"), Some("a"));
        assert_eq!(param_name("paramsx.a"), None);
        assert_eq!(name_behind("workspaces.w.path", "workspaces"), Some("w"));
    }
}
