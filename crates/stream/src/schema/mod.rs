//! The JSON Schema of the stream file, and the pages for people that are made of it.
//!
//! - [`reference`]: the schema as a page
//! - [`pages`]: pages about reason codes and tasks

pub mod pages;
pub mod reference;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::definition::{Overlay, Stream};

/// The JSON Schema (2020-12) of a `stream.yaml` that has no parent.
pub fn stream() -> Value {
    of::<Stream>()
}

/// The JSON Schema (2020-12) of a `stream.yaml` that is an overlay.
pub fn overlay() -> Value {
    of::<Overlay>()
}

/// The JSON Schema (2020-12) of any `stream.yaml`: `from` makes it an overlay.
pub fn file() -> Value {
    let (mut stream, mut overlay) = (stream(), overlay());
    let mut definitions = Map::new();
    for schema in [&mut overlay, &mut stream] {
        if let Some(Value::Object(own)) = schema.as_object_mut().and_then(|fields| fields.remove("$defs")) {
            definitions.extend(own);
        }
    }
    json!({
        "$schema": stream.as_object_mut().and_then(|fields| fields.remove("$schema")),
        "if": {"required": ["from"]},
        "then": overlay,
        "else": stream,
        "$defs": definitions,
    })
}

fn of<T: JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    unwrap_lines(&mut schema);
    schema
}

/// Doc comments are wrapped where the source is; a description is one line for each paragraph.
fn unwrap_lines(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" => {
                        let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
                        *text = paragraphs.collect::<Vec<_>>().join("\n\n");
                    }
                    other => unwrap_lines(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_lines),
        _ => {}
    }
}
