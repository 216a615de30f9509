//! What all TaskRuns of one run share.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tekton::catalog::Catalog;
use tekton::prepare::Settings;
use tekton::types::TaskRun;

use crate::cache::volumes::Volumes;
use crate::config::Config;
use crate::earlier::claims;
use crate::event::Happened;
use crate::jobs::Jobs;
use crate::journal::Journal;
use crate::limits::Limiter;
use crate::local::images::Images;
use crate::local::volume::{VolumeError, empty};
use crate::record::Recording;
use crate::resolved::Noted;

/// What all TaskRuns of one run share.
pub struct Shared<'a> {
    /// What the engine works with.
    pub config: &'a Config,
    /// Objects that came with the run.
    pub catalog: &'a Catalog,
    /// Finds referenced tasks, pipelines and step actions.
    pub definitions: Noted<'a>,
    /// Defaults of the API.
    pub settings: Settings,
    /// Images, resolved once a run.
    pub images: Images,
    /// The run's journal.
    pub journal: Arc<Journal>,
    /// The run's folder.
    pub recording: &'a Recording,
    /// A file system in memory, for secrets.
    pub memory: PathBuf,
    /// The run's id.
    pub run: String,
    /// How much containers may use.
    pub limiter: Limiter,
    /// Which volumes are in use now.
    pub volumes: Volumes,
    /// Name of the run's control group.
    pub cgroup: String,
    /// What runs at the same time.
    pub jobs: Jobs,
    /// Names of all child runs, by the resource as the API names it.
    pub children: Mutex<HashMap<&'static str, HashSet<String>>>,
}

/// So many pipelines may be tasks of one run, at any depth: a few lines can ask for millions, and each has a thread.
const MOST_PIPELINES: usize = 1000;

impl Shared<'_> {
    /// Notes that a child run is made, a `PipelineRun` if `is_pipeline`.
    ///
    /// # Errors
    /// When there is one of that name, in the API server's words; when there are too many pipelines.
    pub fn admit(&self, is_pipeline: bool, name: &str) -> Result<(), String> {
        let resource = if is_pipeline { "pipelineruns" } else { "taskruns" };
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        let names = children.entry(resource).or_default();
        if is_pipeline && names.len() >= MOST_PIPELINES {
            return Err(format!("the run has {MOST_PIPELINES} pipelines in pipelines already; split it"));
        }
        if !names.insert(name.to_owned()) {
            return Err(format!("{resource}.tekton.dev {name:?} already exists"));
        }
        Ok(())
    }

    /// A name for a container that no other run and no other pod has, in the runtime's alphabet.
    pub fn container_id(&self, pod: &str, container: &str) -> String {
        format!("{pod}.{container}")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect()
    }

    /// Claims that the run made for itself.
    pub fn claims(&self) -> PathBuf {
        claims(self.recording.dir())
    }

    /// Records how a TaskRun of a pipeline ended. When that fails, a run that goes on with this one runs it again.
    pub fn record_task_run(&self, run: &TaskRun) {
        if let Err(e) = self.recording.task_run(run) {
            let message = format!("cannot record how {} ended: {e}", run.metadata.name);
            self.journal.record(Happened::Warning { message });
        }
    }

    /// Where the runtime keeps the state of this run's containers. In memory, because environments hold secrets.
    pub fn runtime_state(&self) -> PathBuf {
        self.memory.join("runtime")
    }

    /// An empty folder, in memory too, for the credentials that a step gets.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn credentials(&self, pod: &str, step: usize) -> Result<PathBuf, VolumeError> {
        empty(&self.memory.join("credentials").join(pod), &step.to_string())
    }

    /// The folder for the description of a container; in memory for the same reason.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn bundle(&self, container: &str) -> std::io::Result<PathBuf> {
        let dir = self.memory.join("bundles").join(container);
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }
}
