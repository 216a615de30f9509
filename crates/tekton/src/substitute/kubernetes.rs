//! What Kubernetes itself expands in command, args and env values, after Tekton.

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
