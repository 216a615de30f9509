//! Finding places in the tree by field path.
//!
//! A path is written as Tekton's messages write it: `spec.tasks[0].taskSpec.steps[1].script`. In brackets stands the
//! index of a list element, the `name` of a list element (`params[url]`), or a key that has dots itself
//! (`labels[app.kubernetes.io/name]`). Case does not matter, because Tekton's own paths vary in it.

use base::Span;

use super::node::{Entry, Kind, Node};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment<'a> {
    Field(&'a str),
    Bracket(&'a str),
}

fn segments(path: &str) -> Vec<Segment<'_>> {
    let mut found = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (name, after) = inner.split_once(']').unwrap_or((inner, ""));
            found.push(Segment::Bracket(name));
            rest = after;
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end > 0 {
                found.push(Segment::Field(&rest[..end]));
            }
            rest = &rest[end..];
        }
    }
    found
}

/// How far a path could be followed.
struct Found<'a> {
    node: &'a Node,
    key: Option<Span>,
    complete: bool,
}

impl Node {
    /// The value at `path`, when all of it exists.
    pub fn at(&self, path: &str) -> Option<&Self> {
        let found = self.follow(path);
        found.complete.then_some(found.node)
    }

    /// The place to point at for `path`: the value; or the key, when the value is a list or mapping over several lines or
    /// nothing; or, when the path does not exist, the key of the nearest ancestor that does.
    pub fn span_of(&self, path: &str) -> Span {
        let found = self.follow(path);
        let collection = matches!(found.node.kind, Kind::Sequence(_) | Kind::Mapping(_));
        match found.key {
            Some(key) if collection || found.node.span.start == found.node.span.end || !found.complete => key,
            _ => found.node.span,
        }
    }

    fn follow(&self, path: &str) -> Found<'_> {
        let mut found = Found { node: self, key: None, complete: true };
        for segment in segments(path) {
            let next = match segment {
                Segment::Field(name) => found.node.entry_ignoring_case(name).map(Step::Entry),
                Segment::Bracket(name) => found.node.bracket(name),
            };
            match next {
                Some(Step::Entry(entry)) => {
                    found.node = &entry.value;
                    found.key = Some(entry.key_span);
                }
                Some(Step::Item(item)) => {
                    found.node = item;
                    found.key = None;
                }
                None => {
                    found.complete = false;
                    break;
                }
            }
        }
        found
    }

    fn bracket(&self, name: &str) -> Option<Step<'_>> {
        match &self.kind {
            Kind::Sequence(items) => name
                .parse::<usize>()
                .ok()
                .and_then(|i| items.get(i))
                .or_else(|| {
                    items.iter().rev().find(|item| {
                        item.entry_ignoring_case("name").and_then(|e| e.value.as_str()) == Some(name)
                    })
                })
                .map(Step::Item),
            _ => self.entry_ignoring_case(name).map(Step::Entry),
        }
    }
}

enum Step<'a> {
    Entry(&'a Entry),
    Item(&'a Node),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base::Source;

    const TEXT: &str = "
spec:
  labels: {a.b/c: x}
  tasks:
  - name: one
    params:
    - {name: p, value: v}
    script: echo
  empty:
";

    fn pointed(path: &str) -> String {
        let nodes = crate::yaml::parse(&Source::new("t", TEXT)).unwrap();
        let span = nodes[0].span_of(path);
        TEXT[span.start..span.end].to_owned()
    }

    #[test]
    fn paths_point_at_values_or_their_keys() {
        assert_eq!(pointed("spec.tasks[0].name"), "one");
        assert_eq!(pointed("spec.tasks[one].params[p].value"), "v");
        assert_eq!(pointed("spec.Tasks[0].SCRIPT"), "echo");
        assert_eq!(pointed("spec.labels[a.b/c]"), "x");
        assert_eq!(pointed("spec.tasks"), "tasks");
        assert_eq!(pointed("spec.empty"), "empty");
    }

    #[test]
    fn missing_paths_point_at_the_nearest_ancestor() {
        assert_eq!(pointed("spec.taskSpec.steps"), "spec");
        assert_eq!(pointed("spec.tasks[0].params[q].value"), "params");
        assert!(pointed("spec.tasks[0].image").starts_with("name: one"));
        let nodes = crate::yaml::parse(&Source::new("t", TEXT)).unwrap();
        assert!(nodes[0].at("spec.tasks[0].image").is_none());
        assert_eq!(nodes[0].at("spec.tasks[0].params[0].value").unwrap().as_str(), Some("v"));
    }
}
