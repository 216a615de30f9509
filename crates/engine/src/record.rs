//! Runs on disk: where each keeps its journal, logs, scratch; which are running, which were interrupted.
//!
//! ```text
//! runs/<id>/lock           held while the run is running
//!          /events.jsonl   the journal
//!          /input.yaml     what was run
//!          /status.json    the finished PipelineRun or TaskRun
//!          /begun.json     how it began, for a run that goes on with it
//!          /taskruns/<name>.json   the finished TaskRuns of a PipelineRun, from the moment each ends
//!          /pipelineruns/<name>.json   the finished runs of pipelines in the pipeline
//!          /claims/<name>  volumes that the run made for itself; kept when it did not succeed, to go on with
//!          /logs/<task>/<step>.log   of the first attempt; of later ones in <task>.retry<n>;
//!                           of a task in a pipeline in the pipeline in <outer task>/<task>
//!          /scratch/       root file systems, volumes; removed when the run ends
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use tekton::types::TaskRun;

use crate::cgroup;
use crate::durable;
use crate::earlier;
use crate::event::{Event, Happened};
use crate::finished::Finished;
use crate::journal;

/// How many runs that did not succeed keep their volumes, so that disks do not fill up with them.
pub const WITH_VOLUMES: usize = 3;

/// The folder of all runs.
#[derive(Debug, Clone)]
pub struct Runs(PathBuf);

/// The folder of one run, locked for as long as this lives.
#[derive(Debug)]
pub struct Recording {
    id: String,
    dir: PathBuf,
    _lock: File,
}

/// What is known of a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// Where it is kept.
    pub dir: PathBuf,
    /// What became of it.
    pub state: State,
    /// Its journal.
    pub events: Vec<Event>,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is running now.
    Running,
    /// Its process ended before the run did.
    Interrupted,
    /// It succeeded.
    Succeeded,
    /// It failed, with the reason of its condition.
    Failed(String),
}

impl Runs {
    /// The runs kept in `dir`, which need not exist.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Makes the folder of a new run. Its id is `name`; when that was run before, `name-2` and so on, so that a file can
    /// be run as often as one likes and nothing is written over.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(&self, name: &str) -> io::Result<Recording> {
        fs::create_dir_all(&self.0)?;
        let (id, dir) = self.free(name)?;
        match fill(&dir) {
            Ok(lock) => Ok(Recording { id, dir, _lock: lock }),
            Err(e) => {
                // If that fails too: without a journal it is no run to anybody.
                let _ = fs::remove_dir_all(&dir);
                Err(e)
            }
        }
    }

    fn free(&self, name: &str) -> io::Result<(String, PathBuf)> {
        let mut id = name.to_owned();
        for number in 2_u32.. {
            let dir = self.0.join(&id);
            match fs::create_dir(&dir) {
                Ok(()) => return Ok((id, dir)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => id = format!("{name}-{number}"),
                Err(e) => return Err(e),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// All runs, newest first.
    ///
    /// # Errors
    /// When the folder cannot be read. A run that cannot be read is left out.
    pub fn list(&self) -> io::Result<Vec<Run>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut runs = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            runs.extend(name.to_str().and_then(|id| self.get(id).ok().flatten()));
        }
        runs.sort_by_key(|run| std::cmp::Reverse(run.events.first().map(|e| e.time)));
        Ok(runs)
    }

    /// One run by id.
    ///
    /// # Errors
    /// When its journal cannot be read.
    pub fn get(&self, id: &str) -> io::Result<Option<Run>> {
        if id.is_empty() || id.contains('/') || id.starts_with('.') {
            return Ok(None);
        }
        let dir = self.0.join(id);
        let events = match journal::read(&dir.join("events.jsonl")) {
            Ok(events) => events,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let finished = events.iter().rev().find_map(|e| match &e.event {
            Happened::RunFinished { succeeded: true, .. } => Some(State::Succeeded),
            Happened::RunFinished { reason, .. } => Some(State::Failed(reason.clone())),
            _ => None,
        });
        let state = match finished {
            Some(state) => state,
            None if is_locked(&dir)? => State::Running,
            None => State::Interrupted,
        };
        Ok(Some(Run { id: id.to_owned(), dir, state, events }))
    }

    /// Removes scratch and control groups of runs whose process has ended, which is what `kill -9` left behind; and the
    /// volumes of all but the newest [`WITH_VOLUMES`] runs that did not succeed. The run `spared` keeps its own.
    ///
    /// # Errors
    /// When the folder cannot be read or something not be removed.
    pub fn sweep(&self, spared: Option<&str>) -> io::Result<()> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Ok(()) };
        let mut with_volumes = Vec::new();
        for entry in entries {
            let dir = entry?.path();
            let (scratch, volumes) = (dir.join("scratch"), earlier::claims(&dir));
            if !(scratch.exists() || volumes.exists()) || is_locked(&dir)? {
                continue;
            }
            if scratch.exists() {
                cgroup::remove(&cgroup::name(&dir));
                fs::remove_dir_all(scratch)?;
            }
            if volumes.exists() && dir.file_name().and_then(|n| n.to_str()) != spared {
                with_volumes.push((fs::metadata(&dir)?.modified()?, volumes));
            }
        }
        with_volumes.sort();
        let many = with_volumes.len().saturating_sub(WITH_VOLUMES);
        with_volumes.drain(..many).try_for_each(|(_, volumes)| fs::remove_dir_all(volumes))
    }
}

impl Recording {
    /// The run's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The run's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the journal goes.
    pub fn journal(&self) -> PathBuf {
        self.dir.join("events.jsonl")
    }

    /// Where root file systems and volumes are made.
    pub fn scratch(&self) -> PathBuf {
        self.dir.join("scratch")
    }

    /// Takes it back: the run cannot begin.
    pub fn discard(self) {
        // If that fails too: without a journal it is no run to anybody.
        let _ = fs::remove_dir_all(&self.dir);
    }

    /// Writes how a TaskRun of a pipeline ended.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn task_run(&self, run: &TaskRun) -> io::Result<()> {
        durable::write(&earlier::record(&self.dir, run), &serde_json::to_vec_pretty(run)?)
    }

    /// Writes how the run ended.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn conclude(&self, finished: &Finished) -> io::Result<()> {
        for child in finished.all().into_iter().skip(1).filter(|c| matches!(c, Finished::Pipeline(..))) {
            let path = self.dir.join("pipelineruns").join(format!("{}.json", child.name()));
            durable::write(&path, child.to_json().as_bytes())?;
        }
        durable::write(&self.dir.join("status.json"), finished.to_json().as_bytes())
    }

    /// Removes the volumes that the run made for itself.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub fn remove_claims(&self) -> io::Result<()> {
        match fs::remove_dir_all(earlier::claims(&self.dir)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// The log of one step, its folder made.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn log(&self, task: &str, step: &str) -> io::Result<PathBuf> {
        let dir = self.dir.join("logs").join(task);
        fs::create_dir_all(&dir)?;
        Ok(dir.join(format!("{step}.log")))
    }
}

fn fill(dir: &Path) -> io::Result<File> {
    let lock = File::create(dir.join("lock"))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    fs::create_dir(dir.join("logs"))?;
    fs::create_dir(dir.join("scratch"))?;
    Ok(lock)
}

/// The folder in `logs/` of an attempt of a task, 0 being the first; `task` as in events.
pub fn log_folder(task: &str, attempt: u32) -> String {
    // Tasks of a pipeline have no dots in their names, and the task of a TaskRun has no others beside it.
    if attempt == 0 { task.to_owned() } else { format!("{task}.retry{attempt}") }
}

fn is_locked(dir: &Path) -> io::Result<bool> {
    let lock = match File::open(dir.join("lock")) {
        Ok(lock) => lock,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    match flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(e) => Err(e.into()),
    }
}
