//! Params that are declared or given and never used.

use std::collections::BTreeSet;

use super::code::UNUSED_PARAM;
use super::found::{Found, KEPT};
use super::place::{At, keys, param_name};
use super::scope::{PipelineScope, TaskScope};
use crate::load::{Document, Object};
use crate::types::{Param, ParamSpec};

/// The params that texts below `at` use.
fn used<'a>(at: &At<'a>) -> BTreeSet<&'a str> {
    keys(at.node()).into_iter().filter_map(param_name).collect()
}

pub(super) fn task(found: &mut Found<'_>, task: &TaskScope<'_>) {
    if !task.spec.params.is_empty() {
        declared(found, &task.spec.params, &task.at, &used(&task.used_in));
    }
}

pub(super) fn pipeline(found: &mut Found<'_>, pipeline: &PipelineScope<'_>) {
    if !pipeline.spec.params.is_empty() {
        declared(found, &pipeline.spec.params, &pipeline.at, &used(&pipeline.used_in));
    }
    for (at, task) in pipeline.tasks() {
        let matrix = task.matrix.as_ref().map_or(&[][..], |m| &m.params);
        if task.params.is_empty() && matrix.is_empty() {
            continue;
        }
        // What an inline task is passed is for its texts; it need not declare it.
        let declared = match (task.inline(), &task.pipeline_spec) {
            (Some(inline), _) => &inline.params,
            (None, Some(inline)) => &inline.params,
            _ => continue,
        };
        let used = used(&at);
        given(found, &task.params, declared, &at, &used, "the inline task");
        given(found, matrix, declared, &at.field("matrix"), &used, "the inline task");
    }
}

pub(super) fn object(found: &mut Found<'_>, document: &Document) {
    let at = At::spec(document);
    match &document.object {
        Object::TaskRun(run) => {
            if let Some(inline) = &run.spec.task_spec {
                given(found, &run.spec.params, &inline.params, &at, &used(&at), "the run");
            }
        }
        Object::PipelineRun(run) => {
            if let Some(inline) = &run.spec.pipeline_spec {
                given(found, &run.spec.params, &inline.params, &at, &used(&at), "the run");
            }
        }
        Object::StepAction(action) => declared(found, &action.spec.params, &at, &used(&at)),
        _ => {}
    }
}

fn declared(found: &mut Found<'_>, params: &[ParamSpec], at: &At<'_>, used: &BTreeSet<&str>) {
    for (i, param) in params.iter().enumerate().filter(|(_, p)| !used.contains(p.name.as_str())) {
        let message = format!("param `{}` is never used", param.name);
        found.at(&UNUSED_PARAM, &at.index("params", i).field("name"), message, "use it or remove it");
    }
}

/// Params that are given to something inline. Those that it declares are looked at there.
fn given(
    found: &mut Found<'_>,
    params: &[Param],
    declared: &[ParamSpec],
    at: &At<'_>,
    used: &BTreeSet<&str>,
    whom: &str,
) {
    let declared: BTreeSet<&str> = declared.iter().map(|p| p.name.as_str()).collect();
    let stray = |name: &str| !used.contains(name) && !declared.contains(name);
    for (i, param) in params.iter().enumerate().filter(|(_, p)| stray(&p.name)).take(KEPT) {
        let name = param.name.as_str();
        let message = format!("param `{name}` is given, but nothing in {whom} uses it");
        let help = base::diagnostic::did_you_mean(name, used.iter().copied())
            .unwrap_or_else(|| "use it or remove it".to_owned());
        found.at(&UNUSED_PARAM, &at.index("params", i).field("name"), message, help);
    }
}
