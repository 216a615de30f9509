//! Test reports in JUnit's XML form.
//!
//! - [`read`](mod@read): leniently: what real tools write is rarely what a schema says
//! - [`write`](mod@write): for tools that read JUnit
//! - [`tally`](mod@tally): how many cases passed, failed, were skipped, were flaky

pub mod read;
pub mod tally;
pub mod write;

use std::time::Duration;

pub use read::{InvalidReport, read};
pub use tally::{Tally, tally};
pub use write::write;

/// A report: suites of cases.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The suites, nested ones flattened under their parents' names (`outer/inner`).
    pub suites: Vec<Suite>,
}

/// Cases that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suite {
    /// Name; may be empty.
    pub name: String,
    /// When it started, as written.
    pub timestamp: Option<String>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One run of one test.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Case {
    /// Name of the test.
    pub name: String,
    /// Class, package or file that it belongs to; may be empty.
    pub class: String,
    /// How long it took, if the report says so.
    pub duration: Option<Duration>,
    /// How it ended.
    pub result: CaseResult,
    /// What it printed (standard output, then standard error).
    pub output: String,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CaseResult {
    /// Well.
    #[default]
    Passed,
    /// An expectation did not hold.
    Failed(Problem),
    /// It could not be carried out.
    Errored(Problem),
    /// It was not run.
    Skipped(String),
    /// It failed first and passed when it was run again.
    Flaky(Problem),
}

/// What a failed case says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    /// In one line; may be empty.
    pub message: String,
    /// At length; may be empty.
    pub text: String,
}

impl Problem {
    /// The message, else the first line of the text that says something.
    pub fn headline(&self) -> &str {
        let lines = self.message.lines().chain(self.text.lines());
        lines.map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
    }
}

impl Report {
    /// All cases with the names of their suites.
    pub fn cases(&self) -> impl Iterator<Item = (&str, &Case)> {
        self.suites.iter().flat_map(|suite| suite.cases.iter().map(|case| (suite.name.as_str(), case)))
    }
}

#[cfg(test)]
mod tests;
