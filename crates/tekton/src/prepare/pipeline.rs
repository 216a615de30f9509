//! A pipeline run, ready to be scheduled.

use crate::graph::Graph;
use crate::status::reason;
use crate::substitute::reference::task_result;
use crate::substitute::{Replacements, pipeline as fields, volume};
use crate::types::status::RefSource;
use crate::types::{ObjectMeta, PipelineRun, PipelineRunSpec, PipelineSpec, PipelineTask, TaskSpec};
use crate::when::Cel;

use super::failure::Failure;
use super::task::{merge_metadata, own_values};
use super::timeouts::Timeouts;
use super::workspaces::{self, Claim};
use super::{Definitions, Settings, pipeline_checks as checks, pipeline_params, references};

/// What a pipeline run is told besides its own text.
#[derive(Clone, Copy)]
pub struct PipelineContext<'a> {
    /// The administrator's defaults.
    pub settings: &'a Settings,
    /// Evaluates CEL guards.
    pub cel: &'a dyn Cel,
    /// The referenced pipelines that the run is a part of, the outermost first; none for a run of its own (§2.25).
    pub ancestors: &'a [String],
}

/// Everything that is needed to decide what a pipeline run does next. It does not change while the run goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedPipeline {
    /// The referenced pipelines that its tasks are a part of, the outermost first (§2.25).
    pub ancestors: Vec<String>,
    /// Name, namespace, uid, labels and annotations of the run; those of a referenced pipeline are merged in, the run's
    /// own win (§1.9).
    pub metadata: ObjectMeta,
    /// What the run says, with its workspace bindings substituted and bound to the claims it makes.
    pub run: PipelineRunSpec,
    /// The pipeline after substitution of params, contexts and `workspaces.W.bound`, as `status.pipelineSpec` shows it.
    pub spec: PipelineSpec,
    /// Which task of the graph waits for which.
    pub graph: Graph,
    /// The tasks of the graph, then those of `finally`, in declared order.
    pub tasks: Vec<PreparedPipelineTask>,
    /// How long its parts may take.
    pub timeouts: Timeouts,
    /// Volume claims to make before the first task.
    pub claims: Vec<Claim>,
    /// The administrator's defaults.
    pub settings: Settings,
    /// Where a resolver got the pipeline.
    pub source: Option<RefSource>,
}

/// A task of a prepared pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedPipelineTask {
    /// The task after substitution of what is known before the run.
    pub task: PipelineTask,
    /// Whether it is one of `finally`.
    pub finally: bool,
    /// The task's steps and declarations; none if the reference's name is known only later, and for pipelines.
    pub resolved: Option<TaskSpec>,
    /// The keys of all references to other tasks, where one to a result orders them; looked for once, asked for at every
    /// decision.
    pub(crate) keys: Vec<String>,
}

impl PreparedPipelineTask {
    /// Whether it runs a pipeline (§2.25).
    pub fn is_pipeline(&self) -> bool {
        self.task.pipeline_ref.is_some() || self.task.pipeline_spec.is_some()
    }
}

/// Resolves, checks and substitutes a pipeline run, in a cluster's order (§2.22, last paragraph).
///
/// # Errors
/// The condition with which the run fails before its first task.
pub fn pipeline(
    run: &PipelineRun,
    definitions: &dyn Definitions,
    context: &PipelineContext<'_>,
) -> Result<PreparedPipeline, Failure> {
    let (metadata, name, mut spec, source) = resolve(run, definitions)?;
    let ancestors =
        checks::ancestors(&metadata, run.spec.pipeline_ref.is_some().then_some(&*name), &spec, context)?;
    let graph = graph(&metadata, &spec)?;
    let mut run_spec = run.spec.clone();
    checks::params(&metadata, &name, &spec, &run_spec)?;
    checks::workspaces(&metadata, &name, &spec, &run_spec)?;
    checks::task_run_specs(&metadata, &spec, &run_spec)?;

    let table = pipeline_params::table(&spec.params, &run_spec.params)
        .map_err(|problem| Failure::user(reason::PIPELINE_VALIDATION_FAILED, problem))?;
    let contexts = contexts(&metadata, &name);
    for table in [&table, &contexts] {
        volume::replace_bindings(&mut run_spec.workspaces, table);
    }
    for table in [&table, &contexts, &bound(&spec, &run_spec)] {
        spec.tasks.iter_mut().chain(&mut spec.finally).for_each(|task| fields::replace(task, table));
    }
    contexts_in_display_names(&mut spec, &contexts);
    let tasks = resolve_tasks(&metadata, &name, &spec, definitions)?;
    tasks.iter().try_for_each(|task| checks::task(&metadata, task, context.cel))?;
    references::check_results(&metadata.name, &spec, &tasks)?;
    references::check_optional_workspaces(&spec, &tasks)?;
    let claims = workspaces::claims(&mut run_spec.workspaces, &metadata);
    Ok(PreparedPipeline {
        timeouts: Timeouts::of(&run_spec, &context.settings.timeout),
        ancestors,
        metadata,
        run: run_spec,
        spec,
        graph,
        tasks,
        claims,
        settings: context.settings.clone(),
        source,
    })
}

fn resolve(
    run: &PipelineRun,
    definitions: &dyn Definitions,
) -> Result<(ObjectMeta, String, PipelineSpec, Option<RefSource>), Failure> {
    let mut metadata = run.metadata.clone();
    let failed = |problem: String| {
        Failure::user(
            reason::COULDNT_GET_PIPELINE,
            format!("Error retrieving pipeline for pipelinerun {}: {problem}", full_name(&run.metadata)),
        )
    };
    if let Some(spec) = &run.spec.pipeline_spec {
        let name = metadata.name.clone();
        metadata.labels.entry("tekton.dev/pipeline".into()).or_insert_with(|| name.clone());
        return Ok((metadata, name, spec.clone(), None));
    }
    let Some(reference) = &run.spec.pipeline_ref else {
        return Err(failed(format!(
            "pipelineRun {} not providing PipelineRef or PipelineSpec",
            metadata.name
        )));
    };
    let mut reference = reference.clone();
    own_values(&metadata, "pipelineRun", &run.spec.params).edit_params(&mut reference.params);
    let found = definitions.pipeline(&reference).map_err(|e| {
        failed(format!("error when listing pipelines for pipelineRun {}: {e}", metadata.name))
    })?;
    merge_metadata(&mut metadata, &found.metadata, "tekton.dev/pipeline");
    Ok((metadata, found.metadata.name, found.spec, found.source))
}

/// runAfter and every reference to a result (§2.18). Finally tasks have no edges, but names of their own.
fn graph(run: &ObjectMeta, spec: &PipelineSpec) -> Result<Graph, Failure> {
    let invalid = |part: &str, error: String| {
        let name = full_name(run);
        Failure::user(
            reason::PIPELINE_INVALID_GRAPH,
            format!("PipelineRun {name}'s Pipeline DAG is invalid{part}: {error}"),
        )
    };
    let finally = spec.finally.iter().map(|task| (&*task.name, [""; 0]));
    Graph::build(finally).map_err(|e| invalid(" for finally clause", e.to_string()))?;
    Graph::build(spec.tasks.iter().map(|task| (&*task.name, parents(task))))
        .map_err(|e| invalid("", e.to_string()))
}

/// The tasks that a task of the graph waits for; repetitions are possible.
pub fn parents(task: &PipelineTask) -> Vec<String> {
    let keys = fields::keys(task);
    let producers = keys.iter().filter_map(|key| task_result(key)).map(|r| r.producer.to_owned());
    task.run_after.iter().cloned().chain(producers).collect()
}

fn contexts(run: &ObjectMeta, pipeline: &str) -> Replacements {
    let mut table = Replacements::new();
    table.string("context.pipelineRun.name", &run.name);
    table.string("context.pipelineRun.namespace", &run.namespace);
    table.string("context.pipelineRun.uid", &run.uid);
    table.string("context.pipeline.name", pipeline);
    table
}

/// Names of matrixed tasks wait for their children's params, but contexts are known now.
fn contexts_in_display_names(spec: &mut PipelineSpec, contexts: &Replacements) {
    spec.tasks.iter_mut().chain(&mut spec.finally).for_each(|task| contexts.edit(&mut task.display_name));
}

fn bound(spec: &PipelineSpec, given: &PipelineRunSpec) -> Replacements {
    let mut table = Replacements::new();
    for workspace in &spec.workspaces {
        table.string(format!("workspaces.{}.bound", workspace.name), "false");
    }
    for binding in &given.workspaces {
        table.string(format!("workspaces.{}.bound", binding.name), "true");
    }
    table
}

fn resolve_tasks(
    run: &ObjectMeta,
    pipeline: &str,
    spec: &PipelineSpec,
    definitions: &dyn Definitions,
) -> Result<Vec<PreparedPipelineTask>, Failure> {
    let missing = |problem: String| {
        Failure::user(
            reason::COULDNT_GET_TASK,
            format!(
                "Pipeline {}/{pipeline} can't be Run; it contains Tasks that don't exist: {problem}",
                run.namespace
            ),
        )
    };
    let all = spec.tasks.iter().map(|t| (t, false)).chain(spec.finally.iter().map(|t| (t, true)));
    all.map(|(task, finally)| {
        let resolved = match (&task.task_spec, &task.task_ref) {
            _ if task.is_custom() => {
                return Err(missing(format!(
                    "pipeline task {:?} is a custom task; it needs its own controller, which is not here",
                    task.name
                )));
            }
            (Some(embedded), _) => Some(embedded.task.clone()),
            // The name of a finally task's reference may depend on how the other tasks end.
            (None, Some(reference)) if reference.name.contains("$(") || unknown_yet(&reference.params) => {
                None
            }
            (None, Some(reference)) => {
                let found = definitions
                    .task(reference)
                    .map_err(|e| missing(format!("Couldn't retrieve Task {:?}: {e}", reference.name)))?;
                Some(found.spec)
            }
            (None, None) => None,
        };
        Ok(PreparedPipelineTask { task: task.clone(), finally, resolved, keys: keys(task) })
    })
    .collect()
}

/// The keys of a task's references to other tasks.
pub(super) fn keys(task: &PipelineTask) -> Vec<String> {
    let mut keys = fields::keys(task);
    keys.retain(|key| key.starts_with("tasks."));
    keys.dedup();
    keys
}

fn unknown_yet(params: &[crate::types::Param]) -> bool {
    params.iter().any(|p| p.value.texts().iter().any(|text| text.contains("$(tasks.")))
}

/// `namespace/name`.
pub(crate) fn full_name(metadata: &ObjectMeta) -> String {
    format!("{}/{}", metadata.namespace, metadata.name)
}
