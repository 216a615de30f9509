//! Workspaces of a task run: whether the bindings fit, the volumes behind them, who mounts them where (§2.15).

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;

use crate::types::core::volume::{PersistentVolumeClaimVolumeSource, VolumeMount};
use crate::types::{
    ObjectMeta, PersistentVolumeClaim, Sidecar, StepTemplate, TaskRunSpec, TaskSpec, Volume,
    WorkspaceBinding, WorkspaceDeclaration,
};

use super::Settings;
use super::failure::Failure;

/// A volume claim that a run makes for itself and takes along when it is deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// `<template name or pvc>-<10 hexadecimal digits>`.
    pub name: String,
    /// What to make.
    pub template: PersistentVolumeClaim,
}

/// A workspace as its task has it.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundWorkspace {
    /// The task's name for it.
    pub name: String,
    /// Where steps see it, unless they say otherwise.
    pub path: String,
    /// The volume behind it.
    pub volume: String,
    /// The folder in the volume; empty means its root. To be made if it is missing.
    pub sub_path: String,
    /// Whether steps may only read it.
    pub read_only: bool,
}

/// The name of the claim that a volumeClaimTemplate gives: the same for all tasks of a run.
pub fn claim_name(template: &PersistentVolumeClaim, workspace: &str, owner_uid: &str) -> String {
    let name = if template.metadata.name.is_empty() { "pvc" } else { &template.metadata.name };
    format!("{name}-{}", &Digest::of(format!("{workspace}{owner_uid}")).hex()[..10])
}

/// Replaces volumeClaimTemplates by references to the claims they give, and names the claims to make.
pub fn claims(bindings: &mut [WorkspaceBinding], owner: &ObjectMeta) -> Vec<Claim> {
    let mut claims = Vec::new();
    for binding in bindings {
        let Some(template) = binding.volume_claim_template.take() else { continue };
        let name = claim_name(&template, &binding.name, &owner.uid);
        let source = PersistentVolumeClaimVolumeSource { claim_name: name.clone(), read_only: false };
        binding.persistent_volume_claim = Some(source);
        claims.push(Claim { name, template: *template });
    }
    claims
}

/// Binds declared workspaces that the run does not bind to the administrator's default, if there is one.
pub(super) fn bind_defaults(spec: &mut TaskRunSpec, declared: &[WorkspaceDeclaration], settings: &Settings) {
    let Some(default) = &settings.workspace_binding else { return };
    for workspace in declared.iter().filter(|w| !w.optional) {
        if !spec.workspaces.iter().any(|b| b.name == workspace.name) {
            spec.workspaces.push(WorkspaceBinding { name: workspace.name.clone(), ..default.clone() });
        }
    }
}

/// Declares what an inline task does not declare but its run binds.
pub(super) fn propagate(task: &mut TaskSpec, bindings: &[WorkspaceBinding]) {
    for binding in bindings {
        if !task.workspaces.iter().any(|w| w.name == binding.name) {
            let name = binding.name.clone();
            task.workspaces.push(WorkspaceDeclaration { name, ..WorkspaceDeclaration::default() });
        }
    }
}

/// # Errors
/// A required workspace without binding; a binding without workspace.
pub(super) fn check(declared: &[WorkspaceDeclaration], bindings: &[WorkspaceBinding]) -> Result<(), Failure> {
    for workspace in declared.iter().filter(|w| !w.optional) {
        if !bindings.iter().any(|b| b.name == workspace.name) {
            let name = &workspace.name;
            return Err(Failure::invalid_task_run(format!(
                "declared workspace {name:?} is required but has not been bound"
            )));
        }
    }
    match bindings.iter().find(|b| !declared.iter().any(|w| w.name == b.name)) {
        Some(stray) => Err(Failure::invalid_task_run(format!(
            "workspace binding {:?} does not match any declared workspace",
            stray.name
        ))),
        None => Ok(()),
    }
}

/// Whether more than one volume claim is bound, which a cluster refuses by default (coschedule, §2.15).
pub(super) fn several_claims(bindings: &[WorkspaceBinding]) -> bool {
    let claims: BTreeSet<&str> = bindings
        .iter()
        .filter_map(|b| b.persistent_volume_claim.as_ref())
        .map(|c| c.claim_name.as_str())
        .collect();
    claims.len() > 1
}

/// The volume of each binding by workspace; two bindings of one claim share a volume.
pub(super) fn volumes(bindings: &[WorkspaceBinding]) -> BTreeMap<String, Volume> {
    bindings
        .iter()
        .map(|b| {
            let shared = b.persistent_volume_claim.as_ref().map(|c| format!("claim {}", c.claim_name));
            let identity = shared.unwrap_or_else(|| format!("workspace {}", b.name));
            let volume = Volume {
                name: format!("ws-{}", &Digest::of(identity).hex()[..10]),
                empty_dir: b.empty_dir.clone(),
                config_map: b.config_map.clone(),
                secret: b.secret.clone(),
                projected: b.projected.clone(),
                persistent_volume_claim: b.persistent_volume_claim.clone(),
                csi: b.csi.clone(),
                ..Volume::default()
            };
            (b.name.clone(), volume)
        })
        .collect()
}

/// Adds the volumes and mounts of the bound workspaces to a task, and tells what is bound.
///
/// A workspace that any step or sidecar lists is mounted only there, at the path it says; the others are mounted
/// through the step template, and in sidecars that have nothing at that path.
pub(super) fn mount(
    task: &mut TaskSpec,
    bindings: &[WorkspaceBinding],
    volumes: &BTreeMap<String, Volume>,
) -> Vec<BoundWorkspace> {
    let isolated: BTreeSet<String> = (task.steps.iter().flat_map(|s| &s.workspaces))
        .chain(task.sidecars.iter().flat_map(|s| &s.workspaces))
        .map(|w| w.name.clone())
        .collect();
    let mut bound = Vec::new();
    for declared in task.workspaces.clone() {
        let Some(binding) = bindings.iter().find(|b| b.name == declared.name) else { continue };
        let Some(volume) = volumes.get(&declared.name) else { continue };
        let mount = VolumeMount {
            name: volume.name.clone(),
            mount_path: declared.path(),
            sub_path: binding.sub_path.clone(),
            read_only: declared.read_only,
            ..VolumeMount::default()
        };
        if isolated.contains(&declared.name) {
            mount_where_listed(task, &declared.name, &mount);
        } else {
            let template = task.step_template.get_or_insert_with(StepTemplate::default);
            template.volume_mounts.push(mount.clone());
            task.sidecars.iter_mut().for_each(|s| mount_if_free(s, &mount));
        }
        if !task.volumes.iter().any(|v| v.name == volume.name) {
            task.volumes.push(volume.clone());
        }
        bound.push(BoundWorkspace {
            name: declared.name,
            path: mount.mount_path,
            volume: mount.name,
            sub_path: mount.sub_path,
            read_only: mount.read_only,
        });
    }
    bound
}

fn mount_if_free(sidecar: &mut Sidecar, mount: &VolumeMount) {
    if !sidecar.volume_mounts.iter().any(|m| m.mount_path == mount.mount_path) {
        sidecar.volume_mounts.push(mount.clone());
    }
}

fn mount_where_listed(task: &mut TaskSpec, workspace: &str, mount: &VolumeMount) {
    let at = |path: &str| VolumeMount {
        mount_path: if path.is_empty() { mount.mount_path.clone() } else { path.to_owned() },
        ..mount.clone()
    };
    for step in &mut task.steps {
        if let Some(usage) = step.workspaces.iter().find(|w| w.name == workspace) {
            step.volume_mounts.push(at(&usage.mount_path));
        }
    }
    for sidecar in &mut task.sidecars {
        if let Some(usage) = sidecar.workspaces.iter().find(|w| w.name == workspace) {
            sidecar.volume_mounts.push(at(&usage.mount_path));
        }
    }
}
