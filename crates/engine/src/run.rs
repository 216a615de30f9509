//! One run from its objects to its status: recorded, executed, cleaned up.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use serde::Serialize;
use tekton::catalog::{Catalog, Run};
use tekton::load::{Document, Object};
use tekton::prepare::Definitions;
use tekton::types::ObjectMeta;

use crate::cache::store;
use crate::cache::volumes::Volumes;
use crate::cgroup;
use crate::config::Config;
use crate::dispatch::{self, Within};
use crate::earlier::Begun;
use crate::error::EngineError;
use crate::event::Happened;
use crate::finished::Finished;
use crate::jobs::Jobs;
use crate::journal::Journal;
use crate::limits::{Controllers, Limiter};
use crate::local::images::Images;
use crate::mask::Mask;
use crate::record::Recording;
use crate::resolved::Noted;
use crate::shared::Shared;
use crate::task_run;

/// Runs the PipelineRun or TaskRun called `name` of `catalog` to its end. What it refers to is asked of `definitions`; the
/// catalog itself is one that knows no resolvers.
///
/// Must be called inside [`crate::local::confine`]. A run that fails is `Ok`; see [`Finished`].
///
/// # Errors
/// When there is no such run, or it cannot be recorded.
pub fn run(
    config: &Config,
    catalog: &Catalog,
    definitions: &(dyn Definitions + Sync),
    name: &str,
) -> Result<Finished, EngineError> {
    let wanted = catalog
        .runs()
        .find(|r| r.metadata().name == name)
        .ok_or_else(|| EngineError::NoRun(name.to_owned()))?;
    if let (Run::Task(_), Some(_)) = (wanted, &config.reuse.part) {
        return Err(EngineError::NoParts(name.to_owned()));
    }
    // What an earlier process left behind when it was killed.
    let recorded = |e| EngineError::Record { dir: config.runs.dir().to_owned(), source: e };
    let resumes = config.reuse.resumes.as_ref();
    config.runs.sweep(resumes.map(|earlier| earlier.id.as_str())).map_err(recorded)?;
    let recording = config.runs.begin(name).map_err(recorded)?;
    let dir = recording.dir().to_owned();
    let in_folder = |e| EngineError::Record { dir: dir.clone(), source: e };
    let (journal, memory) = match open(config, catalog, &recording) {
        Ok(opened) => opened,
        Err(e) => {
            recording.discard();
            return Err(in_folder(e));
        }
    };
    let journal = Arc::new(journal);
    let shared = Shared {
        config,
        catalog,
        definitions: Noted::new(definitions, journal.clone()),
        settings: config.settings.clone(),
        images: Images::new(config.store.clone(), config.layers.clone(), config.aliases.clone()),
        journal,
        recording: &recording,
        memory,
        run: recording.id().to_owned(),
        limiter: Limiter::new(Controllers::here(), config.max_processes),
        volumes: Volumes::default(),
        cgroup: cgroup::name(recording.dir()),
        jobs: Jobs::new(config.jobs),
        children: Mutex::default(),
    };
    let finished = match wanted {
        Run::Task(run) => {
            let mut run = run.clone();
            identify(&mut run.metadata);
            begin(&shared, &run).map_err(in_folder)?;
            shared.journal.record(Happened::RunStarted {
                run: shared.run.clone(),
                // What a resolver will find has no name yet.
                pipeline: match &run.spec.task_ref {
                    Some(reference) if !reference.name.is_empty() => reference.name.clone(),
                    _ => name.to_owned(),
                },
                tasks: vec![name.to_owned()],
                resumes: resumes.map(|earlier| earlier.id.clone()),
            });
            Finished::Task(Box::new(task_run::run(&shared, name, run, &config.stop)))
        }
        Run::Pipeline(run) => {
            let mut run = run.clone();
            identify(&mut run.metadata);
            begin(&shared, &run).map_err(in_folder)?;
            match dispatch::run(&shared, run, &Within::nothing(&config.stop)) {
                Ok(finished) => finished,
                Err(e) => {
                    clean_up(&shared, true);
                    // Nothing was run, so there is nothing to record; but what was taken over stays.
                    if matches!(e, EngineError::Part { .. }) && resumes.is_none() {
                        recording.discard();
                    }
                    return Err(e);
                }
            }
        }
    };
    let condition = finished.condition();
    // Before the event: whoever waits for it may read the status.
    recording.conclude(&finished).map_err(in_folder)?;
    clean_up(&shared, config.reuse.resumable && !finished.succeeded());
    shared.journal.record(Happened::RunFinished {
        succeeded: finished.succeeded(),
        reason: condition.reason,
        message: condition.message,
    });
    Ok(finished)
}

/// What a run needs on disk before anything can happen in it, and its file system in memory.
fn open(config: &Config, catalog: &Catalog, recording: &Recording) -> io::Result<(Journal, PathBuf)> {
    fs::write(recording.dir().join("input.yaml"), texts(catalog))?;
    let journal = Journal::create(&recording.journal(), config.clock.clone(), config.observers.clone())?;
    let journal = journal.hiding(Mask::of(catalog));
    Ok((journal, in_memory(recording)?))
}

/// Records how the run began and takes over what is kept of the one that it goes on with.
fn begin(shared: &Shared<'_>, object: &impl Serialize) -> io::Result<()> {
    let (config, reuse) = (shared.config, &shared.config.reuse);
    if reuse.resumable {
        let begun = Begun {
            object: serde_json::to_value(object)?,
            resumes: reuse.resumes.as_ref().map(|earlier| earlier.id.clone()),
            part: reuse.part.clone(),
            from: reuse.from.as_ref().map(|earlier| earlier.id.clone()),
            images: config.aliases.iter().map(|a| (a.pattern.clone(), a.target.clone())).collect(),
            folders: config.claims.folders.clone(),
            secrets: shared.catalog.names("Secret").map(str::to_owned).collect(),
        };
        begun.write(shared.recording)?;
    }
    reuse.resumes.as_ref().map_or(Ok(()), |earlier| earlier.hand_over(shared.recording))
}

/// What a cluster gives every object.
fn identify(metadata: &mut ObjectMeta) {
    if metadata.namespace.is_empty() {
        metadata.namespace = "default".to_owned();
    }
    if metadata.uid.is_empty() {
        metadata.uid = uid();
    }
}

/// A random UUID, version 4 (RFC 9562).
pub fn uid() -> String {
    let digits = format!("{:032x}", fastrand::u128(..));
    let part = |from: usize, to: usize| &digits[from..to];
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

/// The objects as they were written, without secrets: those never reach the disk.
fn texts(catalog: &Catalog) -> String {
    let mut seen = Vec::new();
    let mut text = String::new();
    for Document { object, source, node } in catalog.documents() {
        // A run that was made for a pipeline or task has that one's place.
        if seen.contains(&(source, node.span)) {
            continue;
        }
        seen.push((source, node.span));
        let (line, column) = source.position(node.span.start);
        text.push_str(&format!("# {}:{line}\n", source.name()));
        if let Object::Secret(secret) = object {
            text.push_str(&format!("# secret {} is not recorded\n", secret.metadata.name));
            continue;
        }
        let own = source.text().get(node.span.start..node.span.end).unwrap_or_default().trim_end();
        // What was an item of a list keeps the indentation of its first line.
        text.push_str(&format!("{}{own}\n---\n", " ".repeat(column - 1)));
    }
    text
}

/// A file system in memory for secrets: they never reach the disk.
fn in_memory(recording: &Recording) -> io::Result<PathBuf> {
    let dir = recording.scratch().join("memory");
    fs::create_dir(&dir)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", &dir, "tmpfs", flags, Some(c"mode=0755"))?;
    Ok(dir)
}

/// Removes the run's scratch and control groups, and its volumes unless they are kept. What fails here is only told: the
/// run itself is over.
fn clean_up(shared: &Shared<'_>, keep_claims: bool) {
    let scratch = shared.recording.scratch();
    // Parts of volumes are shown in memory: as long as they are, removing the folder around them would remove them.
    let removed = unmount(&shared.memory, UnmountFlags::DETACH)
        .map_err(Into::into)
        .and_then(|()| fs::remove_dir_all(&scratch))
        .and_then(|()| if keep_claims { Ok(()) } else { shared.recording.remove_claims() });
    let trimmed = shared.config.reuse.cache.as_ref().map_or(Ok(()), |cache| cache.trim(store::LIMIT));
    if let Err(e) = removed.and(trimmed) {
        let message = format!("cannot clean up {}: {e}", shared.recording.dir().display());
        shared.journal.record(Happened::Warning { message });
    }
    cgroup::remove(&shared.cgroup);
}
