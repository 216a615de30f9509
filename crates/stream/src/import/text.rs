//! Streams and overlays as people write them: what is the default is left out, what is short stands on one line.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::definition::component::Component;
use crate::definition::{Overlay, Stream};
use crate::yaml;

/// Fields that stand on one line.
const INLINE: [&str; 4] = ["source", "from", "base", "builtFrom"];

/// A stream file, `comment` above it.
pub(super) fn stream(stream: &Stream, comment: &str) -> Result<String, serde_json::Error> {
    let mut head = fields(stream)?;
    head.shift_remove("bases");
    head.shift_remove("components");
    head.shift_remove("platforms");
    let mut text = format!("{}{}", commented(comment), yaml::document(&head)?);
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
    Ok(text)
}

/// An overlay, `comment` above it.
pub(super) fn overlay(overlay: &Overlay, comment: &str) -> Result<String, serde_json::Error> {
    let mut head = fields(overlay)?;
    head.shift_remove("operations");
    let from = head.shift_remove("from").unwrap_or_default();
    let mut text = format!("{}{}from: {}\n", commented(comment), yaml::document(&head)?, yaml::inline(&from));
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
