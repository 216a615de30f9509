//! Text to [`Definition`].

use base::{Diagnostic, Diagnostics, Source};
use tekton::decode::{Keys, decode};
use tekton::yaml::{self, Node};

use super::{Definition, Places, Stream};

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

/// Reads a stream file. Whether what it says makes sense is [`check`](crate::check)'s question.
///
/// # Errors
/// Text that is not YAML, or not a stream: each finding with its line, and what to write instead.
pub fn parse(source: &Source) -> Result<Definition, Diagnostics> {
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
    let stream: Stream = decode(&root, source, Keys::Exact).map_err(with_help)?;
    Ok(Definition { stream, places: Places::new(source.clone(), root) })
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
    Diagnostic::error("empty-stream", "the file says nothing").at(source, base::Span::new(0, 0)).help(help)
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
