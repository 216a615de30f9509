//! Steps and sidecars (§3.2 #15-#17, #20, #33, #34, #37, #42).

use std::collections::BTreeSet;

use super::features::Level;
use super::finding::{At, Findings};
use super::{guard, name, reference};
use crate::substitute::{reference as key, scan};
use crate::types::{Sidecar, Step, StepTemplate};

/// The reserved name of Tekton's own sidecar.
const RESULTS_SIDECAR: &str = "tekton-log-results";

/// All steps of a task; what they leave out, the template gives.
pub(super) fn steps(f: &mut Findings<'_>, steps: &[Step], template: Option<&StepTemplate>, at: &At) {
    let mut names = BTreeSet::new();
    for (i, step) in steps.iter().enumerate() {
        let own = at.index("steps", i);
        one(f, step, template, &own);
        if !step.name.is_empty() && !names.insert(&step.name) {
            f.both(&[own.field("name")]);
        }
        guard::all(f, &step.when, &own);
        for (j, result) in step.results.iter().enumerate() {
            let told = format!("steps.results[{i}][{j}].name");
            name::result(f, &result.name, at.split(&told, &format!("steps[{i}].results[{j}].name")));
        }
    }
}

fn one(f: &mut Findings<'_>, step: &Step, template: Option<&StepTemplate>, at: &At) {
    if !f.features.artifacts && step_texts(step).any(refers_to_artifacts) {
        f.error_with_help(
            "feature flag enable-artifacts should be set to true to use artifacts feature.",
            &[at.untold()],
            "it is a key of the ConfigMap feature-flags in the namespace tekton-pipelines",
        );
        return;
    }
    if let Some(target) = &step.r#ref {
        reference::by_name_or_resolver(
            f,
            &target.name,
            &target.resolver,
            &target.params,
            &at.split("", "ref"),
        );
        with_reference(f, step, at);
    } else {
        without_reference(f, step, template, at);
    }
    if !step.name.is_empty() && !name::is_label(&step.name) {
        f.error_with_details(
            format!("invalid value {:?}", step.name),
            &[at.field("name")],
            "Task step name must be a valid DNS Label, For more info refer to https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names",
        );
    }
    if let Some(timeout) = step.timeout.as_ref().filter(|t| t.nanos() < 0) {
        f.invalid(timeout, at.split("negative timeout", "timeout"));
        return;
    }
    mounts(f, step, at);
    let literal = ["", "continue", "stopAndFail"].contains(&step.on_error.as_str());
    if !literal && !step.on_error.starts_with("$(params") {
        f.error_with_details(
            format!("invalid value: {:?}", step.on_error),
            &[at.field("onError")],
            r#"Task step onError must be either "continue" or "stopAndFail""#,
        );
    }
    if step.script.trim_start().starts_with("#!win") {
        f.gate("windows script support", Level::Alpha, at.field("script"));
    }
    if step.stdout_config.is_some() {
        f.gate("step stdout stream support", Level::Alpha, at.field("stdoutconfig"));
    }
    if step.stderr_config.is_some() {
        f.gate("step stderr stream support", Level::Alpha, at.field("stderrconfig"));
    }
    misplaced(f, step, at);
}

fn with_reference(f: &mut Findings<'_>, step: &Step, at: &At) {
    let own = [
        (!step.image.is_empty(), "image", "image"),
        (!step.command.is_empty(), "command", "command"),
        (!step.args().is_empty(), "args", "args"),
        (!step.script.is_empty(), "script", "script"),
        (!step.working_dir.is_empty(), "working dir", "workingDir"),
        (!step.env.is_empty(), "env", "env"),
        (!step.volume_mounts.is_empty(), "volumeMounts", "volumeMounts"),
        (!step.results.is_empty(), "results", "results"),
    ];
    for (_, what, field) in own.into_iter().filter(|(set, ..)| *set) {
        f.error_with_help(
            format!("{what} cannot be used with Ref"),
            &[at.field(field)],
            "the step action says it",
        );
    }
}

fn without_reference(f: &mut Findings<'_>, step: &Step, template: Option<&StepTemplate>, at: &At) {
    if !step.params.is_empty() {
        f.error("params cannot be used without Ref", &[at.field("params")]);
    }
    if step.image.is_empty() && template.is_none_or(|t| t.image.is_empty()) {
        f.missing(at.field("Image"));
    }
    if !step.script.is_empty() && !step.command.is_empty() {
        f.error_with_help(
            "script cannot be used with command",
            &[at.field("script")],
            "the first line of a script (#!…) names its interpreter; drop `command`",
        );
    }
}

fn mounts(f: &mut Findings<'_>, step: &Step, at: &At) {
    for (i, mount) in step.volume_mounts.iter().enumerate() {
        let at = at.index("volumeMounts", i);
        if mount.mount_path.starts_with("/tekton/") && !mount.mount_path.starts_with("/tekton/home") {
            let message = format!(
                "volumeMount cannot be mounted under /tekton/ (volumeMount {:?} mounted at {:?})",
                mount.name, mount.mount_path
            );
            f.error(message, &[at.field("mountPath")]);
        }
        if mount.name.starts_with("tekton-internal-") {
            let message =
                format!(r#"volumeMount name {:?} cannot start with "tekton-internal-""#, mount.name);
            f.error(message, &[at.field("name")]);
        }
    }
}

/// References that only some fields may have: step results in env, command and args; artifacts in scripts, too.
fn misplaced(f: &mut Findings<'_>, step: &Step, at: &At) {
    let mut fields: Vec<(&str, String)> = vec![
        (&step.name, "name".into()),
        (&step.image, "image".into()),
        (&step.image_pull_policy, "imagePullPolicy".into()),
        (&step.working_dir, "workingDir".into()),
    ];
    for source in &step.env_from {
        fields.push((&source.prefix, "envFrom.prefix".into()));
        fields.extend(source.config_map_ref.iter().map(|r| (r.name.as_str(), "envFrom.configMapRef".into())));
        fields.extend(source.secret_ref.iter().map(|r| (r.name.as_str(), "envFrom.secretRef".into())));
    }
    for mount in &step.volume_mounts {
        fields.push((&mount.name, "volumeMounts.name".into()));
        fields.push((&mount.mount_path, "volumeMounts.mountPath".into()));
        fields.push((&mount.sub_path, "volumeMounts.subPath".into()));
    }
    let script = std::iter::once((step.script.as_str(), "script".to_owned()));
    for (text, field) in fields.iter().cloned().chain(script) {
        if scan::references(text).any(|r| key::step_result(r.key).is_some()) {
            f.error_with_help(
                "stepResult substitutions are only allowed in env, command and args. Found usage in",
                &[at.field(&field)],
                "give the result to an environment variable and use that",
            );
        }
    }
    for (text, field) in fields {
        if scan::references(text).any(|r| is_step_artifact(r.key)) {
            let message = "stepArtifact substitutions are only allowed in env, command, args and script. Found usage in";
            f.error(message, &[at.field(&field)]);
        }
    }
}

fn step_texts(step: &Step) -> impl Iterator<Item = &str> {
    std::iter::once(step.script.as_str())
        .chain(step.command.iter().map(String::as_str))
        .chain(step.args().iter().map(String::as_str))
        .chain(step.env.iter().map(|e| e.value.as_str()))
}

fn refers_to_artifacts(text: &str) -> bool {
    scan::references(text)
        .any(|r| is_step_artifact(r.key) || r.key == "artifacts.path" || key::task_artifact(r.key).is_some())
}

fn is_step_artifact(key: &str) -> bool {
    let of_step = || {
        let (_, rest) = key.strip_prefix("steps.")?.split_once('.')?;
        Some(matches!(rest.split('.').next(), Some("inputs" | "outputs")))
    };
    key == "step.artifacts.path" || of_step().unwrap_or(false)
}

/// All sidecars of a task.
pub(super) fn sidecars(f: &mut Findings<'_>, sidecars: &[Sidecar], at: &At) {
    for (i, sidecar) in sidecars.iter().enumerate() {
        let at = at.index("sidecars", i);
        if sidecar.name == RESULTS_SIDECAR {
            f.error(
                format!("Invalid: cannot use reserved sidecar name {RESULTS_SIDECAR} "),
                &[at.field("name")],
            );
        }
        if sidecar.image.is_empty() {
            f.missing(at.field("image"));
        }
        if !sidecar.script.is_empty() && !sidecar.command.is_empty() {
            f.error("script cannot be used with command", &[at.field("script")]);
        }
    }
}
