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
platforms: [linux/amd64]
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

/// A small overlay that shows every operation; its page begins with it.
pub const OVERLAY_EXAMPLE: &str = r#"apiVersion: streamwright.dev/v1alpha1
kind: Stream
name: my-edge
description: The distribution of my-stream for small sites.
repository: registry.example/my-edge
from: {path: ../my-stream}
operations:
  - remove: {component: prometheus, why: The sites are watched from outside.}
  - add:
      component: site-agent
      definition:
        source: {path: components/site-agent}
  - replace:
      component: cli
      source: {git: {url: "https://example.com/cli.git", ref: main}}
  - patch: {component: router, files: [patches/router-fewer-threads.patch]}
  - pin: {component: etcd, commit: 0123456789abcdef0123456789abcdef01234567, expires: "2026-12-31"}
  - change: {component: router, addPackages: [socat], args: {THREADS: "2"}}
  - setBase: {name: my-stream/base, base: {image: "registry.example/small-base:1"}}
  - addTest: {test: site, definition: {task: test-site, images: {image: site-agent}}}
  - removeTest: {test: prometheus}
  - changeGate: {test: etcd, blocking: false, expires: "2026-12-31", why: The runners are too slow for it.}
  - setTask: {task: build, timeout: 3h}
  - insertTask: {task: scan, definition: {each: component, after: build, taskRef: {name: scan}}}
  - replaceTask: {task: assemble, definition: {taskRef: {name: assemble-signed}}}
  - moveTask: {task: notify, before: test}
  - removeTask: {task: mirror}
  - waive: {code: mismatched-siblings, component: etcd, why: It stays at the last commit with the old format.}
"#;

/// The page about streams.
pub fn stream(schema: &Value) -> String {
    let intro = format!(
        "`sw` reads it as YAML or JSON. Unknown fields are errors. Texts that look like numbers or booleans need quotes: \
         `\"1.0\"`, `\"true\"`.\nEditors that know JSON Schema complete and check the file with `docs/reference/{SCHEMA}`.\n\
         A file with `from` is [an overlay](overlay.md)."
    );
    page("The stream file", "Stream", EXAMPLE, &intro, schema, &Value::Null)
}

/// The page about overlays; what the page about streams has already is linked. `stream` is the schema of that page.
pub fn overlay(schema: &Value, stream: &Value) -> String {
    let intro = "Operations are applied in the order in which they are written. One that does not apply (any more) is an error that \
                 names it. `sw stream show` prints what comes out, with the file and line that says it.";
    page("Overlays", "Overlay", OVERLAY_EXAMPLE, intro, schema, stream)
}

/// The name of the file with the schema.
pub const SCHEMA: &str = "stream.schema.json";

fn page(title: &str, root: &str, example: &str, intro: &str, schema: &Value, elsewhere: &Value) -> String {
    let mut page = format!(
        "{}# {title}\n\n{}\n\n```yaml\n{example}```\n\n{intro}\n\n",
        super::pages::GENERATED,
        text(schema, "description")
    );
    let links = Links { elsewhere };
    section(&mut page, root, schema, None, &links);
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        // Constants are shown where they are used.
        if !is_constant(definition) && !links.is_elsewhere(name) {
            section(&mut page, name, definition, Some(text(definition, "description")), &links);
        }
    }
    page
}

/// Where the parts of a schema are explained.
struct Links<'a> {
    /// The schema of the page about streams, when this is another one.
    elsewhere: &'a Value,
}

impl Links<'_> {
    fn is_elsewhere(&self, name: &str) -> bool {
        self.elsewhere["$defs"].get(name).is_some()
    }

    /// The type of a field, with a link when it has a section.
    fn kind(&self, schema: &Value) -> String {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
            let page = if self.is_elsewhere(name) { "stream.md" } else { "" };
            return match name {
                "ApiVersion" => "`streamwright.dev/v1alpha1`".to_owned(),
                "Kind" => "`Stream`".to_owned(),
                _ => format!("[{name}]({page}#{})", name.to_lowercase()),
            };
        }
        // What may be absent is this or null.
        if let Some(this) = schema["anyOf"].get(0) {
            return self.kind(this);
        }
        let any = |schema: &Value| schema.as_bool() == Some(true);
        let type_name = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
        match type_name {
            "string" => "text".to_owned(),
            "array" if schema["items"]["type"] == "object" => "list of maps".to_owned(),
            "object" if any(&schema["additionalProperties"]) => "map".to_owned(),
            "array" => format!("list of {}", self.kind(&schema["items"])),
            "object" => format!("map to {}", self.kind(&schema["additionalProperties"])),
            other => other.to_owned(),
        }
    }
}

fn section(page: &mut String, name: &str, schema: &Value, about: Option<&str>, links: &Links<'_>) {
    // Writing to a string cannot fail.
    let _ = write!(page, "## {name}\n\n");
    if let Some(about) = about {
        let _ = write!(page, "{about}\n\n");
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
                    let _ = writeln!(page, "| `{field}` | {} | {} |", links.kind(schema), cell(variant));
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
                let _ = writeln!(
                    page,
                    "| `{field}` | {} | {default} | {} |",
                    links.kind(property),
                    cell(property)
                );
            }
        }
    }
    page.push('\n');
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
