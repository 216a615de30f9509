//! Tasks of which somebody knows what will come of them, so that no container is needed to find out.

use tekton::prepare::PreparedTask;
use tekton::types::RunResult;

/// The annotation of a TaskRun whose steps did not run because their results were known; its value says who knew.
pub const FOREKNOWN: &str = "streamwright.dev/foreknown";

/// Who may know what comes of a task.
pub trait Foreknown: Send + Sync {
    /// What is known of the task; none when its steps have to run, be it because the question could not be answered.
    ///
    /// It is asked right before the steps would run, with everything substituted but what steps leave for each other.
    fn known(&self, task: &PreparedTask) -> Option<Known>;
}

/// What comes of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its results. The task succeeds with them.
    pub results: Vec<RunResult>,
    /// Who knew it, for the status: a word or two.
    pub whence: &'static str,
    /// The step in whose place it was found out.
    pub step: String,
    /// What is to stand in that step's log; lines.
    pub log: String,
}
