//! Tasks, under their own name or inline (§3.2 #14, #18, #19, #22).

use std::collections::BTreeSet;

use super::features::Level;
use super::finding::{At, Findings};
use super::{name, param, step, usage};
use crate::substitute::{reference, scan};
use crate::types::{ParamType, ParamValue, TaskResult, TaskSpec};

/// A task; parameters may come from outside.
pub(super) fn spec(f: &mut Findings<'_>, task: &TaskSpec, at: &At) {
    if task.steps.is_empty() {
        f.missing(at.field("steps"));
    }
    volumes(f, task, at);
    workspaces(f, task, at);
    workspace_uses(f, task, at);
    step::steps(f, &task.steps, task.step_template.as_ref(), at);
    step::sidecars(f, &task.sidecars, at);
    param::types(f, &task.params, &at.field("params"));
    param::names(f, &task.params, at);
    usage::arrays(f, &task.steps, &task.params, at);
    usage::contexts(f, &task.steps, at);
    usage::results(f, &task.steps, &task.results, at);
    results(f, task, at);
}

fn volumes(f: &mut Findings<'_>, task: &TaskSpec, at: &At) {
    let mut names = BTreeSet::new();
    for (i, volume) in task.volumes.iter().enumerate() {
        if !names.insert(&volume.name) {
            let at = at.index("volumes", i).field("name");
            f.error(format!("multiple volumes with same name {:?}", volume.name), &[at]);
        }
    }
}

/// Names and mount paths are used once; mounts of steps count.
fn workspaces(f: &mut Findings<'_>, task: &TaskSpec, at: &At) {
    let template = task.step_template.iter().flat_map(|t| &t.volume_mounts);
    let mounts = task.steps.iter().flat_map(|s| &s.volume_mounts).chain(template);
    let mut paths: BTreeSet<String> = mounts.map(|m| clean(&m.mount_path)).collect();
    let mut names = BTreeSet::new();
    for (i, workspace) in task.workspaces.iter().enumerate() {
        let at = at.index("workspaces", i);
        if !names.insert(&workspace.name) {
            f.error(format!("workspace name {:?} must be unique", workspace.name), &[at.field("name")]);
        }
        let path = clean(&workspace.path());
        if paths.contains(&path) {
            f.error(format!("workspace mount path {path:?} must be unique"), &[at.field("mountpath")]);
        }
        paths.insert(path);
    }
}

/// A path without `.`, `..` and double slashes, as Go's `path.Clean` makes it.
fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    match (absolute, parts.join("/")) {
        (true, joined) => format!("/{joined}"),
        (false, joined) if joined.is_empty() => ".".into(),
        (false, joined) => joined,
    }
}

fn workspace_uses(f: &mut Findings<'_>, task: &TaskSpec, at: &At) {
    let declared: BTreeSet<&str> = task.workspaces.iter().map(|w| w.name.as_str()).collect();
    let steps =
        task.steps.iter().map(|s| &s.workspaces).enumerate().map(|(i, w)| ("steps", "step workspaces", i, w));
    let sidecars = task.sidecars.iter().map(|s| &s.workspaces).enumerate();
    let sidecars = sidecars.map(|(i, w)| ("sidecars", "sidecar workspaces", i, w));
    for (list, what, i, uses) in steps.chain(sidecars) {
        let at = at.index(list, i);
        if !uses.is_empty() {
            f.gate(what, Level::Beta, at.clone());
        }
        for (j, workspace) in uses.iter().enumerate() {
            if !declared.contains(workspace.name.as_str()) {
                let at = at.index("workspaces", j).field("name");
                f.error(format!("undefined workspace {:?}", workspace.name), &[at]);
            }
        }
    }
}

fn results(f: &mut Findings<'_>, task: &TaskSpec, at: &At) {
    for (i, result) in task.results.iter().enumerate() {
        let at = at.index("results", i);
        if !name::result(f, &result.name, at.field("name")) {
            continue;
        }
        if result.kind() == ParamType::Object {
            if result.properties.is_empty() {
                f.missing(at.split(&format!("{}.properties", result.name), ""));
            }
            let not_string = |p: &Option<ParamType>| p.is_some_and(|t| t != ParamType::String);
            let wrong: Vec<&str> = result
                .properties
                .iter()
                .filter(|(_, p)| not_string(&p.r#type))
                .map(|(k, _)| k.as_str())
                .collect();
            if !wrong.is_empty() {
                let keys = wrong.join(" ");
                f.error(
                    format!(
                        "The value type specified for these keys [{keys}] is invalid, the type must be string"
                    ),
                    &[at.split(&format!("{}.properties", result.name), "properties")],
                );
            }
        }
        forwarded(f, task, result, &at);
    }
}

/// `value` forwards a step result and nothing else.
fn forwarded(f: &mut Findings<'_>, task: &TaskSpec, result: &TaskResult, at: &At) {
    let Some(value) = &result.value else { return };
    let told = at.split(&format!("{}.value", result.name), "value");
    let ParamValue::String(text) = value else {
        let message = format!("Invalid Type. Wanted string but got: \"{}\"", value.kind());
        return f.error(message, &[told]);
    };
    let Some(step) = scan::whole(text).and_then(reference::step_result) else {
        let message = format!(
            "Could not extract step name and result name. Expected value to look like $(steps.<stepName>.results.<resultName>) but got {text:?}"
        );
        return f.error(message, &[told]);
    };
    if !task.steps.iter().any(|s| s.name == step.producer) {
        f.warning(
            format!(
                "result {} forwards a result of step {}, which is not in the task",
                result.name, step.producer
            ),
            &at.field("value"),
            "name one of the task's steps",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, cleaned) in [
            ("/a//b/", "/a/b"),
            ("/a/./../b", "/b"),
            ("/..", "/"),
            ("", "."),
            ("a/../..", ".."),
            ("./a", "a"),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
    }
}
