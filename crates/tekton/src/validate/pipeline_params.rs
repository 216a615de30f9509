//! How pipeline tasks use parameters and workspaces (§3.2 #7-#9, #12, #21).

use std::collections::BTreeSet;

use super::finding::{At, Findings};
use super::param::Declared;
use super::{usage, variable};
use crate::substitute::scan;
use crate::types::{Param, ParamSpec, ParamValue, PipelineSpec, PipelineTask};

/// What only holds for pipelines under their own name: everything used is declared.
pub(super) fn alone(f: &mut Findings<'_>, pipeline: &PipelineSpec, at: &At) {
    let declared: BTreeSet<&str> = pipeline.workspaces.iter().map(|w| w.name.as_str()).collect();
    for (list, tasks) in [("tasks", &pipeline.tasks), ("finally", &pipeline.finally)] {
        for (i, task) in tasks.iter().enumerate() {
            let at = at.index(list, i);
            if let Some(inline) = task.inline() {
                let params: Vec<ParamSpec> = inline.params.iter().chain(&pipeline.params).cloned().collect();
                let inside = at.split("", "taskSpec");
                usage::declared(f, &inline.steps, &params, &inside, &inside);
            }
            uses(f, task, &pipeline.params, &at);
            workspaces(f, task, &declared, &at);
        }
    }
}

/// References in params, matrix and guards of a task; `at` is the task.
pub(super) fn uses(f: &mut Findings<'_>, task: &PipelineTask, params: &[ParamSpec], at: &At) {
    let declared = Declared::of(params);
    for param in &task.params {
        let at = at.key("params", &param.name);
        match &param.value {
            ParamValue::String(text) => whole_or_text(f, text, &declared, &at.split("", "value")),
            ParamValue::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    element(f, item, &declared, &at.index("value", i));
                }
            }
            ParamValue::Object(fields) => {
                for (key, value) in fields {
                    let told = format!("properties[{key}]");
                    text(f, value, &declared, &at.split(&told, &format!("value[{key}]")));
                }
            }
        }
    }
    for param in task.matrix.iter().flat_map(|m| &m.params) {
        for (i, item) in param.value.as_array().unwrap_or_default().iter().enumerate() {
            element(f, item, &declared, &at.key("matrix.params", &param.name).index("value", i));
        }
    }
    for (i, include) in task.matrix.iter().flat_map(|m| &m.include).enumerate() {
        for (j, param) in include.params.iter().enumerate() {
            let told = format!("matrix.include.params[{j}]");
            let at = at.split(&told, &format!("matrix.include[{i}].params[{j}].value"));
            text(f, param.value.as_str().unwrap_or_default(), &declared, &at);
        }
    }
    for (i, guard) in task.when.iter().enumerate() {
        let at = at.index("when", i);
        text(f, &guard.input, &declared, &at.field("input"));
        for value in &guard.values {
            let array = value.strip_prefix("$(params.").and_then(|v| v.strip_suffix("[*])"));
            if array.is_some_and(|name| declared.arrays.contains(name)) {
                element(f, value, &declared, &at.field("values"));
            } else {
                text(f, value, &declared, &at.field("values"));
            }
        }
    }
}

/// A whole array or object may stand alone; else only texts.
fn whole_or_text(f: &mut Findings<'_>, value: &str, declared: &Declared, at: &At) {
    let star = scan::whole(value).is_some_and(|key| key.starts_with("params.") && key.ends_with("[*]"));
    if star {
        variable::known(f, value, "params", &declared.all, at);
    } else {
        text(f, value, declared, at);
    }
}

fn text(f: &mut Findings<'_>, value: &str, declared: &Declared, at: &At) {
    names(f, value, declared, at);
    variable::prohibited(f, value, "params", &declared.arrays, at);
}

fn element(f: &mut Findings<'_>, value: &str, declared: &Declared, at: &At) {
    names(f, value, declared, at);
    variable::isolated(f, value, "params", &declared.arrays, at);
}

fn names(f: &mut Findings<'_>, value: &str, declared: &Declared, at: &At) {
    variable::known(f, value, "params", &declared.all, at);
    for (object, keys) in &declared.objects {
        variable::known(f, value, &format!("params.{object}"), keys, at);
    }
    variable::whole_prohibited(f, value, "params", &declared.object_names(), at);
}

/// Parameters that are passed to a task, each once.
pub(super) fn passed_once(f: &mut Findings<'_>, params: &[Param], at: &At) {
    let mut names = BTreeSet::new();
    for (i, param) in params.iter().enumerate() {
        if !names.insert(&param.name) {
            let message =
                format!("parameter names must be unique, the parameter {:?} is also defined at", param.name);
            f.error(message, &[at.index("params", i).field("name")]);
        }
    }
}

fn workspaces(f: &mut Findings<'_>, task: &PipelineTask, declared: &BTreeSet<&str>, at: &At) {
    for (i, workspace) in task.workspaces.iter().enumerate() {
        let at = at.index("workspaces", i);
        if task.workspaces[..i].iter().any(|w| w.name == workspace.name) {
            f.error(format!("workspace name {:?} must be unique", workspace.name), std::slice::from_ref(&at));
        }
        let wanted = workspace.pipeline_workspace();
        if !declared.contains(wanted) {
            let message = format!(
                "pipeline task {:?} expects workspace with name {wanted:?} but none exists in pipeline spec",
                task.name
            );
            f.error_with_help(
                format!("invalid value: {message}"),
                &[at],
                "declare it in the `workspaces` of the pipeline",
            );
        }
    }
}
