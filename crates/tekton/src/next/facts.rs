//! What is known about a pipeline run at an instant.

use std::time::Duration;

use crate::status::reason;
use crate::types::status::{Artifacts, ConditionStatus};
use crate::types::{Param, PipelineRun, RunResult, TaskRun};

/// The state of the world that a decision rests on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Every child that was ever started, in the order of its start.
    pub children: Vec<Child>,
    /// What the user asks for.
    pub request: Option<Request>,
    /// Time since the run's start.
    pub elapsed: Duration,
    /// Time since the first decision that had [`finally`](super::Decision::finally) set; none before.
    pub finally_elapsed: Option<Duration>,
}

/// The values of a pipeline run's `spec.status` (§2.21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request {
    /// Do not start yet.
    Pending,
    /// End everything now.
    Cancelled,
    /// End the tasks, then run finally.
    CancelledRunFinally,
    /// Start nothing more, then run finally.
    StoppedRunFinally,
}

impl Request {
    /// Reads `spec.status`; empty and unknown texts ask for nothing.
    pub fn of(status: &str) -> Option<Self> {
        Some(match status {
            "PipelineRunPending" => Self::Pending,
            "Cancelled" => Self::Cancelled,
            "CancelledRunFinally" => Self::CancelledRunFinally,
            "StoppedRunFinally" => Self::StoppedRunFinally,
            _ => return None,
        })
    }
}

/// A child run of a pipeline task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// The pipeline task it runs.
    pub task: String,
    /// The params it got; they show in display names.
    pub params: Vec<Param>,
    /// How it ended; none while it runs, also between attempts.
    pub outcome: Option<Outcome>,
}

/// How a child ended, after its last attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Whether it succeeded.
    pub succeeded: bool,
    /// The reason of its condition.
    pub reason: String,
    /// Its results, also if it failed.
    pub results: Vec<RunResult>,
    /// Its inputs and outputs.
    pub artifacts: Option<Artifacts>,
    /// Whether it was cancelled because the pipeline run, or this part of it, took too long.
    pub timed_out: bool,
}

impl Outcome {
    /// Whether it was cancelled, for whatever cause.
    pub fn cancelled(&self) -> bool {
        !self.succeeded && matches!(self.reason.as_str(), reason::TASK_RUN_CANCELLED | reason::CANCELLED)
    }
}

impl Child {
    /// What a task run says about itself: its pipeline task by label, its end by condition.
    pub fn of_task_run(run: &TaskRun) -> Self {
        let condition = run.status.succeeded().filter(|c| c.status != ConditionStatus::Unknown);
        Self {
            name: run.metadata.name.clone(),
            task: run.metadata.labels.get(super::children::PIPELINE_TASK).cloned().unwrap_or_default(),
            params: run.spec.params.clone(),
            outcome: condition.map(|c| Outcome {
                succeeded: c.status == ConditionStatus::True,
                reason: c.reason.clone(),
                results: run.status.results.clone(),
                artifacts: run.status.artifacts.clone(),
                timed_out: run.spec.status_message == super::decision::TIMED_OUT,
            }),
        }
    }

    /// What a child pipeline run says about itself; its results are not its parent's business (§2.25).
    pub fn of_pipeline_run(run: &PipelineRun) -> Self {
        let condition = run.status.succeeded().filter(|c| c.status != ConditionStatus::Unknown);
        Self {
            name: run.metadata.name.clone(),
            task: run.metadata.labels.get(super::children::PIPELINE_TASK).cloned().unwrap_or_default(),
            params: run.spec.params.clone(),
            outcome: condition.map(|c| Outcome {
                succeeded: c.status == ConditionStatus::True,
                reason: c.reason.clone(),
                ..Outcome::default()
            }),
        }
    }
}
