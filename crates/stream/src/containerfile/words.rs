//! A line split into words, quotes taken off.

/// The words of `text`: separated by white space, `"…"` and `'…'` keep it, a backslash keeps the next character.
///
/// Backslashes before `$` stay, so that [`expand`](super::expand::expand) sees them.
pub fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let word = word.get_or_insert_default();
                match chars.next() {
                    Some('$') => word.push_str("\\$"),
                    Some(next) => word.push(next),
                    None => word.push('\\'),
                }
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn quotes_and_escapes() {
        assert_eq!(
            split(r#"A=1 B="two words" C='x' D=a\ b "" E=\$x"#),
            ["A=1", "B=two words", "C=x", "D=a b", "", "E=\\$x"]
        );
        assert!(split("  ").is_empty());
    }
}
