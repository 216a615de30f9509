//! The runs that a pipeline task starts.

use std::collections::BTreeMap;

use crate::matrix;
use crate::prepare::template::merge_pods;
use crate::prepare::{Failure, PreparedPipeline, PreparedPipelineTask};
use crate::status::reason;
use crate::substitute::Replacements;
use crate::substitute::walk;
use crate::types::core::meta::OwnerReference;
use crate::types::workspace::WorkspaceBinding;
use crate::types::{
    ObjectMeta, Param, ParamValue, PipelineRun, PipelineRunSpec, PipelineTask, TaskRun, TaskRunSpec,
    TaskSpec, WorkspacePipelineTaskBinding,
};

use super::decision::ChildRun;
use super::name;

/// The label with the name of the pipeline task.
pub const PIPELINE_TASK: &str = "tekton.dev/pipelineTask";
/// The annotation of task runs whose failure is ignored.
pub const ON_ERROR: &str = "pipeline.tekton.dev/pipeline-task-on-error";

/// The lists of a matrix and its `include` entries, as texts; values of other types count as empty.
pub(crate) fn matrix_lists(task: &PipelineTask) -> (Vec<matrix::List>, Vec<matrix::Combination>) {
    let Some(matrix) = &task.matrix else { return (Vec::new(), Vec::new()) };
    let list = |p: &Param| (p.name.clone(), p.value.as_array().unwrap_or_default().to_vec());
    let entry = |p: &Param| (p.name.clone(), p.value.as_str().unwrap_or_default().to_owned());
    (
        matrix.params.iter().map(list).collect(),
        matrix.include.iter().map(|i| i.params.iter().map(entry).collect()).collect(),
    )
}

/// Whether one of the matrix's lists has nothing in it (§2.18 no. 9).
pub(crate) fn has_empty_list(task: &PipelineTask) -> bool {
    let lists = task.matrix.iter().flat_map(|m| &m.params);
    lists.into_iter().any(|p| p.value.as_array().is_some_and(<[String]>::is_empty))
}

/// The runs of a task whose references are all replaced, but for those in an inline task, which `propagated` stands for.
///
/// # Errors
/// A matrix over something else than lists, or over too many; a workspace that the run does not bind.
pub(crate) fn runs(
    pipeline: &PreparedPipeline,
    task: &PreparedPipelineTask,
    propagated: &Replacements,
) -> Result<Vec<ChildRun>, Failure> {
    let combinations = combinations(pipeline, &task.task)?;
    let names = name::children(&pipeline.metadata.name, &task.task.name, combinations.len());
    let inline = task.task.inline().map(|spec| {
        let mut spec = spec.clone();
        walk::replace(&mut spec, propagated);
        spec
    });
    let workspaces = workspaces(pipeline, task, inline.as_ref())?;
    let runs = names.into_iter().zip(combinations).map(|(name, mut params)| {
        let metadata = metadata(pipeline, task, name);
        params.extend(task.task.params.iter().cloned());
        if task.is_pipeline() {
            ChildRun::Pipeline(Box::new(pipeline_run(
                pipeline,
                &task.task,
                metadata,
                params,
                workspaces.clone(),
            )))
        } else {
            let run = task_run(pipeline, task, metadata, params, workspaces.clone(), inline.clone());
            ChildRun::Task(Box::new(run))
        }
    });
    Ok(runs.collect())
}

/// One list of params for each run; without a matrix one empty list.
fn combinations(pipeline: &PreparedPipeline, task: &PipelineTask) -> Result<Vec<Vec<Param>>, Failure> {
    if !task.is_matrixed() {
        return Ok(vec![Vec::new()]);
    }
    let mut lists = task.matrix.iter().flat_map(|m| &m.params);
    if let Some(param) = lists.find(|p| p.value.as_array().is_none()) {
        return Err(Failure::user(
            reason::INVALID_MATRIX_PARAMETER_TYPES,
            format!(
                "Failed to validate matrix {:?} with error parameters of type array only are allowed, but param {:?} \
                 has type {:?} in pipelineTask {:?}",
                pipeline.metadata.name,
                param.name,
                param.value.kind().to_string(),
                task.name
            ),
        ));
    }
    let (params, include) = matrix_lists(task);
    let (bound, most) = (matrix::upper_bound(&params, &include), pipeline.settings.max_matrix_combinations);
    if bound > most.saturating_add(include.len()) {
        return Err(too_many(task, bound, most));
    }
    let combinations = matrix::combinations(&params, &include);
    if combinations.len() > most {
        return Err(too_many(task, combinations.len(), most));
    }
    let param = |(name, value)| Param { name, value: ParamValue::String(value) };
    Ok(combinations.into_iter().map(|c| c.into_iter().map(param).collect()).collect())
}

fn too_many(task: &PipelineTask, count: usize, most: usize) -> Failure {
    Failure::user(
        reason::PIPELINE_VALIDATION_FAILED,
        format!("expected 0 <= {count} <= {most}: matrix of pipeline task {:?}", task.name),
    )
}

/// Name, labels, annotations and owner of a child (§2.18): those of taskRunSpecs, then of the run, then of an inline
/// task; the first that sets a key wins.
fn metadata(pipeline: &PreparedPipeline, task: &PreparedPipelineTask, name: String) -> ObjectMeta {
    let run = &pipeline.metadata;
    let specific = pipeline.run.task_run_specs.iter().find(|s| s.pipeline_task_name == task.task.name);
    let specific = specific.and_then(|s| s.metadata.clone()).unwrap_or_default();
    let mut own = run.labels.clone();
    own.insert("tekton.dev/pipelineRun".into(), run.name.clone());
    own.insert(PIPELINE_TASK.into(), task.task.name.clone());
    let part = if task.finally { "finally" } else { "tasks" };
    own.insert("tekton.dev/memberOf".into(), part.into());
    if !run.uid.is_empty() {
        own.insert("tekton.dev/pipelineRunUID".into(), run.uid.clone());
    }
    let inline = task.task.task_spec.as_ref().map(|s| s.metadata.clone()).unwrap_or_default();
    let mut annotations = first_wins([specific.annotations, run.annotations.clone(), inline.annotations]);
    annotations.retain(|key, _| !key.starts_with("results.tekton.dev/"));
    if task.task.on_error == "continue" {
        annotations.insert(ON_ERROR.into(), "continue".into());
    }
    ObjectMeta {
        name,
        namespace: run.namespace.clone(),
        labels: first_wins([specific.labels, own, inline.labels]),
        annotations,
        owner_references: vec![OwnerReference {
            api_version: crate::types::API_V1.into(),
            kind: "PipelineRun".into(),
            name: run.name.clone(),
            uid: run.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }],
        ..ObjectMeta::default()
    }
}

fn first_wins<const N: usize>(maps: [BTreeMap<String, String>; N]) -> BTreeMap<String, String> {
    let mut merged = BTreeMap::new();
    for (key, value) in maps.into_iter().flatten() {
        merged.entry(key).or_insert(value);
    }
    merged
}

fn task_run(
    pipeline: &PreparedPipeline,
    task: &PreparedPipelineTask,
    metadata: ObjectMeta,
    params: Vec<Param>,
    workspaces: Vec<WorkspaceBinding>,
    inline: Option<TaskSpec>,
) -> TaskRun {
    let template = &pipeline.run.task_run_template;
    let specific = pipeline.run.task_run_specs.iter().find(|s| s.pipeline_task_name == task.task.name);
    let account = specific.map(|s| &s.service_account_name).filter(|a| !a.is_empty());
    let default = &pipeline.settings.timeout;
    let spec = TaskRunSpec {
        params,
        service_account_name: account.unwrap_or(&template.service_account_name).clone(),
        task_ref: if inline.is_none() { task.task.task_ref.clone() } else { None },
        task_spec: inline,
        retries: task.task.retries,
        timeout: pipeline.timeouts.of_task(&pipeline.run, &task.task, task.finally, default),
        pod_template: merge_pods(
            specific.and_then(|s| s.pod_template.as_ref()),
            template.pod_template.as_ref(),
        ),
        workspaces,
        step_specs: specific.map(|s| s.step_specs.clone()).unwrap_or_default(),
        sidecar_specs: specific.map(|s| s.sidecar_specs.clone()).unwrap_or_default(),
        compute_resources: specific.and_then(|s| s.compute_resources.clone()),
        ..TaskRunSpec::default()
    };
    TaskRun::new(metadata, spec)
}

fn pipeline_run(
    pipeline: &PreparedPipeline,
    task: &PipelineTask,
    mut metadata: ObjectMeta,
    params: Vec<Param>,
    workspaces: Vec<WorkspaceBinding>,
) -> PipelineRun {
    // The child's own pipeline names it, not the parent's.
    metadata.labels.remove("tekton.dev/pipeline");
    let spec = PipelineRunSpec {
        pipeline_ref: task.pipeline_ref.clone(),
        pipeline_spec: task.pipeline_spec.as_deref().cloned(),
        params,
        workspaces,
        task_run_template: pipeline.run.task_run_template.clone(),
        ..PipelineRunSpec::default()
    };
    PipelineRun::new(metadata, spec)
}

/// What the task's workspaces are bound to, and those that an inline task uses without being given them (§2.17).
fn workspaces(
    pipeline: &PreparedPipeline,
    task: &PreparedPipelineTask,
    inline: Option<&TaskSpec>,
) -> Result<Vec<WorkspaceBinding>, Failure> {
    let mut given = task.task.workspaces.clone();
    for name in inline.map(used_workspaces).unwrap_or_default() {
        if !given.iter().any(|w| w.name == name) {
            given.push(WorkspacePipelineTaskBinding { name, ..WorkspacePipelineTaskBinding::default() });
        }
    }
    let declared = inline.or(task.resolved.as_ref()).map(|s| s.workspaces.as_slice()).unwrap_or_default();
    let mut bindings = Vec::new();
    for workspace in given {
        let outer = workspace.pipeline_workspace();
        if let Some(binding) = pipeline.run.workspaces.iter().find(|b| b.name == outer) {
            let mut binding = binding.clone();
            binding.sub_path = joined(&binding.sub_path, &workspace.sub_path);
            binding.name = workspace.name;
            bindings.push(binding);
        } else if !declared.iter().any(|w| w.name == workspace.name && w.optional) && !task.is_pipeline() {
            return Err(Failure::user(
                reason::FAILED,
                format!(
                    "expected workspace {outer:?} to be provided by pipelinerun for pipeline task {:?}",
                    task.task.name
                ),
            ));
        }
    }
    Ok(bindings)
}

/// The workspaces that a task's texts name, in the alphabet's order.
fn used_workspaces(spec: &TaskSpec) -> Vec<String> {
    let mut names: Vec<String> = walk::keys(spec)
        .iter()
        .filter_map(|key| key.strip_prefix("workspaces.")?.rsplit_once('.'))
        .filter(|(_, part)| matches!(*part, "path" | "bound" | "volume" | "claim"))
        .map(|(name, _)| name.to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn joined(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        ("", path) | (path, "") => path.to_owned(),
        _ => format!("{}/{}", outer.trim_end_matches('/'), inner.trim_start_matches('/')),
    }
}
