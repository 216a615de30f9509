//! `$NAME` in a text (Dockerfile reference, "Environment replacement").

/// How deep `${A:-${B:-…}}` may nest: deeper is no Containerfile anybody wrote.
const DEEPEST: usize = 16;

/// Why a text could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The variable of this name has no value.
    Unset(String),
    /// Not one of the forms that [`expand`] knows.
    Unsupported(String),
}

/// Replaces `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME-word}`, `${NAME:+word}` and `${NAME+word}`; `\$` stands for `$`.
///
/// # Errors
/// When a variable has no value (and no word replaces it), or the form is another one.
pub fn expand<'v>(text: &str, value: &dyn Fn(&str) -> Option<&'v str>) -> Result<String, Failure> {
    expand_at(text, value, 0)
}

fn expand_at<'v>(
    text: &str,
    value: &dyn Fn(&str) -> Option<&'v str>,
    depth: usize,
) -> Result<String, Failure> {
    if depth > DEEPEST {
        return Err(Failure::Unsupported(text.to_owned()));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['$', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('\\') {
            let escaped = after.chars().next();
            out.push(escaped.unwrap_or('\\'));
            rest = &after[escaped.map_or(0, char::len_utf8)..];
        } else if rest.starts_with("${") {
            let end = closing_brace(rest).ok_or_else(|| Failure::Unsupported(rest.to_owned()))?;
            out.push_str(&braced(&rest[2..end], value, depth)?);
            rest = &rest[end + 1..];
        } else {
            let end = 1 + name_length(&rest[1..]);
            if end == 1 {
                return Err(Failure::Unsupported(rest.chars().take(2).collect()));
            }
            out.push_str(value(&rest[1..end]).ok_or_else(|| Failure::Unset(rest[1..end].to_owned()))?);
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// What stands between `${` and `}`.
fn braced<'v>(inner: &str, value: &dyn Fn(&str) -> Option<&'v str>, depth: usize) -> Result<String, Failure> {
    let (name, operator) = inner.split_at(name_length(inner));
    let unsupported = || Failure::Unsupported(format!("${{{inner}}}"));
    if name.is_empty() {
        return Err(unsupported());
    }
    let known = value(name);
    // With a colon an empty value counts as none.
    let (operator, known_for_test) = match operator.strip_prefix(':') {
        Some(rest) => (rest, known.filter(|v| !v.is_empty())),
        None => (operator, known),
    };
    if let Some(word) = operator.strip_prefix('-') {
        known_for_test.map_or_else(|| expand_at(word, value, depth + 1), |v| Ok(v.to_owned()))
    } else if let Some(word) = operator.strip_prefix('+') {
        known_for_test.map_or_else(|| Ok(String::new()), |_| expand_at(word, value, depth + 1))
    } else if operator.is_empty() && !inner.ends_with(':') {
        known.map(str::to_owned).ok_or_else(|| Failure::Unset(name.to_owned()))
    } else {
        Err(unsupported())
    }
}

/// The index of the `}` that closes the `${` at the start of `text`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => open += 1,
            '}' => {
                open -= 1;
                if open == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_a(text: &str) -> Result<String, Failure> {
        expand(text, &|name| match name {
            "A" => Some("x"),
            "EMPTY" => Some(""),
            _ => None,
        })
    }

    #[test]
    fn every_form() {
        for (text, expected) in [
            ("plain:1", "plain:1"),
            ("$A", "x"),
            ("${A}:$A-b", "x:x-b"),
            ("${B:-d}", "d"),
            ("${B-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${A:+y}", "y"),
            ("${B+y}", ""),
            ("${B:-${A}/${C:-z}}", "x/z"),
            (r"\$A", "$A"),
            ("é$A", "éx"),
        ] {
            assert_eq!(with_a(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_named() {
        assert_eq!(with_a("$B/c"), Err(Failure::Unset("B".into())));
        for text in ["${A", "${}", "${A:?no}", "$", "$1", "${A:}", &"${B:-".repeat(40)] {
            assert!(matches!(with_a(text), Err(Failure::Unsupported(_))), "{text}");
        }
    }
}
