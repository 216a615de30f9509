//! Where a pipeline run stands, and what comes of it (§2.22, §2.24).

use crate::prepare::PreparedPipeline;
use crate::status::reason;
use crate::substitute::reference::{Element, ResultReference, finally_result, task_result};
use crate::substitute::{Replacements, scan};
use crate::types::{ConditionStatus, ParamValue, PipelineResult, RunResult};

use super::decision::{RunState, SkipReason};
use super::facts::{Facts, Request};
use super::progress::Progress;
use super::skip::Assessment;
use super::values;

/// Pipeline tasks by how they stand; children of a matrix count once, retries do not count.
#[derive(Debug, Default)]
struct Counts {
    succeeded: usize,
    failed: usize,
    ignored: usize,
    cancelled: usize,
    skipped: usize,
    skipped_by_timeout: usize,
    invalid: usize,
    incomplete: usize,
}

impl Counts {
    fn of(pipeline: &PreparedPipeline, progress: &Progress<'_>, assessment: &Assessment<'_>) -> Self {
        let mut counts = Self::default();
        for task in &pipeline.tasks {
            let name = task.task.name.as_str();
            let counter = if progress.succeeded(name) {
                &mut counts.succeeded
            } else if progress.cancelled_by_timeout(name) {
                &mut counts.failed
            } else if progress.cancelled(name) {
                &mut counts.cancelled
            } else if progress.failed(name) {
                if task.task.on_error == "continue" { &mut counts.ignored } else { &mut counts.failed }
            } else if assessment.is_invalid(name) {
                &mut counts.invalid
            } else if let Some(reason) = assessment.skipped(name) {
                use SkipReason::{FinallyTimeout, PipelineTimeout, TasksTimeout};
                if matches!(reason, PipelineTimeout | TasksTimeout | FinallyTimeout) {
                    counts.skipped_by_timeout += 1;
                }
                &mut counts.skipped
            } else {
                &mut counts.incomplete
            };
            *counter += 1;
        }
        counts
    }

    fn completed(&self) -> usize {
        self.succeeded + self.failed + self.cancelled + self.ignored
    }

    fn failures(&self) -> String {
        match self.ignored {
            0 => format!("Failed: {}", self.failed),
            n => format!("Failed: {} (Ignored: {n})", self.failed + n),
        }
    }
}

/// The run's condition, and its results if it is over.
pub(super) fn conclude(
    pipeline: &PreparedPipeline,
    facts: &Facts,
    progress: &Progress<'_>,
    assessment: &Assessment<'_>,
) -> (RunState, Vec<RunResult>) {
    let counts = Counts::of(pipeline, progress, assessment);
    if counts.incomplete > 0 {
        return (going_on(pipeline, facts, progress, assessment, &counts), Vec::new());
    }
    let state = over(pipeline, facts, assessment, &counts);
    let (results, invalid) = results(pipeline, progress);
    if invalid.is_empty() {
        return (state, results);
    }
    let message = format!(
        "Failed to get PipelineResult from TaskRun Results for PipelineRun {}: invalid pipelineresults [{}], the \
         referenced results don't exist",
        pipeline.metadata.name,
        invalid.join(" ")
    );
    let reason = reason::COULDNT_GET_PIPELINE_RESULT;
    (RunState { status: ConditionStatus::False, reason, message }, results)
}

fn going_on(
    pipeline: &PreparedPipeline,
    facts: &Facts,
    progress: &Progress<'_>,
    assessment: &Assessment<'_>,
    counts: &Counts,
) -> RunState {
    let finally = || pipeline.tasks.iter().filter(|t| t.finally).map(|t| t.task.name.as_str());
    let finally_done = finally().all(|t| progress.succeeded(t) || progress.failed(t));
    let reason = match facts.request {
        Some(Request::CancelledRunFinally) => reason::CANCELLED_RUNNING_FINALLY,
        Some(Request::StoppedRunFinally) => reason::STOPPED_RUNNING_FINALLY,
        _ if assessment.tasks_timed_out() && finally().next().is_some() => {
            reason::PIPELINE_RUN_TIMEOUT_RUNNING_FINALLY
        }
        _ if counts.cancelled > 0 || (counts.failed > 0 && finally_done) => reason::PIPELINE_RUN_STOPPING,
        _ => reason::RUNNING,
    };
    let message = format!(
        "Tasks Completed: {} ({}, Cancelled {}), Incomplete: {}, Skipped: {}",
        counts.completed(),
        counts.failures(),
        counts.cancelled,
        counts.incomplete,
        counts.skipped
    );
    RunState { status: ConditionStatus::Unknown, reason, message }
}

fn over(
    pipeline: &PreparedPipeline,
    facts: &Facts,
    assessment: &Assessment<'_>,
    counts: &Counts,
) -> RunState {
    let name = &pipeline.metadata.name;
    if let Some(limit) = pipeline.timeouts.tasks.filter(|_| assessment.tasks_timed_out()) {
        let limit = crate::types::Duration::from(limit);
        let message = format!("PipelineRun {name:?} failed due to tasks failed to finish within \"{limit}\"");
        let reason = reason::PIPELINE_RUN_TIMEOUT;
        return RunState { status: ConditionStatus::False, reason, message };
    }
    let mut message = format!(
        "Tasks Completed: {} ({}, Cancelled {}), Skipped: {}",
        counts.completed(),
        counts.failures(),
        counts.cancelled,
        counts.skipped
    );
    if counts.invalid > 0 {
        let sentences: Vec<&str> = assessment.invalid.iter().map(|(_, s)| s.as_str()).collect();
        message.push_str(&format!(", Failed Validation: {} ({})", counts.invalid, sentences.join("; ")));
    }
    let gracefully = matches!(facts.request, Some(Request::CancelledRunFinally | Request::StoppedRunFinally));
    let (status, reason) = if counts.invalid > 0 {
        (ConditionStatus::False, reason::PIPELINE_VALIDATION_FAILED)
    } else if counts.failed > 0 || counts.skipped_by_timeout > 0 {
        (ConditionStatus::False, reason::FAILED)
    } else if gracefully {
        message = format!("PipelineRun {name:?} was cancelled");
        (ConditionStatus::False, reason::CANCELLED)
    } else if counts.cancelled > 0 {
        (ConditionStatus::False, reason::CANCELLED)
    } else if counts.skipped > 0 {
        (ConditionStatus::True, reason::COMPLETED)
    } else {
        (ConditionStatus::True, reason::SUCCEEDED)
    };
    RunState { status, reason, message }
}

/// The pipeline's results, and the names of those that refer to something which a succeeded task did not give (§2.24).
fn results(pipeline: &PreparedPipeline, progress: &Progress<'_>) -> (Vec<RunResult>, Vec<String>) {
    let (mut given, mut invalid) = (Vec::new(), Vec::new());
    for declared in &pipeline.spec.results {
        match result(declared, progress) {
            Value::Known(value) => given.push(RunResult { name: declared.name.clone(), r#type: None, value }),
            Value::Omitted => {}
            Value::Invalid => invalid.push(declared.name.clone()),
        }
    }
    (given, invalid)
}

enum Value {
    Known(ParamValue),
    Omitted,
    Invalid,
}

fn result(declared: &PipelineResult, progress: &Progress<'_>) -> Value {
    let mut table = Replacements::new();
    let texts = declared.value.texts();
    let references: Vec<_> = texts.iter().flat_map(|text| scan::references(text)).collect();
    let mut omitted = references.is_empty();
    for reference in &references {
        let Some(found) = task_result(reference.key).or_else(|| finally_result(reference.key)) else {
            return Value::Invalid;
        };
        match referred(&found, progress) {
            Value::Known(value) => {
                let key = reference.key.strip_suffix("[*]").unwrap_or(reference.key);
                table.value([key], &value);
            }
            Value::Omitted => omitted = true,
            Value::Invalid => return Value::Invalid,
        }
    }
    if omitted { Value::Omitted } else { Value::Known(table.param_value(&declared.value)) }
}

/// What one reference gives.
fn referred(reference: &ResultReference<'_>, progress: &Progress<'_>) -> Value {
    let Some(producer) = progress.task(reference.producer) else { return Value::Invalid };
    let results = progress.results(producer);
    let Some(result) = results.into_iter().find(|r| r.name == reference.result) else {
        let succeeded = values::status(reference.producer, progress) == reason::SUCCEEDED;
        return if succeeded { Value::Invalid } else { Value::Omitted };
    };
    let element = match (&result.value, reference.element) {
        (ParamValue::Array(items), Element::Index(i)) => items.get(i).cloned(),
        (ParamValue::Object(entries), Element::Key(k)) => entries.get(k).cloned(),
        (ParamValue::String(_), Element::Index(_) | Element::Key(_)) => None,
        _ => return Value::Known(result.value),
    };
    element.map_or(Value::Invalid, |text| Value::Known(ParamValue::String(text)))
}
