//! Pipeline runs (§3.2 #31, #32, #35, #40, #41, #44).

use super::finding::{At, Findings};
use super::{inline, pipeline, reference, task_run, workspace};
use crate::substitute::reference::task_result;
use crate::substitute::scan::references;
use crate::types::{Duration, PipelineRunSpec, TimeoutFields};

/// A pipeline run.
pub(super) fn spec(f: &mut Findings<'_>, run: &PipelineRunSpec, at: &At) {
    let both = [at.field("pipelineRef"), at.field("pipelineSpec")];
    match (&run.pipeline_ref, &run.pipeline_spec) {
        (None, None) => f.neither(&both),
        (Some(_), Some(_)) => f.both(&both),
        _ => {}
    }
    if let Some(target) = &run.pipeline_ref {
        let at = at.field("pipelineRef");
        reference::by_name_or_resolver(f, &target.name, &target.resolver, &target.params, &at);
    }
    if let Some(inline) = &run.pipeline_spec {
        if f.features.no_inline_spec.contains("pipelinerun") {
            f.forbidden(at.field("pipelineSpec"));
        }
        pipeline::spec(f, inline, &at.field("pipelineSpec"));
    }
    params(f, run, at);
    inline::pipeline_run(f, run, at);
    if let Some(limits) = &run.timeouts {
        timeouts(f, limits, at);
    }
    task_run_specs(f, run, at);
    if !matches!(
        run.status.as_str(),
        "" | "Cancelled" | "CancelledRunFinally" | "StoppedRunFinally" | "PipelineRunPending"
    ) {
        let message = format!(
            "{} should be Cancelled, CancelledRunFinally, StoppedRunFinally or PipelineRunPending",
            run.status
        );
        f.invalid(message, at.field("status"));
    }
    for (i, binding) in run.workspaces.iter().enumerate() {
        let at = at.index("workspaces", i);
        workspace::binding(f, binding, &at);
        if let Some(first) = run.workspaces[..i].iter().rposition(|w| w.name == binding.name) {
            let message = format!(
                "workspace {:?} provided by pipelinerun more than once, at index {first} and {i}",
                binding.name
            );
            f.error(message, &[at.field("name")]);
        }
    }
}

/// Given once, and without results: nothing has run yet.
fn params(f: &mut Findings<'_>, run: &PipelineRunSpec, at: &At) {
    reference::passed_once(f, &run.params, at, "params");
    for param in &run.params {
        let texts = param.value.texts();
        let results: Vec<&str> = texts
            .into_iter()
            .flat_map(references)
            .map(|r| r.key)
            .filter(|k| task_result(k).is_some())
            .collect();
        if !results.is_empty() {
            let message = format!(
                "cannot use result expressions in [{}] as PipelineRun parameter values",
                results.join(" ")
            );
            f.invalid(message, at.key("params", &param.name).field("value"));
        }
    }
}

/// The parts fit into the whole, whose default is an hour; nothing is negative.
fn timeouts(f: &mut Findings<'_>, limits: &TimeoutFields, at: &At) {
    let at = at.field("timeouts");
    let hour = Duration::from_secs(3600);
    let whole = limits.pipeline.as_ref().unwrap_or(&hour);
    let parts = [("tasks", &limits.tasks), ("finally", &limits.finally)];
    for (field, part) in parts.into_iter().chain([("pipeline", &limits.pipeline)]) {
        if let Some(part) = part.as_ref().filter(|p| p.nanos() < 0) {
            f.invalid(format!("{part} should be >= 0"), at.field(field));
        }
    }
    for (field, part) in parts {
        let Some(part) = part else { continue };
        if whole.is_zero() {
            continue;
        }
        if part.is_zero() {
            f.invalid(format!("{part} (no timeout) should be <= pipeline duration"), at.field(field));
        } else if part.nanos() > whole.nanos() {
            f.invalid(format!("{part} should be <= pipeline duration"), at.field(field));
        }
    }
    if let (Some(tasks), Some(finally)) = (&limits.tasks, &limits.finally)
        // Without a limit of the whole (0) Tekton still compares, so it refuses any two parts.
        && tasks.nanos().saturating_add(finally.nanos()) > whole.nanos()
    {
        f.error(
            format!("invalid value: {tasks} + {finally} should be <= pipeline duration"),
            &[at.field("tasks"), at.field("finally")],
        );
    }
}

fn task_run_specs(f: &mut Findings<'_>, run: &PipelineRunSpec, at: &At) {
    let limits = run.timeouts.as_ref();
    let limit = limits
        .and_then(|l| l.tasks.as_ref().map(|t| ("pipeline tasks duration", t)))
        .or_else(|| limits.and_then(|l| l.pipeline.as_ref().map(|p| ("pipeline duration", p))));
    for (i, own) in run.task_run_specs.iter().enumerate() {
        let at =
            at.split(&format!("taskRunSpecs[{}]", own.pipeline_task_name), &format!("taskRunSpecs[{i}]"));
        task_run::resources(f, &own.step_specs, &own.sidecar_specs, own.compute_resources.as_ref(), &at);
        let Some(timeout) = &own.timeout else { continue };
        if timeout.nanos() < 0 {
            f.invalid(format!("{timeout} should be >= 0"), at.field("timeout"));
        }
        if let Some((what, limit)) = limit.filter(|(_, l)| !l.is_zero() && timeout.nanos() > l.nanos()) {
            f.invalid(format!("{timeout} should be <= {what} {limit}"), at.field("timeout"));
        }
    }
    let Some(pipeline) = &run.pipeline_spec else { return };
    for (i, own) in run.task_run_specs.iter().enumerate() {
        if pipeline.task(&own.pipeline_task_name).is_none() {
            f.warning(
                format!(
                    "pipelineRun's taskrunSpecs defined wrong taskName: {:?}, does not exist in Pipeline",
                    own.pipeline_task_name
                ),
                &at.index("taskRunSpecs", i).field("pipelineTaskName"),
                "name one of the pipeline's tasks",
            );
        }
    }
}
