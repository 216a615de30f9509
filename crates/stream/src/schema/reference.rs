//! The schema as a page.

use std::fmt::Write;

use serde_json::Value;

/// A small stream that shows every part; the page begins with it.
pub const EXAMPLE: &str = r#"apiVersion: streamwright.dev/v1alpha1
kind: Stream
name: my-stream
description: A distribution of two images.
version: 0.1.0
repository: registry.example/my-stream
platform: linux/amd64
releaseBase: cluster-version-operator
bases:
  my-stream/base: {component: base}
  registry.example/golang:*: {image: "registry.example/golang:1.24"}
components:
  base:
    task: debian-base
    payload: false
    source: {path: components/base}
    packages: [bash, coreutils]
  cluster-version-operator:
    source: {path: components/cluster-version-operator}
    packages: [jq]
    args: {VERSION: "1.0"}
    labels: {io.openshift.release.operator: "true"}
tests:
  smoke:
    task: test-smoke
    images: {image: cluster-version-operator}
    params: {port: "8080"}
    blocking: true
    timeout: 5m
"#;

/// The page, in Markdown; `schema` is [`schema`](super::schema())'s.
pub fn reference(schema: &Value) -> String {
    let mut page = format!(
        "{}# The stream file\n\n{}\n\n```yaml\n{EXAMPLE}```\n\n\
         `sw` reads it as YAML or JSON. Unknown fields are errors. Texts that look like numbers or booleans need quotes: \
         `\"1.0\"`, `\"true\"`.\nEditors that know JSON Schema complete and check the file with `docs/reference/stream.schema.json`.\n\n",
        super::pages::GENERATED,
        text(schema, "description")
    );
    section(&mut page, "Stream", schema);
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        // Constants are shown where they are used.
        if !is_constant(definition) {
            section(&mut page, name, definition);
        }
    }
    page
}

fn section(page: &mut String, name: &str, schema: &Value) {
    // Writing to a string cannot fail.
    let _ = write!(page, "## {name}\n\n");
    if name != "Stream" {
        let _ = write!(page, "{}\n\n", text(schema, "description"));
    }
    match schema["oneOf"].as_array() {
        Some(variants) if variants.iter().any(|variant| variant.get("const").is_some()) => {
            page.push_str("| value | meaning |\n|---|---|\n");
            for variant in variants {
                let _ = writeln!(page, "| `{}` | {} |", text(variant, "const"), cell(variant));
            }
        }
        Some(variants) => {
            page.push_str("| field | type | meaning |\n|---|---|---|\n");
            for variant in variants {
                for (field, schema) in variant["properties"].as_object().into_iter().flatten() {
                    let _ = writeln!(page, "| `{field}` | {} | {} |", kind(schema), cell(variant));
                }
            }
        }
        None => {
            page.push_str("| field | type | default | meaning |\n|---|---|---|---|\n");
            for (field, property) in schema["properties"].as_object().into_iter().flatten() {
                let required =
                    schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == field));
                let default = match &property["default"] {
                    Value::Null if required => "required".to_owned(),
                    Value::Null => String::new(),
                    Value::String(text) => format!("`{text}`"),
                    other => format!("`{other}`"),
                };
                let _ = writeln!(page, "| `{field}` | {} | {default} | {} |", kind(property), cell(property));
            }
        }
    }
    page.push('\n');
}

/// The type of a field, with a link when it has a section.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return match name {
            "ApiVersion" => "`streamwright.dev/v1alpha1`".to_owned(),
            "Kind" => "`Stream`".to_owned(),
            _ => format!("[{name}](#{})", name.to_lowercase()),
        };
    }
    let type_name = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match type_name {
        "string" => "text".to_owned(),
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" => format!("map to {}", kind(&schema["additionalProperties"])),
        other => other.to_owned(),
    }
}

/// Whether a definition stands for one fixed text.
fn is_constant(schema: &Value) -> bool {
    schema["oneOf"]
        .as_array()
        .is_some_and(|variants| variants.len() == 1 && variants[0].get("const").is_some())
}

fn text<'a>(schema: &'a Value, field: &str) -> &'a str {
    schema[field].as_str().unwrap_or_default()
}

/// A description that fits into a table.
fn cell(schema: &Value) -> String {
    text(schema, "description").replace("\n\n", " ").replace('|', "\\|")
}
