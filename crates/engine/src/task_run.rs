//! One TaskRun: its attempts one after the other (tekton.md §2.8).

use tekton::next::retry;
use tekton::prepare::{self, Failure, TaskContext};
use tekton::status::{reason, task_run as status};
use tekton::types::{ConditionStatus, TaskRun, Time};

use crate::attempt;
use crate::event::Happened;
use crate::finished::as_text;
use crate::foreknown::FOREKNOWN;
use crate::local::stop::{Reason, Stop};
use crate::record::log_folder;
use crate::shared::Shared;

/// The annotation of a TaskRun that was found in the step cache; its value is the key.
pub const CACHED: &str = "streamwright.dev/cached";

/// Runs `run` to its end and gives it back with its status. `task` is the name that events and logs use.
///
/// Failures of every kind end up in the status.
pub fn run(shared: &Shared<'_>, task: &str, mut run: TaskRun, stop: &Stop) -> TaskRun {
    loop {
        let earlier = std::mem::take(&mut run.status.retries_status);
        let attempt = earlier.len();
        let context = TaskContext { retry_count: attempt, settings: &shared.settings };
        let mut failed_step = None;
        let cancelled = run.spec.status == "TaskRunCancelled";
        let prepared = match cancelled {
            true => Err(Failure::new(reason::TASK_RUN_CANCELLED, cancelled_message(&run))),
            false => prepare::task(&run, &shared.definitions, &context),
        };
        match prepared {
            Ok(prepared) => {
                for warning in &prepared.warnings {
                    shared.journal.record(Happened::Warning { message: format!("{task}: {warning}") });
                }
                shared.journal.record(Happened::TaskStarted {
                    task: task.to_owned(),
                    task_run: run.metadata.name.clone(),
                    attempt: count(attempt),
                    steps: prepared.steps.iter().map(|s| s.name.clone()).collect(),
                });
                run.metadata = prepared.metadata.clone();
                let log_name = log_folder(task, count(attempt));
                let ended = attempt::run(shared, task, &log_name, &prepared, stop);
                run.status = status::status(&prepared, &ended.attempt, &earlier);
                failed_step = ended.failed_step;
                if let Some(key) = ended.cached {
                    run.metadata.annotations.insert(CACHED.to_owned(), key.short());
                }
                if let Some(whence) = ended.foreknown {
                    run.metadata.annotations.insert(FOREKNOWN.to_owned(), whence.to_owned());
                }
            }
            Err(failure) => {
                // What could not be fetched because of a request to stop is no failure of the task.
                let failure = match stop.asked() {
                    None => failure,
                    Some(reason) => {
                        let (name, why) = (&run.metadata.name, stop_message(reason));
                        let message = format!("TaskRun {name:?} was cancelled. {why}");
                        Failure::new(reason::TASK_RUN_CANCELLED, message)
                    }
                };
                run.status = status::failed(&failure, Time(shared.config.clock.now()));
                run.status.retries_status = earlier;
            }
        }
        let condition = run.status.succeeded().cloned().unwrap_or_default();
        let retries = usize::try_from(run.spec.retries).unwrap_or(0);
        match retry::after(&run.status, retries).filter(|_| stop.asked().is_none()) {
            Some(next) => {
                shared.journal.record(Happened::TaskRetried {
                    task: task.to_owned(),
                    attempt: count(attempt),
                    message: condition.message,
                });
                run.status = next;
            }
            None => {
                if let Some(reason) = stop.asked() {
                    run.spec.status_message = stop_message(reason).to_owned();
                }
                // Before the event: what is said to be finished is so after a crash too.
                if !run.metadata.owner_references.is_empty() {
                    shared.record_task_run(&run);
                }
                shared.journal.record(Happened::TaskFinished {
                    task: task.to_owned(),
                    succeeded: condition.status == ConditionStatus::True,
                    reason: condition.reason,
                    message: condition.message,
                    results: as_text(&run.status.results),
                    failed_step,
                });
                return run;
            }
        }
    }
}

/// What the condition of a run says that was cancelled before it began (§2.14).
fn cancelled_message(run: &TaskRun) -> String {
    let message = format!("TaskRun {:?} was cancelled. {}", run.metadata.name, run.spec.status_message);
    message.trim_end().to_owned()
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What a cancelled TaskRun's statusMessage says (§2.14).
pub fn stop_message(reason: Reason) -> &'static str {
    match reason {
        Reason::Cancelled => tekton::next::decision::RUN_CANCELLED,
        Reason::TimedOut => tekton::next::decision::TIMED_OUT,
    }
}
