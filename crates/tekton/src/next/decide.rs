//! The decision.

use crate::prepare::{Failure, PreparedPipeline};
use crate::status::reason;
use crate::substitute::pipeline::fields;
use crate::substitute::walk::Replace;
use crate::types::{ConditionStatus, SkippedTask};
use crate::when::Cel;

use super::conclusion;
use super::decision::{Cancel, ChildRun, Decision, RUN_CANCELLED, RunState, TIMED_OUT};
use super::facts::{Child, Facts, Request};
use super::progress::Progress;
use super::skip::{Assessment, reached};
use super::{children, values};

/// What a pipeline run does next (§2.18-§2.22): a pure function of the prepared run and the facts.
///
/// Call it when the run starts, whenever a child ends, when a request comes, and when a timeout is reached; carry out
/// what the decision says. Facts that grow never take back what was decided for them.
pub fn next(pipeline: &PreparedPipeline, facts: &Facts, cel: &dyn Cel) -> Decision {
    let progress = Progress::of(pipeline, facts);
    decide(pipeline, facts, &progress, cel).unwrap_or_else(|failure| Decision {
        cancel: running(facts, |_| true, RUN_CANCELLED),
        state: failure.into(),
        ..Decision::default()
    })
}

fn decide(
    pipeline: &PreparedPipeline,
    facts: &Facts,
    progress: &Progress<'_>,
    cel: &dyn Cel,
) -> Result<Decision, Failure> {
    let name = &pipeline.metadata.name;
    if facts.request == Some(Request::Pending) && facts.children.is_empty() {
        let message = format!("PipelineRun {name:?} is pending");
        let state =
            RunState { status: ConditionStatus::Unknown, reason: reason::PIPELINE_RUN_PENDING, message };
        return Ok(Decision { state, ..Decision::default() });
    }
    let assessment = Assessment::of(pipeline, facts, progress, cel);
    let skipped = |a: &Assessment<'_>| skipped_tasks(pipeline, a);
    if facts.request == Some(Request::Cancelled) {
        let message = format!("PipelineRun {name:?} was cancelled");
        return Ok(Decision {
            cancel: running(facts, |_| true, RUN_CANCELLED),
            skipped: assessment.as_ref().map(skipped).unwrap_or_default(),
            state: RunState { status: ConditionStatus::False, reason: reason::CANCELLED, message },
            ..Decision::default()
        });
    }
    if let Some(limit) = pipeline.timeouts.pipeline.filter(|limit| facts.elapsed >= *limit) {
        let limit = crate::types::Duration::from(limit);
        let message = format!("PipelineRun {name:?} failed to finish within \"{limit}\"");
        return Ok(Decision {
            cancel: running(facts, |_| true, TIMED_OUT),
            skipped: assessment.as_ref().map(skipped).unwrap_or_default(),
            state: RunState { status: ConditionStatus::False, reason: reason::PIPELINE_RUN_TIMEOUT, message },
            ..Decision::default()
        });
    }
    let assessment = assessment?;
    let mut decision = Decision { skipped: skipped(&assessment), ..Decision::default() };
    decision.cancel = to_cancel(pipeline, facts, &assessment);
    decision.start = to_start(pipeline, progress, &assessment)?;
    decision.finally = assessment.graph_done && pipeline.tasks.iter().any(|t| t.finally);
    let (state, results) = conclusion::conclude(pipeline, facts, progress, &assessment);
    decision.state = state;
    decision.results = results;
    Ok(decision)
}

/// Running children that `wanted` picks.
fn running(facts: &Facts, wanted: impl Fn(&Child) -> bool, message: &'static str) -> Vec<Cancel> {
    let running = facts.children.iter().filter(|c| c.outcome.is_none() && wanted(c));
    running.map(|c| Cancel { name: c.name.clone(), message }).collect()
}

fn to_cancel(pipeline: &PreparedPipeline, facts: &Facts, assessment: &Assessment<'_>) -> Vec<Cancel> {
    let finally = |c: &Child| pipeline.tasks.iter().any(|t| t.finally && t.task.name == c.task);
    if let Some(elapsed) = facts.finally_elapsed
        && reached(pipeline.timeouts.finally, elapsed)
    {
        return running(facts, finally, TIMED_OUT);
    }
    if assessment.tasks_timed_out() {
        return running(facts, |c| !finally(c), TIMED_OUT);
    }
    if facts.request == Some(Request::CancelledRunFinally) {
        return running(facts, |c| !finally(c), RUN_CANCELLED);
    }
    Vec::new()
}

/// The children of tasks that may start, and those of a matrix that were not started with the others.
fn to_start(
    pipeline: &PreparedPipeline,
    progress: &Progress<'_>,
    assessment: &Assessment<'_>,
) -> Result<Vec<ChildRun>, Failure> {
    let mut start = Vec::new();
    let mut propagated = None;
    for task in &pipeline.tasks {
        let name = task.task.name.as_str();
        let started = progress.children(name);
        let wanted = match started.len() {
            0 if task.finally => assessment.graph_done && assessment.skipped(name).is_none(),
            0 => assessment.ready(name),
            _ => task.task.is_matrixed() && progress.running(name),
        };
        if !wanted {
            continue;
        }
        let mut filled = task.clone();
        filled.task = assessment.filled(task).clone();
        let contexts = values::contexts(task, progress);
        fields(&mut filled.task, &mut Replace(&contexts));
        contexts.edit(&mut filled.task.display_name);
        let propagated = propagated.get_or_insert_with(|| values::propagated(pipeline, progress));
        let runs = children::runs(pipeline, &filled, propagated)?;
        start.extend(runs.into_iter().filter(|run| !started.iter().any(|c| c.name == run.name())));
    }
    Ok(start)
}

/// Guards are listed with tasks of the graph whatever the reason, with those of finally only when they are the reason.
fn skipped_tasks(pipeline: &PreparedPipeline, assessment: &Assessment<'_>) -> Vec<SkippedTask> {
    let skipped = pipeline.tasks.iter().filter_map(|task| {
        let reason = assessment.skipped(&task.task.name)?;
        let guards = !task.finally || reason == super::SkipReason::When;
        Some(SkippedTask {
            name: task.task.name.clone(),
            reason: reason.to_string(),
            when_expressions: if guards { assessment.filled(task).when.clone() } else { Vec::new() },
        })
    });
    skipped.collect()
}
