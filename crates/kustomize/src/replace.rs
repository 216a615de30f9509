//! Replacements: a value of one object, or a part of it, in fields of others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::kustomization::{FieldOptions, Replacement, ReplacementTarget};
use crate::object::Object;

/// Puts the value where the replacement says; what was odd about it.
///
/// # Errors
/// Sources that are not one value, fields that are not there, and what has no meaning.
pub fn apply(
    objects: &mut [Object],
    replacement: &Replacement,
    budget: &mut Budget,
) -> Result<Vec<String>, String> {
    let value = source(objects, replacement)?;
    if replacement.targets.is_empty() {
        return Err("a replacement has `targets:`".into());
    }
    let mut odd = Vec::new();
    for target in &replacement.targets {
        if !apply_to(objects, target, &value, budget)? {
            odd.push("this replacement selects no object".to_owned());
        }
    }
    Ok(odd)
}

fn source(objects: &[Object], replacement: &Replacement) -> Result<Value, String> {
    let source = match (&replacement.source, &replacement.source_value) {
        (Some(source), None) => source,
        (None, Some(value)) => return Ok(Value::from(value.as_str())),
        _ => return Err("a replacement has either `source:` or `sourceValue:`".into()),
    };
    let mut found = objects.iter().filter(|object| source.is(object));
    let object = match (found.next(), found.next()) {
        (Some(object), None) => object,
        (None, _) => return Err("no object is the source; check kind and name".into()),
        (Some(one), Some(other)) => {
            return Err(format!(
                "several objects are the source: {}, {}, …; say more about it",
                one.id(),
                other.id()
            ));
        }
    };
    let path = if source.field_path.is_empty() { "metadata.name" } else { &source.field_path };
    let mut copy = object.value.clone();
    let mut values = Vec::new();
    visit(&mut copy, &parts(path)?, false, &mut |place| {
        values.push(place.clone());
        Ok(())
    })?;
    let value = match values.as_slice() {
        [one] => one.clone(),
        [] => return Err(format!("{} has no field `{path}`", object.id())),
        _ => return Err(format!("`{path}` means several values of {}", object.id())),
    };
    if source.options.delimiter.is_empty() {
        return Ok(value);
    }
    let text = text(&value).ok_or("only texts are split by a delimiter")?;
    let index = usize::try_from(source.options.index).map_err(|_| "an index is not negative here")?;
    let part = text.split(&source.options.delimiter).nth(index);
    part.map(Value::from).ok_or_else(|| format!("`{text}` has no part {index}"))
}

/// Whether any object was selected.
fn apply_to(
    objects: &mut [Object],
    target: &ReplacementTarget,
    value: &Value,
    budget: &mut Budget,
) -> Result<bool, String> {
    let select = target.select.as_ref().ok_or("a target of a replacement has `select:`")?.matcher()?;
    let reject = target.reject.iter().map(|selector| selector.matcher()).collect::<Result<Vec<_>, _>>()?;
    let default = vec!["metadata.name".to_owned()];
    let paths = if target.field_paths.is_empty() { &default } else { &target.field_paths };
    let mut selected = false;
    for object in objects {
        if !select.selects(object) || reject.iter().any(|reject| reject.selects(object)) {
            continue;
        }
        selected = true;
        object.remember();
        let id = object.id();
        for path in paths {
            let mut found = false;
            visit(&mut object.value, &parts(path)?, target.options.create, &mut |place| {
                found = true;
                budget.copy(value)?;
                set(place, value, &target.options)?;
                // What was there before counts again when only a part of it is new.
                if target.options.delimiter.is_empty() { Ok(()) } else { budget.copy(place) }
            })?;
            if !found {
                return Err(format!("{id} has no field `{path}`; `options: {{create: true}}` makes it"));
            }
        }
        if object.id() == id {
            object.previous.pop_if(|last| *last == id);
        }
    }
    Ok(selected)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn set(place: &mut Value, value: &Value, options: &FieldOptions) -> Result<(), String> {
    if !options.encoding.is_empty() && options.encoding != "base64" {
        return Err(format!("the encoding `{}` is not known; write base64", options.encoding));
    }
    if options.delimiter.is_empty() && options.encoding.is_empty() {
        *place = match (&*place, text(value)) {
            // A text stays one.
            (Value::String(_), Some(text)) => Value::from(text),
            _ => value.clone(),
        };
        return Ok(());
    }
    let new = text(value).ok_or("only a text can be a part of another")?;
    let old = match &*place {
        Value::Null => String::new(),
        other => text(other).ok_or("only a text has parts")?,
    };
    let encoded = !options.encoding.is_empty();
    let old = if encoded {
        let bytes = STANDARD.decode(old.replace(['\n', ' '], "")).map_err(|_| "the field is not base64")?;
        String::from_utf8(bytes).map_err(|_| "the field is no text in base64")?
    } else {
        old
    };
    let changed = if options.delimiter.is_empty() {
        new
    } else {
        let mut parts: Vec<&str> = old.split(&options.delimiter).collect();
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, &new),
            Ok(index) if index >= parts.len() => parts.push(&new),
            Ok(index) => parts[index] = &new,
        }
        parts.join(&options.delimiter)
    };
    *place = Value::from(if encoded { STANDARD.encode(changed) } else { changed });
    Ok(())
}

/// A part of a field path.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    /// A key, or the position in a list.
    Key(String),
    /// The elements with this value under that key.
    Element(String, String),
    /// All elements, or all values of a mapping.
    All,
}

/// Reads `spec.containers.[name=a.b].image`; `\.` is a dot in a key.
fn parts(path: &str) -> Result<Vec<Part>, String> {
    let mut found = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[')
            && let Some((inside, after)) = inner.split_once(']')
        {
            let element = inside.split_once('=').map(|(key, value)| Part::Element(key.into(), value.into()));
            found.push(element.unwrap_or_else(|| Part::Key(inside.into())));
            rest = after.strip_prefix('.').unwrap_or(after);
            continue;
        }
        let mut key = String::new();
        let mut letters = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '.' => {
                    end = at + 1;
                    break;
                }
                '\\' => key.extend(letters.next().map(|(_, letter)| letter)),
                other => key.push(other),
            }
        }
        if key.is_empty() {
            return Err(format!("the field path `{path}` has an empty part"));
        }
        found.push(if key == "*" { Part::All } else { Part::Key(key) });
        rest = &rest[end..];
    }
    Ok(found)
}

type Change<'a> = dyn FnMut(&mut Value) -> Result<(), String> + 'a;

fn visit(value: &mut Value, path: &[Part], create: bool, change: &mut Change<'_>) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else { return change(value) };
    if create && value.is_null() {
        *value = match first {
            Part::Element(..) => Value::Array(Vec::new()),
            _ => Value::Object(Map::new()),
        };
    }
    match (first, value) {
        (Part::Key(key), Value::Object(fields)) => {
            if create && !fields.contains_key(key) {
                fields.insert(key.clone(), Value::Null);
            }
            fields.get_mut(key).map_or(Ok(()), |below| visit(below, rest, create, change))
        }
        (Part::Key(key), Value::Array(items)) => {
            if key == "-" {
                items.push(Value::Null);
                return items.last_mut().map_or(Ok(()), |last| visit(last, rest, true, change));
            }
            let index = key.parse::<usize>().ok();
            if create && index == Some(items.len()) {
                items.push(Value::Null);
            }
            index.and_then(|i| items.get_mut(i)).map_or(Ok(()), |below| visit(below, rest, create, change))
        }
        (Part::Element(key, wanted), Value::Array(items)) => {
            let is = |item: &Value| match key.as_str() {
                "" => text(item).as_ref() == Some(wanted),
                key => item.get(key).and_then(text).as_ref() == Some(wanted),
            };
            if create && !key.is_empty() && !items.iter().any(is) {
                items.push(Value::Object(Map::from_iter([(key.clone(), Value::from(wanted.as_str()))])));
            }
            items.iter_mut().filter(|item| is(item)).try_for_each(|item| visit(item, rest, create, change))
        }
        (Part::All, Value::Array(items)) => {
            items.iter_mut().try_for_each(|item| visit(item, rest, create, change))
        }
        (Part::All, Value::Object(fields)) => {
            fields.values_mut().try_for_each(|below| visit(below, rest, create, change))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn paths() {
        let key = |key: &str| Part::Key(key.into());
        assert_eq!(
            parts(r"a.b\.c.[name=x.y].0.*").unwrap(),
            [key("a"), key("b.c"), Part::Element("name".into(), "x.y".into()), key("0"), Part::All]
        );
        assert!(parts("a..b").is_err());
    }

    fn placed(mut target: Value, path: &str, value: Value, options: FieldOptions) -> Value {
        let parts = parts(path).unwrap();
        visit(&mut target, &parts, options.create, &mut |place| set(place, &value, &options)).unwrap();
        target
    }

    #[test]
    fn parts_of_texts() {
        let part = |index| FieldOptions { delimiter: ":".into(), index, ..FieldOptions::default() };
        assert_eq!(placed(json!({"i": "n:1"}), "i", json!(9), part(1)), json!({"i": "n:9"}));
        assert_eq!(placed(json!({"i": "n:1"}), "i", json!("x"), part(-1)), json!({"i": "x:n:1"}));
        assert_eq!(placed(json!({"i": "n:1"}), "i", json!("x"), part(5)), json!({"i": "n:1:x"}));
        let encoded = FieldOptions { encoding: "base64".into(), ..FieldOptions::default() };
        assert_eq!(placed(json!({"i": "eA=="}), "i", json!("y"), encoded), json!({"i": "eQ=="}));
    }

    #[test]
    fn fields_are_made_when_asked() {
        let create = FieldOptions { create: true, ..FieldOptions::default() };
        let made = placed(json!({"l": [{"name": "a"}]}), "l.[name=b].env.[name=P].value", json!("v"), create);
        assert_eq!(made, json!({"l": [{"name": "a"}, {"name": "b", "env": [{"name": "P", "value": "v"}]}]}));
        assert_eq!(placed(json!({}), "a.b", json!(1), FieldOptions::default()), json!({}));
    }
}
