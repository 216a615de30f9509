//! Fields by path and kind.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::object::Id;

/// A field of objects of some kinds: `path: spec/template/metadata/labels`.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct FieldSpec {
    /// Of these objects; empty is any.
    pub group: String,
    /// Of these objects; empty is any.
    pub version: String,
    /// Of these objects; empty is any.
    pub kind: String,
    /// Keys, with slashes between; `\/` is a slash in a key. Lists on the way are followed into each element; `[]` after a
    /// key keeps the list from being made.
    pub path: String,
    /// Makes the field when it is not there.
    pub create: bool,
}

impl FieldSpec {
    /// Whether it is about this object.
    pub fn is_for(&self, id: &Id) -> bool {
        fits(&self.group, &id.group) && fits(&self.version, &id.version) && fits(&self.kind, &id.kind)
    }

    /// Calls `change` with each value at the path.
    pub fn visit(&self, value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
        visit(value, &segments(&self.path), self.create, change);
    }
}

/// Whether a wish, if there is one, is met.
pub fn fits(wish: &str, have: &str) -> bool {
    wish.is_empty() || wish == have
}

fn segments(path: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut letters = path.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '/' => found.push(String::new()),
            '\\' if letters.peek() == Some(&'/') => {
                letters.next();
                found.last_mut().into_iter().for_each(|last| last.push('/'));
            }
            other => found.last_mut().into_iter().for_each(|last| last.push(other)),
        }
    }
    found.retain(|segment| !segment.is_empty());
    found
}

fn visit(value: &mut Value, path: &[String], create: bool, change: &mut dyn FnMut(&mut Value)) {
    let Some((first, rest)) = path.split_first() else {
        change(value);
        return;
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, path, create, change)),
        Value::Object(fields) => {
            let (key, list) = first.strip_suffix("[]").map_or((first.as_str(), false), |key| (key, true));
            if fields.get(key).is_none_or(Value::is_null) {
                if !create || list {
                    return;
                }
                let made = if rest.is_empty() { Value::Null } else { Value::Object(Map::new()) };
                fields.insert(key.to_owned(), made);
            }
            if let Some(next) = fields.get_mut(key) {
                visit(next, rest, create, change);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(path: &str, create: bool, mut value: Value) -> Value {
        let field = FieldSpec { path: path.into(), create, ..FieldSpec::default() };
        field.visit(&mut value, &mut |place| *place = json!("new"));
        value
    }

    #[test]
    fn lists_are_followed_into_each_element() {
        let both = set("a/b/c", false, json!({"a": {"b": [{"c": 1}, {"d": 2}, {"c": 3}]}}));
        assert_eq!(both, json!({"a": {"b": [{"c": "new"}, {"d": 2}, {"c": "new"}]}}));
    }

    #[test]
    fn only_some_make_their_field() {
        assert_eq!(set("a/b", true, json!({})), json!({"a": {"b": "new"}}));
        assert_eq!(set("a/b", false, json!({})), json!({}));
        assert_eq!(set("a[]/b", true, json!({})), json!({}), "a list is not made");
        assert_eq!(set(r"a/b.c\/d", true, json!({})), json!({"a": {"b.c/d": "new"}}));
    }
}
