//! Pipelines as a whole, under their own name or inline (§3.2 #1-#3, #18, #23, #24).

use std::collections::{BTreeMap, BTreeSet};

use base::diagnostic::did_you_mean;

use super::finding::{At, Findings};
use super::variable::{self, Names};
use super::{matrix, param, pipeline_params, pipeline_task, results};
use crate::graph::{Graph, GraphError};
use crate::substitute::{pipeline::keys, reference};
use crate::types::{PipelineSpec, PipelineTask};

/// Tasks among which a circle is looked for.
const WALKED: usize = 1000;

/// A pipeline; parameters and workspaces may come from outside.
pub(super) fn spec(f: &mut Findings<'_>, pipeline: &PipelineSpec, at: &At) {
    if *pipeline == PipelineSpec::default() {
        let fields =
            ["description", "params", "resources", "tasks", "workspaces"].map(|field| at.field(field));
        f.error("expected at least one, got none", &fields);
    }
    let mut names = BTreeSet::new();
    for (list, tasks) in [("tasks", &pipeline.tasks), ("finally", &pipeline.finally)] {
        for (i, task) in tasks.iter().enumerate() {
            let at = at.index(list, i);
            pipeline_task::one(f, task, &at);
            if !names.insert(task.name.as_str()) {
                f.both(&[at.field("name")]);
            }
            pipeline_params::passed_once(f, &task.params, &at);
            results::shell_variables(f, task, &at);
        }
        // Told below both lists, whichever has tasks.
        let told = at.split(list, "");
        param::types(f, &pipeline.params, &told.field("params"));
        param::duplicates(f, &pipeline.params, &told);
        param::enums(f, &pipeline.params, &told);
        contexts(f, tasks, &at.field(list));
    }
    graph(f, &pipeline.tasks, at);
    workspaces(f, pipeline, at);
    results::states(f, pipeline, at);
    results::of_pipeline(f, pipeline, at);
    results::in_finally(f, pipeline, at);
    results::undeclared(f, pipeline, at);
    matrix::consumed(f, &pipeline.tasks, at);
    finally(f, pipeline, at);
}

/// Only the context variables that pipelines have. Tekton looks at the last task of a list only, and so do we.
fn contexts(f: &mut Findings<'_>, tasks: &[PipelineTask], at: &At) {
    let Some((last, task)) = tasks.iter().enumerate().next_back() else { return };
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Names>();
    let matrix =
        task.matrix.iter().flat_map(|m| m.params.iter().chain(m.include.iter().flat_map(|i| &i.params)));
    for param in task.params.iter().chain(matrix) {
        let at = at.split("value", &format!("[{last}].params[{}].value", param.name));
        for text in param.value.texts() {
            variable::known(f, text, "context.pipelineRun", &set(&["name", "namespace", "uid"]), &at);
            variable::known(f, text, "context.pipeline", &set(&["name"]), &at);
            variable::known(f, text, "context.pipelineTask", &set(&["retries"]), &at);
        }
    }
}

/// The tasks a task waits for: those it names, and those whose results it uses (§2.18).
fn parents(task: &PipelineTask) -> Vec<String> {
    let mut parents = task.run_after.clone();
    for key in keys(task) {
        if let Some(result) = reference::task_result(&key) {
            parents.push(result.producer.to_owned());
        }
    }
    parents
}

fn graph(f: &mut Findings<'_>, tasks: &[PipelineTask], at: &At) {
    let edges: Vec<(&str, Vec<String>)> = tasks.iter().map(|t| (t.name.as_str(), parents(t))).collect();
    let Err(error) = Graph::build(edges.iter().map(|(task, parents)| (*task, parents))) else { return };
    let after = |task: &str| {
        let named = tasks.iter().find(|t| t.name == task).is_some_and(|t| !t.run_after.is_empty());
        if named { format!("tasks[{task}].runAfter") } else { format!("tasks[{task}].name") }
    };
    let (place, help) = match &error {
        GraphError::Duplicate { task } => (format!("tasks[{task}].name"), "rename one of them".to_owned()),
        GraphError::Unknown { task, parent } => {
            let help = did_you_mean(parent, tasks.iter().map(|t| t.name.as_str()))
                .unwrap_or_else(|| format!("there is no task `{parent}`"));
            (after(task), help)
        }
        GraphError::Cycle { task, .. } => (after(task), format!("in a circle: {}", circle(&edges))),
    };
    f.error_with_help(format!("invalid value: {error}"), &[at.split("tasks", &place)], &help);
}

/// `a waits for b, b waits for a`
fn circle(edges: &[(&str, Vec<String>)]) -> String {
    if edges.len() > WALKED {
        return "among too many tasks to show".into();
    }
    let mut left: BTreeMap<&str, &Vec<String>> =
        edges.iter().map(|(task, parents)| (*task, parents)).collect();
    while let Some(free) =
        left.iter().find(|(_, p)| !p.iter().any(|p| left.contains_key(p.as_str()))).map(|(t, _)| *t)
    {
        left.remove(free);
    }
    let next =
        |task: &str| left.get(task)?.iter().find(|p| left.contains_key(p.as_str())).map(String::as_str);
    let mut walked: Vec<&str> = left.keys().next().copied().into_iter().collect();
    while let Some(task) = walked.last().and_then(|last| next(last)) {
        if let Some(start) = walked.iter().position(|t| *t == task) {
            walked.push(task);
            walked.drain(..start);
            break;
        }
        walked.push(task);
    }
    walked.windows(2).map(|pair| format!("{} waits for {}", pair[0], pair[1])).collect::<Vec<_>>().join(", ")
}

fn workspaces(f: &mut Findings<'_>, pipeline: &PipelineSpec, at: &At) {
    let mut names = BTreeSet::new();
    for (i, workspace) in pipeline.workspaces.iter().enumerate() {
        let at = at.index("workspaces", i);
        if workspace.name.is_empty() {
            f.invalid(format!("workspace {i} has empty name"), at.clone());
        }
        if !names.insert(&workspace.name) {
            f.invalid(format!("workspace with name {:?} appears more than once", workspace.name), at);
        }
    }
}

fn finally(f: &mut Findings<'_>, pipeline: &PipelineSpec, at: &At) {
    let count = pipeline.finally.len();
    if count > 0 && pipeline.tasks.is_empty() {
        f.invalid(format!("spec.tasks is empty but spec.finally has {count} tasks"), at.field("finally"));
    }
    for (i, task) in pipeline.finally.iter().enumerate().filter(|(_, t)| !t.run_after.is_empty()) {
        let message = format!(
            "no runAfter allowed under spec.finally, final task {} has runAfter specified",
            task.name
        );
        let told = format!("finally[{i}]");
        f.error_with_help(
            format!("invalid value: {message}"),
            &[at.split(&told, &format!("{told}.runAfter"))],
            "finally tasks start together when all other tasks are done; drop runAfter",
        );
    }
}
