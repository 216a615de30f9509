//! Why a run could not be carried out at all; a run that fails is not an error but [`crate::Finished`].

use std::io;
use std::path::PathBuf;

use tekton::prepare::PartError;

use crate::record::WITH_VOLUMES;

/// Why a run could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The files have no such run.
    #[error("there is no run called `{0}` in the files")]
    NoRun(String),
    /// A part was asked for that cannot be run.
    #[error("{problem}{}", advice(.problem))]
    Part {
        /// What is wrong with it.
        #[from]
        problem: PartError,
    },
    /// The volumes of the run to go on with are not there any more.
    #[error(
        "cannot go on with run {0}: the volumes that it made are gone (the newest {WITH_VOLUMES} runs that did not succeed \
         keep them); run it anew"
    )]
    VolumesGone(String),
    /// A part was asked for of something that has no parts.
    #[error("`{0}` is a TaskRun: only pipelines have tasks to choose from")]
    NoParts(String),
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

fn advice(error: &PartError) -> String {
    match error {
        PartError::Unknown { .. } => String::new(),
        PartError::Missing(missing) => {
            let task = missing.first().map(|m| m.task.as_str()).unwrap_or_default();
            format!(
                "; take it from an earlier run that has it with --from RUN (or --from last), or run all that `{task}` needs: \
                 --until {task}"
            )
        }
    }
}
