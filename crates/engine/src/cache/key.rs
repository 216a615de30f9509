//! The key: a digest of everything that the steps of a task can see.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base::{Digest, Hasher};
use tekton::types::{Step, Volume};

use crate::attempt::Scene;
use crate::local::bundle::What;

use super::tree::Tree;

/// Changes whenever keys or entries mean something else.
const FORMAT: &str = "streamwright step cache 1";

/// A key, and what it was made of that is needed later.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub digest: Digest,
    /// The volumes that steps can write to, with what was in them before.
    pub writable: Vec<(PathBuf, Tree)>,
}

/// Why there is none, for people.
pub type Reason = String;

/// What of a task's volumes are folders: path, and whether steps can write to it.
pub fn folders(scene: &Scene<'_>) -> Vec<(PathBuf, bool)> {
    let bind = |volume: &Volume| match scene.pod.volume(&volume.name)? {
        What::Bind { source, read_only } => {
            let mounts = scene.prepared.steps.iter().flat_map(|s| &s.step.volume_mounts);
            let written = mounts.into_iter().any(|m| m.name == volume.name && !m.read_only);
            Some((source.clone(), written && !read_only))
        }
        What::Memory { .. } => None,
    };
    scene.prepared.volumes.iter().filter_map(bind).collect()
}

/// The key of what `scene` would do. `secret` makes it one that only this cache can compute.
///
/// # Errors
/// Why such a task is never cached.
pub fn key(scene: &Scene<'_>, secret: &[u8]) -> Result<Key, Reason> {
    refused(scene)?;
    let prepared = scene.prepared;
    let mut hasher = Hasher::new();
    hasher.field(secret);
    hasher.field(FORMAT);
    hasher.field(env!("CARGO_PKG_VERSION"));
    let names: BTreeMap<&str, String> =
        prepared.volumes.iter().enumerate().map(|(i, v)| (v.name.as_str(), i.to_string())).collect();
    for step in &prepared.steps {
        hasher.field(scene.image_id(&step.step.image));
        hasher.field(json(&without_names(&step.step, &names))?);
        hasher.field(step.script.as_deref().unwrap_or_default());
        hasher.field(step.working_dir.as_deref().unwrap_or_default());
        let environment = scene
            .environment(&step.step.env_from, &step.step.env)
            .map_err(|e| format!("its environment cannot be made: {e}"))?;
        for (name, value) in environment.into_pairs() {
            hasher.field(name);
            hasher.field(value);
        }
        hasher.field("");
    }
    hasher.field(json(&prepared.results)?);
    hasher.field(json(&prepared.pod)?);
    for (path, content) in &scene.credentials.files {
        hasher.field(path);
        hasher.field(content);
    }
    let folders = folders(scene);
    let mut writable = Vec::new();
    for volume in &prepared.volumes {
        match scene.pod.volume(&volume.name) {
            Some(What::Bind { source, .. }) => {
                let tree = content(source)?;
                hasher.field(tree.digest().to_string());
                if folders.contains(&(source.clone(), true)) {
                    writable.push((source.clone(), tree));
                }
            }
            Some(What::Memory { size, .. }) => hasher.field(format!("memory {size:?}")),
            None => hasher.field("none"),
        }
    }
    Ok(Key { digest: hasher.finish(), writable })
}

/// What is in a folder.
///
/// # Errors
/// When it has something that cannot be kept.
pub fn content(folder: &Path) -> Result<Tree, Reason> {
    Tree::of(folder).map_err(|e| format!("a volume cannot be kept: {e}"))
}

/// Tasks that see more than can be digested.
fn refused(scene: &Scene<'_>) -> Result<(), Reason> {
    let prepared = scene.prepared;
    if let Some(sidecar) = prepared.sidecars.first() {
        return Err(format!("it has a sidecar ({})", sidecar.container));
    }
    if let Some(volume) = prepared.volumes.iter().find(|v| v.host_path.is_some()) {
        return Err(format!("volume {} is a hostPath, which can be anything", volume.name));
    }
    for step in &prepared.steps {
        let name = &step.name;
        if scene.image_id(&step.step.image).is_empty() {
            return Err(format!(
                "step {name} runs in this machine's own file system, which nobody can digest"
            ));
        }
        let security = step.step.security_context.as_ref();
        if security.is_some_and(|s| s.privileged == Some(true)) {
            return Err(format!("step {name} is privileged and can see this machine"));
        }
    }
    Ok(())
}

/// A step whose mounts name volumes by their place: names of claims differ from run to run.
fn without_names(step: &Step, names: &BTreeMap<&str, String>) -> Step {
    let mut step = step.clone();
    for mount in &mut step.volume_mounts {
        if let Some(place) = names.get(mount.name.as_str()) {
            mount.name.clone_from(place);
        }
    }
    step
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Reason> {
    serde_json::to_vec(value).map_err(|e| e.to_string())
}
