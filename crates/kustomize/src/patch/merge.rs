//! Strategic merge: mappings field by field, null deletes, lists by their keys where [`super::merge_keys`] knows some and as a
//! whole elsewhere; `$patch: delete` and `$patch: replace` in mappings and elements.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::merge_keys;
use crate::object::Id;

const DIRECTIVE: &str = "$patch";

/// Merges `patch` into the object `id`; whether it deletes the object.
///
/// # Errors
/// Directives that are not known.
pub fn apply(target: &mut Value, patch: &Value, id: &Id) -> Result<bool, String> {
    let (Some(target), Some(patch)) = (target.as_object_mut(), patch.as_object()) else { return Ok(false) };
    mapping(target, patch, &mut Place { id, path: Vec::new() })
}

/// Where in which object.
struct Place<'a> {
    id: &'a Id,
    path: Vec<&'a str>,
}

/// What a mapping of a patch asks for besides its fields.
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(patch: &Map<String, Value>) -> Result<Directive, String> {
    for key in patch.keys().filter(|key| key.starts_with('$') && *key != DIRECTIVE) {
        let known = ["$setElementOrder", "$retainKeys", "$deleteFromPrimitiveList"];
        if known.iter().any(|known| key.starts_with(known)) {
            return Err(format!("`{key}` has no meaning in a kustomization; leave it out"));
        }
    }
    match patch.get(DIRECTIVE).map(|value| value.as_str().unwrap_or_default()) {
        None | Some("merge") => Ok(Directive::Merge),
        Some("replace") => Ok(Directive::Replace),
        Some("delete") => Ok(Directive::Delete),
        Some(other) => Err(format!("unknown `$patch: {other}`; write delete, replace or merge")),
    }
}

fn mapping<'a>(
    target: &mut Map<String, Value>,
    patch: &'a Map<String, Value>,
    place: &mut Place<'a>,
) -> Result<bool, String> {
    match directive(patch)? {
        Directive::Delete => return Ok(true),
        Directive::Replace => target.clear(),
        Directive::Merge => {}
    }
    for (key, value) in patch.iter().filter(|(key, _)| *key != DIRECTIVE) {
        place.path.push(key);
        match (target.get_mut(key), value) {
            (_, Value::Null) => {
                target.shift_remove(key);
            }
            (Some(Value::Object(below)), Value::Object(value)) => {
                if mapping(below, value, place)? {
                    target.shift_remove(key);
                }
            }
            (Some(Value::Array(below)), Value::Array(value)) => list(below, value, place)?,
            (_, value) => match clean(value)? {
                Some(value) => {
                    target.insert(key.clone(), value);
                }
                None => {
                    target.shift_remove(key);
                }
            },
        }
        place.path.pop();
    }
    Ok(false)
}

fn list<'a>(target: &mut Vec<Value>, patch: &'a [Value], place: &mut Place<'a>) -> Result<(), String> {
    let replaces =
        |item: &Value| item[DIRECTIVE] == "replace" && item.as_object().is_some_and(|item| item.len() == 1);
    let Some(keys) = merge_keys::of(place.id, &place.path).filter(|_| !patch.iter().any(replaces)) else {
        let kept: Vec<Option<Value>> =
            patch.iter().filter(|item| !replaces(item)).map(clean).collect::<Result<_, _>>()?;
        *target = kept.into_iter().flatten().collect();
        return Ok(());
    };
    let Some((primary, secondary)) = keys.split_first() else {
        // A set of texts.
        let mut all = patch.to_vec();
        all.extend(target.drain(..).filter(|item| !patch.contains(item)));
        *target = all;
        return Ok(());
    };
    // Elements of the patch come first, in its order; the rest follows.
    let mut rest: Vec<Option<Value>> = target.drain(..).map(Some).collect();
    let mut known: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, item) in rest.iter().enumerate() {
        let key = item.as_ref().map(|item| item[primary].to_string()).unwrap_or_default();
        known.entry(key).or_default().push(index);
    }
    for item in patch {
        let fields = item
            .as_object()
            .ok_or("an element of this list is a mapping with the key `".to_owned() + primary + "`")?;
        if fields.get(*primary).is_none_or(Value::is_null) {
            return Err(format!(
                "an element of the list `{}` has no `{primary}`, by which it is merged",
                place.path.join(".")
            ));
        }
        // A secondary key that one of the two leaves out is the same.
        let same = |old: &Value| {
            secondary.iter().all(|key| old[*key].is_null() || item[*key].is_null() || old[*key] == item[*key])
        };
        let candidates = known.get(&item[primary].to_string()).into_iter().flatten();
        let found = candidates.copied().find(|index| rest[*index].as_ref().is_some_and(same));
        match found.and_then(|index| rest[index].take()) {
            Some(mut old) => {
                let deleted = match old.as_object_mut() {
                    Some(old) => mapping(old, fields, place)?,
                    None => true,
                };
                if !deleted {
                    target.push(old);
                }
            }
            None => target.extend(clean(item)?),
        }
    }
    target.extend(rest.into_iter().flatten());
    Ok(())
}

/// A value of a patch as it stands where nothing was before: without directives and deletions.
fn clean(value: &Value) -> Result<Option<Value>, String> {
    Ok(Some(match value {
        Value::Object(fields) => {
            if matches!(directive(fields)?, Directive::Delete) {
                return Ok(None);
            }
            let mut kept = Map::new();
            for (key, value) in fields.iter().filter(|(key, value)| *key != DIRECTIVE && !value.is_null()) {
                if let Some(value) = clean(value)? {
                    kept.insert(key.clone(), value);
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let items: Vec<Option<Value>> = items.iter().map(clean).collect::<Result<_, _>>()?;
            Value::Array(items.into_iter().flatten().collect())
        }
        other => other.clone(),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn merged(kind: &str, mut target: Value, patch: Value) -> Value {
        let id = Id { group: "apps".into(), version: "v1".into(), kind: kind.into(), ..Id::default() };
        assert!(!apply(&mut target, &patch, &id).unwrap());
        target
    }

    fn pod(spec: Value) -> Value {
        json!({"spec": {"template": {"spec": spec}}})
    }

    #[test]
    fn lists_of_known_kinds_are_merged_by_their_keys() {
        let target = pod(
            json!({"containers": [{"name": "a", "args": [1], "env": [{"name": "E", "value": "1"}]}, {"name": "b"}]}),
        );
        let patch = pod(
            json!({"containers": [{"name": "n"}, {"name": "b", "image": "x"}, {"name": "a", "args": [2], "env": [{"name": "E", "$patch": "delete"}, {"name": "F"}]}]}),
        );
        let result = pod(
            json!({"containers": [{"name": "n"}, {"name": "b", "image": "x"}, {"name": "a", "args": [2], "env": [{"name": "F"}]}]}),
        );
        assert_eq!(merged("Deployment", target, patch), result);
    }

    #[test]
    fn lists_of_other_kinds_are_replaced() {
        let id = Id { group: "tekton.dev".into(), kind: "Task".into(), ..Id::default() };
        let mut task = json!({"spec": {"steps": [{"name": "a"}, {"name": "b"}]}});
        apply(&mut task, &json!({"spec": {"steps": [{"name": "b", "image": "x"}]}}), &id).unwrap();
        assert_eq!(task, json!({"spec": {"steps": [{"name": "b", "image": "x"}]}}));
    }

    #[test]
    fn null_and_directives() {
        let target = json!({"a": {"b": 1, "c": 2}, "d": {"e": 1}, "f": 1});
        let patch = json!({"a": {"$patch": "replace", "x": 1}, "d": {"$patch": "delete"}, "f": null, "g": {"h": null, "i": {}}});
        assert_eq!(merged("Deployment", target, patch), json!({"a": {"x": 1}, "g": {"i": {}}}));
        let wrong = apply(&mut json!({}), &json!({"a": {"$patch": "remove"}}), &Id::default());
        assert_eq!(wrong.unwrap_err(), "unknown `$patch: remove`; write delete, replace or merge");
        assert!(apply(&mut json!({}), &json!({"$patch": "delete"}), &Id::default()).unwrap());
    }
}
