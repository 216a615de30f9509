//! Candidates and why they match or do not.

use base::{Diagnostic, Diagnostics, Source, Span};
use serde::Serialize;
use serde_json::Value as Json;
use tekton::yaml::Node;

/// What came of an event.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Everything that could have run, in the order of the files.
    pub candidates: Vec<Candidate>,
    /// What is wrong in the files, or dangerous.
    pub findings: Diagnostics,
    /// The texts with the variables of Pipelines-as-Code filled in: tasks, pipelines and so on that the runs refer to.
    pub sources: Vec<Source>,
}

/// Something that could have run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// `PipelineRun`, or `Trigger`.
    pub kind: &'static str,
    /// The run's name, or `LISTENER/TRIGGER`.
    pub name: String,
    /// `file:line` where it stands.
    pub place: String,
    /// Whether it runs.
    pub matched: bool,
    /// What was looked at, in order; the last one decided when it does not match.
    pub reasons: Vec<Reason>,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
    /// The PipelineRuns and TaskRuns that it makes.
    pub runs: Vec<Json>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// An annotation or an interceptor: `on-event`, `cel filter`.
    pub subject: String,
    /// Whether it speaks for the candidate.
    pub holds: bool,
    /// With the values of this event.
    pub why: String,
}

impl Candidate {
    pub(crate) fn new(kind: &'static str, name: impl Into<String>, at: Place<'_>) -> Self {
        Self {
            kind,
            name: name.into(),
            place: format!("{}:{}", at.source.name(), at.source.position(at.node.span.start).0),
            matched: false,
            reasons: Vec::new(),
            notes: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Notes a reason; gives back whether it holds.
    pub(crate) fn because(
        &mut self,
        subject: impl Into<String>,
        holds: bool,
        why: impl Into<String>,
    ) -> bool {
        self.reasons.push(Reason { subject: subject.into(), holds, why: why.into() });
        holds
    }

    /// Why it does not match, if it does not.
    pub fn refusal(&self) -> Option<&Reason> {
        self.reasons.iter().rev().find(|r| !r.holds).filter(|_| !self.matched)
    }
}

/// An object in its text.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The object, or a part of it.
    pub node: &'a Node,
    /// The text.
    pub source: &'a Source,
}

impl<'a> Place<'a> {
    /// An error at `path` below this node.
    pub(crate) fn error(self, path: &str, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).at(self.source, self.span(path))
    }

    /// A warning at `path` below this node.
    pub(crate) fn warning(self, path: &str, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, message).at(self.source, self.span(path))
    }

    fn span(self, path: &str) -> Span {
        self.node.span_of(path)
    }

    /// The part at `key`.
    pub(crate) fn get(self, key: &str) -> Option<Self> {
        self.node.get(key).filter(|n| !n.is_null()).map(|node| Self { node, ..self })
    }

    /// The part at `path` (`a.b.c`).
    pub(crate) fn at(self, path: &str) -> Option<Self> {
        path.split('.').try_fold(self, Self::get)
    }

    /// The text at `path`.
    pub(crate) fn text(self, path: &str) -> Option<&'a str> {
        self.at(path).and_then(|p| p.node.as_str())
    }

    /// The elements of the list at `path`.
    pub(crate) fn list(self, path: &str) -> impl Iterator<Item = Self> {
        let items = self.at(path).map(|p| p.node.items()).unwrap_or_default();
        items.iter().map(move |node| Self { node, ..self })
    }

    /// `metadata.name`, else `metadata.generateName`.
    pub(crate) fn name(self) -> &'a str {
        self.text("metadata.name").or_else(|| self.text("metadata.generateName")).unwrap_or_default()
    }
}
