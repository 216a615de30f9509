//! Why a run could not be carried out at all; a run that fails is not an error but [`crate::Finished`].

use std::io;
use std::path::PathBuf;

/// Why a run could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The files have no such run.
    #[error("there is no run called `{0}` in the files")]
    NoRun(String),
    /// The run's folder cannot be written.
    #[error("cannot record the run in {}: {source}; free space, or choose another folder with --home", dir.display())]
    Record {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no threads or descriptors.
    #[error("cannot run tasks: {0}")]
    System(#[from] io::Error),
}
