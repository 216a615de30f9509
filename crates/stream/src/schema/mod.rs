//! The JSON Schema of the stream file, and the pages for people that are made of it.
//!
//! - [`reference`]: the schema as a page
//! - [`pages`]: pages about reason codes and tasks

pub mod pages;
pub mod reference;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::definition::Stream;

/// The JSON Schema (2020-12) of `stream.yaml`.
pub fn schema() -> Value {
    let mut schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Stream>().to_value();
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
