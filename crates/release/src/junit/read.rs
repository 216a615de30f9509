//! Reads reports leniently: nested suites, missing or wrong counts, times with units or thousands separators, several
//! `failure` elements, control characters, bare ampersands, bytes that are no text, a missing end.
//!
//! Counts in attributes are ignored: the cases themselves are counted.

use std::time::Duration;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Case, CaseResult, Problem, Report, Suite};

/// Largest report that is read.
pub const SIZE_LIMIT: usize = 64 << 20;
/// Most cases of one report.
const CASE_LIMIT: usize = 200_000;
/// Deepest nesting of elements.
const DEPTH_LIMIT: usize = 64;
/// Most bytes that are kept of one message or output.
const TEXT_LIMIT: usize = 64 << 10;

/// Why a text is not a report.
#[derive(Debug, thiserror::Error)]
pub enum InvalidReport {
    /// Larger than [`SIZE_LIMIT`].
    #[error("the report has {}, more than the {} that are read; split it, or leave out what the tests print", base::size::bytes(*.0 as u64), base::size::bytes(SIZE_LIMIT as u64))]
    TooLarge(usize),
    /// Too many cases.
    #[error("the report has more than {CASE_LIMIT} cases; split it")]
    TooMany,
    /// Nested too deeply.
    #[error("the report nests elements deeper than {DEPTH_LIMIT} levels")]
    TooDeep,
    /// Not XML at all, or XML of another kind.
    #[error("not a JUnit report: there is no <testsuites>, <testsuite> or <testcase>")]
    NotJunit,
    /// Not XML, before any case was read.
    #[error("not a JUnit report: {reason} at byte {offset}")]
    Syntax {
        /// What is wrong.
        reason: String,
        /// Where.
        offset: u64,
    },
}

/// Reads a report.
///
/// # Errors
/// When the text is too large or no JUnit report. A report that breaks off is read as far as it goes; the case that it broke
/// off in counts as errored.
pub fn read(bytes: &[u8]) -> Result<Report, InvalidReport> {
    if bytes.len() > SIZE_LIMIT {
        return Err(InvalidReport::TooLarge(bytes.len()));
    }
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(text.trim_start_matches(['\u{feff}', '\n', '\r', ' ', '\t']));
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut state = State::default();
    let broken = loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => state.open(&element)?,
            Ok(Event::Empty(element)) => {
                state.open(&element)?;
                state.close(element.name().as_ref());
            }
            Ok(Event::End(element)) => state.close(element.name().as_ref()),
            Ok(Event::Text(text)) => state.text(&String::from_utf8_lossy(&text)),
            Ok(Event::CData(text)) => state.text(&String::from_utf8_lossy(&text)),
            Ok(Event::GeneralRef(reference)) => {
                let character = reference.resolve_char_ref().ok().flatten();
                let name = String::from_utf8_lossy(&reference).into_owned();
                match character.map(String::from).or_else(|| entity(&name).map(str::to_owned)) {
                    Some(text) => state.text(&text),
                    None => state.text(&format!("&{name};")),
                }
            }
            // Declarations, comments and document types say nothing here; entities are not expanded.
            Ok(Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_)) => {}
            Ok(Event::Eof) => break None,
            Err(e) => break Some((e.to_string(), reader.error_position())),
        }
    };
    if !state.is_junit {
        return Err(match broken {
            Some((reason, offset)) => InvalidReport::Syntax { reason, offset },
            None => InvalidReport::NotJunit,
        });
    }
    Ok(state.finish(broken.map(|(reason, _)| reason)))
}

fn entity(name: &str) -> Option<&'static str> {
    quick_xml::escape::resolve_predefined_entity(name)
}

/// What is open while reading.
#[derive(Default)]
struct State {
    report: Report,
    is_junit: bool,
    depth: usize,
    cases: usize,
    /// Indices into the report's suites, outermost first.
    suites: Vec<usize>,
    case: Option<OpenCase>,
    /// The element of a case whose text is being read.
    part: Option<Part>,
}

#[derive(Default)]
struct OpenCase {
    case: Case,
    failures: Vec<Problem>,
    errors: Vec<Problem>,
    reruns: Vec<Problem>,
    skipped: Option<String>,
    error_output: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Failure,
    Error,
    Rerun,
    Skipped,
    Output,
    ErrorOutput,
}

impl Part {
    fn named(element: &[u8]) -> Option<Self> {
        Some(match element {
            b"failure" => Self::Failure,
            b"error" => Self::Error,
            b"flakyFailure" | b"flakyError" => Self::Rerun,
            b"skipped" => Self::Skipped,
            b"system-out" => Self::Output,
            b"system-err" => Self::ErrorOutput,
            _ => return None,
        })
    }
}

impl State {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), InvalidReport> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(InvalidReport::TooDeep);
        }
        let name = element.name();
        match name.as_ref() {
            b"testsuites" => self.is_junit = true,
            b"testsuite" => {
                self.is_junit = true;
                self.end_case();
                self.open_suite(element);
            }
            b"testcase" => {
                self.is_junit = true;
                self.end_case();
                self.cases += 1;
                if self.cases > CASE_LIMIT {
                    return Err(InvalidReport::TooMany);
                }
                self.open_case(element);
            }
            part => self.open_part(Part::named(part), element),
        }
        Ok(())
    }

    fn open_suite(&mut self, element: &BytesStart<'_>) {
        let own = attribute(element, "name").unwrap_or_default();
        let name = match self.suites.last().map(|i| self.report.suites[*i].name.as_str()) {
            Some(outer) if !outer.is_empty() && !own.is_empty() => format!("{outer}/{own}"),
            Some(outer) if own.is_empty() => outer.to_owned(),
            _ => own,
        };
        self.suites.push(self.report.suites.len());
        let timestamp = attribute(element, "timestamp").filter(|t| !t.is_empty());
        self.report.suites.push(Suite { name, timestamp, cases: Vec::new() });
    }

    fn open_case(&mut self, element: &BytesStart<'_>) {
        let mut open = OpenCase::default();
        open.case.name = attribute(element, "name").unwrap_or_default();
        open.case.class = attribute(element, "classname").unwrap_or_default();
        open.case.duration = attribute(element, "time").and_then(|t| seconds(&t));
        // Ginkgo says how a case ended in an attribute too; only that it did not run cannot be seen otherwise.
        let status = attribute(element, "status").unwrap_or_default();
        if matches!(status.as_str(), "skipped" | "pending" | "notrun" | "disabled") {
            open.skipped = Some(String::new());
        }
        self.case = Some(open);
    }

    fn open_part(&mut self, part: Option<Part>, element: &BytesStart<'_>) {
        let (Some(part), Some(open)) = (part, &mut self.case) else { return };
        let problem = || Problem {
            message: attribute(element, "message")
                .or_else(|| attribute(element, "type"))
                .map(|m| cut(&m))
                .unwrap_or_default(),
            text: String::new(),
        };
        match part {
            Part::Failure => open.failures.push(problem()),
            Part::Error => open.errors.push(problem()),
            Part::Rerun => open.reruns.push(problem()),
            Part::Skipped => open.skipped = Some(cut(&attribute(element, "message").unwrap_or_default())),
            Part::Output | Part::ErrorOutput => {}
        }
        self.part = Some(part);
    }

    fn close(&mut self, element: &[u8]) {
        self.depth = self.depth.saturating_sub(1);
        match element {
            b"testsuite" => {
                self.end_case();
                self.suites.pop();
            }
            b"testcase" => self.end_case(),
            name if Part::named(name).is_some_and(|part| self.part == Some(part)) => self.part = None,
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let (Some(part), Some(open)) = (self.part, &mut self.case) else { return };
        let into = match part {
            Part::Failure => open.failures.last_mut().map(|p| &mut p.text),
            Part::Error => open.errors.last_mut().map(|p| &mut p.text),
            Part::Rerun => open.reruns.last_mut().map(|p| &mut p.text),
            Part::Skipped => open.skipped.as_mut(),
            Part::Output => Some(&mut open.case.output),
            Part::ErrorOutput => Some(&mut open.error_output),
        };
        if let Some(into) = into {
            append(into, text);
        }
    }

    fn end_case(&mut self) {
        self.part = None;
        let Some(open) = self.case.take() else { return };
        let mut case = open.case;
        append(&mut case.output, &open.error_output);
        case.result = if let Some(problem) = joined(open.failures) {
            CaseResult::Failed(problem)
        } else if let Some(problem) = joined(open.errors) {
            CaseResult::Errored(problem)
        } else if let Some(reason) = open.skipped {
            CaseResult::Skipped(reason.trim().to_owned())
        } else if let Some(problem) = joined(open.reruns) {
            CaseResult::Flaky(problem)
        } else {
            CaseResult::Passed
        };
        let suite = match self.suites.last() {
            Some(suite) => *suite,
            // Cases directly below the root.
            None => {
                if self.report.suites.last().is_none_or(|suite| !suite.name.is_empty()) {
                    self.report.suites.push(Suite::default());
                }
                self.report.suites.len() - 1
            }
        };
        self.report.suites[suite].cases.push(case);
    }

    fn finish(mut self, broken: Option<String>) -> Report {
        if let (Some(open), Some(reason)) = (&mut self.case, broken) {
            let message = format!("the report breaks off here: {reason}");
            open.errors.push(Problem { message, text: String::new() });
        } else if let Some(open) = &mut self.case {
            let message = "the report breaks off here".to_owned();
            open.errors.push(Problem { message, text: String::new() });
        }
        self.end_case();
        self.report
    }
}

/// Several problems of one case as one: the first message, all texts.
fn joined(problems: Vec<Problem>) -> Option<Problem> {
    problems.into_iter().reduce(|mut all, next| {
        if all.message.is_empty() {
            all.message.clone_from(&next.message);
        } else if !next.message.is_empty() {
            append(&mut all.text, &format!("\n{}\n", next.message));
        }
        append(&mut all.text, &next.text);
        all
    })
}

/// The value of an attribute; one that is malformed does not hide the others.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.html_attributes();
    let found = attributes.with_checks(false).flatten().find(|a| a.key.as_ref() == name.as_bytes())?;
    let raw = String::from_utf8_lossy(&found.value);
    Some(quick_xml::escape::unescape(&raw).map_or_else(|_| raw.to_string(), |text| text.into_owned()))
}

/// `1.5`, `1,234.5`, `1.5s`; nothing else, nothing negative.
fn seconds(text: &str) -> Option<Duration> {
    let number = text.trim().trim_end_matches('s').replace(',', "");
    number.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok())
}

fn cut(text: &str) -> String {
    let mut out = String::new();
    append(&mut out, text);
    out
}

fn append(into: &mut String, text: &str) {
    let mut room = TEXT_LIMIT.saturating_sub(into.len()).min(text.len());
    while !text.is_char_boundary(room) {
        room -= 1;
    }
    into.push_str(&text[..room]);
}
