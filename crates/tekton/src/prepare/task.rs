//! A task run, ready to be executed.

use crate::next::name;
use crate::status::reason;
use crate::substitute::{Replacements, volume, walk};
use crate::types::status::RefSource;
use crate::types::{ObjectMeta, Param, PodTemplate, TaskResult, TaskRun, TaskRunSpec, TaskSpec, Volume};

use super::container::{PreparedSidecar, PreparedStep, Resources};
use super::failure::{Failure, list};
use super::workspaces::{BoundWorkspace, Claim};
use super::{Definitions, Settings, container, params, passes, paths, step_action, template, workspaces};

/// What a task run is told besides its own text.
#[derive(Debug, Clone, Copy)]
pub struct TaskContext<'a> {
    /// How many attempts have failed before this one.
    pub retry_count: usize,
    /// The administrator's defaults.
    pub settings: &'a Settings,
}

/// Everything an engine needs to execute one attempt of a task run.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedTask {
    /// Name, namespace, uid, labels and annotations of the run; those of a referenced task are merged in, the run's own
    /// win (§1.9).
    pub metadata: ObjectMeta,
    /// The name of the pod: `<run>-pod`, and `<run>-pod-retry<N>` for later attempts.
    pub pod_name: String,
    /// The task after substitution, as `status.taskSpec` shows it.
    pub spec: TaskSpec,
    /// The steps in order.
    pub steps: Vec<PreparedStep>,
    /// The sidecars.
    pub sidecars: Vec<PreparedSidecar>,
    /// The task's volumes, those of the workspaces and those of the pod template.
    pub volumes: Vec<Volume>,
    /// The workspaces that are bound.
    pub workspaces: Vec<BoundWorkspace>,
    /// Volume claims to make before the first attempt.
    pub claims: Vec<Claim>,
    /// Folders to make before the first step.
    pub working_dirs: Vec<String>,
    /// The results the task promises.
    pub results: Vec<TaskResult>,
    /// How long the attempt may take; no value means for ever.
    pub timeout: Option<std::time::Duration>,
    /// How often a failure may be tried again.
    pub retries: usize,
    /// Whose secrets the run gets.
    pub service_account: String,
    /// Settings of the pod: host aliases, name servers, user, environment (already in the steps).
    pub pod: PodTemplate,
    /// Where a resolver got the task.
    pub source: Option<RefSource>,
    /// What a cluster would refuse although it works here.
    pub warnings: Vec<String>,
}

/// The annotation that cuts steps off from the network, when it is `hermetic` (§1.10, §2.28).
const EXECUTION_MODE: &str = "experimental.tekton.dev/execution-mode";

impl PreparedTask {
    /// Whether its steps have no network but loopback.
    pub fn is_hermetic(&self) -> bool {
        self.metadata.annotations.get(EXECUTION_MODE).is_some_and(|mode| mode == "hermetic")
    }
}

/// Resolves, checks and substitutes a task run (§2.4, §2.15-§2.17, §2.29).
///
/// # Errors
/// The condition with which the run fails before its first step.
pub fn task(
    run: &TaskRun,
    definitions: &dyn Definitions,
    context: &TaskContext<'_>,
) -> Result<PreparedTask, Failure> {
    let settings = context.settings;
    let (metadata, task_name, mut spec, source) = resolve(run, definitions)?;
    let mut run_spec = run.spec.clone();
    let declared = spec.params.clone();
    let actions =
        step_action::inline(&mut spec, &params::task_table(&declared, &run_spec.params), definitions)?;
    check_params(&task_name, &spec, &run_spec)?;
    workspaces::bind_defaults(&mut run_spec, &spec.workspaces, settings);
    if run_spec.task_spec.is_some() {
        workspaces::propagate(&mut spec, &run_spec.workspaces);
    }
    workspaces::check(&spec.workspaces, &run_spec.workspaces)?;
    check_overrides(&spec, &run_spec)?;

    let table = params::task_table(&spec.params, &run_spec.params);
    let pod = template::pod(run_spec.pod_template.as_ref(), settings);
    let pod = volume::pod_template(&pod, &table);
    volume::replace_bindings(&mut run_spec.workspaces, &table);
    let claims = workspaces::claims(&mut run_spec.workspaces, &metadata);
    let volumes = workspaces::volumes(&run_spec.workspaces);
    passes::substitute(
        &mut spec,
        &passes::Inputs {
            params: &table,
            task: &task_name,
            run: &metadata,
            retries: context.retry_count,
            bindings: &run_spec.workspaces,
            volumes: &volumes.iter().map(|(k, v)| (k.clone(), v.name.clone())).collect(),
        },
    );
    substitute_bindings(&mut run_spec, &metadata, &task_name, context.retry_count);
    let several = settings.one_claim_for_a_task && workspaces::several_claims(&run_spec.workspaces);
    let mut mounted = spec.clone();
    let bound = workspaces::mount(&mut mounted, &run_spec.workspaces, &volumes);
    mounted.volumes.extend(pod.volumes.iter().cloned());

    let resources = Resources { single: &run_spec.step_specs, task: run_spec.compute_resources.as_ref() };
    let shared = mounted.step_template.take();
    let steps = std::mem::take(&mut mounted.steps)
        .into_iter()
        .zip(actions)
        .enumerate()
        .map(|(i, (step, source))| {
            let step = container::step(step, i, shared.as_ref(), &pod.env, &resources)?;
            Ok(PreparedStep { source, ..step })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let beside = Resources { single: &run_spec.sidecar_specs, task: None };
    let sidecars = mounted.sidecars.into_iter().map(|s| container::sidecar(s, &beside)).collect();
    let timeout = run_spec.timeout.as_ref().unwrap_or(&settings.timeout);
    let account = &run_spec.service_account_name;
    Ok(PreparedTask {
        pod_name: pod_name(&metadata.name, context.retry_count),
        working_dirs: paths::working_dirs(steps.iter().map(|s| s.step.working_dir.as_str())),
        metadata,
        results: spec.results.clone(),
        spec,
        steps,
        sidecars,
        volumes: mounted.volumes,
        workspaces: bound,
        claims,
        timeout: (!timeout.is_zero()).then(|| timeout.as_std()),
        retries: usize::try_from(run_spec.retries).unwrap_or(0),
        service_account: if account.is_empty() { settings.service_account.clone() } else { account.clone() },
        pod,
        source,
        warnings: several
            .then(|| "more than one PersistentVolumeClaim is bound: a cluster refuses this run".to_owned())
            .into_iter()
            .collect(),
    })
}

/// The name of the pod of an attempt (§2.1).
pub fn pod_name(run: &str, retry_count: usize) -> String {
    match retry_count {
        0 => name::child(run, "-pod"),
        n => name::child(run, &format!("-pod-retry{n}")),
    }
}

/// The run's metadata, the task's name, the task, and where a resolver got it.
fn resolve(
    run: &TaskRun,
    definitions: &dyn Definitions,
) -> Result<(ObjectMeta, String, TaskSpec, Option<RefSource>), Failure> {
    let mut metadata = run.metadata.clone();
    let failed = |message: String| Failure::user(reason::TASK_RUN_RESOLUTION_FAILED, message);
    match (&run.spec.task_ref, &run.spec.task_spec) {
        (_, Some(spec)) => {
            let name = metadata.name.clone();
            Ok((metadata, name, spec.clone(), None))
        }
        (Some(reference), None) if reference.is_custom() => Err(failed(format!(
            "{} of {} is a custom task; it needs its own controller, which is not here",
            reference.kind, reference.api_version
        ))),
        (Some(reference), None) => {
            let mut reference = reference.clone();
            own_values(&metadata, "taskRun", &run.spec.params).edit_params(&mut reference.params);
            let found = definitions.task(&reference).map_err(|e| {
                failed(format!("error when listing tasks for taskRun {}: {e}", metadata.name))
            })?;
            merge_metadata(&mut metadata, &found.metadata, "tekton.dev/task");
            Ok((metadata, found.metadata.name, found.spec, found.source))
        }
        (None, None) => Err(failed(format!("taskRun {} not providing TaskRef or TaskSpec", metadata.name))),
    }
}

/// What a run's own reference may refer to in its resolver's params: the run's params and its names (§2.27).
pub fn own_values(run: &ObjectMeta, kind: &str, params: &[Param]) -> Replacements {
    let mut table = Replacements::new();
    table.params(params);
    for (field, value) in [("name", &run.name), ("namespace", &run.namespace), ("uid", &run.uid)] {
        table.string(format!("context.{kind}.{field}"), value);
    }
    table
}

/// Merges labels and annotations of a definition into its run's, the run's own winning, and labels the run with the
/// definition's name.
pub(super) fn merge_metadata(run: &mut ObjectMeta, definition: &ObjectMeta, label: &str) {
    for (key, value) in &definition.labels {
        run.labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    for (key, value) in &definition.annotations {
        if key != "kubectl.kubernetes.io/last-applied-configuration" {
            run.annotations.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    if !definition.name.is_empty() {
        run.labels.insert(label.to_owned(), definition.name.clone());
    }
}

/// In a cluster's order: what does not fit at all, is outside its enum, is beyond the end (§2.17).
fn check_params(task: &str, spec: &TaskSpec, run: &TaskRunSpec) -> Result<(), Failure> {
    params::check(task, &spec.params, &run.params, &[]).map_err(Failure::invalid_task_run)?;
    if let Some(outside) = params::outside_enum(&spec.params, &run.params) {
        return Err(Failure::user(reason::INVALID_PARAM_VALUE, outside));
    }
    let keys = walk::keys(spec);
    let beyond = params::beyond_the_end(&spec.params, &run.params, keys.iter().map(String::as_str));
    if !beyond.is_empty() {
        return Err(Failure::invalid_task_run(format!("non-existent param references:{}", list(&beyond))));
    }
    Ok(())
}

fn check_overrides(spec: &TaskSpec, run: &TaskRunSpec) -> Result<(), Failure> {
    if let Some(stray) = run.step_specs.iter().find(|o| !spec.steps.iter().any(|s| s.name == o.name)) {
        return Err(Failure::invalid_task_run(format!("invalid StepOverride: No Step named {}", stray.name)));
    }
    if let Some(stray) = run.sidecar_specs.iter().find(|o| !spec.sidecars.iter().any(|s| s.name == o.name)) {
        return Err(Failure::invalid_task_run(format!(
            "invalid SidecarOverride: No Sidecar named {}",
            stray.name
        )));
    }
    Ok(())
}

/// Contexts in the bindings' sub-paths, which the passes over the task do not see (§2.15).
fn substitute_bindings(run: &mut TaskRunSpec, metadata: &ObjectMeta, task: &str, retries: usize) {
    let mut table = Replacements::new();
    table.string("context.taskRun.name", &metadata.name);
    table.string("context.taskRun.namespace", &metadata.namespace);
    table.string("context.taskRun.uid", &metadata.uid);
    table.string("context.task.name", task);
    table.string("context.task.retry-count", retries.to_string());
    volume::replace_bindings(&mut run.workspaces, &table);
}
