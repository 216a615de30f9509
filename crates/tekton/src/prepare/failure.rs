//! Why a run fails without having run.

use thiserror::Error;

use crate::status::reason;

/// The condition with which a run ends: a word and a sentence, both as a cluster words them (§3.3).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Failure {
    /// One of [`crate::status::reason`].
    pub reason: &'static str,
    /// What is wrong; `[User error] ` before it tells that the author can mend it.
    pub message: String,
}

impl Failure {
    /// A failure that is nobody's mistake, or not certainly the author's.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// A mistake of the author.
    pub fn user(reason: &'static str, message: impl AsRef<str>) -> Self {
        Self { reason, message: format!("[User error] {}", message.as_ref()) }
    }

    /// A task run whose inputs do not fit its task.
    pub fn invalid_task_run(message: impl AsRef<str>) -> Self {
        Self::user(reason::TASK_RUN_VALIDATION_FAILED, message)
    }
}

/// `[a b]`, as Go prints a list.
pub(crate) fn list<S: AsRef<str>>(names: &[S]) -> String {
    format!("[{}]", names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" "))
}

/// `map[o:[a b] p:[c]]`, as Go prints a map of lists.
pub(crate) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Vec<String>)>) -> String {
    let entries: Vec<String> =
        entries.into_iter().map(|(name, names)| format!("{name}:{}", list(&names))).collect();
    format!("map[{}]", entries.join(" "))
}
