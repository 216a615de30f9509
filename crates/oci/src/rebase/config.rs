//! The configuration of an image on another base: what it has unchanged from the old base becomes what the new one says; what it
//! says itself stays.
//!
//! Fields are those of the OCI image specification, config.md, and Docker's beside them. A value that an image sets itself to just
//! what the old base says cannot be told from an inherited one.

use serde_json::{Map, Value};

use super::Refusal;
use crate::manifest::Platform;

/// Who carries out the instructions of a build, where, and with which shell.
const FOR_INSTRUCTIONS: [&str; 3] = ["User", "WorkingDir", "Shell"];

/// The whole configuration, with the layers and the history of the new base; the layers are left to the caller.
pub(super) fn merge(image: &Value, old: &Value, new: &Value) -> Result<Value, Refusal> {
    let platforms = [image, old, new].map(platform_of);
    if platforms.iter().any(|one| !one.is_same_machine(&platforms[0])) {
        let names = platforms.map(|one| one.name().unwrap_or_else(|| "one without a name".to_owned()));
        return Err(Refusal::Platform(names.join(", ")));
    }
    let mut merged = image.clone();
    let empty = Map::new();
    let fields = |config: &'_ Value| config["config"].as_object().cloned();
    let (of_image, of_old, of_new) = (fields(image), fields(old), fields(new));
    let run = run_config(
        of_image.as_ref().unwrap_or(&empty),
        of_old.as_ref().unwrap_or(&empty),
        of_new.as_ref().unwrap_or(&empty),
    )?;
    merged["config"] = Value::Object(run);
    merged["history"] = Value::Array(history(image, old, new)?);
    Ok(merged)
}

/// What machine an image is for.
pub(super) fn platform_of(config: &Value) -> Platform {
    let text = |field| config[field].as_str().unwrap_or_default();
    let variant = Some(text("variant")).filter(|variant| !variant.is_empty()).map(str::to_owned);
    Platform { variant, ..Platform::new(text("os"), text("architecture")) }
}

fn history(image: &Value, old: &Value, new: &Value) -> Result<Vec<Value>, Refusal> {
    let of = |config: &Value| config["history"].as_array().cloned().unwrap_or_default();
    let (image, old) = (of(image), of(old));
    // Histories are optional; an image that has none gets none of its base.
    if image.is_empty() {
        return Ok(Vec::new());
    }
    let own = image.strip_prefix(old.as_slice()).ok_or(Refusal::History)?;
    Ok([of(new).as_slice(), own].concat())
}

/// What is run, and how.
fn run_config(
    image: &Map<String, Value>,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    if [old, new].iter().any(|base| base.get("OnBuild").is_some_and(|list| !is_empty(list))) {
        return Err(Refusal::OnBuild);
    }
    let at = |config: &Map<String, Value>, field: &str| config.get(field).cloned().unwrap_or(Value::Null);
    // Every instruction of the build went by them, whatever the image says in the end.
    if let Some(field) = FOR_INSTRUCTIONS.into_iter().find(|field| !same(&at(old, field), &at(new, field))) {
        return Err(Refusal::Instructions(field));
    }
    let mut merged = Map::new();
    let mut names: Vec<&String> = image.keys().collect();
    names.extend(new.keys().filter(|name| !image.contains_key(*name)));
    // An own entrypoint forgets the command of the base (Dockerfile reference, "ENTRYPOINT").
    let own_entrypoint = !same(&at(image, "Entrypoint"), &at(old, "Entrypoint"));
    for name in names {
        let (own, from, to) = (at(image, name), at(old, name), at(new, name));
        let own_value = own.clone();
        let value = match name.as_str() {
            "Env" => Value::Array(variables(&own, &from, &to)?),
            "Labels" | "ExposedPorts" | "Volumes" => members(&own, &from, &to),
            "Cmd" if own_entrypoint => own,
            _ if same(&own, &from) => to,
            _ => own,
        };
        // An image keeps its own way of saying nothing.
        if !is_empty(&value) || image.contains_key(name) && is_empty(&own_value) {
            merged.insert(name.clone(), value);
        }
    }
    Ok(merged)
}

/// Entries of a mapping, each for itself.
fn members(image: &Value, old: &Value, new: &Value) -> Value {
    let of = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (own, old, new) = (of(image), of(old), of(new));
    let mut merged = Map::new();
    for (name, value) in &own {
        let value = if old.get(name) == Some(value) { new.get(name) } else { Some(value) };
        merged.extend(value.map(|value| (name.clone(), value.clone())));
    }
    for (name, value) in &new {
        // One that the old base has as well, and the image has not, was taken away.
        if !own.contains_key(name) && !old.contains_key(name) {
            merged.insert(name.clone(), value.clone());
        }
    }
    if merged.is_empty() && image.is_null() { Value::Null } else { Value::Object(merged) }
}

/// `NAME=value`, in the order in which a build has them: those of the base first.
fn variables(image: &Value, old: &Value, new: &Value) -> Result<Vec<Value>, Refusal> {
    let (own, old, new) = (assignments(image), assignments(old), assignments(new));
    let value = |all: &[(String, String)], name: &str| {
        all.iter().find(|(of, _)| of == name).map(|(_, value)| value.clone())
    };
    let mut merged: Vec<(String, String)> = Vec::new();
    for (name, to) in &new {
        let (mine, from) = (value(&own, name), value(&old, name));
        match mine {
            None if from.is_some() => {}
            Some(mine) if from.as_ref() != Some(&mine) => {
                // It may be made of the base's value, as `PATH` mostly is.
                if from.as_ref() != Some(to) && mine != *to {
                    return Err(Refusal::Variable(name.clone()));
                }
                merged.push((name.clone(), mine));
            }
            _ => merged.push((name.clone(), to.clone())),
        }
    }
    for (name, mine) in own {
        let (from, to) = (value(&old, &name), value(&new, &name));
        match (from, to) {
            (_, Some(_)) => {}
            (Some(from), None) if from == mine => {}
            (Some(_), None) => return Err(Refusal::Variable(name)),
            (None, None) => merged.push((name, mine)),
        }
    }
    Ok(merged.into_iter().map(|(name, value)| Value::String(format!("{name}={value}"))).collect())
}

fn assignments(list: &Value) -> Vec<(String, String)> {
    let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(|text| text.split_once('=').unwrap_or((text, ""))).map(|(n, v)| (n.into(), v.into())).collect()
}

/// Builders write nothing as `null`, `""`, `[]`, `{}`, or not at all.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn same(a: &Value, b: &Value) -> bool {
    a == b || is_empty(a) && is_empty(b)
}
