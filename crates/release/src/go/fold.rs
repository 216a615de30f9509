//! Field names in any case, as `encoding/json` accepts them.

use serde_json::{Map, Value};

/// The field that Go would store under `name`: of all keys that are equal in any (ASCII) case the last one.
///
/// `Name:` in an `image-references` file works in practice and appears in published instructions (payload.md §2.5).
pub fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The field as text; missing, `null` and other types give nothing.
pub fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    field(object, name).and_then(Value::as_str)
}

/// The field as an object.
pub fn object<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    field(object, name).and_then(Value::as_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_spelling_wins() {
        let value = json!({"Name": "a", "NAME": "b", "names": "c"});
        let map = value.as_object().expect("an object");
        assert_eq!(text(map, "name"), Some("b"));
        assert_eq!(text(map, "kind"), None);
    }
}
