//! An attempt with the step cache before and after it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use base::{Digest, Hasher};
use tekton::status::task_run::{Attempt, AttemptEnd};
use tekton::types::{StepState, Time};

use crate::attempt::Scene;
use crate::event::{Happened, Origin};

use super::StepCache;
use super::key::{Key, Reason, content, folders, key};
use super::store::Entry;
use super::volumes::InUse;

/// A log larger than this is not kept.
const LARGEST_LOG: u64 = 16 << 20;

/// Where an attempt stands with the cache.
#[derive(Debug)]
pub enum Cached<'a> {
    /// Nobody asked for a cache, or the task cannot be cached.
    Never,
    /// What the task does was done before: nothing is left to do. With the key.
    Hit(Digest),
    /// It is not known: it may be kept when it has succeeded.
    Miss(Box<Miss<'a>>),
}

/// What is needed to keep what comes of an attempt.
#[derive(Debug)]
pub struct Miss<'a> {
    cache: &'a StepCache,
    key: Key,
    in_use: InUse<'a>,
}

/// Looks whether what `scene` would do is known, and if so, does to its volumes what it did and fills `attempt`.
pub fn begin<'a>(scene: &Scene<'a>, attempt: &mut Attempt) -> Cached<'a> {
    let Some(cache) = &scene.shared.config.reuse.cache else { return Cached::Never };
    let in_use = scene.shared.volumes.enter(folders(scene));
    match known(cache, scene, &in_use, attempt) {
        Ok((key, true)) => Cached::Hit(key.digest),
        Ok((key, false)) => Cached::Miss(Box::new(Miss { cache, key, in_use })),
        Err(reason) => {
            scene.shared.journal.record(Happened::TaskNotCached { task: scene.task.to_owned(), reason });
            Cached::Never
        }
    }
}

fn known(
    cache: &StepCache,
    scene: &Scene<'_>,
    in_use: &InUse<'_>,
    attempt: &mut Attempt,
) -> Result<(Key, bool), Reason> {
    let text = |e: io::Error| format!("the cache cannot be read: {e}");
    let key = key(scene, &cache.secret().map_err(text)?)?;
    if in_use.disturbed() {
        return Err(shared());
    }
    let Some(found) = cache.find(key.digest).map_err(text)? else { return Ok((key, false)) };
    let folders: Vec<PathBuf> = key.writable.iter().map(|(path, _)| path.clone()).collect();
    found.replay(&folders).map_err(|e| format!("what it did to its volumes cannot be repeated: {e}"))?;
    let now = Time(scene.shared.config.clock.now());
    attempt.steps = found.entry.steps.iter().map(|step| at(step, now)).collect();
    attempt.results.clone_from(&found.entry.results);
    attempt.artifacts.clone_from(&found.entry.artifacts);
    let journal = &scene.shared.journal;
    for step in &scene.prepared.steps {
        let copied = scene.shared.recording.log(scene.log_name, &step.name);
        if let Err(e) = copied.and_then(|path| found.log(&step.name, &path)) {
            let message = format!("cannot copy the log of {}/{}: {e}", scene.task, step.name);
            journal.record(Happened::Warning { message });
        }
    }
    journal.record(Happened::TaskReused {
        task: scene.task.to_owned(),
        task_run: scene.prepared.metadata.name.clone(),
        steps: scene.prepared.steps.iter().map(|s| s.name.clone()).collect(),
        from: Origin::Cache(key.digest.short()),
    });
    Ok((key, true))
}

fn shared() -> Reason {
    "another task writes to one of its volumes at the same time".to_owned()
}

/// The state of a step that did what it did before now.
fn at(step: &StepState, now: Time) -> StepState {
    let mut step = step.clone();
    if let Some(terminated) = &mut step.terminated {
        terminated.started_at = terminated.started_at.map(|_| now);
        terminated.finished_at = Some(now);
    }
    step
}

impl Miss<'_> {
    /// Keeps what came of the attempt, if it succeeded.
    pub fn end(self, scene: &Scene<'_>, attempt: &Attempt) {
        let ended = Attempt { end: Some(AttemptEnd::Steps), ..attempt.clone() };
        let (status, ..) = tekton::status::task_run::conclude(scene.prepared, &ended);
        if status != tekton::types::ConditionStatus::True {
            return;
        }
        if let Err(reason) = self.keep(scene, attempt) {
            scene.shared.journal.record(Happened::TaskNotCached { task: scene.task.to_owned(), reason });
        }
    }

    fn keep(&self, scene: &Scene<'_>, attempt: &Attempt) -> Result<(), Reason> {
        let mut files = BTreeMap::new();
        let mut changes = Vec::new();
        for (folder, before) in &self.key.writable {
            let change = before.change(&content(folder)?);
            files.extend(change.contents().map(|(name, digest)| (digest, folder.join(name))));
            changes.push(change);
        }
        if self.in_use.disturbed() {
            return Err(shared());
        }
        let text = |e: io::Error| format!("it cannot be kept: {e}");
        let mut logs = BTreeMap::new();
        for step in &scene.prepared.steps {
            let path = scene.shared.recording.log(scene.log_name, &step.name).map_err(text)?;
            if fs::metadata(&path).is_ok_and(|m| m.len() <= LARGEST_LOG) {
                let mut hasher = Hasher::new();
                io::copy(&mut fs::File::open(&path).map_err(text)?, &mut hasher).map_err(text)?;
                let digest = hasher.finish();
                logs.insert(step.name.clone(), digest);
                files.insert(digest, path);
            }
        }
        let entry = Entry {
            steps: attempt.steps.clone(),
            results: attempt.results.clone(),
            artifacts: attempt.artifacts.clone(),
            changes,
            logs,
        };
        self.cache.keep(self.key.digest, &entry, &files).map_err(text)
    }
}
