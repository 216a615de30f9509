//! YAML and JSON documents, read as a Go program that feeds them to Kubernetes would.

use std::collections::HashMap;

use base::Span;
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Map, Number, Value};

/// Most nodes in one document, aliases expanded. The largest real manifest (a CRD of 848 kB) has some 30,000.
const NODE_LIMIT: usize = 2_000_000;

/// Why a text is not a YAML document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidDocument {
    /// What is wrong.
    pub reason: String,
    /// Where, in the text that was parsed.
    pub span: Span,
}

/// The first document of a text: `null` when there is none. Whatever follows it is not looked at, as `yaml.Unmarshal`.
///
/// # Errors
/// When the first document is not YAML (JSON is).
pub fn first(text: &str) -> Result<Value, InvalidDocument> {
    if looks_like_json(text)
        && let Some(Ok(value)) = serde_json::Deserializer::from_str(text).into_iter::<Value>().next()
    {
        return Ok(value);
    }
    Reader::new(text).document()
}

/// All documents of a text with the byte offset of each, split as Kubernetes splits them (`YAMLOrJSONDecoder`): JSON
/// values one after the other, or YAML parted by lines that start with `---`. Documents without content are left out.
///
/// # Errors
/// When a document is not YAML or JSON.
pub fn all(text: &str) -> Result<Vec<(usize, Value)>, InvalidDocument> {
    if looks_like_json(text) {
        let mut documents = Vec::new();
        let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let mut start = 0;
        while let Some(next) = stream.next() {
            match next {
                Ok(value) => documents.push((start, value)),
                // Flow YAML that is not JSON also starts with `{`.
                Err(_) if documents.is_empty() => return yaml_documents(text),
                Err(e) => {
                    let at = stream.byte_offset();
                    return Err(InvalidDocument { reason: e.to_string(), span: Span::new(at, at + 1) });
                }
            }
            start = stream.byte_offset();
        }
        documents.retain(|(_, value)| !value.is_null());
        return Ok(documents);
    }
    yaml_documents(text)
}

fn yaml_documents(text: &str) -> Result<Vec<(usize, Value)>, InvalidDocument> {
    let mut documents = Vec::new();
    for (offset, part) in split(text) {
        let value = Reader::new(part).document().map_err(|e| InvalidDocument {
            span: Span::new(e.span.start + offset, e.span.end + offset),
            ..e
        })?;
        if !value.is_null() {
            documents.push((offset + part.len() - part.trim_start().len(), value));
        }
    }
    Ok(documents)
}

/// Parts of a text between lines that start with `---`; the rest of such a line belongs to no part. A separator at the start
/// of a part belongs to it, where YAML allows it.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut start = 0;
    while let Some(found) = text[start..].find("\n---") {
        let separator = start + found;
        parts.push((start, &text[start..separator]));
        let line = separator + 1;
        start = text[line..].find('\n').map_or(text.len(), |i| line + i + 1);
    }
    if start < text.len() {
        parts.push((start, &text[start..]));
    }
    parts
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Builds values from parser events.
struct Reader<'t> {
    text: &'t str,
    events: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
}

/// A node and how many nodes it holds, itself included.
type Counted = (Value, usize);

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let options = granit_parser::options! { emit_comments: false };
        Self {
            text,
            events: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
            nodes: 0,
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), InvalidDocument> {
        match self.events.next() {
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or(0..0);
                Ok((event, Span::new(range.start, range.end)))
            }
            Some(Err(e)) => Err(self.scan_error(&e)),
            None => Ok((Event::StreamEnd, Span::new(self.text.len(), self.text.len()))),
        }
    }

    fn scan_error(&self, error: &ScanError) -> InvalidDocument {
        let marker = error.marker();
        let start = marker.byte_offset().unwrap_or_else(|| offset_of(self.text, marker.line(), marker.col()));
        InvalidDocument { reason: error.info(), span: Span::new(start, start + 1) }
    }

    fn document(mut self) -> Result<Value, InvalidDocument> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(Value::Null),
                (event, span) => return Ok(self.node(event, span)?.0),
            }
        }
    }

    /// The node that `event` starts. Depth is bounded by the parser's limits (255 levels).
    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Counted, InvalidDocument> {
        self.count(1, span)?;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => ((scalar(&text, style, tag.as_deref()), 1), anchor),
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let mut count = 1;
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => {
                            let (item, size) = self.node(event, span)?;
                            items.push(item);
                            count += size;
                        }
                    }
                }
                ((Value::Array(items), count), anchor)
            }
            Event::MappingStart(_, anchor, _) => (self.mapping()?, anchor),
            Event::Alias(id) => {
                let (value, size) = self.anchors.get(&id).cloned().ok_or_else(|| InvalidDocument {
                    reason: "an alias to a node that it is part of".to_owned(),
                    span,
                })?;
                self.count(size, span)?;
                ((value, size), 0)
            }
            _ => ((Value::Null, 1), 0),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
            self.count(node.1, span)?;
        }
        Ok(node)
    }

    fn mapping(&mut self) -> Result<Counted, InvalidDocument> {
        let mut map = Map::new();
        let mut merged = Map::new();
        let mut count = 1;
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(k, ScalarStyle::Plain, ..) if k == "<<");
            let (key, key_size) = self.node(event, span)?;
            let (event, span) = self.next()?;
            let (value, size) = self.node(event, span)?;
            count += key_size + size;
            if is_merge {
                merge(&mut merged, value);
            } else {
                // As in Go, the last of two equal keys wins.
                map.insert(key_text(key), value);
            }
        }
        for (key, value) in merged {
            map.entry(key).or_insert(value);
        }
        Ok((Value::Object(map), count))
    }

    /// Refuses a document whose aliases multiply beyond all reason.
    fn count(&mut self, nodes: usize, span: Span) -> Result<(), InvalidDocument> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODE_LIMIT {
            let reason = format!("more than {NODE_LIMIT} nodes, aliases expanded");
            return Err(InvalidDocument { reason, span });
        }
        Ok(())
    }
}

/// `<<: *a` and `<<: [*a, *b]`: earlier ones win.
fn merge(into: &mut Map<String, Value>, value: Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                into.entry(key).or_insert(value);
            }
        }
        Value::Array(items) => items.into_iter().for_each(|item| merge(into, item)),
        _ => {}
    }
}

fn key_text(key: Value) -> String {
    match key {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// What a scalar is: quoted ones are text, plain ones follow YAML 1.1 as Go's library does.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let string = || Value::String(text.to_owned());
    if style != ScalarStyle::Plain || tag.is_some_and(|t| t.to_string().ends_with("str")) {
        return string();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(['-', '+', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        return string();
    }
    let number = text.parse::<i64>().map(Number::from).ok().or_else(|| {
        text.strip_prefix("0x").and_then(|hex| i64::from_str_radix(hex, 16).ok()).map(Number::from)
    });
    number.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64)).map_or_else(string, Value::Number)
}

/// Byte offset of a line (from 1) and column (characters, from 0).
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    start + text[start.min(text.len())..].chars().take(column).map(char::len_utf8).sum::<usize>()
}

#[cfg(test)]
mod tests;
