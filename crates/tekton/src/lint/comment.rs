//! Comments that turn codes off: `# sw: allow CODE, CODE because …`.
//!
//! A comment at the end of a line is for that line. A comment on a line of its own is for the line below and what is
//! indented deeper than it: the whole list element, the whole key. Above the first line of an object it is for the
//! whole object. Scripts are text of the file like everything else, so it works inside them, too.

use base::{Diagnostic, Severity, Source, Span};

use super::code;

const MARK: &str = "# sw: allow ";

/// What the comments of a text allow.
#[derive(Debug, Default)]
pub struct Comments {
    allowed: Vec<Allowed>,
    unknown: Vec<(String, Span)>,
}

#[derive(Debug, PartialEq, Eq)]
struct Allowed {
    code: &'static str,
    /// Bytes of the text.
    from: usize,
    to: usize,
}

/// A line with its place.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    start: usize,
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn is_comment(&self) -> bool {
        self.text.trim_start().starts_with('#')
    }

    fn is_separator(&self) -> bool {
        self.text.starts_with("---")
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

impl Comments {
    /// Reads the comments of a text.
    pub fn of(source: &Source) -> Self {
        let mut start = 0;
        let lines: Vec<Line<'_>> = source
            .text()
            .split_inclusive('\n')
            .map(|text| {
                let line = Line { text: text.trim_end_matches(['\n', '\r']), start };
                start += text.len();
                line
            })
            .collect();
        let mut comments = Self::default();
        // What the comment before was for; comments on lines that follow each other are for the same.
        let mut same = None;
        for (i, line) in lines.iter().enumerate() {
            if !line.is_comment() && !line.is_blank() {
                same = None;
            }
            let Some(at) = line.text.find(MARK) else { continue };
            let (from, to) = match line.is_comment() {
                true => *same.get_or_insert_with(|| below(&lines, i)),
                false => (line.start, line.end()),
            };
            comments.read(&line.text[at + MARK.len()..], line.start + at + MARK.len(), from, to);
        }
        comments
    }

    fn read(&mut self, list: &str, mut start: usize, from: usize, to: usize) {
        for part in list.split(',') {
            let blanks = part.len() - part.trim_start().len();
            let word = part.split_whitespace().next().unwrap_or("");
            match code::find(word) {
                Some(lint) => self.allowed.push(Allowed { code: lint.code, from, to }),
                None => {
                    let place = Span::new(start + blanks, start + blanks + word.len());
                    self.unknown.push((word.to_owned(), place));
                }
            }
            // What follows a code without a comma is the reason.
            if part.split_whitespace().count() > 1 {
                break;
            }
            start += part.len() + 1;
        }
    }

    /// Whether the finding is a warning that a comment turns off.
    pub fn allow(&self, finding: &Diagnostic) -> bool {
        let Some((_, span)) = finding.place.as_ref().filter(|_| finding.severity == Severity::Warning) else {
            return false;
        };
        self.allowed.iter().any(|a| a.code == finding.code && (a.from..=a.to).contains(&span.start))
    }

    /// Warnings about codes that do not exist.
    pub fn unknown(&self, source: &Source) -> Vec<Diagnostic> {
        let warning = |(word, span): &(String, Span)| {
            let message = format!("there is no warning `{word}` to allow");
            let help = code::did_you_mean(word).unwrap_or_else(|| {
                "the codes stand in brackets before the warnings: warning[CODE]".to_owned()
            });
            Diagnostic::warning(code::UNKNOWN_LINT.code, message).at(source, *span).help(help)
        };
        self.unknown.iter().map(warning).collect()
    }
}

/// What a comment on line `at` is for, in bytes.
fn below(lines: &[Line<'_>], at: usize) -> (usize, usize) {
    let content = |line: &&Line<'_>| !line.is_blank() && !line.is_comment();
    let Some(first) = lines[at..].iter().position(|l| content(&l)).map(|i| at + i) else { return (0, 0) };
    let begins = lines[..at].iter().rev().find(content).is_none_or(Line::is_separator);
    let head = lines[first];
    let ends = |line: &Line<'_>| {
        if begins { line.is_separator() } else { line.indent() <= head.indent() && content(&line) }
    };
    let last = lines[first + 1..].iter().position(ends).map_or(lines.len(), |i| first + 1 + i) - 1;
    (head.start, lines[last].end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
a: 1 # sw: allow unused-param
b:
  # sw: allow privileged, floating-image the test needs it
  - c: 2
    d: 3
  - e: 4
---
# sw: allow unused-params
# sw: allow unused-volume
f: 5
g: 6
---
h: 7
";

    #[test]
    fn a_comment_is_for_what_it_stands_at() {
        let source = Source::new("f", TEXT);
        let comments = Comments::of(&source);
        let allowed = |code, at: &str| {
            let start = TEXT.find(at).unwrap_or_default();
            comments.allow(&Diagnostic::warning(code, "").at(&source, Span::new(start, start + 1)))
        };
        assert!(allowed("unused-param", "a: 1"));
        assert!(!allowed("unused-param", "b:"));
        for line in ["- c: 2", "d: 3"] {
            assert!(allowed("privileged", line), "{line}");
            assert!(allowed("floating-image", line), "{line}");
        }
        assert!(!allowed("privileged", "- e: 4"));
        assert!(allowed("unused-volume", "f: 5") && allowed("unused-volume", "g: 6"));
        assert!(!allowed("unused-volume", "h: 7") && !allowed("unused-volume", "- e: 4"));
        let start = TEXT.find("a: 1").unwrap_or_default();
        let error = Diagnostic::error("unused-param", "").at(&source, Span::new(start, start + 1));
        assert!(!comments.allow(&error), "errors stay");
        let unknown = comments.unknown(&source);
        assert_eq!(unknown.len(), 1);
        assert_eq!(unknown[0].to_string(), "f:8:13: there is no warning `unused-params` to allow");
        assert_eq!(unknown[0].help.as_deref(), Some("did you mean `unused-param`?"));
    }
}
