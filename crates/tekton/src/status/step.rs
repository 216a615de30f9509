//! The state of a step that ended (§2.7).

use crate::prepare::PreparedStep;
use crate::types::status::{ContainerRunning, ContainerTerminated, ContainerWaiting, Provenance};
use crate::types::{RunResult, StepState, Time};

use super::reason;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEnd {
    /// Exit code 0.
    Completed,
    /// Another exit code, or no way to start it at all (then 1 or what a shell would say).
    Failed(i32),
    /// Another exit code, with `onError: continue`.
    Continued(i32),
    /// Its guards did not hold.
    Unwanted,
    /// An earlier step failed.
    Unreached,
    /// It took longer than its own timeout.
    TimedOut,
    /// The kernel ended it for want of memory.
    OutOfMemory,
    /// The task run was cancelled.
    Cancelled,
    /// The task run took too long.
    RunTimedOut,
}

impl StepEnd {
    /// Whether the task fails by it.
    pub fn fails(self) -> bool {
        matches!(
            self,
            Self::Failed(_) | Self::TimedOut | Self::OutOfMemory | Self::Cancelled | Self::RunTimedOut
        )
    }

    /// Exit code, reason of the container, termination reason of the step.
    fn words(self) -> (i32, &'static str, &'static str) {
        match self {
            Self::Completed => (0, "Completed", "Completed"),
            Self::Failed(code) => (code, "Error", "Error"),
            Self::Continued(code) => (code, "Completed", "Continued"),
            Self::Unwanted => (0, "Completed", "Skipped"),
            Self::Unreached => (1, "Error", "Skipped"),
            Self::TimedOut => (1, "Error", "TimeoutExceeded"),
            Self::OutOfMemory => (137, "OOMKilled", "OOMKilled"),
            Self::Cancelled => (1, reason::TASK_RUN_CANCELLED, reason::TASK_RUN_CANCELLED),
            Self::RunTimedOut => (1, reason::TASK_RUN_TIMEOUT, reason::TASK_RUN_TIMEOUT),
        }
    }
}

/// A step that waits for its turn.
pub fn waiting(step: &PreparedStep) -> StepState {
    let waiting = ContainerWaiting { reason: "PodInitializing".into(), message: String::new() };
    StepState { waiting: Some(waiting), ..named(step) }
}

/// A step that runs.
pub fn running(step: &PreparedStep, image_id: &str, since: Time) -> StepState {
    StepState {
        running: Some(ContainerRunning { started_at: Some(since) }),
        image_id: image_id.to_owned(),
        ..named(step)
    }
}

/// A step that ended. A cancelled or timed out one says in which pod it was.
pub fn ended(
    step: &PreparedStep,
    end: StepEnd,
    pod: &str,
    image_id: &str,
    times: (Option<Time>, Time),
    results: Vec<RunResult>,
) -> StepState {
    let (exit_code, container_reason, termination_reason) = end.words();
    let message = match end {
        StepEnd::Cancelled | StepEnd::RunTimedOut => {
            format!("Step {} terminated as pod {pod} is terminated", step.container)
        }
        _ => String::new(),
    };
    StepState {
        terminated: Some(ContainerTerminated {
            exit_code,
            reason: container_reason.to_owned(),
            message,
            started_at: times.0.or(Some(times.1)),
            finished_at: Some(times.1),
            ..ContainerTerminated::default()
        }),
        termination_reason: termination_reason.to_owned(),
        image_id: image_id.to_owned(),
        results,
        ..named(step)
    }
}

fn named(step: &PreparedStep) -> StepState {
    StepState {
        name: step.name.clone(),
        container: step.container.clone(),
        provenance: Provenance::of(step.source.as_ref()),
        ..StepState::default()
    }
}
