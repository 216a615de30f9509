//! What references between tasks stand for: results, artifacts, statuses, lengths.

use crate::matrix;
use crate::prepare::{Failure, PreparedPipeline, PreparedPipelineTask};
use crate::status::reason;
use crate::substitute::reference::{Element, matrix_length, task_result};
use crate::substitute::table::result_spellings;
use crate::substitute::{Replacements, step_results};
use crate::types::ParamValue;

use super::children::matrix_lists;
use super::progress::Progress;

/// The results that a task needs.
#[derive(Debug, Default)]
pub(crate) struct Needed {
    /// What they are; empty if one is missing (all or nothing, §2.18).
    pub table: Replacements,
    /// The first that is missing.
    pub missing: Option<Missing>,
}

/// A result that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub producer: String,
    pub result: String,
}

impl Needed {
    /// Whether the task refers to no results at all.
    pub fn is_nothing(&self) -> bool {
        self.missing.is_none() && self.table.is_empty()
    }
}

/// The results that a task refers to, in any of its fields.
///
/// # Errors
/// An index beyond the end of an array: the run fails (§2.24).
pub(crate) fn needed(
    task: &PreparedPipelineTask,
    pipeline: &PreparedPipeline,
    progress: &Progress<'_>,
) -> Result<Needed, Failure> {
    let mut needed = Needed::default();
    for key in &task.keys {
        let Some(reference) = task_result(key) else { continue };
        let producer = progress.task(reference.producer);
        let results = producer.map(|p| progress.results(p)).unwrap_or_default();
        let Some(result) = results.into_iter().find(|r| r.name == reference.result) else {
            let (producer, result) = (reference.producer.to_owned(), reference.result.to_owned());
            return Ok(Needed { table: Replacements::new(), missing: Some(Missing { producer, result }) });
        };
        if let (Element::Index(index), ParamValue::Array(items)) = (reference.element, &result.value)
            && index >= items.len()
        {
            let name = crate::prepare::pipeline::full_name(&pipeline.metadata);
            return Err(Failure::user(
                reason::PIPELINE_VALIDATION_FAILED,
                format!(
                    "PipelineRun {name} can't be Run; couldn't resolve all references: Array Result Index {index} for \
                     Task {} Result {} is out of bound of size {}",
                    reference.producer,
                    reference.result,
                    items.len()
                ),
            ));
        }
        let prefix = format!("tasks.{}", reference.producer);
        needed.table.value(result_spellings(&prefix, reference.result), &result.value);
    }
    Ok(needed)
}

/// All results and artifacts of tasks that are done, for the steps of inline tasks (§2.11, §2.17).
pub(crate) fn propagated(pipeline: &PreparedPipeline, progress: &Progress<'_>) -> Replacements {
    let mut table = Replacements::new();
    for task in &pipeline.tasks {
        let prefix = format!("tasks.{}", task.task.name);
        for result in progress.results(task) {
            table.value(result_spellings(&prefix, &result.name), &result.value);
        }
        let artifacts =
            progress.children(&task.task.name).iter().filter_map(|c| c.outcome.as_ref()?.artifacts.as_ref());
        for artifacts in artifacts {
            for (side, list) in [("inputs", &artifacts.inputs), ("outputs", &artifacts.outputs)] {
                for (i, artifact) in list.iter().enumerate() {
                    let values = step_results::values(artifact);
                    if i == 0 {
                        table.string(format!("{prefix}.{side}"), &values);
                    }
                    table.string(format!("{prefix}.{side}.{}", artifact.name), values);
                }
            }
        }
    }
    table
}

/// How the tasks of the graph ended, for finally tasks (§2.20). `skipped` tells whether a task was skipped.
pub(crate) fn statuses(
    pipeline: &PreparedPipeline,
    progress: &Progress<'_>,
    skipped: impl Fn(&str) -> bool,
) -> Replacements {
    let mut table = Replacements::new();
    let mut aggregate = reason::SUCCEEDED;
    for task in pipeline.tasks.iter().filter(|t| !t.finally) {
        let name = task.task.name.as_str();
        table.string(format!("tasks.{name}.status"), status(name, progress));
        table.string(format!("tasks.{name}.reason"), progress.reason(name));
        if progress.any_failed(name) {
            aggregate = reason::FAILED;
        } else if skipped(name) && aggregate == reason::SUCCEEDED {
            aggregate = reason::COMPLETED;
        }
    }
    table.string("tasks.status", aggregate);
    table
}

/// `$(tasks.T.status)`: `Succeeded`, `Failed` or `None`.
pub(crate) fn status(task: &str, progress: &Progress<'_>) -> &'static str {
    if progress.succeeded(task) {
        reason::SUCCEEDED
    } else if progress.any_failed(task) {
        reason::FAILED
    } else {
        reason::NONE
    }
}

/// The retries of a task and the lengths of the matrices that it refers to (§2.16, §2.23).
pub(crate) fn contexts(task: &PreparedPipelineTask, progress: &Progress<'_>) -> Replacements {
    let mut table = Replacements::new();
    table.string("context.pipelineTask.retries", task.task.retries.to_string());
    for key in &task.keys {
        let Some((producer, result)) = matrix_length(key) else { continue };
        let Some(producer) = progress.task(producer) else { continue };
        let length = match result {
            Some(result) => {
                let results = progress.results(producer);
                let found = results.iter().find(|r| r.name == result);
                found.and_then(|r| r.value.as_array()).map_or(0, <[String]>::len)
            }
            None => match progress.children(&producer.task.name).len() {
                0 => {
                    let (params, include) = matrix_lists(&producer.task);
                    matrix::combinations(&params, &include).len()
                }
                started => started,
            },
        };
        table.string(key, length.to_string());
    }
    table
}
