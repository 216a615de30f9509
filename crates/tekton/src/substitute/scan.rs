//! Finds `$(…)` in text.

use std::borrow::Cow;
use std::ops::Range;

/// One `$(key)` in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference<'a> {
    /// What stands between the parentheses.
    pub key: &'a str,
    /// Where the whole `$(key)` is, in bytes.
    pub span: Range<usize>,
}

/// Bytes of the longest key. Beyond it `$(` begins a command of the shell; without a bound, a text of nothing but `$(` would
/// take time that grows with its square.
const LONGEST: usize = 1024;

/// Every `$(key)` in `text`, from left to right, including those whose text before the first `)` holds another `$(`.
///
/// `$($(params.a))` gives `$(params.a` and `params.a`: nothing is nested in Tekton, so whoever looks a key up finds at
/// most one of two overlapping ones (§2.16 rule 1).
pub fn references(text: &str) -> impl Iterator<Item = Reference<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find("$(")?;
            let key_start = start + 2;
            from = start + 1;
            let end = text.len().min(key_start + LONGEST + 1);
            let Some(length) = text.as_bytes()[key_start..end].iter().position(|byte| *byte == b')') else {
                continue;
            };
            return Some(Reference {
                key: &text[key_start..key_start + length],
                span: start..key_start + length + 1,
            });
        }
    })
}

/// Replaces every `$(key)` that `lookup` knows, in one pass from left to right; what was put in is not looked at
/// again, and unknown references stay as they are (§2.16 rule 1).
pub fn replace<'v>(text: &str, lookup: impl Fn(&str) -> Option<Cow<'v, str>>) -> String {
    let mut out = String::new();
    let mut done = 0;
    for Reference { key, span } in references(text) {
        if span.start < done {
            continue;
        }
        if let Some(value) = lookup(key) {
            out.push_str(&text[done..span.start]);
            out.push_str(&value);
            done = span.end;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// The key, if `text` is one reference and nothing else.
///
/// Only keys of letters, digits, `_`, `.`, `-` with at most one trailing index count: a bracketed name is text like
/// any other here, as it is on a cluster (§2.16 rule 5).
pub fn whole(text: &str) -> Option<&str> {
    let key = text.strip_prefix("$(")?.strip_suffix(')')?;
    let name = match key.strip_suffix(']').and_then(|k| k.rsplit_once('[')) {
        None => key,
        Some((name, "*")) => name,
        Some((name, index)) if !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) => return None,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (!name.is_empty() && name.chars().all(plain)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&str> {
        references(text).map(|r| r.key).collect()
    }

    #[test]
    fn references_are_found_in_order() {
        assert_eq!(keys("a $(x) $(y.z) $$ $(v"), ["x", "y.z"]);
        assert_eq!(keys("$($(x))"), ["$(x", "x"]);
        assert_eq!(keys("$(params['a.b'][0])é$()"), ["params['a.b'][0]", ""]);
        assert_eq!(keys("$( date )"), [" date "]);
        let long = format!("$({} $(x))", "é".repeat(LONGEST));
        assert_eq!(keys(&long), ["x"], "what is around it is no reference");
        assert_eq!(keys(&format!("$({}) $(y)", "k".repeat(LONGEST))).len(), 2);
    }

    #[test]
    fn a_replacement_is_not_scanned_again() {
        let table = |key: &str| match key {
            "a" => Some(Cow::Borrowed("$(b)")),
            "b" => Some(Cow::Borrowed("B")),
            _ => None,
        };
        assert_eq!(replace("$(a)$(b)$(c)$(", table), "$(b)B$(c)$(");
        assert_eq!(replace("$($(b))", table), "$(B)");
        assert_eq!(replace("$$(a)", table), "$$(b)", "Tekton knows no escape");
    }

    #[test]
    fn whole_references_only() {
        assert_eq!(whole("$(params.a)"), Some("params.a"));
        assert_eq!(whole("$(params.a[*])"), Some("params.a[*]"));
        assert_eq!(whole("$(params.a[12])"), Some("params.a[12]"));
        for no in ["x$(params.a)", "$(params.a) ", "$(params[\"a\"])", "$(a)$(b)", "$()", "$(a[x])", "$(a[])"]
        {
            assert_eq!(whole(no), None, "{no}");
        }
    }
}
