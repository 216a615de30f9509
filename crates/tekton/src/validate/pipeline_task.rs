//! Each task of a pipeline (§3.2 #3-#6, #34, #43, #44).

use super::features::Level;
use super::finding::{At, Findings};
use super::{guard, matrix, name, pipeline, reference, task};
use crate::types::PipelineTask;

/// One task of `tasks` or `finally`, for itself.
pub(super) fn one(f: &mut Findings<'_>, task: &PipelineTask, at: &At) {
    if !name::is_label(&task.name) {
        f.error_with_details(
            format!("invalid value {:?}", task.name),
            &[at.field("name")],
            "Pipeline Task name must be a valid DNS Label.For more info refer to https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names",
        );
    }
    what_it_runs(f, task, at);
    on_error(f, task, at);
    if is_custom(task) {
        custom(f, task, at);
    } else {
        if let Some(inline) = &task.task_spec {
            task::spec(f, &inline.task, &at.field("taskSpec"));
        }
        if let Some(target) = &task.task_ref {
            let at = at.field("taskRef");
            reference::by_name_or_resolver(f, &target.name, &target.resolver, &target.params, &at);
        }
    }
    if let Some(target) = &task.pipeline_ref {
        let at = at.field("pipelineRef");
        reference::by_name_or_resolver(f, &target.name, &target.resolver, &target.params, &at);
    }
    if let Some(inline) = &task.pipeline_spec {
        pipeline::spec(f, inline, &at.field("pipelineSpec"));
    }
    guard::all(f, &task.when, at);
    matrix::one(f, task, at);
    matrix::types(f, task, at);
}

/// Exactly one of the four.
fn what_it_runs(f: &mut Findings<'_>, task: &PipelineTask, at: &At) {
    let all = [
        ("taskRef", task.task_ref.is_some()),
        ("taskSpec", task.task_spec.is_some()),
        ("pipelineRef", task.pipeline_ref.is_some()),
        ("pipelineSpec", task.pipeline_spec.is_some()),
    ];
    for (field, _) in all[2..].iter().filter(|(_, set)| *set) {
        f.gate(field, Level::Alpha, at.field(field));
    }
    let set: Vec<At> = all.iter().filter(|(_, set)| *set).map(|(field, _)| at.field(field)).collect();
    if set.len() > 1 {
        f.error("expected exactly one, got multiple", &set);
    }
    if set.is_empty() {
        let known = if f.features.level == Level::Alpha { &all[..] } else { &all[..2] };
        let fields: Vec<At> = known.iter().map(|(field, _)| at.field(field)).collect();
        f.neither(&fields);
    }
    for (field, inline) in
        [("taskSpec", task.task_spec.is_some()), ("pipelineSpec", task.pipeline_spec.is_some())]
    {
        if inline && f.features.no_inline_spec.contains("pipeline") {
            f.forbidden(at.field(field));
        }
    }
    if let Some(inline) = task.task_spec.as_ref().filter(|t| !t.task.steps.is_empty()) {
        for (field, value) in [("apiVersion", &inline.api_version), ("kind", &inline.kind)] {
            if !value.is_empty() {
                let message = format!("taskSpec.{field} cannot be specified when using taskSpec.steps");
                f.error(message, &[at.field("taskSpec").field(field)]);
            }
        }
    }
}

fn on_error(f: &mut Findings<'_>, task: &PipelineTask, at: &At) {
    if task.on_error.is_empty() || task.on_error.starts_with("$(params") {
        return;
    }
    f.gate("OnError", Level::Beta, at.field("onError"));
    if !matches!(task.on_error.as_str(), "continue" | "stopAndFail") {
        f.error_with_details(
            format!("invalid value: {}", task.on_error),
            &[at.field("OnError")],
            r#"PipelineTask OnError must be either "continue" or "stopAndFail""#,
        );
    }
    if task.on_error == "continue" && task.retries > 0 {
        f.error_with_help(
            r#"PipelineTask OnError cannot be set to "continue" when Retries is greater than 0"#,
            &[at.field("onError").untold()],
            "drop `retries` or `onError`",
        );
    }
}

/// Any kind but `Task`, or an apiVersion that is not Tekton's.
fn is_custom(task: &PipelineTask) -> bool {
    let custom = |api_version: &str, kind: &str| {
        !matches!(kind, "" | "Task") || (!api_version.is_empty() && !api_version.starts_with("tekton.dev/"))
    };
    task.task_ref.as_ref().is_some_and(|r| custom(&r.api_version, &r.kind))
        || task.task_spec.as_ref().is_some_and(|s| custom(&s.api_version, &s.kind))
}

fn custom(f: &mut Findings<'_>, task: &PipelineTask, at: &At) {
    let reference = task.task_ref.as_ref().map(|r| ("ref", "taskRef", &r.api_version, &r.kind));
    let inline = task.task_spec.as_ref().map(|s| ("spec", "taskSpec", &s.api_version, &s.kind));
    for (what, field, api_version, kind) in reference.into_iter().chain(inline) {
        let at = at.field(field);
        if kind.is_empty() {
            f.invalid(format!("custom task {what} must specify kind"), at.field("kind"));
        }
        if api_version.is_empty() && kind == "ClusterTask" {
            f.warning(
                format!("invalid value: custom task {what} must specify apiVersion"),
                &at.field("apiVersion"),
                "ClusterTask is gone: a cluster refuses this; here it is read as Task. Write kind: Task, or use the cluster resolver",
            );
        } else if api_version.is_empty() {
            f.invalid(format!("custom task {what} must specify apiVersion"), at.field("apiVersion"));
        }
    }
}
