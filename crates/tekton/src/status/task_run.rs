//! The status of a task run (§2.14).

use crate::next::ON_ERROR;
use crate::prepare::{Failure, PreparedTask};
use crate::types::status::{Artifacts, Provenance};
use crate::types::{ConditionStatus, Duration, RunResult, SidecarState, StepState, TaskRunStatus, Time};

use super::{condition, reason};

/// How an attempt goes, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attempt {
    /// When it began.
    pub started: Option<Time>,
    /// When it ended.
    pub ended: Option<Time>,
    /// One entry for each step, in order.
    pub steps: Vec<StepState>,
    /// One entry for each sidecar, as they stood when the last step ended.
    pub sidecars: Vec<SidecarState>,
    /// What the task produced.
    pub results: Vec<RunResult>,
    /// Its inputs and outputs.
    pub artifacts: Option<Artifacts>,
    /// How it ended; none while it runs.
    pub end: Option<AttemptEnd>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// The steps came to their end: the last one ended, or one failed.
    Steps,
    /// It could not be started, or what it gave is not what it promised.
    Failed(Failure),
    /// It was cancelled; with the run's statusMessage.
    Cancelled(String),
    /// It took longer than it may.
    TimedOut,
}

/// The status of a run from its attempt and the statuses of earlier attempts.
pub fn status(task: &PreparedTask, attempt: &Attempt, earlier: &[TaskRunStatus]) -> TaskRunStatus {
    let (truth, word, message) = conclude(task, attempt);
    TaskRunStatus {
        conditions: vec![condition(truth, word, message, attempt.ended.or(attempt.started))],
        pod_name: task.pod_name.clone(),
        start_time: attempt.started,
        completion_time: attempt.ended,
        steps: attempt.steps.clone(),
        sidecars: attempt.sidecars.clone(),
        results: attempt.results.clone(),
        artifacts: attempt.artifacts.clone(),
        retries_status: earlier.to_vec(),
        task_spec: Some(task.spec.clone()),
        provenance: Provenance::of(task.source.as_ref()),
        ..TaskRunStatus::default()
    }
}

/// The status of a run that failed before it could be prepared.
pub fn failed(failure: &Failure, at: Time) -> TaskRunStatus {
    TaskRunStatus {
        conditions: vec![condition(ConditionStatus::False, failure.reason, &failure.message, Some(at))],
        start_time: Some(at),
        completion_time: Some(at),
        ..TaskRunStatus::default()
    }
}

/// The status of a run that waits for its `spec.status` to be cleared.
pub fn pending(run: &str) -> TaskRunStatus {
    let message = format!("TaskRun {run:?} is pending");
    TaskRunStatus {
        conditions: vec![condition(ConditionStatus::Unknown, reason::TASK_RUN_PENDING, message, None)],
        ..TaskRunStatus::default()
    }
}

/// Whether the attempt succeeded, and why not: the first reason that holds in Tekton's order (§2.14).
pub fn conclude(task: &PreparedTask, attempt: &Attempt) -> (ConditionStatus, &'static str, String) {
    use ConditionStatus::{False, True, Unknown};
    let name = &task.metadata.name;
    match &attempt.end {
        None => (Unknown, reason::RUNNING, "Not all Steps in the Task have finished executing".into()),
        Some(AttemptEnd::Failed(failure)) => (False, failure.reason, failure.message.clone()),
        Some(AttemptEnd::Cancelled(message)) => {
            let message = format!("TaskRun {name:?} was cancelled. {message}");
            (False, reason::TASK_RUN_CANCELLED, message.trim_end().to_owned())
        }
        Some(AttemptEnd::TimedOut) => {
            let limit = Duration::from(task.timeout.unwrap_or_default());
            (False, reason::TASK_RUN_TIMEOUT, format!("TaskRun {name:?} failed to finish within \"{limit}\""))
        }
        Some(AttemptEnd::Steps) => match attempt.steps.iter().find(|s| step_failed(s)) {
            None => (True, reason::SUCCEEDED, "All Steps have completed executing".into()),
            Some(step) => {
                let ignored = task.metadata.annotations.get(ON_ERROR).is_some_and(|v| v == "continue");
                let word = if ignored { reason::FAILURE_IGNORED } else { failure_reason(attempt) };
                (False, word, step_message(step))
            }
        },
    }
}

/// A step with `onError: continue` has an exit code and yet did not fail.
fn step_failed(step: &StepState) -> bool {
    step.terminated.as_ref().is_some_and(|t| t.exit_code != 0) && step.termination_reason != "Continued"
}

fn failure_reason(attempt: &Attempt) -> &'static str {
    let sidecar = |wanted: fn(&crate::types::status::ContainerTerminated) -> bool| {
        attempt.sidecars.iter().filter_map(|s| s.terminated.as_ref()).any(wanted)
    };
    let step_oom =
        attempt.steps.iter().filter_map(|s| s.terminated.as_ref()).any(|t| t.reason == "OOMKilled");
    if sidecar(|t| t.reason == "OOMKilled") {
        reason::SIDECAR_OOM
    } else if step_oom {
        reason::STEP_OOM
    } else if sidecar(|t| t.exit_code != 0) {
        reason::SIDECAR_FAILED
    } else {
        reason::STEP_FAILED
    }
}

fn step_message(step: &StepState) -> String {
    let container = &step.container;
    if step.termination_reason == "TimeoutExceeded" {
        return format!("{container:?} exited because the step exceeded the specified timeout limit");
    }
    let (code, word) = step.terminated.as_ref().map_or((1, "Error"), |t| (t.exit_code, t.reason.as_str()));
    format!("{container:?} exited with code {code}: {word}")
}
