//! Collected warnings.

use base::{Diagnostic, Span};

use super::code::Lint;
use super::place::At;
use crate::load::Document;

/// Warnings about one object that are kept; an object with more is not worth reading on.
pub(super) const KEPT: usize = 200;

/// What was found in an object so far.
pub(super) struct Found<'a> {
    document: &'a Document,
    found: Vec<Diagnostic>,
}

impl<'a> Found<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, found: Vec::new() }
    }

    /// A warning about a field.
    pub(super) fn at(&mut self, lint: &Lint, at: &At<'_>, message: String, help: impl Into<String>) {
        self.span(lint, at.span(), message, help);
    }

    /// A warning about a part of the text.
    pub(super) fn span(&mut self, lint: &Lint, span: Span, message: String, help: impl Into<String>) {
        self.spans(lint, &[span], message, help);
    }

    /// A warning about some parts of the text; the first is told, the others are shown with it.
    pub(super) fn spans(&mut self, lint: &Lint, spans: &[Span], message: String, help: impl Into<String>) {
        let Some((first, others)) = spans.split_first().filter(|_| self.found.len() < KEPT) else { return };
        let source = &self.document.source;
        let mut diagnostic = Diagnostic::warning(lint.code, message).at(source, *first).help(help);
        for span in others {
            diagnostic = diagnostic.related(source, *span, "and here");
        }
        self.found.push(diagnostic);
    }

    /// In the order of the text.
    pub(super) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|d| d.place.as_ref().map(|(_, span)| span.start));
        self.found
    }
}
