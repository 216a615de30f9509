//! The passes over a task, each over the output of the one before (§2.16 rule 2).

use std::collections::BTreeMap;

use crate::substitute::Replacements;
use crate::substitute::table::result_spellings;
use crate::substitute::walk::{self, Replace};
use crate::types::{ObjectMeta, TaskSpec, WorkspaceBinding};

use super::container::step_container;
use super::paths;

/// What the passes put in.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    /// The task's params.
    pub params: &'a Replacements,
    /// `context.task.name`.
    pub task: &'a str,
    /// `context.taskRun.*`.
    pub run: &'a ObjectMeta,
    /// `context.task.retry-count`.
    pub retries: usize,
    /// What the workspaces are bound to.
    pub bindings: &'a [WorkspaceBinding],
    /// The volume of each bound workspace.
    pub volumes: &'a BTreeMap<String, String>,
}

/// Makes all seven passes: params, contexts, results, artifacts, exit codes, workspaces, credentials.
pub(super) fn substitute(spec: &mut TaskSpec, inputs: &Inputs<'_>) {
    walk::replace(spec, inputs.params);
    walk::replace(spec, &contexts(inputs));
    results(spec);
    artifacts(spec);
    walk::replace(spec, &exit_codes(spec));
    workspaces(spec, inputs);
    let mut credentials = Replacements::new();
    credentials.string("credentials.path", paths::CREDENTIALS);
    walk::replace(spec, &credentials);
}

fn contexts(inputs: &Inputs<'_>) -> Replacements {
    let mut table = Replacements::new();
    table.string("context.taskRun.name", &inputs.run.name);
    table.string("context.taskRun.namespace", &inputs.run.namespace);
    table.string("context.taskRun.uid", &inputs.run.uid);
    table.string("context.task.name", inputs.task);
    table.string("context.task.retry-count", inputs.retries.to_string());
    table
}

fn results(spec: &mut TaskSpec) {
    for (i, step) in spec.steps.iter_mut().enumerate() {
        let mut own = Replacements::new();
        for result in &step.results {
            let path = paths::step_result(&step_container(&step.name, i), &result.name);
            for key in result_spellings("step", &result.name) {
                own.string(format!("{key}.path"), &path);
            }
        }
        walk::step(step, &mut Replace(&own));
    }
    let mut table = Replacements::new();
    for result in &spec.results {
        for key in result_spellings("", &result.name) {
            table.string(format!("{}.path", key.trim_start_matches('.')), paths::result(&result.name));
        }
    }
    walk::replace(spec, &table);
}

fn artifacts(spec: &mut TaskSpec) {
    for (i, step) in spec.steps.iter_mut().enumerate() {
        let mut table = Replacements::new();
        table.string("step.artifacts.path", paths::step_artifacts(&step_container(&step.name, i)));
        table.string("artifacts.path", paths::ARTIFACTS);
        walk::step(step, &mut Replace(&table));
    }
}

fn exit_codes(spec: &TaskSpec) -> Replacements {
    let mut table = Replacements::new();
    for (i, step) in spec.steps.iter().enumerate() {
        let container = step_container(&step.name, i);
        table.string(format!("steps.{container}.exitCode.path"), paths::exit_code(&container));
    }
    table
}

/// Paths, whether they are bound, volumes and claims. A step or sidecar that mounts a workspace elsewhere sees its own
/// path (§2.15).
fn workspaces(spec: &mut TaskSpec, inputs: &Inputs<'_>) {
    let binding = |name: &str| inputs.bindings.iter().find(|b| b.name == name);
    let mut table = Replacements::new();
    for declared in &spec.workspaces.clone() {
        let name = &declared.name;
        let bound = binding(name);
        let path = if bound.is_some() { declared.path() } else { String::new() };
        let key = format!("workspaces.{name}.path");
        if bound.is_some() {
            elsewhere(spec, name, &key);
        }
        table.string(key, path);
        table.string(format!("workspaces.{name}.bound"), bound.is_some().to_string());
        let volume = inputs.volumes.get(name).cloned().unwrap_or_default();
        table.string(format!("workspaces.{name}.volume"), volume);
        let claim = bound.and_then(|b| b.persistent_volume_claim.as_ref());
        table.string(
            format!("workspaces.{name}.claim"),
            claim.map(|c| c.claim_name.clone()).unwrap_or_default(),
        );
    }
    walk::replace(spec, &table);
}

fn elsewhere(spec: &mut TaskSpec, workspace: &str, key: &str) {
    let table = |path: &str| {
        let mut table = Replacements::new();
        table.string(key, path);
        table
    };
    for step in &mut spec.steps {
        for usage in step.workspaces.clone() {
            if usage.name == workspace && !usage.mount_path.is_empty() {
                walk::step(step, &mut Replace(&table(&usage.mount_path)));
            }
        }
    }
    for sidecar in &mut spec.sidecars {
        for usage in sidecar.workspaces.clone() {
            if usage.name == workspace && !usage.mount_path.is_empty() {
                walk::sidecar(sidecar, &mut Replace(&table(&usage.mount_path)));
            }
        }
    }
}
