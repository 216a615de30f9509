//! Text to [`Definition`].

use base::{Diagnostic, Diagnostics, Source, Span};
use tekton::decode::{Keys, decode};
use tekton::yaml::{self, Node};

use super::{Definition, Overlay, Places, Stream, TemplateDefinition};
use crate::overlay::History;

const API_VERSION: &str = "streamwright.dev/v1alpha1";

/// What a field that must be there may look like.
const EXAMPLES: [(&str, &str); 12] = [
    ("apiVersion", API_VERSION),
    ("kind", "Stream"),
    ("name", "my-stream"),
    ("version", "0.1.0"),
    ("repository", "registry.example/my-stream"),
    ("releaseBase", "cluster-version-operator"),
    ("components", "{etcd: {source: {path: components/etcd}}}"),
    ("source", "{path: components/etcd}"),
    ("path", "components/etcd"),
    ("url", "https://example.com/etcd.git"),
    ("ref", "main"),
    ("task", "test-etcd"),
];

/// A stream file: with no parent, or an overlay.
#[derive(Debug, Clone)]
pub enum File {
    /// It says everything itself.
    Stream(Definition),
    /// It has `from`.
    Overlay(OverlayDefinition),
}

/// An overlay with the text that says it.
#[derive(Debug, Clone)]
pub struct OverlayDefinition {
    /// What it says.
    pub overlay: Overlay,
    /// The file.
    pub source: Source,
    /// The tree of it.
    pub root: Node,
}

impl OverlayDefinition {
    /// Points `finding` at a field.
    #[must_use]
    pub fn at(&self, path: &[&str], finding: Diagnostic) -> Diagnostic {
        Places::new(&self.source, self.root.clone()).at(path, finding)
    }

    /// The tree of the operation at `index`, written with `verb`, and where it stands.
    pub(crate) fn operation(&self, index: usize, verb: &str) -> (&Node, Span) {
        let operation = self.root.get("operations").and_then(|list| list.items().get(index));
        let operation = operation.unwrap_or(&self.root);
        match operation.entry(verb) {
            Some(entry) => (&entry.value, entry.key_span),
            None => (operation, operation.span),
        }
    }
}

/// Reads a stream file that has no parent. Whether what it says makes sense is [`check`](crate::check)'s question.
///
/// # Errors
/// Text that is not YAML, or not a stream: each finding with its line, and what to write instead. An overlay.
pub fn parse(source: &Source) -> Result<Definition, Diagnostics> {
    match parse_file(source)? {
        File::Stream(definition) => Ok(definition),
        File::Overlay(overlay) => {
            let message = "this is an overlay, and its parent is not here";
            Err(overlay.at(&["from"], Diagnostic::error("overlay", message)).into())
        }
    }
}

/// Reads a stream file.
///
/// # Errors
/// Text that is not YAML, or neither a stream nor an overlay.
pub fn parse_file(source: &Source) -> Result<File, Diagnostics> {
    let mut documents = yaml::parse(source).map_err(with_help)?.into_iter().filter(|node| !node.is_null());
    let Some(root) = documents.next() else {
        return Err(empty(source).into());
    };
    if let Some(second) = documents.next() {
        return Err(Diagnostic::error("several-documents", "a stream file holds one document")
            .at(source, second.span)
            .help("keep other objects in files of their own; tasks belong into the folder `tasks/`")
            .into());
    }
    if let Some(finding) = other_kind(source, &root) {
        return Err(finding.into());
    }
    if let Some(finding) = one_platform(source, &root) {
        return Err(finding.into());
    }
    if root.get("from").is_some() {
        let overlay: Overlay = decode(&root, source, Keys::Exact).map_err(with_help)?;
        return Ok(File::Overlay(OverlayDefinition { overlay, source: source.clone(), root }));
    }
    let stream: Stream = decode(&root, source, Keys::Exact).map_err(with_help)?;
    let mut places = Places::new(source, root);
    if stream.pipeline.is_none() {
        let shipped = TemplateDefinition::shipped();
        places.lay(&["pipeline"], &shipped.source, None, shipped.root.clone());
    }
    Ok(File::Stream(Definition { stream, places, history: History::default() }))
}

/// Says what to write, where the reader of any YAML cannot know.
fn with_help(mut findings: Diagnostics) -> Diagnostics {
    for finding in findings.0.iter_mut().filter(|finding| finding.help.is_none()) {
        finding.help = match finding.code {
            "yaml-syntax" => Some("look at brackets, quotes and indentation here and just above".to_owned()),
            "missing-field" => EXAMPLES
                .iter()
                .find(|(field, _)| finding.message.starts_with(&format!("`{field}`")))
                .map(|(field, example)| format!("write `{field}: {example}`")),
            "wrong-value" if finding.message.starts_with("expected exactly one of") => {
                Some("keep one of them".to_owned())
            }
            _ => None,
        };
    }
    findings
}

fn empty(source: &Source) -> Diagnostic {
    let help = format!(
        "begin with:\napiVersion: {API_VERSION}\nkind: Stream\nname: mine\nversion: 0.1.0\nrepository: registry.example/mine"
    );
    Diagnostic::error("empty-stream", "the file says nothing").at(source, Span::new(0, 0)).help(help)
}

/// Says what is written instead of the field that earlier versions had.
fn one_platform(source: &Source, root: &Node) -> Option<Diagnostic> {
    let entry = root.entry("platform")?;
    let platform = entry.value.as_str().unwrap_or("linux/amd64");
    let finding = Diagnostic::error(
        "renamed-field",
        "a stream may be for several platforms: `platform` is `platforms` now",
    );
    Some(finding.at(source, entry.key_span).help(format!("write `platforms: [{platform}]`")))
}

/// Says that a file is something else before complaining about each of its fields.
fn other_kind(source: &Source, root: &Node) -> Option<Diagnostic> {
    for (field, expected) in [("apiVersion", API_VERSION), ("kind", "Stream")] {
        let Some(value) = root.get(field) else { continue };
        let Some(text) = value.as_str().filter(|text| *text != expected) else { continue };
        let finding =
            Diagnostic::error("not-a-stream", format!("this is not a stream: its {field} is `{text}`"));
        return Some(finding.at(source, value.span).help(format!("a stream file has `{field}: {expected}`")));
    }
    None
}
