//! Limits, privileges, versions, guards of steps.

use std::collections::HashSet;

use super::code::{NO_TIME_LIMIT, OLD_VERSION, PRIVILEGED, UNREACHABLE_STEP};
use super::found::Found;
use super::order::{Enums, never};
use super::place::At;
use super::scope::{PipelineScope, TaskScope};
use crate::load::{Document, Object};
use crate::types::{API_V1BETA1, Duration, SecurityContext};

pub(super) fn task(found: &mut Found<'_>, task: &TaskScope<'_>) {
    let privileged =
        |context: &Option<SecurityContext>| context.as_ref().is_some_and(|c| c.privileged == Some(true));
    let mut tell = |at: At<'_>| {
        let help = "add the capabilities that it needs instead: securityContext.capabilities.add";
        let at = at.field("securityContext").field("privileged");
        found.at(&PRIVILEGED, &at, "a privileged container owns the machine it runs on".to_owned(), help);
    };
    if task.spec.step_template.as_ref().is_some_and(|t| privileged(&t.security_context)) {
        tell(task.at.field("stepTemplate"));
    }
    for (i, _) in task.spec.steps.iter().enumerate().filter(|(_, s)| privileged(&s.security_context)) {
        tell(task.at.index("steps", i));
    }
    for (i, _) in task.spec.sidecars.iter().enumerate().filter(|(_, s)| privileged(&s.security_context)) {
        tell(task.at.index("sidecars", i));
    }
    let enums = Enums::of(&task.spec.params);
    for (i, step) in task.spec.steps.iter().enumerate() {
        let guard = step.when.iter().enumerate().find_map(|(g, guard)| Some((g, never(guard, &enums)?)));
        if let Some((g, reason)) = guard {
            let message = format!("the step never runs, because its guard never holds: {reason}");
            let at = task.at.index("steps", i).index("when", g);
            found.at(&UNREACHABLE_STEP, &at, message, "correct the guard, or remove the step");
        }
    }
}

pub(super) fn pipeline(found: &mut Found<'_>, pipeline: &PipelineScope<'_>) {
    for (at, task) in pipeline.tasks() {
        limit(found, task.timeout.as_ref(), &at.field("timeout"));
    }
}

fn limit(found: &mut Found<'_>, timeout: Option<&Duration>, at: &At<'_>) {
    if timeout.is_some_and(Duration::is_zero) {
        let message = "zero means no limit: what hangs, hangs for ever".to_owned();
        found.at(&NO_TIME_LIMIT, at, message, "give a time that is long enough, like 2h");
    }
}

/// `old` are the files whose version was told; that is done once for each.
pub(super) fn object<'a>(found: &mut Found<'_>, document: &'a Document, old: &mut HashSet<&'a str>) {
    let at = At::spec(document);
    match &document.object {
        Object::TaskRun(run) => limit(found, run.spec.timeout.as_ref(), &at.field("timeout")),
        Object::PipelineRun(run) => {
            let timeouts = run.spec.timeouts.as_ref();
            let at = at.field("timeouts");
            limit(found, timeouts.and_then(|t| t.pipeline.as_ref()), &at.field("pipeline"));
            limit(found, timeouts.and_then(|t| t.tasks.as_ref()), &at.field("tasks"));
            limit(found, timeouts.and_then(|t| t.finally.as_ref()), &at.field("finally"));
        }
        _ => {}
    }
    if is_old(document) && old.insert(document.source.name()) {
        let message = format!("{API_V1BETA1} is deprecated");
        let help =
            "write apiVersion: tekton.dev/v1, and what it renames (resources of steps: computeResources)";
        found.span(&OLD_VERSION, document.node.span_of("apiVersion"), message, help);
    }
}

fn is_old(document: &Document) -> bool {
    let version = document.node.entry_ignoring_case("apiVersion").and_then(|e| e.value.as_str());
    version == Some(API_V1BETA1) && !matches!(document.object, Object::StepAction(_))
}
