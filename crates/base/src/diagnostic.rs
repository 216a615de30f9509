//! What is wrong, where, and what to do about it.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::source::{Source, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The input is refused.
    Error,
    /// The input is accepted, but probably not what was meant.
    Warning,
}

/// One finding: a message, the place it is about, and a hint what to write or do instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable identifier, kebab-case (`unknown-field`), for filters and documentation.
    pub code: &'static str,
    /// A fragment without a full stop: what is wrong, with the offending value.
    pub message: String,
    /// The text and the part of it that is wrong.
    pub place: Option<(Source, Span)>,
    /// Second places that explain the first, each with its own label.
    pub related: Vec<(Source, Span, String)>,
    /// What to write or run instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            place: None,
            related: Vec::new(),
            help: None,
        }
    }

    /// A warning without a place.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Points at `span` of `source`.
    #[must_use]
    pub fn at(mut self, source: &Source, span: Span) -> Self {
        self.place = Some((source.clone(), span));
        self
    }

    /// Adds a second place, labelled.
    #[must_use]
    pub fn related(mut self, source: &Source, span: Span, label: impl Into<String>) -> Self {
        self.related.push((source.clone(), span, label.into()));
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// `file:line:col` of the place, if there is one.
    pub fn location(&self) -> Option<String> {
        self.place.as_ref().map(|(source, span)| {
            let (line, column) = source.position(span.start);
            format!("{}:{line}:{column}", source.name())
        })
    }

    /// Several lines for people: the message, the line of text with the place marked, the hint.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.message.as_str()).id(self.code));
        if let Some((source, span)) = &self.place {
            let same: Vec<_> = self.related.iter().filter(|(other, ..)| other == source).collect();
            let mut spans = vec![clamp(source, *span)];
            spans.extend(same.iter().map(|(_, span, _)| clamp(source, *span)));
            let part = Part::around(source, &spans);
            let primary = AnnotationKind::Primary.span(part.within(&spans[0]));
            let mut snippet = part.snippet(source).annotation(primary);
            for ((_, _, label), span) in same.into_iter().zip(&spans[1..]) {
                let context = AnnotationKind::Context.span(part.within(span));
                snippet = snippet.annotation(context.label(label.as_str()));
            }
            group = group.element(snippet);
            for (other, span, label) in self.related.iter().filter(|(other, ..)| other != source) {
                let span = clamp(other, *span);
                let part = Part::around(other, std::slice::from_ref(&span));
                let context = AnnotationKind::Context.span(part.within(&span)).label(label.as_str());
                group = group.element(part.snippet(other).annotation(context));
            }
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group]).to_string()
    }
}

/// The lines of a text that a finding is about. Showing one line of a large file must not take as long as reading the file.
struct Part {
    range: Range<usize>,
    /// The number of its first line.
    line: usize,
}

impl Part {
    /// Whole lines from the first to the last of the spans, of which there is at least one.
    fn around(source: &Source, spans: &[Range<usize>]) -> Self {
        let first = spans.iter().map(|span| span.start).min().unwrap_or_default();
        let last = spans.iter().map(|span| span.end).max().unwrap_or_default();
        let (line, start) = source.line_at(first);
        let end = source.text()[last..].find('\n').map_or(source.text().len(), |i| last + i + 1);
        Self { range: start..end, line }
    }

    /// A span of the whole text as one of the part.
    fn within(&self, span: &Range<usize>) -> Range<usize> {
        span.start - self.range.start..span.end - self.range.start
    }

    fn snippet<'a, T: Clone>(&self, source: &'a Source) -> Snippet<'a, T> {
        Snippet::source(&source.text()[self.range.clone()]).path(source.name()).line_start(self.line)
    }
}

/// A non-empty range within the text, on character boundaries, on one line.
fn clamp(source: &Source, span: Span) -> Range<usize> {
    let text = source.text();
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    let mut end = span.end.clamp(start, line_end);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:col: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = self.location() {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl Serialize for Diagnostic {
    /// `{severity, code, message, file, line, column, help}`; line and column from 1, absent without a place.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("Diagnostic", 7)?;
        s.serialize_field("severity", &self.severity)?;
        s.serialize_field("code", self.code)?;
        s.serialize_field("message", &self.message)?;
        if let Some((source, span)) = &self.place {
            let (line, column) = source.position(span.start);
            s.serialize_field("file", source.name())?;
            s.serialize_field("line", &line)?;
            s.serialize_field("column", &column)?;
        }
        if let Some(help) = &self.help {
            s.serialize_field("help", help)?;
        }
        s.end()
    }
}

/// Findings of one pass, in the order they were met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// `value` when there is no error, else the findings.
    ///
    /// Warnings alone do not fail; take them out before if they must be shown.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.has_errors() { Err(self) } else { Ok(value) }
    }

    /// All findings rendered for people, a blank line between two.
    pub fn render(&self, colour: bool) -> String {
        self.0.iter().map(|d| d.render(colour)).collect::<Vec<_>>().join("\n\n")
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        self.0.extend(iter);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Diagnostics {}

/// Characters of a word beyond which nobody mistypes it; comparing takes time that grows with the square.
const LONGEST_WORD: usize = 100;

/// Candidates that are compared; nobody chooses among more.
const CANDIDATES: usize = 300;

/// The candidate nearest to `word`, if it is near enough to be what was meant.
///
/// Distance counts insertions, deletions, substitutions and swaps of neighbours; at most a third of the word may differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let limit = (length / 3).max(1);
    if length > LONGEST_WORD {
        return None;
    }
    candidates
        .into_iter()
        .take(CANDIDATES)
        .filter(|c| c.len() <= 4 * LONGEST_WORD && c.chars().count().abs_diff(length) <= limit)
        .map(|c| (distance(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// ``did you mean `x`?`` for the candidate nearest to `word`; nothing when none is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// Candidates that are listed; more is no help.
const LISTED: usize = 12;

/// [`did_you_mean`], else what there is: `there are: a, b, c`.
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<&str> = candidates.into_iter().collect();
    did_you_mean(word, all.iter().copied()).unwrap_or_else(|| {
        match (all.len(), all.len().saturating_sub(LISTED)) {
            (0, _) => "there are none".to_owned(),
            (_, 0) => format!("there are: {}", all.join(", ")),
            (_, more) => format!("there are: {} and {more} more", all[..LISTED].join(", ")),
        }
    })
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substitute = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitute.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_the_line_and_what_to_write() {
        let source = Source::new("stream.yaml", "name: x\ncomponentz: []\n");
        let d = Diagnostic::error("unknown-field", "unknown field `componentz`")
            .at(&source, Span::new(8, 18))
            .help("did you mean `components`?");
        insta::assert_snapshot!(d.render(false), @"
        error[unknown-field]: unknown field `componentz`
         --> stream.yaml:2:1
          |
        2 | componentz: []
          | ^^^^^^^^^^
          |
          = help: did you mean `components`?
        ");
        assert_eq!(d.to_string(), "stream.yaml:2:1: unknown field `componentz`");
    }

    #[test]
    fn spans_past_the_end_are_clamped() {
        let source = Source::new("f", "abc");
        let d = Diagnostic::error("x", "unexpected end").at(&source, Span::new(7, 9));
        assert!(d.render(false).contains("f:1:"), "{}", d.render(false));
    }

    #[test]
    fn nearest_finds_typos_only() {
        let fields = ["components", "bases", "tests"];
        assert_eq!(nearest("componentz", fields), Some("components"));
        assert_eq!(nearest("tset", ["test"]), Some("test"));
        assert_eq!(nearest("pipeline", fields), None);
        let long = "x".repeat(1 << 20);
        assert_eq!(nearest(&long, [long.as_str()]), None);
        assert_eq!(nearest("x", [long.as_str()]), None);
    }

    #[test]
    fn what_is_near_is_suggested_else_what_there_is() {
        assert_eq!(suggestion("tset", ["test", "build"]), "did you mean `test`?");
        assert_eq!(suggestion("deploy", ["test", "build"]), "there are: test, build");
        assert_eq!(suggestion("deploy", []), "there are none");
        let many: Vec<String> = (0..20).map(|n| format!("component-{n}")).collect();
        let said = suggestion("x", many.iter().map(String::as_str));
        assert!(said.ends_with("component-11 and 8 more"), "{said}");
        assert_eq!(did_you_mean("deploy", ["test"]), None);
    }
}
