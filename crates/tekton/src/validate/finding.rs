//! A message with its paths (§3.1).

use base::{Diagnostic, Diagnostics, Severity, Span};

use super::features::{Features, Level};
use crate::load::Document;

/// Findings that are kept; an object with more is not worth reading on.
const FINDINGS: usize = 200;

/// A field: the path that Tekton tells, and the path where it really stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    told: String,
    /// None when the same thing is told a second time with another path.
    real: Option<String>,
}

impl At {
    /// A field of the object itself.
    pub(super) fn root(field: &str) -> Self {
        Self { told: field.to_owned(), real: Some(field.to_owned()) }
    }

    /// Told without any path.
    pub(super) fn untold(&self) -> Self {
        Self { told: String::new(), real: self.real.clone() }
    }

    /// Only told; the place is known from elsewhere.
    pub(super) fn told_only(&self) -> Self {
        Self { told: self.told.clone(), real: None }
    }

    /// `.field`
    pub(super) fn field(&self, field: &str) -> Self {
        self.split(field, field)
    }

    /// `.field[index]`
    pub(super) fn index(&self, field: &str, index: usize) -> Self {
        self.field(&format!("{field}[{index}]"))
    }

    /// `.field[key]`
    pub(super) fn key(&self, field: &str, key: &str) -> Self {
        self.field(&format!("{field}[{key}]"))
    }

    /// `.told` in the message, `.real` in the text.
    pub(super) fn split(&self, told: &str, real: &str) -> Self {
        Self { told: join(&self.told, told), real: self.real.as_ref().map(|path| join(path, real)) }
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() || field.is_empty() || field.starts_with('[') {
        format!("{path}{field}")
    } else {
        format!("{path}.{field}")
    }
}

#[derive(Debug)]
struct Finding {
    severity: Severity,
    message: String,
    at: Vec<At>,
    /// Tekton's second line.
    details: String,
    /// Our advice.
    help: String,
    /// The part of the value that is wrong, as it is written; empty means all of it.
    part: String,
}

/// What was found so far.
pub(super) struct Findings<'f> {
    pub(super) features: &'f Features,
    found: Vec<Finding>,
}

impl<'f> Findings<'f> {
    pub(super) fn new(features: &'f Features) -> Self {
        Self { features, found: Vec::new() }
    }

    /// A message about some fields.
    pub(super) fn error(&mut self, message: impl Into<String>, at: &[At]) {
        self.add(Finding { at: at.to_vec(), ..Finding::new(Severity::Error, message) });
    }

    /// With advice.
    pub(super) fn error_with_help(&mut self, message: impl Into<String>, at: &[At], help: &str) {
        let help = help.to_owned();
        self.add(Finding { at: at.to_vec(), help, ..Finding::new(Severity::Error, message) });
    }

    /// With advice, about the part of a value that is written as `part`.
    pub(super) fn error_in(&mut self, message: impl Into<String>, at: &At, part: &str, help: &str) {
        let (part, help) = (part.to_owned(), help.to_owned());
        self.add(Finding { at: vec![at.clone()], part, help, ..Finding::new(Severity::Error, message) });
    }

    /// With Tekton's details.
    pub(super) fn error_with_details(&mut self, message: impl Into<String>, at: &[At], details: &str) {
        let details = details.to_owned();
        self.add(Finding { at: at.to_vec(), details, ..Finding::new(Severity::Error, message) });
    }

    /// Something that admission takes and that fails once it runs.
    pub(super) fn warning(&mut self, message: impl Into<String>, at: &At, help: &str) {
        let help = help.to_owned();
        self.add(Finding { at: vec![at.clone()], help, ..Finding::new(Severity::Warning, message) });
    }

    /// `missing field(s)`
    pub(super) fn missing(&mut self, at: At) {
        self.error("missing field(s)", &[at]);
    }

    /// `must not set the field(s)`
    pub(super) fn forbidden(&mut self, at: At) {
        self.error("must not set the field(s)", &[at]);
    }

    /// `expected exactly one, got both`
    pub(super) fn both(&mut self, at: &[At]) {
        self.error("expected exactly one, got both", at);
    }

    /// `expected exactly one, got neither`
    pub(super) fn neither(&mut self, at: &[At]) {
        self.error("expected exactly one, got neither", at);
    }

    /// `invalid value: …`
    pub(super) fn invalid(&mut self, value: impl std::fmt::Display, at: At) {
        self.error(format!("invalid value: {value}"), &[at]);
    }

    /// That `what` needs a level which the cluster does not have (§1.10).
    pub(super) fn gate(&mut self, what: &str, needed: Level, at: At) {
        let have = self.features.level;
        if have >= needed {
            return;
        }
        let levels = if needed == Level::Alpha { r#""alpha""# } else { r#""alpha" or "beta""# };
        let is = have.name();
        self.error_with_help(
            format!(r#"{what} requires "enable-api-fields" feature gate to be {levels} but it is "{is}""#),
            &[at],
            "it is a key of the ConfigMap feature-flags in the namespace tekton-pipelines",
        );
    }

    /// The same message about the same place is one finding, however many paths it is told with.
    fn add(&mut self, new: Finding) {
        let same = |f: &&mut Finding| {
            let places = || new.at.iter().all(|a| a.real.is_none()) || new.at.iter().any(|a| f.is_about(a));
            f.severity == new.severity && f.message == new.message && f.details == new.details && places()
        };
        let Some(finding) = self.found.iter_mut().find(same) else {
            if self.found.len() < FINDINGS {
                self.found.push(new);
            }
            return;
        };
        for at in new.at {
            if !finding.at.contains(&at) {
                finding.at.push(at);
            }
        }
    }

    /// The findings at their places, in the order of the text.
    pub(super) fn into_diagnostics(self, document: &Document) -> Diagnostics {
        let mut diagnostics: Vec<_> = self.found.into_iter().map(|f| f.diagnostic(document)).collect();
        diagnostics.sort_by_key(|d| d.place.as_ref().map(|(_, span)| span.start));
        Diagnostics(diagnostics)
    }
}

impl Finding {
    fn new(severity: Severity, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            severity,
            message,
            at: Vec::new(),
            details: String::new(),
            help: String::new(),
            part: String::new(),
        }
    }

    fn is_about(&self, at: &At) -> bool {
        at.real.is_some() && self.at.iter().any(|own| own.real == at.real)
    }

    /// The place of a field, narrowed to the part that is wrong.
    fn span(&self, document: &Document, path: &str) -> Span {
        let span = document.node.span_of(path);
        let text = document.source.text().get(span.start..span.end).unwrap_or("");
        match text.find(&self.part) {
            Some(at) if !self.part.is_empty() => {
                Span::new(span.start + at, span.start + at + self.part.len())
            }
            _ => span,
        }
    }

    fn diagnostic(self, document: &Document) -> Diagnostic {
        let mut told: Vec<&str> =
            self.at.iter().map(|at| at.told.as_str()).filter(|t| !t.is_empty()).collect();
        told.sort_unstable();
        told.dedup();
        let message = if told.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.message, told.join(", "))
        };
        let mut spans = Vec::new();
        for path in self.at.iter().filter_map(|at| at.real.as_deref()) {
            let span = self.span(document, path);
            if !spans.contains(&span) {
                spans.push(span);
            }
        }
        let mut spans = spans.into_iter();
        let first = spans.next().unwrap_or_else(|| document.span());
        let code = if self.severity == Severity::Error { "admission" } else { "will-fail" };
        let mut diagnostic = Diagnostic { severity: self.severity, ..Diagnostic::error(code, message) }
            .at(&document.source, first);
        for span in spans {
            diagnostic = diagnostic.related(&document.source, span, "and here");
        }
        let help =
            [self.details, self.help].into_iter().filter(|h| !h.is_empty()).collect::<Vec<_>>().join("\n");
        diagnostic.help = (!help.is_empty()).then_some(help);
        diagnostic
    }
}
