//! What Kubernetes itself expands in command, args and env values, after Tekton.

use indexmap::IndexMap;

/// A variable of a container's `env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// The value as it is written, or as it was taken from elsewhere.
    pub value: String,
    /// Whether it was taken from elsewhere (`valueFrom`); then nothing in it is expanded.
    pub taken: bool,
}

/// The environment of a container: what `envFrom` gives, then `env`, each value expanded with the variables before it
/// (§2.3, §2.5). Later ones win.
pub fn environment(
    from: impl IntoIterator<Item = (String, String)>,
    env: &[Variable],
) -> IndexMap<String, String> {
    let mut known: IndexMap<String, String> = from.into_iter().collect();
    for Variable { name, value, taken } in env {
        let value = if *taken { value.clone() } else { expand(value, |n| known.get(n).map(String::as_str)) };
        known.insert(name.clone(), value);
    }
    known
}

/// Replaces `$(NAME)` with the variable's value and `$$` with `$`; `$$(NAME)` becomes the text `$(NAME)`, and an
/// unknown name stays as it is (§2.3). Values are not looked at again.
///
/// `lookup` sees the variables of the container that are known at this place: for an env value those before it.
pub fn expand<'v>(text: &str, lookup: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
            match lookup(name) {
                Some(value) => out.push_str(value),
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_see_those_before_them() {
        let variable =
            |name: &str, value: &str, taken| Variable { name: name.into(), value: value.into(), taken };
        let environment = environment(
            [("F".to_owned(), "from".to_owned()), ("A".to_owned(), "lost".to_owned())],
            &[
                variable("A", "<$(F)> $(B)", false),
                variable("B", "$(A)$$", false),
                variable("C", "$(A)", true),
            ],
        );
        let shown: Vec<_> = environment.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(shown, ["F=from", "A=<from> $(B)", "B=<from> $(B)$", "C=$(A)"]);
    }

    #[test]
    fn the_kubernetes_rules() {
        let env = |name: &str| match name {
            "A" => Some("one"),
            "REF" => Some("$(A)"),
            "EMPTY" => Some(""),
            _ => None,
        };
        for (text, expected) in [
            ("$(A)-$(B)", "one-$(B)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$one"),
            ("$$$$", "$$"),
            ("$(REF)", "$(A)"),
            ("x$(EMPTY)y", "xy"),
            ("$A $ ${A} $(A", "$A $ ${A} $(A"),
            ("", ""),
        ] {
            assert_eq!(expand(text, env), expected, "{text}");
        }
    }
}
