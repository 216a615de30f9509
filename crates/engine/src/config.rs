//! What the engine works with, given as values.

use std::path::PathBuf;
use std::sync::Arc;

use base::Clock;
use oci::Store;
use oci::client::Client;
use oci::unpack::Layers;
use tekton::prepare::Settings;

use tekton::prepare::Part;

use crate::cache::StepCache;
use crate::earlier::Earlier;
use crate::event::Observer;
use crate::foreknown::Foreknown;
use crate::local::images::Alias;
use crate::local::runtime::Runtime;
use crate::local::shell::Terminal;
use crate::local::stop::Stop;
use crate::local::volume::Claims;
use crate::record::Runs;

/// What the engine works with.
pub struct Config {
    /// Where runs are recorded.
    pub runs: Runs,
    /// Images that are here.
    pub store: Store,
    /// Their unpacked layers.
    pub layers: Layers,
    /// Fetches images that are not here; none when the network is not to be used.
    pub client: Option<Arc<Client>>,
    /// Images that mean something else here; the first match counts.
    pub aliases: Vec<Alias>,
    /// Persistent volume claims.
    pub claims: Claims,
    /// What an administrator sets for all runs.
    pub settings: Settings,
    /// Runs containers.
    pub runtime: Runtime,
    /// This program's own file, for the `host` image and the built-in runtime.
    pub this: PathBuf,
    /// TaskRuns that run at the same time.
    pub jobs: usize,
    /// Processes and threads that a container may have; 0 is no limit.
    pub max_processes: u64,
    /// Bytes that are kept of a step's log.
    pub max_log: u64,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Are told what happens.
    pub observers: Vec<Arc<dyn Observer>>,
    /// Ends the run when asked.
    pub stop: Stop,
    /// What runs, when it is not all.
    pub reuse: Reuse,
    /// Knows of some tasks what will come of them.
    pub foreknown: Option<Arc<dyn Foreknown>>,
    /// A shell for the user in the container of a step.
    pub shell: Option<Shell>,
}

/// A shell for the user in the container of a step.
pub struct Shell {
    /// Where the user is.
    pub terminal: Terminal,
    /// When it opens.
    pub when: ShellWhen,
}

/// When a shell opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellWhen {
    /// After a step that fails its task.
    StepFails,
    /// In place of what this step runs; the run is cancelled when the user leaves it.
    InsteadOf {
        /// The task's name in events.
        task: String,
        /// The step.
        step: String,
    },
}

/// What of a pipeline runs, and what is taken from earlier runs instead.
#[derive(Debug, Clone, Default)]
pub struct Reuse {
    /// Only these tasks.
    pub part: Option<Part>,
    /// The run that gives the results of those that are left out.
    pub from: Option<Earlier>,
    /// The run that this one goes on with.
    pub resumes: Option<Earlier>,
    /// Whether a later run may go on with this one. Then it keeps the volumes that it made for itself when it does not
    /// succeed.
    pub resumable: bool,
    /// Where it is known what tasks did.
    pub cache: Option<StepCache>,
}
