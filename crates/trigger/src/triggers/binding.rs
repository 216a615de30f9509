//! Params out of an event.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::jsonpath::Path;
use crate::event::Event;

/// A value for a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Value {
    /// What it says.
    pub text: String,
    /// As Tekton Triggers puts it into the JSON of a template: texts of the event are escaped, anything else is not.
    pub escaped: String,
}

impl Value {
    /// A text that is written in a file.
    pub fn literal(text: &str) -> Self {
        Self { text: text.to_owned(), escaped: text.to_owned() }
    }
}

/// The params of a trigger by name.
pub type Params = BTreeMap<String, Value>;

/// What the expressions of bindings may name: `body`, `header`, `extensions`, `context`.
pub fn root(event: &Event, body: &Json, extensions: &Map<String, Json>, id: &str) -> Json {
    let header: Map<String, Json> =
        event.headers.iter().map(|(n, v)| (n.to_owned(), Json::from(v))).collect();
    json!({"body": body, "header": header, "extensions": extensions, "context": {"eventID": id}})
}

/// Puts the values of an event into the value of a binding.
///
/// # Errors
/// Expressions that cannot be read, and those of which the event has nothing.
pub fn resolve(text: &str, root: &Json) -> Result<Value, String> {
    let mut value = Value::default();
    let mut rest = text;
    while let Some(start) = rest.find("$(") {
        let Some(length) = closing(&rest[start + 2..]) else { break };
        let expression = &rest[start + 2..start + 2 + length];
        literally(&mut value, &rest[..start]);
        let found = find(expression, root).map_err(|why| format!("$({expression}): {why}"))?;
        value.text.push_str(&found.text);
        value.escaped.push_str(&found.escaped);
        rest = &rest[start + 2 + length + 1..];
    }
    literally(&mut value, rest);
    Ok(value)
}

fn literally(value: &mut Value, text: &str) {
    value.text.push_str(text);
    value.escaped.push_str(text);
}

/// Where the parenthesis ends that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, letter)| {
        match letter {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
        None
    })
}

fn find(expression: &str, root: &Json) -> Result<Value, String> {
    let expression = in_any_case(expression, root);
    let found = Path::read(&expression)?.find(root)?;
    let value = match found.as_slice() {
        [one] => sorted(one),
        // Several make a list.
        many => Json::Array(many.iter().map(|v| sorted(v)).collect()),
    };
    Ok(match value {
        Json::String(text) => {
            let quoted = Json::from(text.as_str()).to_string();
            Value { escaped: quoted[1..quoted.len() - 1].to_owned(), text }
        }
        other => Value::literal(&other.to_string()),
    })
}

/// The name of a header in the case that the event has it in.
fn in_any_case(expression: &str, root: &Json) -> String {
    let inner = expression.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('.');
    let Some(name) = inner.strip_prefix("header.") else { return expression.to_owned() };
    let known = root["header"].as_object().into_iter().flatten().map(|(known, _)| known);
    let found = known.into_iter().find(|known| known.eq_ignore_ascii_case(name));
    found.map_or_else(|| expression.to_owned(), |known| format!("header['{known}']"))
}

/// As Go writes JSON: keys in order, whole numbers without a fraction.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(sorted).collect(),
        Json::Object(fields) => {
            let sorted: BTreeMap<&String, Json> = fields.iter().map(|(k, v)| (k, sorted(v))).collect();
            Json::Object(sorted.into_iter().map(|(k, v)| (k.clone(), v)).collect())
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        Json::Number(n) => match n.as_f64() {
            Some(f) if !n.is_i64() && !n.is_u64() && f.fract() == 0.0 && f.abs() < 1e15 => {
                Json::from(f as i64)
            }
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn resolved(text: &str) -> Result<Value, String> {
        let body = r#"{"ref": "refs/heads/a\"b", "id": 1296269, "big": 2.0, "labels": [{"b": 1, "a": "x"}], "none": null}"#;
        let event = Event::read(body, &[("X-GitHub-Event".to_owned(), "push".to_owned())]).unwrap();
        let extensions = Map::from_iter([("short".to_owned(), Json::from("abc"))]);
        resolve(text, &root(&event, &event.body, &extensions, "id-1"))
    }

    #[test]
    fn values_of_all_kinds() {
        for (text, expected) in [
            ("main", "main"),
            ("$(body.id)-$(body.big)", "1296269-2"),
            ("$(body.labels)", r#"[{"a":"x","b":1}]"#),
            ("$(body.labels[*].a)", "x"),
            ("$(body.labels[?(@.b == 1)].a) $(body.none)", "x null"),
            ("$(header.x-github-EVENT)/$(header['X-Github-Event'])", "push/push"),
            ("$(extensions.short) $(context.eventID)", "abc id-1"),
            ("$(open", "$(open"),
        ] {
            assert_eq!(resolved(text).map(|v| v.text), Ok(expected.to_owned()), "{text}");
        }
        let quoted = resolved("$(body.ref)").unwrap();
        assert_eq!((quoted.text.as_str(), quoted.escaped.as_str()), ("refs/heads/a\"b", "refs/heads/a\\\"b"));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(resolved("x $(body.nope.y)"), Err("$(body.nope.y): `body` has no `nope`".to_owned()));
        assert_eq!(resolved("$(nobody)"), Err("$(nobody): the event has no `nobody`".to_owned()));
    }
}
