//! What is to be done.

use std::fmt;

use crate::prepare::Failure;
use crate::types::{ConditionStatus, PipelineRun, RunResult, SkippedTask, TaskRun};

/// What stands in a cancelled child's statusMessage (§2.14): the pipeline run was cancelled.
pub const RUN_CANCELLED: &str = "TaskRun cancelled as the PipelineRun it belongs to has been cancelled.";
/// What stands in a cancelled child's statusMessage (§2.14): the pipeline run or its part took too long.
pub const TIMED_OUT: &str = "TaskRun cancelled as the PipelineRun it belongs to has timed out.";

/// What to do next, given the facts. The same facts give the same decision; a child that is to be started or cancelled
/// is named in every decision until the facts show it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Children to start now.
    pub start: Vec<ChildRun>,
    /// Running children to end now, including their further attempts.
    pub cancel: Vec<Cancel>,
    /// Whether all tasks of the graph are done and finally has its turn: its clock starts with the first such decision.
    pub finally: bool,
    /// Every task that will not run as things stand, in declared order (`status.skippedTasks`). Reasons may still
    /// change: stopping comes before all others (§2.18).
    pub skipped: Vec<SkippedTask>,
    /// Where the run stands.
    pub state: RunState,
    /// The pipeline's results, once the run is over.
    pub results: Vec<RunResult>,
}

/// The run's condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunState {
    /// Unknown while it runs.
    pub status: ConditionStatus,
    /// One of [`crate::status::reason`].
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}

impl Default for RunState {
    fn default() -> Self {
        Self {
            status: ConditionStatus::Unknown,
            reason: crate::status::reason::RUNNING,
            message: String::new(),
        }
    }
}

impl RunState {
    /// Whether the run is over. Children that are named in [`Decision::cancel`] may still be ending.
    pub fn is_over(&self) -> bool {
        self.status != ConditionStatus::Unknown
    }
}

impl From<Failure> for RunState {
    fn from(failure: Failure) -> Self {
        Self { status: ConditionStatus::False, reason: failure.reason, message: failure.message }
    }
}

/// A child to start.
#[derive(Debug, Clone, PartialEq)]
pub enum ChildRun {
    /// A task run, complete but for its uid.
    Task(Box<TaskRun>),
    /// A pipeline run, complete but for its uid.
    Pipeline(Box<PipelineRun>),
}

impl ChildRun {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Task(run) => &run.metadata.name,
            Self::Pipeline(run) => &run.metadata.name,
        }
    }
}

/// A child to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// Its name.
    pub name: String,
    /// For its statusMessage.
    pub message: &'static str,
}

/// Why a task does not run (§2.18), in the order in which reasons are tried for tasks of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkipReason {
    /// Another task failed.
    Stopping,
    /// CancelledRunFinally.
    GracefullyCancelled,
    /// StoppedRunFinally.
    GracefullyStopped,
    /// A guard does not hold.
    When,
    /// A task it waits for was skipped for a reason other than its guards.
    Parents,
    /// A result it needs is not there, and that is no mistake.
    Results,
    /// The pipeline took too long.
    PipelineTimeout,
    /// The tasks took too long.
    TasksTimeout,
    /// The finally tasks took too long.
    FinallyTimeout,
    /// A matrix over nothing.
    EmptyMatrix,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopping => "PipelineRun was stopping",
            Self::GracefullyCancelled => "PipelineRun was gracefully cancelled",
            Self::GracefullyStopped => "PipelineRun was gracefully stopped",
            Self::When => "When Expressions evaluated to false",
            Self::Parents => "Parent Tasks were skipped",
            Self::Results => "Results were missing",
            Self::PipelineTimeout => "PipelineRun timeout has been reached",
            Self::TasksTimeout => "PipelineRun Tasks timeout has been reached",
            Self::FinallyTimeout => "PipelineRun Finally timeout has been reached",
            Self::EmptyMatrix => "Matrix Parameters have an empty array",
        })
    }
}
