//! Values as YAML text that people can read and compare: block style, keys in the given order, two spaces.

use serde::Serialize;
use serde_json::Value;

/// One document, with a line break at the end, without the line `---`.
///
/// # Errors
/// When the value has no JSON form.
pub fn document<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    match serde_json::to_value(value)? {
        Value::Object(fields) if !fields.is_empty() => mapping(&fields, 0, &mut text),
        Value::Array(items) if !items.is_empty() => sequence(&items, 0, &mut text),
        other => {
            scalar(&other, 0, &mut text);
            text.push('\n');
        }
    }
    Ok(text)
}

/// A value on one line, as in `{git: {url: …}}`.
pub fn inline(value: &Value) -> String {
    match value {
        Value::String(text) if is_bare(text) => text.clone(),
        // JSON is YAML.
        Value::String(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let one = |(key, value): (&String, &Value)| {
                format!("{}: {}", inline(&Value::from(key.as_str())), inline(value))
            };
            format!("{{{}}}", fields.iter().map(one).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether a text means itself without quotes, also within brackets and as a key; narrower than YAML is.
fn is_bare(text: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._/:@+-".contains(c);
    let word = !matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    let beginning = text.trim_start_matches("../").trim_start_matches("./");
    word && beginning.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(':')
        && text.chars().all(sound)
}

/// The lines of a mapping; the cursor stands where its first key belongs.
fn mapping(fields: &serde_json::Map<String, Value>, indent: usize, text: &mut String) {
    for (index, (key, value)) in fields.iter().enumerate() {
        if index > 0 {
            spaces(indent, text);
        }
        string(key, text);
        text.push(':');
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                text.push('\n');
                spaces(indent + 2, text);
                mapping(fields, indent + 2, text);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                spaces(indent + 2, text);
                sequence(items, indent + 2, text);
            }
            _ => {
                text.push(' ');
                scalar(value, indent + 2, text);
                text.push('\n');
            }
        }
    }
}

/// The lines of a sequence; the cursor stands where its first dash belongs.
fn sequence(items: &[Value], indent: usize, text: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            spaces(indent, text);
        }
        text.push_str("- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => mapping(fields, indent + 2, text),
            Value::Array(items) if !items.is_empty() => sequence(items, indent + 2, text),
            _ => {
                scalar(item, indent + 2, text);
                text.push('\n');
            }
        }
    }
}

fn scalar(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::String(s) if is_block(s) => block(s, indent, text),
        Value::String(s) => string(s, text),
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        other => text.push_str(&other.to_string()),
    }
}

fn spaces(count: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', count));
}

/// Whether a text reads best as lines, and can be written so: a block has no escapes, and drops nothing only if the first line
/// shows its indentation.
fn is_block(s: &str) -> bool {
    let body = s.trim_end_matches('\n');
    body.contains('\n')
        && s.len() - body.len() <= 1
        && !body.starts_with([' ', '\n'])
        && s.chars().all(|c| c == '\n' || is_printable(c))
}

fn block(s: &str, indent: usize, text: &mut String) {
    text.push_str(if s.ends_with('\n') { "|" } else { "|-" });
    for line in s.trim_end_matches('\n').split('\n') {
        text.push('\n');
        if !line.is_empty() {
            spaces(indent, text);
            text.push_str(line);
        }
    }
}

/// A text on one line, in quotes if it could be read as anything else.
fn string(s: &str, text: &mut String) {
    if is_plain(s) {
        text.push_str(s);
        return;
    }
    text.push('"');
    for c in s.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if is_printable(c) => text.push(c),
            c => text.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    text.push('"');
}

/// Letters, marks and other characters that stand for themselves everywhere (YAML 1.2.2, 5.1, without those that break lines or
/// do not show).
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a text without quotes is read as that text, by YAML 1.1 and 1.2 readers alike.
fn is_plain(s: &str) -> bool {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || "_./-+=@$()~^%".contains(c);
    let Some(first) = s.chars().next() else { return false };
    let inner = |(i, c): (usize, char)| {
        ordinary(c)
            || match c {
                // A colon ends a key before white space, a hash begins a comment after it, and spaces at the ends are lost.
                ':' => s[i + 1..].chars().next().is_some_and(ordinary),
                ' ' => s[i + 1..].chars().next().is_some_and(ordinary),
                ',' | ';' | '\'' | '#' | '!' | '*' | '&' | '?' | '[' | ']' | '{' | '}' | '<' | '>' | '|'
                | '`' => i > 0 && !s[..i].ends_with(' '),
                _ => false,
            }
    };
    // What begins like a number, a sign or a date is one for some reader, unless it has a letter that no number has (`5m`, `1Gi`).
    let number = |c: char| c.is_ascii_hexdigit() || "xXoO_.+-".contains(c);
    let safe_start = first.is_ascii_alphabetic()
        || "/$(_".contains(first)
        || (first.is_ascii_digit() && !s.chars().all(number));
    // The words of YAML 1.1.
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    safe_start && s.char_indices().all(inner) && !WORDS.iter().any(|word| s.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base::Source;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn one_line_reads_back() {
        let value = serde_json::json!({
            "source": {"git": {"url": "https://git.example/a", "ref": "4.22", "path": "a b"}},
            "from": ["true", "x:", "quay.io/a/b:stream9", "a, b", "{c}", "", "#x", "1e3"],
            "n": null, "k: y": [],
        });
        let text = inline(&value);
        let read = tekton::yaml::parse(&Source::new("x", text)).unwrap();
        assert_eq!(read[0].to_json(), value);
    }

    #[test]
    fn readable() {
        let value = json!({
            "name": "etcd",
            "empty": {"map": {}, "list": [], "text": "", "nothing": null},
            "numbers": [1, -2, 1.5, true],
            "texts": ["$(tasks.base.results.image)", "a: b", "12:30", "yes", "1.0", "# no", "x #y", "sh -c 'x'", " ", "é", "-x", "a=b"],
            "nested": [[1, [2]], {"a": 1, "b": [{"c": "d"}]}],
            "script": "#!/bin/sh\n\necho $(date)\n  indented\n",
            "clipped": "one\ntwo",
            "kept": "one\n\n",
            "odd key: ": 1,
        });
        insta::assert_snapshot!(document(&value).unwrap(), @r##"
        name: etcd
        empty:
          map: {}
          list: []
          text: ""
          nothing: null
        numbers:
          - 1
          - -2
          - 1.5
          - true
        texts:
          - $(tasks.base.results.image)
          - "a: b"
          - 12:30
          - "yes"
          - "1.0"
          - "# no"
          - "x #y"
          - "sh -c 'x'"
          - " "
          - "é"
          - "-x"
          - a=b
        nested:
          - - 1
            - - 2
          - a: 1
            b:
              - c: d
        script: |
          #!/bin/sh

          echo $(date)
            indented
        clipped: |-
          one
          two
        kept: "one\n\n"
        "odd key: ": 1
        "##);
    }

    fn values() -> impl Strategy<Value = Value> {
        let texts = prop_oneof![
            "\\PC{0,8}",
            "[a-z0-9:#,\\[\\]{}\\-?|>&*!%@'\"\\\\ \n\t.~=]{0,10}",
            "(y|no|true|null|~|0x1f|1e3|1_0|2020-01-01|<<|=|\\.inf|---|\\.\\.\\.)"
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            texts.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let key = "[a-z0-9 :#'\"-]{1,6}";
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(key, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_back_as_it_was(value in values()) {
            let text = document(&value).unwrap();
            let nodes = tekton::yaml::parse(&Source::new("t", text.as_str())).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(nodes.first().map(tekton::yaml::Node::to_json).unwrap_or_default(), value, "{}", text);
        }
    }
}
