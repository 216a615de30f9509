//! The end of the names of generated objects: ten letters that change with the content.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The hash of a ConfigMap or Secret, as kubectl and kustomize compute it: SHA-256 of kind, type and data as JSON.
pub fn of(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let data = |field: &str| sorted(&object[field]);
    // The keys stand in the order in which Go writes them.
    let mut content = serde_json::Map::new();
    let secret = object["kind"] == "Secret";
    if !secret && object["binaryData"].is_object() {
        content.insert("binaryData".into(), data("binaryData"));
    }
    content.insert("data".into(), if object["data"].is_object() { data("data") } else { json!("") });
    content.insert("kind".into(), object["kind"].clone());
    // Kustomize looks the name up in a way that never finds it.
    content.insert("name".into(), json!(""));
    if secret {
        if object["stringData"].is_object() {
            content.insert("stringData".into(), data("stringData"));
        }
        content.insert("type".into(), text(&object["type"]).into());
    }
    let digest = Sha256::digest(go_json(&Value::Object(content)));
    let hex: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    // No vowels, and none of the digits that look like one: no hash is a word.
    hex.chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect()
}

fn sorted(value: &Value) -> Value {
    let mut fields: Vec<_> = value.as_object().into_iter().flatten().collect();
    fields.sort_by_key(|(key, _)| key.as_str());
    Value::Object(fields.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// As Go's encoder writes it, which is safe to stand in HTML.
fn go_json(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_kubectl_computes_it() {
        // `kubectl kustomize` of the same generators.
        let map = json!({"kind": "ConfigMap", "metadata": {"name": "p-comp-cm"}, "data": {"c": "<x&y>", "a": "b", "fromcomp": "1"}});
        assert_eq!(of(&map), "h77476mmdf");
        let own = json!({"kind": "ConfigMap", "metadata": {"name": "p-comp-own"}, "data": {"a": "1"}});
        assert_eq!(of(&own), "h29d89cmmt");
    }
}
