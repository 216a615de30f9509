//! The status of a pipeline run (§1.9, §2.22).

use crate::next::progress::Progress;
use crate::next::{Child, Decision, Facts, values};
use crate::prepare::{Failure, PreparedPipeline, PreparedPipelineTask};
use crate::substitute::Replacements;
use crate::substitute::pipeline::fields;
use crate::substitute::walk::Replace;
use crate::types::status::Provenance;
use crate::types::{
    API_V1, ChildReference, ConditionStatus, ParamValue, PipelineRunStatus, PipelineTask, Time,
};

use super::condition;

/// When things happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// The run began.
    pub started: Option<Time>,
    /// The finally tasks began.
    pub finally: Option<Time>,
    /// The run ended.
    pub ended: Option<Time>,
}

/// The status of a run from the facts and the decision that they gave.
pub fn status(
    pipeline: &PreparedPipeline,
    facts: &Facts,
    decision: &Decision,
    times: Times,
) -> PipelineRunStatus {
    let state = &decision.state;
    let at = times.ended.or(times.started);
    PipelineRunStatus {
        conditions: vec![condition(state.status, state.reason, &state.message, at)],
        start_time: times.started,
        completion_time: times.ended,
        finally_start_time: times.finally,
        results: decision.results.clone(),
        pipeline_spec: Some(pipeline.spec.clone()),
        skipped_tasks: decision.skipped.clone(),
        child_references: child_references(pipeline, facts),
        provenance: Provenance::of(pipeline.source.as_ref()),
        ..PipelineRunStatus::default()
    }
}

/// The status of a run that failed before it could be prepared.
pub fn failed(failure: &Failure, at: Time) -> PipelineRunStatus {
    PipelineRunStatus {
        conditions: vec![condition(ConditionStatus::False, failure.reason, &failure.message, Some(at))],
        start_time: Some(at),
        completion_time: Some(at),
        ..PipelineRunStatus::default()
    }
}

/// The children by pipeline task in declared order, each task's in the order of their start. Their guards show results,
/// but of finally tasks no statuses, as on a cluster.
pub fn child_references(pipeline: &PreparedPipeline, facts: &Facts) -> Vec<ChildReference> {
    let progress = Progress::of(pipeline, facts);
    let mut references = Vec::new();
    for task in &pipeline.tasks {
        let children = progress.children(&task.task.name);
        if children.is_empty() {
            continue;
        }
        let shown = shown(pipeline, task, &progress);
        references.extend(children.iter().map(|child| ChildReference {
            api_version: API_V1.into(),
            kind: if task.is_pipeline() { "PipelineRun" } else { "TaskRun" }.into(),
            name: child.name.clone(),
            display_name: display_name(&shown, child),
            pipeline_task_name: shown.name.clone(),
            when_expressions: shown.when.clone(),
        }));
    }
    references
}

fn shown(pipeline: &PreparedPipeline, task: &PreparedPipelineTask, progress: &Progress<'_>) -> PipelineTask {
    let mut shown = task.task.clone();
    if let Ok(needed) = values::needed(task, pipeline, progress) {
        fields(&mut shown, &mut Replace(&needed.table));
    }
    shown
}

/// The task's name for people with the child's params; in a matrix the names of the `include` entries that the child's
/// params fit, if any have one (§2.23).
fn display_name(task: &PipelineTask, child: &Child) -> String {
    let mut params = Replacements::new();
    for param in &child.params {
        if let ParamValue::String(text) = &param.value {
            params.string(format!("params.{}", param.name), text);
        }
    }
    let fits = |entry: &crate::types::IncludeParams| {
        entry.params.iter().all(|wanted| {
            let have = child.params.iter().find(|p| p.name == wanted.name);
            have.is_some_and(|have| have.value == wanted.value)
        })
    };
    let entries = task.matrix.iter().flat_map(|m| &m.include).filter(|e| !e.name.is_empty() && fits(e));
    let names: Vec<String> = entries.map(|e| params.text(&e.name)).collect();
    if names.is_empty() { params.text(&task.display_name) } else { names.join(" ") }
}
