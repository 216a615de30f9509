//! Workspaces and volumes that are declared and never used.

use std::collections::BTreeSet;

use super::code::{UNUSED_VOLUME, UNUSED_WORKSPACE};
use super::found::Found;
use super::place::{At, keys, name_behind, texts};
use super::scope::{PipelineScope, TaskScope};
use crate::types::TaskSpec;

pub(super) fn task(found: &mut Found<'_>, task: &TaskScope<'_>) {
    volumes(found, task.spec, &task.at);
    if task.spec.workspaces.is_empty() {
        return;
    }
    let keys = keys(task.used_in.node());
    let referred: BTreeSet<&str> = keys.iter().filter_map(|key| name_behind(key, "workspaces")).collect();
    let (isolated, paths) = (isolated(task.spec), Paths::of(task));
    for (i, workspace) in task.spec.workspaces.iter().enumerate() {
        let name = workspace.name.as_str();
        // Where it is mounted can be all that matters: `/root/.docker`.
        let placed = !workspace.mount_path.is_empty();
        let used = referred.contains(name) || isolated.contains(name) || paths.name(name);
        if workspace.optional || placed || used {
            continue;
        }
        let at = task.at.index("workspaces", i).field("name");
        let help = format!("its folder is $(workspaces.{name}.path)");
        found.at(&UNUSED_WORKSPACE, &at, format!("workspace `{name}` is never used"), help);
    }
}

pub(super) fn pipeline(found: &mut Found<'_>, pipeline: &PipelineScope<'_>) {
    let keys = keys(pipeline.used_in.node());
    let referred = keys.iter().filter_map(|key| name_behind(key, "workspaces"));
    let bound = pipeline.spec.all_tasks().flat_map(|t| &t.workspaces).map(|w| w.pipeline_workspace());
    let used: BTreeSet<&str> = referred.chain(bound).collect();
    for (i, workspace) in pipeline.spec.workspaces.iter().enumerate().filter(|(_, w)| !w.optional) {
        let name = workspace.name.as_str();
        if !used.contains(name) {
            let at = pipeline.at.index("workspaces", i).field("name");
            let message = format!("workspace `{name}` is given to no task");
            let help = "give it to a task in the task's `workspaces`, or remove it";
            found.at(&UNUSED_WORKSPACE, &at, message, help);
        }
    }
}

/// Workspaces that containers list.
fn isolated(spec: &TaskSpec) -> BTreeSet<&str> {
    let steps = spec.steps.iter().flat_map(|s| &s.workspaces);
    steps.chain(spec.sidecars.iter().flat_map(|s| &s.workspaces)).map(|w| w.name.as_str()).collect()
}

/// Folders of workspaces that texts name without a reference.
struct Paths<'a> {
    /// All of `/workspace` is used.
    all: bool,
    /// First parts of paths below it.
    below: BTreeSet<&'a str>,
}

impl<'a> Paths<'a> {
    fn of(task: &TaskScope<'a>) -> Self {
        let mut paths = Self { all: false, below: BTreeSet::new() };
        let first = |path: &'a str| {
            &path[..path.find(|c: char| !c.is_alphanumeric() && !"-_.".contains(c)).unwrap_or(path.len())]
        };
        if let Some(node) = task.at.node() {
            texts(node, &mut |text, _| {
                for (i, path) in text.match_indices("/workspace") {
                    match text[i + path.len()..].strip_prefix('/').map(first) {
                        Some(name) if !name.is_empty() => drop(paths.below.insert(name)),
                        _ => paths.all = true,
                    }
                }
            });
        }
        let folders = task.spec.steps.iter().map(|s| s.working_dir.as_str()).filter(|f| !f.is_empty());
        paths.below.extend(folders.map(|folder| first(folder.trim_start_matches("./"))));
        paths
    }

    fn name(&self, workspace: &str) -> bool {
        self.all || self.below.contains(workspace)
    }
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
    // A step action gets the name as a param.
    let passed = spec.steps.iter().flat_map(|s| &s.params).flat_map(|p| p.value.texts());
    let used: BTreeSet<&str> = mounted.into_iter().chain(passed).collect();
    for (i, volume) in spec.volumes.iter().enumerate() {
        let name = volume.name.as_str();
        if !used.contains(name) {
            let help = "mount it with `volumeMounts`, or remove it";
            let message = format!("volume `{name}` is mounted by no container");
            found.at(&UNUSED_VOLUME, &at.index("volumes", i).field("name"), message, help);
        }
    }
}
