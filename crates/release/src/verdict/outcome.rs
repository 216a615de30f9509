//! What one test said.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::junit::{Report, tally};

/// Failed cases that an outcome names; the reports name all.
const NAMED_CASES: usize = 50;
/// Most characters of a message.
const MESSAGE_LENGTH: usize = 500;

/// What one test of a release said: a task of the pipeline, with the cases that it reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the test.
    pub test: String,
    /// Whether the release is rejected unless this test passes.
    pub blocking: bool,
    /// How it ended.
    pub status: Status,
    /// In one line, why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How long it took, in seconds.
    #[serde(default, rename = "seconds", skip_serializing_if = "Option::is_none", with = "as_seconds")]
    pub duration: Option<Duration>,
    /// What its reports count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<Cases>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its task succeeded.
    Passed,
    /// Its task failed.
    Failed,
    /// It took too long.
    TimedOut,
    /// It could not be run.
    Errored,
    /// Its conditions did not hold, so it was not run.
    Skipped,
    /// It was stopped.
    Cancelled,
    /// Nothing is known of it: the run ended before it.
    Missing,
}

impl Status {
    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Errored => "could not run",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Missing => "did not run",
        }
    }
}

/// What reports count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cases {
    /// All cases.
    pub total: usize,
    /// Passed at once.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Not run.
    pub skipped: usize,
    /// Failed, then passed.
    pub flaky: usize,
    /// The failed ones, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedCase>,
}

/// A case that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCase {
    /// Its name, with that of its suite.
    pub name: String,
    /// What it said, in one line; may be empty.
    pub message: String,
}

impl Outcome {
    /// A test that ended like this, without more to say.
    pub fn new(test: impl Into<String>, blocking: bool, status: Status) -> Self {
        Self { test: test.into(), blocking, status, message: None, duration: None, cases: None }
    }

    /// The same with the cases of its reports.
    #[must_use]
    pub fn with_reports<'a>(self, reports: impl IntoIterator<Item = &'a Report>) -> Self {
        Self { cases: Some(Cases::of(reports)), ..self }
    }

    /// Whether the test speaks for the release: its task succeeded and no case failed.
    pub fn is_good(&self) -> bool {
        self.status == Status::Passed && self.cases.as_ref().is_none_or(|cases| cases.failed == 0)
    }

    /// In one line, why it does not; `None` when it does.
    pub fn reason(&self) -> Option<String> {
        if self.is_good() {
            return None;
        }
        let cases = self.cases.as_ref().filter(|cases| cases.failed > 0);
        let mut reason = match (self.status, cases) {
            (Status::Passed, Some(cases)) => {
                format!("its task succeeded, but {} of {} cases failed", cases.failed, cases.total)
            }
            (status, Some(cases)) => {
                format!("{}: {} of {} cases failed", status.label(), cases.failed, cases.total)
            }
            (status, None) => status.label().to_owned(),
        };
        let first = cases.and_then(|cases| cases.failures.first()).map(|case| match case.message.as_str() {
            "" => case.name.clone(),
            message => format!("{}: {message}", case.name),
        });
        if let Some(detail) = self.message.clone().filter(|m| !m.is_empty()).or(first) {
            reason.push_str(": ");
            reason.push_str(&one_line(&detail));
        }
        Some(reason)
    }
}

impl Cases {
    /// Counts the cases of reports.
    pub fn of<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Self {
        let (counts, failed) = tally(reports);
        let failures = failed
            .into_iter()
            .take(NAMED_CASES)
            .map(|test| FailedCase { name: one_line(&test.name), message: one_line(&test.message) })
            .collect();
        Self {
            total: counts.total(),
            passed: counts.passed,
            failed: counts.failed,
            skipped: counts.skipped,
            flaky: counts.flaky,
            failures,
        }
    }
}

/// One line of bounded length, without control characters.
fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= MESSAGE_LENGTH {
        return line;
    }
    line.chars().take(MESSAGE_LENGTH).chain(['…']).collect()
}

/// Seconds with milliseconds.
mod as_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_f64(duration.as_millis() as f64 / 1000.0),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(deserializer)?;
        seconds.map(Duration::try_from_secs_f64).transpose().map_err(serde::de::Error::custom)
    }
}
