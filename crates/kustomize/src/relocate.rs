//! Findings about what was built, told where it was written.

use base::{Diagnostic, Source, Span};
use tekton::yaml::{Kind, Node};

use crate::object::Origin;

/// Moves the places of a finding from the text of a built object to the file that it was built from, where that says the
/// same; a place that a patch or another field has changed stays in the built text.
#[must_use]
pub fn relocate(mut finding: Diagnostic, built: (&Source, &Node), origin: &Origin) -> Diagnostic {
    let moved = |place: (Source, Span)| match place {
        (source, span) if source == *built.0 => {
            let found = origin.node.as_ref().and_then(|original| counterpart(built.1, span, original));
            found.map_or((source, span), |span| (origin.source.clone(), span))
        }
        other => other,
    };
    finding.place = finding.place.map(moved);
    for (source, span, _) in &mut finding.related {
        (*source, *span) = moved((source.clone(), *span));
    }
    finding
}

/// The place in `original` that says what `span` says in `built`.
fn counterpart(built: &Node, span: Span, original: &Node) -> Option<Span> {
    let (mut built, mut original) = (built, original);
    loop {
        if built.span == span {
            return says_the_same(built, original).then_some(original.span);
        }
        match (&built.kind, &original.kind) {
            (Kind::Mapping(entries), Kind::Mapping(_)) => {
                let within = |entry: &&tekton::yaml::Entry| holds(entry.key_span.to(entry.value.span), span);
                let entry = entries.iter().find(within)?;
                let other = original.entry(&entry.key)?;
                if entry.key_span == span {
                    return says_the_same(&entry.value, &other.value).then_some(other.key_span);
                }
                (built, original) = (&entry.value, &other.value);
            }
            (Kind::Sequence(items), Kind::Sequence(others)) => {
                let index = items.iter().position(|item| holds(item.span, span))?;
                let name = items[index].get("name");
                let named = name.and_then(|name| {
                    others.iter().find(|o| o.get("name").is_some_and(|n| n.kind == name.kind))
                });
                let same = others.iter().find(|other| other.to_json() == items[index].to_json());
                (built, original) = (&items[index], same.or(named)?);
            }
            // A part of a text.
            _ => return says_the_same(built, original).then_some(original.span),
        }
    }
}

fn holds(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Plain values are equal, collections of the same sort: what is said about one as a whole is seldom changed by a patch.
fn says_the_same(built: &Node, original: &Node) -> bool {
    match (&built.kind, &original.kind) {
        (Kind::Mapping(_), Kind::Mapping(_)) | (Kind::Sequence(_), Kind::Sequence(_)) => true,
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const WRITTEN: &str =
        "# comment\nkind: Task\nspec:\n  steps:\n  - {name: a, image: x}\n  - {name: b, image: y}\n";
    const BUILT: &str = "kind: Task\nspec:\n  steps:\n    - name: new\n      image: z\n    - name: b\n      image: changed\n    - name: a\n      image: x\n";

    fn told(part: &str) -> String {
        let read = |name: &str, text: &str| {
            let source = Source::new(name.to_owned(), text.to_owned());
            let node = tekton::yaml::parse(&source).unwrap().remove(0);
            (source, node)
        };
        let (written, node) = read("a.yaml", WRITTEN);
        let (built, tree) = read("built", BUILT);
        let origin = Origin { source: written, span: node.span, node: Some(node) };
        let start = BUILT.find(part).unwrap();
        let finding = Diagnostic::error("x", "y").at(&built, Span::new(start, start + part.len()));
        relocate(finding, (&built, &tree), &origin).location().unwrap()
    }

    #[test]
    fn what_was_not_changed_is_told_where_it_was_written() {
        assert_eq!(told("steps"), "a.yaml:4:3");
        assert_eq!(told("x"), "a.yaml:5:22");
        assert_eq!(told("Task"), "a.yaml:2:7");
        assert_eq!(told("changed"), "built:7:14", "the file says something else");
        assert_eq!(told("new"), "built:4:13", "the file does not have it");
    }
}
