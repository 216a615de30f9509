//! Task runs (§3.2 "Run objects", #40, #41, #44).

use super::features::Level;
use super::finding::{At, Findings};
use super::{inline, reference, task, workspace};
use crate::types::run::ContainerResources;
use crate::types::{ResourceRequirements, TaskRunSpec};

/// A task run.
pub(super) fn spec(f: &mut Findings<'_>, run: &TaskRunSpec, at: &At) {
    let both = [at.field("taskRef"), at.field("taskSpec")];
    match (&run.task_ref, &run.task_spec) {
        (None, None) => f.neither(&both),
        (Some(_), Some(_)) => f.both(&both),
        _ => {}
    }
    if let Some(target) = &run.task_ref {
        let at = at.field("taskRef");
        reference::by_name_or_resolver(f, &target.name, &target.resolver, &target.params, &at);
    }
    if let Some(inline) = &run.task_spec {
        if f.features.no_inline_spec.contains("taskrun") {
            f.forbidden(at.field("taskSpec"));
        }
        task::spec(f, inline, &at.field("taskSpec"));
    }
    reference::passed_once(f, &run.params, at, "params");
    inline::task_run(f, run, at);
    for (i, binding) in run.workspaces.iter().enumerate() {
        let at = at.index("workspaces", i);
        workspace::binding(f, binding, &at);
        if run.workspaces[..i].iter().any(|w| w.name.eq_ignore_ascii_case(&binding.name)) {
            f.both(&[at.field("name")]);
        }
    }
    debug(f, run, at);
    resources(f, &run.step_specs, &run.sidecar_specs, run.compute_resources.as_ref(), at);
    state(f, run, at);
}

fn debug(f: &mut Findings<'_>, run: &TaskRunSpec, at: &At) {
    let Some(debug) = &run.debug else { return };
    let at = at.field("debug");
    f.gate("debug", Level::Alpha, at.clone());
    let on_failure = debug.breakpoints.as_ref().map_or("", |b| &b.on_failure);
    if !matches!(on_failure, "" | "enabled") {
        let message = format!(
            "{on_failure} is not a valid onFailure breakpoint value, onFailure breakpoint is only allowed to be set as enabled"
        );
        f.invalid(message, at.field("breakpoints.onFailure"));
    }
}

/// `stepSpecs`, `sidecarSpecs` and `computeResources` of runs.
pub(super) fn resources(
    f: &mut Findings<'_>,
    steps: &[ContainerResources],
    sidecars: &[ContainerResources],
    task: Option<&ResourceRequirements>,
    at: &At,
) {
    for (field, containers) in [("stepSpecs", steps), ("sidecarSpecs", sidecars)] {
        if !containers.is_empty() {
            f.gate(field, Level::Beta, at.field(field));
        }
        for (i, container) in containers.iter().enumerate() {
            let at = at.index(field, i).field("name");
            if container.name.is_empty() {
                f.missing(at);
            } else if containers[..i].iter().any(|c| c.name.eq_ignore_ascii_case(&container.name)) {
                f.both(&[at]);
            }
        }
    }
    if task.is_some() {
        f.gate("computeResources", Level::Beta, at.field("computeResources"));
        if steps.iter().any(|s| s.compute_resources != ResourceRequirements::default()) {
            f.both(&[at.split("stepSpecs.resources", "stepSpecs"), at.field("computeResources")]);
        }
    }
}

fn state(f: &mut Findings<'_>, run: &TaskRunSpec, at: &At) {
    if !matches!(run.status.as_str(), "" | "TaskRunCancelled" | "TaskRunPending") {
        let message = format!("{} should be TaskRunCancelled or TaskRunPending", run.status);
        f.invalid(message, at.field("status"));
    }
    if run.status.is_empty() && !run.status_message.is_empty() {
        let message = format!(
            "statusMessage should not be set if status is not set, but it is currently set to {}",
            run.status_message
        );
        f.invalid(message, at.field("statusMessage"));
    }
    if run.retries < 0 {
        f.invalid(format!("{} should be >= 0", run.retries), at.field("retries"));
    }
    if let Some(timeout) = run.timeout.as_ref().filter(|t| t.nanos() < 0) {
        f.invalid(format!("{timeout} should be >= 0"), at.field("timeout"));
    }
}
