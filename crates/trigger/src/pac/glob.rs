//! Patterns of branches and paths. `*` goes over slashes too: Pipelines-as-Code gives its matcher no separators.

use regex::Regex;

/// Whether a pattern (`*`, `?`, `[a-z]`, `[!a]`, `{a,b}`, `\` before a character) is all of a text.
///
/// # Errors
/// Patterns that cannot be read.
pub fn matches(pattern: &str, text: &str) -> Result<bool, String> {
    let bad = || format!("`{pattern}` is no pattern: a bracket or brace is not closed");
    let mut regex = String::from(r"(?s)\A");
    let mut braces = 0;
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '\\' => regex.push_str(&regex::escape(&letters.next().unwrap_or('\\').to_string())),
            '[' => {
                let rest = letters.as_str();
                let end = rest.find(']').filter(|end| *end > 0).ok_or_else(bad)?;
                let inner = &rest[..end];
                let (not, inner) = inner.strip_prefix('!').map_or(("", inner), |inner| ("^", inner));
                let inner = inner
                    .replace('\\', r"\\")
                    .replace('[', r"\[")
                    .replace('^', r"\^")
                    .replace('&', r"\&")
                    .replace('~', r"\~");
                regex.push_str(&format!("[{not}{inner}]"));
                letters = rest[end + 1..].chars();
            }
            '{' => {
                braces += 1;
                regex.push_str("(?:");
            }
            ',' if braces > 0 => regex.push('|'),
            '}' if braces > 0 => {
                braces -= 1;
                regex.push(')');
            }
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    if braces > 0 {
        return Err(bad());
    }
    regex.push_str(r"\z");
    Regex::new(&regex).map(|r| r.is_match(text)).map_err(|_| bad())
}

/// Whether a pattern is a branch; both may be short or in full.
///
/// # Errors
/// Those of [`matches`].
pub fn branch(pattern: &str, branch: &str) -> Result<bool, String> {
    let is_full = |name: &str| name.starts_with("refs/heads/") || name.starts_with("refs/tags/");
    if pattern.starts_with("refs/tags/") {
        return matches(pattern, branch);
    }
    let full = |name: &str| if is_full(name) { name.to_owned() } else { format!("refs/heads/{name}") };
    matches(&full(pattern), &full(branch))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_and_branches() {
        for (pattern, text, expected) in [
            ("docs/*.md", "docs/a/b.md", true),
            ("docs/**.md", "docs/b.md", true),
            ("***.go", "a/b.go", true),
            ("docs/?.md", "docs/ab.md", false),
            ("[!a-c]x", "dx", true),
            ("[!a-c]x", "bx", false),
            ("{a,b*}/c", "bb/c", true),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            ("a.c", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), Ok(expected), "{pattern} {text}");
        }
        for (pattern, name, expected) in [
            ("main", "main", true),
            ("main", "refs/heads/main", true),
            ("refs/heads/main", "main", true),
            ("main", "refs/tags/main", false),
            ("refs/tags/v*", "refs/tags/v1.0", true),
            ("refs/tags/v*", "refs/heads/v1.0", false),
            ("release-*", "refs/heads/release-1/x", true),
            ("main", "mainline", false),
        ] {
            assert_eq!(branch(pattern, name), Ok(expected), "{pattern} {name}");
        }
        assert!(matches("[a", "a").is_err() && matches("{a", "a").is_err() && matches("[z-a]", "a").is_err());
    }

    proptest! {
        #[test]
        fn any_pattern_comes_back(pattern in "[a-c*?\\[\\]{}!,\\\\^&~-]{0,16}|\\PC{0,8}", text in "[a-c/]{0,8}") {
            let _ = matches(&pattern, &text);
        }

        #[test]
        fn words_match_themselves_only(a in "[a-z/.-]{1,8}", b in "[a-z/.-]{1,8}") {
            prop_assert_eq!(matches(&a, &b), Ok(a == b));
        }
    }
}
