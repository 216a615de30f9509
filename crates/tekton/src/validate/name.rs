//! What names may look like.

use super::finding::{At, Findings};

/// How result names must look, as Tekton tells it.
const RESULT_FORMAT: &str = "^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$";

/// Lower-case letters, digits and `-`, at most 63, not beginning or ending with `-` (RFC 1123).
pub(super) fn is_label(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Labels with dots between (RFC 1123), at most 253 characters.
fn is_subdomain(name: &str) -> bool {
    let part = |p: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !p.is_empty() && p.bytes().all(inner) && !p.starts_with('-') && !p.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// Letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit.
pub(super) fn is_result(name: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && edge(bytes.first())
        && edge(bytes.last())
}

/// A letter or `_`, then letters, digits, `_`, `-`, and `.` where dots are allowed.
pub(super) fn is_param(name: &str, dots: bool) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-') || (dots && b == b'.');
    name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') && name.bytes().all(inner)
}

/// What is wrong with a name of another object, in Kubernetes' words for qualified names.
pub(super) fn qualified_problem(name: &str) -> Option<&'static str> {
    let local = match name.split_once('/') {
        None => name,
        Some((prefix, local)) if is_subdomain(prefix) => local,
        Some(_) => {
            return Some(
                "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            );
        }
    };
    match local {
        "" => Some("name part must be non-empty"),
        _ if local.len() > 63 => Some("name part must be no more than 63 characters"),
        _ if !is_result(local) => Some(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        ),
        _ => None,
    }
}

/// `metadata.name`; a name that is still to be generated is fine.
pub(super) fn object(f: &mut Findings<'_>, name: &str) {
    let at = At::root("metadata.name");
    if name.is_empty() {
        return;
    }
    if !is_subdomain(name) {
        f.error(format!("invalid resource name {name:?}: must be a valid DNS label"), &[at]);
    } else if name.len() > 63 {
        f.error("Invalid resource name: length must be no more than 63 characters", &[at]);
    }
}

/// The name of a task's or step's result.
pub(super) fn result(f: &mut Findings<'_>, name: &str, at: At) -> bool {
    let good = is_result(name);
    if !good {
        let details = format!(
            "Name must consist of alphanumeric characters, '-', '_', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my-name',  or 'my_name', regex used for validation is '{RESULT_FORMAT}')"
        );
        f.error_with_details(format!("invalid key name {name:?}"), &[at], &details);
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_patterns() {
        for (name, label, result, param) in [
            ("a", true, true, true),
            ("a-b-1", true, true, true),
            ("A_b", false, true, true),
            ("-a", false, false, false),
            ("a-", false, false, true),
            ("a.b", false, true, true),
            ("1a", true, true, false),
            ("_a", false, false, true),
            ("", false, false, false),
            ("a b", false, false, false),
        ] {
            assert_eq!(
                (is_label(name), is_result(name), is_param(name, true)),
                (label, result, param),
                "{name}"
            );
        }
        assert!(!is_param("a.b", false));
        assert!(qualified_problem("x.y/task").is_none());
        assert!(qualified_problem("X Y").is_some());
        assert!(!is_label(&"a".repeat(64)));
    }
}
