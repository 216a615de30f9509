//! Whether a pipeline run fits its pipeline, worded as a cluster words it (§2.22, §3.3).

use crate::status::reason;
use crate::substitute::pipeline as fields;
use crate::substitute::walk::Keys;
use crate::types::{ObjectMeta, PipelineRunSpec, PipelineSpec};
use crate::when::Cel;

use super::failure::{Failure, list, map};
use super::params;
use super::pipeline::{PipelineContext, PreparedPipelineTask, full_name};

/// The pipelines around the tasks of a run, with its own at the end when it is referenced by name.
///
/// # Errors
/// Its own is among those around it, or one that is a task of it would be: that never ends (§2.25).
pub(super) fn ancestors(
    run: &ObjectMeta,
    referenced: Option<&str>,
    spec: &PipelineSpec,
    context: &PipelineContext<'_>,
) -> Result<Vec<String>, Failure> {
    let mut around = context.ancestors.to_vec();
    let again = |name: &str, around: &[String]| match around.iter().any(|a| a == name) {
        false => Ok(()),
        true => Err(Failure::user(
            reason::PIPELINE_VALIDATION_FAILED,
            format!(
                "PipelineRun {} can't be Run; couldn't resolve all references: detected cycle in \
                 pipeline-in-pipeline: pipeline {name:?} is already running in ancestor chain",
                full_name(run)
            ),
        )),
    };
    if let Some(own) = referenced {
        again(own, &around)?;
        around.push(own.to_owned());
    }
    let inner = spec.all_tasks().filter_map(|task| task.pipeline_ref.as_ref());
    inner.map(|reference| &reference.name).try_for_each(|name| again(name, &around))?;
    Ok(around)
}

/// Params: given, of the declared type, of the enum, with all keys, indexed within their length.
pub(super) fn params(
    run: &ObjectMeta,
    pipeline: &str,
    spec: &PipelineSpec,
    given: &PipelineRunSpec,
) -> Result<(), Failure> {
    let (name, owner) = (full_name(run), format!("{}/{pipeline}", run.namespace));
    let names: Vec<&str> = given.params.iter().map(|p| p.name.as_str()).collect();
    let missing = params::missing(&spec.params, &names);
    if !missing.is_empty() {
        let missing = list(&missing);
        return Err(Failure::user(
            reason::PARAMETER_MISSING,
            format!(
                "PipelineRun {name} is missing some parameters required by Pipeline {owner}: pipelineRun missing \
                 parameters: {missing}"
            ),
        ));
    }
    let mistyped = params::mistyped(&spec.params, &given.params);
    if !mistyped.is_empty() {
        return Err(Failure::user(
            reason::PARAMETER_TYPE_MISMATCH,
            format!(
                "PipelineRun {name} parameters have mismatching types with Pipeline {owner}'s parameters: parameters \
                 have inconsistent types : {}",
                list(&mistyped)
            ),
        ));
    }
    if let Some(outside) = params::outside_enum(&spec.params, &given.params) {
        return Err(Failure::user(
            reason::INVALID_PARAM_VALUE,
            format!("PipelineRun {name} parameters have invalid value: {outside}"),
        ));
    }
    let lacking = params::missing_keys(&spec.params, &given.params);
    if !lacking.is_empty() {
        let lacking = map(lacking.iter().map(|(k, v)| (k.as_str(), v.clone())));
        return Err(Failure::user(
            reason::OBJECT_PARAMETER_MISS_KEYS,
            format!(
                "PipelineRun {name} parameters is missing object keys required by Pipeline {owner}'s parameters: \
                 pipelineRun missing object keys for parameters: {lacking}"
            ),
        ));
    }
    let mut keys = Keys::default();
    spec.clone().tasks.iter_mut().for_each(|task| fields::fields(task, &mut keys));
    spec.clone().finally.iter_mut().for_each(|task| fields::fields(task, &mut keys));
    let beyond = params::beyond_the_end(&spec.params, &given.params, keys.0.iter().map(String::as_str));
    if !beyond.is_empty() {
        return Err(Failure::user(
            reason::PARAM_ARRAY_INDEXING_INVALID,
            format!(
                "PipelineRun {name} failed validation: failed to validate Pipeline {owner}'s parameter which has an \
                 invalid index while referring to an array: non-existent param references:{}",
                list(&beyond)
            ),
        ));
    }
    Ok(())
}

/// Every workspace that is not optional is bound.
pub(super) fn workspaces(
    run: &ObjectMeta,
    pipeline: &str,
    spec: &PipelineSpec,
    given: &PipelineRunSpec,
) -> Result<(), Failure> {
    let unbound = |name: &str, optional: bool| {
        !optional && !given.workspaces.iter().any(|binding| binding.name == name)
    };
    match spec.workspaces.iter().find(|w| unbound(&w.name, w.optional)) {
        None => Ok(()),
        Some(workspace) => Err(Failure::user(
            reason::INVALID_WORKSPACE_BINDINGS,
            format!(
                "PipelineRun {} doesn't bind Pipeline {}/{pipeline}'s Workspaces correctly: pipeline requires \
                 workspace with name {:?} be provided by pipelinerun",
                full_name(run),
                run.namespace,
                workspace.name
            ),
        )),
    }
}

/// taskRunSpecs name tasks of the pipeline.
pub(super) fn task_run_specs(
    run: &ObjectMeta,
    spec: &PipelineSpec,
    given: &PipelineRunSpec,
) -> Result<(), Failure> {
    match given.task_run_specs.iter().find(|s| spec.task(&s.pipeline_task_name).is_none()) {
        None => Ok(()),
        Some(stray) => Err(Failure::user(
            reason::INVALID_TASK_RUN_SPECS,
            format!(
                "PipelineRun {} doesn't define taskRunSpecs correctly: pipelineRun's taskrunSpecs defined wrong \
                 taskName: {:?}, does not exist in Pipeline",
                full_name(run),
                stray.pipeline_task_name
            ),
        )),
    }
}

/// The params that a pipeline task passes, against its task; its CEL guards as far as they are known.
pub(super) fn task(run: &ObjectMeta, task: &PreparedPipelineTask, cel: &dyn Cel) -> Result<(), Failure> {
    if let Some(resolved) = &task.resolved {
        let name = task.task.task_ref.as_ref().map_or("", |r| r.name.as_str());
        let matrix = task.task.matrix.iter();
        let matrixed = matrix.flat_map(|m| m.params.iter().chain(m.include.iter().flat_map(|i| &i.params)));
        let matrixed: Vec<&str> = matrixed.map(|p| p.name.as_str()).collect();
        params::check(name, &resolved.params, &task.task.params, &matrixed).map_err(|problem| {
            Failure::user(
                reason::PIPELINE_VALIDATION_FAILED,
                format!("Validation failed for pipelinerun {} with error {problem}", run.name),
            )
        })?;
    }
    for guard in task.task.when.iter().filter(|g| !g.cel.is_empty()) {
        cel.evaluate(&guard.cel).map_err(|problem| {
            Failure::user(
                reason::CEL_EVALUATION_FAILED,
                format!("Error evaluating CEL {}: {}: {problem}", run.name, guard.cel),
            )
        })?;
    }
    Ok(())
}
