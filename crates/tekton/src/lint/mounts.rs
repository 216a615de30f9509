//! Workspaces and volumes that are declared and never used.

use super::code::{UNUSED_VOLUME, UNUSED_WORKSPACE};
use super::found::Found;
use super::place::{At, keys, mentions, name_behind, texts};
use super::scope::{PipelineScope, TaskScope};
use crate::types::TaskSpec;

pub(super) fn task(found: &mut Found<'_>, task: &TaskScope<'_>) {
    volumes(found, task.spec, &task.at);
    let keys = keys(task.used_in.node());
    for (i, workspace) in task.spec.workspaces.iter().enumerate() {
        let name = workspace.name.as_str();
        // Where it is mounted can be all that matters: `/root/.docker`.
        let placed = !workspace.mount_path.is_empty();
        let referred = keys.iter().any(|key| name_behind(key, "workspaces") == Some(name));
        if workspace.optional || placed || referred || isolated(task.spec, name) {
            continue;
        }
        if !by_path(&task.at, name) {
            let at = task.at.index("workspaces", i).field("name");
            let help = format!("its folder is $(workspaces.{name}.path)");
            found.at(&UNUSED_WORKSPACE, &at, format!("workspace `{name}` is never used"), help);
        }
    }
}

pub(super) fn pipeline(found: &mut Found<'_>, pipeline: &PipelineScope<'_>) {
    let keys = keys(pipeline.used_in.node());
    let all = || pipeline.spec.all_tasks();
    for (i, workspace) in pipeline.spec.workspaces.iter().enumerate().filter(|(_, w)| !w.optional) {
        let name = workspace.name.as_str();
        let bound = all().any(|t| t.workspaces.iter().any(|w| w.pipeline_workspace() == name));
        let referred = keys.iter().any(|key| name_behind(key, "workspaces") == Some(name));
        if !bound && !referred {
            let at = pipeline.at.index("workspaces", i).field("name");
            let message = format!("workspace `{name}` is given to no task");
            found.at(
                &UNUSED_WORKSPACE,
                &at,
                message,
                "give it to a task in the task's `workspaces`, or remove it",
            );
        }
    }
}

fn isolated(spec: &TaskSpec, name: &str) -> bool {
    let steps = spec.steps.iter().flat_map(|s| &s.workspaces);
    steps.chain(spec.sidecars.iter().flat_map(|s| &s.workspaces)).any(|w| w.name == name)
}

/// Whether a text names the folder without a reference: `/workspace/NAME`, all of `/workspace`, or `NAME` below it.
fn by_path(at: &At<'_>, name: &str) -> bool {
    let mut found = false;
    if let Some(node) = at.node() {
        texts(node, &mut |text, _| {
            found |= text.match_indices("/workspace").any(|(i, path)| {
                let rest = text[i + path.len()..].strip_prefix('/');
                rest.is_none_or(|rest| {
                    rest.starts_with(name) || !rest.starts_with(|c: char| c.is_alphanumeric())
                })
            });
        });
    }
    let relative = |list: &str, i: usize| {
        let folder = at.index(list, i).field("workingDir").node().and_then(|n| n.as_str());
        folder.is_some_and(|f| f.trim_start_matches("./").starts_with(name))
    };
    found || (0..at.field("steps").node().map_or(0, |n| n.items().len())).any(|i| relative("steps", i))
}

fn volumes(found: &mut Found<'_>, spec: &TaskSpec, at: &At<'_>) {
    let template = spec.step_template.iter();
    let mounted: Vec<&str> = template
        .clone()
        .flat_map(|t| &t.volume_mounts)
        .chain(spec.steps.iter().flat_map(|s| &s.volume_mounts))
        .chain(spec.sidecars.iter().flat_map(|s| &s.volume_mounts))
        .map(|m| m.name.as_str())
        .chain(spec.steps.iter().flat_map(|s| &s.volume_devices).map(|d| d.name.as_str()))
        .chain(template.flat_map(|t| &t.volume_devices).map(|d| d.name.as_str()))
        .chain(spec.sidecars.iter().flat_map(|s| &s.volume_devices).map(|d| d.name.as_str()))
        .collect();
    // A name that is put together can be any.
    if mounted.iter().any(|name| name.contains("$(params") || name.contains("$(tasks")) {
        return;
    }
    for (i, volume) in spec.volumes.iter().enumerate() {
        let name = volume.name.as_str();
        // A step action gets the name as a param.
        let passed =
            (0..spec.steps.len()).any(|s| mentions(at.index("steps", s).field("params").node(), name));
        if !mounted.contains(&name) && !passed {
            let help = "mount it with `volumeMounts`, or remove it";
            let message = format!("volume `{name}` is mounted by no container");
            found.at(&UNUSED_VOLUME, &at.index("volumes", i).field("name"), message, help);
        }
    }
}
