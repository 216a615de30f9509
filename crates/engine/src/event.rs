//! What happens in a run, as values: the one stream that feeds terminal, JSON, files and later pages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One state change of a run. Numbered from 1 without gaps; on disk before anybody is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Position in the run's journal.
    pub seq: u64,
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    pub event: Happened,
}

/// What happened. `task` is the name in the pipeline; children of a matrix are told apart by `-<index>`, and tasks of a
/// pipeline that is a task itself have that one's name before them: `outer/inner`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Happened {
    /// The run begins.
    RunStarted {
        /// The run's id: the name of the PipelineRun or TaskRun, with a number after it when that was run before.
        run: String,
        /// Name of the pipeline or task.
        pipeline: String,
        /// Tasks of the pipeline in file order, finally tasks last.
        tasks: Vec<String>,
        /// The run that it goes on with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resumes: Option<String>,
    },
    /// Tasks of the pipeline that were not asked for.
    TasksLeftOut {
        /// The tasks.
        tasks: Vec<String>,
        /// The run that gives their results.
        from: Option<String>,
    },
    /// A task need not run: how it ended is known. Its end is told as that of any other.
    TaskReused {
        /// The task.
        task: String,
        /// Name of its TaskRun.
        task_run: String,
        /// Steps in order.
        steps: Vec<String>,
        /// From where it is known.
        from: Origin,
    },
    /// A resolver got a definition. Told once for each, also before [`Happened::RunStarted`].
    Resolved {
        /// `Task`, `Pipeline` or `StepAction`.
        kind: String,
        /// Its name.
        name: String,
        /// The repository, address or bundle.
        uri: String,
        /// Digests by algorithm: of the commit, the text or the bundle.
        digest: BTreeMap<String, String>,
        /// The file or entry; empty where there is no such thing.
        entry_point: String,
    },
    /// A task that is a pipeline begins. It ends with `TaskFinished`.
    PipelineStarted {
        /// The task.
        task: String,
        /// Name of its PipelineRun.
        pipeline_run: String,
        /// Name of the pipeline.
        pipeline: String,
        /// Its tasks in file order, finally tasks last, with the name of this one before them.
        tasks: Vec<String>,
    },
    /// A TaskRun attempt begins.
    TaskStarted {
        /// The task.
        task: String,
        /// Name of its TaskRun.
        task_run: String,
        /// 0 for the first attempt.
        attempt: u32,
        /// Steps in order.
        steps: Vec<String>,
    },
    /// A step's container begins.
    StepStarted {
        /// The task.
        task: String,
        /// The step.
        step: String,
    },
    /// A step has failed and the user gets a shell in its container.
    ShellOpened {
        /// The task.
        task: String,
        /// The step.
        step: String,
        /// Its exit code; none when the shell is there in its place.
        exit_code: Option<i32>,
    },
    /// A step has ended or was skipped.
    StepFinished {
        /// The task.
        task: String,
        /// The step.
        step: String,
        /// Its exit code.
        exit_code: i32,
        /// Tekton's terminationReason: Completed, Continued, Error, Skipped, TimeoutExceeded, Cancelled.
        reason: String,
    },
    /// An attempt failed and another one follows.
    TaskRetried {
        /// The task.
        task: String,
        /// The attempt that failed.
        attempt: u32,
        /// Why it failed.
        message: String,
    },
    /// A TaskRun is done, or the run of a task that is a pipeline.
    TaskFinished {
        /// The task.
        task: String,
        /// Whether it succeeded.
        succeeded: bool,
        /// Reason of its condition.
        reason: String,
        /// Message of its condition.
        message: String,
        /// Its results; arrays and objects as JSON text.
        results: BTreeMap<String, String>,
        /// The step that failed, when one did.
        failed_step: Option<String>,
    },
    /// What a task does is not kept in the step cache, which was asked for.
    TaskNotCached {
        /// The task.
        task: String,
        /// Why not.
        reason: String,
    },
    /// A task does not run.
    TaskSkipped {
        /// The task.
        task: String,
        /// Tekton's reason, for example `When Expressions evaluated to false`.
        reason: String,
    },
    /// Something that does not fail the run but that its owner should know.
    Warning {
        /// What.
        message: String,
    },
    /// The run is done.
    RunFinished {
        /// Whether it succeeded.
        succeeded: bool,
        /// Reason of its condition.
        reason: String,
        /// Message of its condition.
        message: String,
    },
}

/// From where it is known how a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The run that this one goes on with.
    Run(String),
    /// The step cache, under this key.
    Cache(String),
}

/// Is told what happens. Called from several threads; must not block for long.
pub trait Observer: Send + Sync {
    /// A state change.
    fn event(&self, event: &Event);

    /// What a step prints, as it comes.
    fn output(&self, _task: &str, _step: &str, _bytes: &[u8]) {}

    /// Somebody else has the terminal, or gives it back.
    fn terminal_taken(&self, _taken: bool) {}

    /// A long transfer: `done` of `total` bytes of `what`; it is over when they are equal. A total of 0 is not known yet.
    fn transfer(&self, _what: &str, _done: u64, _total: u64) {}
}
