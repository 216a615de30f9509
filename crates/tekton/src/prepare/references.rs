//! Whether references to results and workspaces of a pipeline can ever be fulfilled.

use crate::status::reason;
use crate::substitute::reference::{finally_result, task_result};
use crate::substitute::{pipeline, scan};
use crate::types::{PipelineSpec, TaskSpec};

use super::failure::Failure;
use super::pipeline::PreparedPipelineTask;

/// Every result that a task or a pipeline result refers to must be declared by its producer (§3.3).
///
/// # Errors
/// The first reference that is not.
pub(super) fn check_results(
    run: &str,
    spec: &PipelineSpec,
    tasks: &[PreparedPipelineTask],
) -> Result<(), Failure> {
    for task in tasks {
        for key in pipeline::keys(&task.task) {
            let Some(result) = task_result(&key) else { continue };
            declared(result.producer, result.result, tasks).map_err(|problem| {
                Failure::user(
                    reason::INVALID_TASK_RESULT_REFERENCE,
                    format!("invalid result reference in pipeline task {:?}: {problem}", task.task.name),
                )
            })?;
        }
    }
    for result in &spec.results {
        let texts = result.value.texts();
        for reference in texts.iter().flat_map(|text| scan::references(text)) {
            let Some(found) = task_result(reference.key).or_else(|| finally_result(reference.key)) else {
                continue;
            };
            declared(found.producer, found.result, tasks).map_err(|problem| {
                Failure::user(
                    reason::INVALID_PIPELINE_RESULT_REFERENCE,
                    format!(
                        "Failed to resolve pipeline result reference for {run:?} with error invalid pipeline result \
                         {:?}: {problem}",
                        result.name
                    ),
                )
            })?;
        }
    }
    Ok(())
}

fn declared(producer: &str, result: &str, tasks: &[PreparedPipelineTask]) -> Result<(), String> {
    let Some(task) = tasks.iter().find(|t| t.task.name == producer) else {
        return Err(format!("referenced pipeline task {producer:?} not found"));
    };
    if task.is_pipeline() {
        return Err(format!(
            "pipeline task {producer:?} is a pipeline, whose results are not available to the pipeline around it"
        ));
    }
    match &task.resolved {
        Some(spec) if !spec.results.iter().any(|r| r.name == result) => {
            Err(format!("{result:?} is not a named result returned by pipeline task {producer:?}"))
        }
        _ => Ok(()),
    }
}

/// A task may not require a workspace that its pipeline has as optional (§3.3).
///
/// # Errors
/// The first that does.
pub(super) fn check_optional_workspaces(
    spec: &PipelineSpec,
    tasks: &[PreparedPipelineTask],
) -> Result<(), Failure> {
    let optional = |name: &str| spec.workspaces.iter().any(|w| w.name == name && w.optional);
    let required =
        |task: &TaskSpec, name: &str| task.workspaces.iter().any(|w| w.name == name && !w.optional);
    for task in tasks {
        let Some(resolved) = &task.resolved else { continue };
        for binding in &task.task.workspaces {
            let workspace = binding.pipeline_workspace();
            if optional(workspace) && required(resolved, &binding.name) {
                return Err(Failure::user(
                    reason::REQUIRED_WORKSPACE_MARKED_OPTIONAL,
                    format!(
                        "Optional workspace not supported by task: pipeline workspace {workspace:?} is marked \
                         optional but pipeline task {:?} requires it be provided",
                        task.task.name
                    ),
                ));
            }
        }
    }
    Ok(())
}
