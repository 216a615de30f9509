//! Streams and overlays as people write them: what is the default is left out, what is short stands on one line.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::definition::component::Component;
use crate::definition::{Overlay, Platform, Stream};
use crate::yaml;

/// Fields that stand on one line.
const INLINE: [&str; 5] = ["source", "from", "base", "builtFrom", "platforms"];

/// A stream file, `comment` above it.
pub(super) fn stream(stream: &Stream, comment: &str) -> Result<String, serde_json::Error> {
    let mut head = fields(stream)?;
    head.shift_remove("bases");
    head.shift_remove("components");
    head.shift_remove("waivers");
    let default = stream.platforms == BTreeSet::from([Platform::default()]);
    let platforms = head.shift_remove("platforms").filter(|_| !default);
    let mut text = format!("{}{}", commented(comment), yaml::document(&head)?);
    text.push_str(&platforms.map(|said| format!("platforms: {}\n", yaml::inline(&said))).unwrap_or_default());
    text.push_str("bases:\n");
    for (name, base) in &stream.bases {
        let base = yaml::inline(&serde_json::to_value(base)?);
        text.push_str(&format!("  {}: {base}\n", yaml::inline(&Value::from(name.as_str()))));
    }
    text.push_str("components:\n");
    for (name, component) in &stream.components {
        text.push_str(&format!("  {}:\n", yaml::inline(&Value::from(name.as_str()))));
        text.push_str(&indented(&component_fields(component)?, 4)?);
    }
    if !stream.waivers.is_empty() {
        text.push_str("waivers:\n");
    }
    for waiver in &stream.waivers {
        text.push_str(&format!("  - {}\n", yaml::inline(&serde_json::to_value(waiver)?)));
    }
    Ok(text)
}

/// An overlay, `comment` above it.
pub(super) fn overlay(overlay: &Overlay, comment: &str) -> Result<String, serde_json::Error> {
    let mut head = fields(overlay)?;
    head.shift_remove("operations");
    let lines = ["platforms", "from"].map(|field| {
        let said = head.shift_remove(field).filter(|said| !said.is_null());
        said.map(|said| format!("{field}: {}\n", yaml::inline(&said))).unwrap_or_default()
    });
    let mut text = format!("{}{}{}", commented(comment), yaml::document(&head)?, lines.concat());
    if !overlay.operations.is_empty() {
        text.push_str("operations:\n");
    }
    for operation in &overlay.operations {
        for (verb, said) in fields(operation)? {
            let Value::Object(mut said) = said else { continue };
            text.push_str(&format!("  - {verb}:\n"));
            let definition = said.shift_remove("definition");
            text.push_str(&indented(&said, 6)?);
            if let Some(definition) = definition {
                let component: Component = serde_json::from_value(definition)?;
                text.push_str("      definition:\n");
                text.push_str(&indented(&component_fields(&component)?, 8)?);
            }
        }
    }
    Ok(text)
}

fn fields<T: Serialize>(value: &T) -> Result<Map<String, Value>, serde_json::Error> {
    match serde_json::to_value(value)? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

/// What a component says beyond the defaults.
fn component_fields(component: &Component) -> Result<Map<String, Value>, serde_json::Error> {
    let mut said = fields(component)?;
    if component.payload {
        said.shift_remove("payload");
    }
    if let Some(Value::Object(git)) = said.get_mut("source").and_then(|source| source.get_mut("git"))
        && git.get("path").and_then(Value::as_str) == Some(".")
    {
        git.shift_remove("path");
    }
    Ok(said)
}

fn indented(said: &Map<String, Value>, by: usize) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for (field, value) in said {
        let lines = if INLINE.contains(&field.as_str()) {
            format!("{field}: {}\n", yaml::inline(value))
        } else {
            yaml::document(&Map::from_iter([(field.clone(), value.clone())]))?
        };
        for line in lines.lines() {
            if !line.is_empty() {
                text.push_str(&" ".repeat(by));
            }
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

fn commented(comment: &str) -> String {
    comment.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect()
}
