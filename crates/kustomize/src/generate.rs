//! Config maps and secrets from files, literals and files of variables.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::budget::Budget;
use crate::kustomization::{Behavior, Generator, GeneratorOptions};
use crate::object::{Object, Origin, child};

/// The longest line of base64, as kustomize writes it.
const LINE: usize = 70;

/// Keys with their content.
#[derive(Debug, Default)]
pub struct Data(BTreeMap<String, Vec<u8>>);

impl Data {
    /// Adds a key.
    ///
    /// # Errors
    /// Keys that Kubernetes does not take, and keys given twice.
    pub fn add(&mut self, key: &str, content: Vec<u8>) -> Result<(), String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if key.is_empty() || key.len() > 253 || key == "." || key.starts_with("..") || !key.chars().all(fits)
        {
            return Err(format!("`{key}` cannot be a key; keys have letters, digits, `-`, `_` and `.`"));
        }
        match self.0.insert(key.to_owned(), content) {
            None => Ok(()),
            Some(_) => Err(format!("the key `{key}` is given twice")),
        }
    }

    /// Adds `key=value`; quotes around the value are not part of it.
    ///
    /// # Errors
    /// What is not written so, and those of [`Data::add`].
    pub fn literal(&mut self, literal: &str) -> Result<(), String> {
        let (key, value) = literal.split_once('=').ok_or("a literal is written as key=value")?;
        let quoted = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
        self.add(key, quoted('"').or_else(|| quoted('\'')).unwrap_or(value).into())
    }

    /// Adds the lines `key=value` of a text; blank ones and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// Lines that are not written so; kubectl would take the value from the environment of whoever builds, which is not done
    /// here. And those of [`Data::add`].
    pub fn variables(&mut self, text: &str) -> Result<(), String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = |message: String| format!("line {}: {message}", number + 1);
            let (key, value) = line.split_once('=').ok_or_else(|| at("write it as KEY=value".into()))?;
            self.add(key, value.into()).map_err(at)?;
        }
        Ok(())
    }
}

/// Makes the object and puts it among the others.
///
/// # Errors
/// When one is there that should not be, or none that should.
pub fn generate(
    objects: &mut Vec<Object>,
    generator: &Generator,
    secret: bool,
    data: Data,
    defaults: &GeneratorOptions,
    origin: Origin,
    budget: &mut Budget,
) -> Result<(), String> {
    let options = &generator.options;
    let mut object = Object::new(value(generator, secret, data, defaults), origin);
    object.hashed = !(options.disable_name_suffix_hash || defaults.disable_name_suffix_hash);
    budget.copy(&object.value)?;
    let id = object.id();
    let mut there = objects.iter_mut().filter(|other| other.ids().any(|other| other.same(&id)));
    match (there.next(), there.next(), generator.behavior) {
        (None, _, Behavior::Create) => objects.push(object),
        (Some(_), _, Behavior::Create) => {
            return Err(format!("{id} is there already; write behavior: merge or replace"));
        }
        (None, ..) => return Err(format!("there is no {id} to merge with or to replace")),
        (Some(_), Some(_), _) => return Err(format!("several objects are or were called {id}")),
        (Some(old), None, behavior) => {
            join(&mut old.value, &object.value, behavior);
            old.hashed &= object.hashed;
        }
    }
    Ok(())
}

fn value(generator: &Generator, secret: bool, data: Data, defaults: &GeneratorOptions) -> Value {
    let mut metadata = Map::from_iter([("name".to_owned(), json!(generator.name))]);
    if !generator.namespace.is_empty() {
        metadata.insert("namespace".into(), json!(generator.namespace));
    }
    let options = &generator.options;
    for (field, shared, own) in [
        ("labels", &defaults.labels, &options.labels),
        ("annotations", &defaults.annotations, &options.annotations),
    ] {
        let mut all = shared.clone();
        all.extend(own.clone());
        if !all.is_empty() {
            metadata.insert(field.into(), json!(all));
        }
    }
    let kind = if secret { "Secret" } else { "ConfigMap" };
    let mut value = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
    let mut put = |field: &str, key: String, text: String| {
        child(&mut value, field).map(|fields| fields.insert(key, Value::from(text)));
    };
    for (key, content) in data.0 {
        match String::from_utf8(content) {
            Ok(text) if !secret => put("data", key, text),
            Ok(text) => put("data", key, base64_lines(text.as_bytes())),
            Err(binary) => {
                put(if secret { "data" } else { "binaryData" }, key, base64_lines(binary.as_bytes()));
            }
        }
    }
    if secret {
        let kind = if generator.r#type.is_empty() { "Opaque" } else { &generator.r#type };
        value["type"] = Value::from(kind);
    }
    if options.immutable || defaults.immutable {
        value["immutable"] = Value::Bool(true);
    }
    value
}

fn base64_lines(content: &[u8]) -> String {
    let text = STANDARD.encode(content);
    if text.len() < LINE {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / LINE + 1);
    for (position, letter) in text.chars().enumerate() {
        lines.push(letter);
        if (position + 1) % LINE == 0 {
            lines.push('\n');
        }
    }
    if !lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}

/// Puts the keys of `new` into `old`, instead of all that it had when it is replaced.
fn join(old: &mut Value, new: &Value, behavior: Behavior) {
    for field in ["data", "binaryData", "stringData"] {
        if behavior == Behavior::Replace
            && let Some(old) = old.as_object_mut()
        {
            old.shift_remove(field);
        }
    }
    for field in ["data", "binaryData"] {
        for (key, value) in new[field].as_object().into_iter().flatten() {
            child(old, field).map(|fields| fields.insert(key.clone(), value.clone()));
        }
    }
    for field in ["labels", "annotations"] {
        for (key, value) in new["metadata"][field].as_object().into_iter().flatten() {
            let fields = old.get_mut("metadata").and_then(|metadata| child(metadata, field));
            fields.map(|fields| fields.insert(key.clone(), value.clone()));
        }
    }
    for field in ["immutable", "type"] {
        if !new[field].is_null() && (field == "immutable" || behavior == Behavior::Replace) {
            old[field] = new[field].clone();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn literals_and_variables() {
        let mut data = Data::default();
        data.literal("a=\"b=c\"").unwrap();
        data.literal("q='").unwrap();
        data.variables("\u{feff}# no\n\n  X=1=2\nY=\n").unwrap();
        let text = |key: &str| String::from_utf8(data.0[key].clone()).unwrap();
        assert_eq!(
            (text("a"), text("q"), text("X"), text("Y")),
            ("b=c".into(), "'".into(), "1=2".into(), String::new())
        );
        assert_eq!(data.literal("a=1").unwrap_err(), "the key `a` is given twice");
        assert_eq!(data.variables("A=1\nHOME").unwrap_err(), "line 2: write it as KEY=value");
        assert!(data.literal("../x=1").is_err());
    }

    #[test]
    fn long_base64_has_lines() {
        assert_eq!(base64_lines(&[0; 51]).len(), 68);
        let lines = base64_lines(&[0; 60]);
        assert_eq!(lines.lines().map(str::len).collect::<Vec<_>>(), [70, 10]);
        assert!(lines.ends_with('\n'));
    }
}
