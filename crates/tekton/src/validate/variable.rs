//! References in texts: unknown ones, whole arrays and objects where a text belongs, arrays inside longer texts.

use std::collections::BTreeSet;

use super::finding::{At, Findings};
use crate::substitute::scan::references;

/// Names that may be referred to.
pub(super) type Names = BTreeSet<String>;

/// What stands behind a prefix in a reference.
struct Variable<'a> {
    key: &'a str,
    value: &'a str,
    /// Written with a dot, not with brackets and quotes.
    dotted: bool,
}

/// `$(prefix.value)`, `$(prefix["value"])`, `$(prefix['value'])` in a text.
fn variables<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = Variable<'a>> {
    references(text).filter_map(move |reference| {
        let rest = reference.key.strip_prefix(prefix)?;
        if let Some(value) = rest.strip_prefix('.') {
            return Some(Variable { key: reference.key, value, dotted: true });
        }
        let quoted = |open: &str, close: &str| rest.strip_prefix(open)?.strip_suffix(close);
        let value = quoted("[\"", "\"]").or_else(|| quoted("['", "']"))?;
        Some(Variable { key: reference.key, value, dotted: false })
    })
}

/// Whether the text refers to anything behind the prefix.
pub(super) fn refers_to(text: &str, prefix: &str) -> bool {
    variables(text, prefix).next().is_some()
}

/// A name that is referred to, and the whole key it stands in.
#[derive(Debug, PartialEq)]
struct Used<'a> {
    name: &'a str,
    key: &'a str,
}

impl Used<'_> {
    fn without_star(&self) -> &str {
        self.name.strip_suffix("[*]").unwrap_or(self.name)
    }

    /// As it is written.
    fn written(&self) -> String {
        format!("$({})", self.key)
    }
}

/// The names that are referred to, an object's without its key. More than one dot in a name is an error.
fn names<'a>(f: &mut Findings<'_>, text: &'a str, prefix: &'a str, at: &At) -> Vec<Used<'a>> {
    let mut found = Vec::new();
    for Variable { key, value, dotted } in variables(text, prefix) {
        let mut parts = value.split('.');
        let first = parts.next().unwrap_or(value);
        found.push(Used { key, name: if dotted { first } else { value } });
        if dotted && parts.count() > 1 {
            let prefix = prefix.replace('.', "\\.");
            f.error_in(
                format!(
                    r#"Invalid referencing of parameters in "{text}"! Only two dot-separated components after the prefix "{prefix}" are allowed."#
                ),
                at,
                &format!("$({key})"),
                "a name with dots is written in brackets: $(params[\"a.b.c\"])",
            );
            return Vec::new();
        }
    }
    found
}

/// Without `[3]` and `[*]`.
fn without_index(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some(open) = rest.find('[') {
        let inner = rest[open + 1..].split(']').next().unwrap_or("");
        let index = inner.strip_suffix('*').unwrap_or(inner);
        let closed = rest[open + 1..].contains(']') && index.bytes().all(|b| b.is_ascii_digit());
        let end = if closed { open + inner.len() + 2 } else { open + 1 };
        out.push_str(if closed { &rest[..open] } else { &rest[..end] });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Refuses references to names that are not known.
pub(super) fn known(f: &mut Findings<'_>, text: &str, prefix: &str, known: &Names, at: &At) {
    for used in names(f, text, prefix, at) {
        let name = without_index(used.name);
        if known.contains(&name) {
            continue;
        }
        let help = match base::diagnostic::did_you_mean(&name, known.iter().map(String::as_str)) {
            Some(near) => format!("`{name}` is not declared; {near}"),
            None => format!("`{name}` is not declared"),
        };
        f.error_in(format!("non-existent variable in {text:?}"), at, &used.written(), &help);
        return;
    }
}

/// Refuses references to these names, except to one element of them.
pub(super) fn prohibited(f: &mut Findings<'_>, text: &str, prefix: &str, arrays: &Names, at: &At) {
    let used = names(f, text, prefix, at);
    if let Some(used) = used.iter().find(|used| arrays.contains(used.without_star())) {
        wrong_type(f, text, &used.written(), at);
    }
}

/// Refuses references to these names as a whole; one key of them is fine.
pub(super) fn whole_prohibited(f: &mut Findings<'_>, text: &str, prefix: &str, objects: &Names, at: &At) {
    let whole = |v: &Variable<'_>| objects.contains(v.value.strip_suffix("[*]").unwrap_or(v.value));
    if let Some(variable) = variables(text, prefix).find(whole) {
        wrong_type(f, text, &format!("$({})", variable.key), at);
    }
}

fn wrong_type(f: &mut Findings<'_>, text: &str, written: &str, at: &At) {
    let help = "here a text is needed; take one element, like $(params.array[0]) or $(params.object.key)";
    f.error_in(format!("variable type invalid in {text:?}"), at, written, help);
}

/// Refuses references to these arrays beside any other text.
pub(super) fn isolated(f: &mut Findings<'_>, text: &str, prefix: &str, arrays: &Names, at: &At) {
    let alone = references(text).next().is_some_and(|r| r.span == (0..text.len()));
    let used = names(f, text, prefix, at);
    if let Some(used) = used.iter().find(|used| !alone && arrays.contains(used.without_star())) {
        let help = "an array becomes several arguments, so it must stand alone, like \"$(params.array[*])\"";
        f.error_in(format!("variable is not properly isolated in {text:?}"), at, &used.written(), help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::Features;

    #[test]
    fn names_are_taken_out_of_references() {
        let features = Features::all();
        let of = |text, prefix| -> Vec<&str> {
            names(&mut Findings::new(&features), text, prefix, &At::root("spec"))
                .iter()
                .map(|u| u.name)
                .collect()
        };
        assert_eq!(of("$(params.a) $(params.b.k) $(params['c.d']) $(other.e)", "params"), ["a", "b", "c.d"]);
        assert_eq!(of("$(params.a[*])$(params[\"x\"])", "params"), ["a[*]", "x"]);
        assert!(of("$(params.a) $(params.a.b.c)", "params").is_empty());
        assert_eq!(of("$(context.taskRun.name)", "context.taskRun"), ["name"]);
        assert!(of("$(context.task.name)", "context.taskRun").is_empty());
    }

    #[test]
    fn indexes_are_cut_off() {
        assert_eq!(without_index("a[12]"), "a");
        assert_eq!(without_index("a[*]"), "a");
        assert_eq!(without_index("a[x]"), "a[x]");
        assert_eq!(without_index("a[1"), "a[1");
        assert_eq!(without_index("a"), "a");
    }
}
