//! What all TaskRuns of one run share.

use std::path::PathBuf;
use std::sync::Arc;

use tekton::catalog::Catalog;
use tekton::prepare::Settings;

use crate::config::Config;
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
    /// Name of the run's control group.
    pub cgroup: String,
}

impl Shared<'_> {
    /// A name for a container that no other run and no other pod has, in the runtime's alphabet.
    pub fn container_id(&self, pod: &str, container: &str) -> String {
        format!("{pod}.{container}")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect()
    }

    /// Claims that the run made for itself.
    pub fn claims(&self) -> PathBuf {
        self.recording.scratch().join("claims")
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
