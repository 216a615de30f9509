//! A stream with the line that says each of its fields, and two streams side by side.

use std::collections::BTreeMap;

use base::{Diagnostics, Source};
use serde::Serialize;
use serde_json::Value;
use tekton::yaml::{self, Node};

use crate::definition::{Component, Definition, Origin, Stream};

/// A line of a stream's text, and where that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The line, without its end.
    pub text: String,
    /// The file that says it, with the line: `streams/edge/stream.yaml:12`. None for what nobody wrote: defaults, and lines that
    /// only open a mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// The stream as a stream file that says everything itself, line by line.
///
/// # Errors
/// Never in practice: every stream can be written as YAML.
pub fn lines(definition: &Definition) -> Result<Vec<Line>, Diagnostics> {
    let text = crate::yaml::document(&whole(&definition.stream))
        .map_err(|e| base::Diagnostic::error("unwritable", e.to_string()))?;
    let source = Source::new("flat", text.as_str());
    let mut lines: Vec<Line> =
        text.lines().map(|text| Line { text: text.to_owned(), origin: None }).collect();
    if let Some(root) = yaml::parse(&source)?.first() {
        annotate(definition, &source, root, &mut Vec::new(), &mut lines);
    }
    Ok(lines)
}

/// The stream with the pipeline that it has, also if it does not say so.
fn whole(stream: &Stream) -> Stream {
    Stream { pipeline: Some(stream.pipeline().clone()), ..stream.clone() }
}

/// Gives the lines below `node`, which stands at `path`, their origins.
fn annotate(
    definition: &Definition,
    source: &Source,
    node: &Node,
    path: &mut Vec<String>,
    lines: &mut [Line],
) {
    let below = node
        .entries()
        .iter()
        .map(|entry| (entry.key.clone(), entry.key_span, &entry.value))
        .chain(node.items().iter().enumerate().map(|(index, item)| (index.to_string(), item.span, item)));
    for (key, span, value) in below {
        path.push(key);
        let at: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some((file, span_there)) = definition.places.written(&at) {
            let (number, _) = source.position(span.start);
            let (line, _) = file.position(span_there.start);
            if let Some(shown) = lines.get_mut(number - 1) {
                shown.origin = Some(format!("{}:{line}", file.name()));
            }
        }
        annotate(definition, source, value, path, lines);
        path.pop();
    }
}

/// One difference between two streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The field, as `components.etcd.packages`.
    pub field: String,
    /// What the first stream has; none for something new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What the second stream has; none for something gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// What is different in `b`, in the order of fields. Sources in folders are compared with the stream that they belong to.
pub fn differences(a: &Definition, b: &Definition) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut Vec::new(), Some(&value(a)), Some(&value(b)), &mut found);
    found
}

/// The stream as a value in which a folder says whose it is.
fn value(definition: &Definition) -> Value {
    let mut stream = whole(&definition.stream);
    let own = stream.name.clone();
    for component in stream.components.values_mut() {
        qualify(component, &own);
    }
    serde_json::to_value(&stream).unwrap_or_default()
}

fn qualify(component: &mut Component, own: &str) {
    let whose = component.inherited.as_deref().unwrap_or(own).to_owned();
    if let Origin::Path(path) = &mut component.source {
        *path = format!("{whose}/{path}");
    }
    for patch in &mut component.patches {
        patch.file = format!("{}/{}", patch.inherited.as_deref().unwrap_or(own), patch.file);
    }
}

fn compare(path: &mut Vec<String>, from: Option<&Value>, to: Option<&Value>, found: &mut Vec<Difference>) {
    if from == to {
        return;
    }
    // A component that is there in only one is one difference; within one, each field is.
    if let (Some(Value::Object(from)), Some(Value::Object(to))) = (from, to) {
        let keys: BTreeMap<&String, ()> = from.keys().chain(to.keys()).map(|key| (key, ())).collect();
        for key in keys.into_keys() {
            path.push(key.clone());
            compare(path, from.get(key), to.get(key), found);
            path.pop();
        }
        return;
    }
    found.push(Difference { field: path.join("."), from: from.cloned(), to: to.cloned() });
}
