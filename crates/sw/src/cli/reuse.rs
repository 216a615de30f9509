//! Running only a part of a pipeline, going on with an earlier run, looking into one that fails.

use clap::{ArgGroup, Args};
use tekton::prepare::Part;

use super::EngineArgs;

/// What need not run, and what happens after a failure or a change.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Running less, and again", group = ArgGroup::new("part"))]
pub struct ReuseArgs {
    /// Run only these tasks of the pipeline
    #[arg(long, value_name = "TASK", value_delimiter = ',', group = "part")]
    pub only: Vec<String>,

    /// Run this task of the pipeline and all that it waits for
    #[arg(long, value_name = "TASK", value_delimiter = ',', group = "part")]
    pub until: Vec<String>,

    /// Take the results of tasks that are left out from this earlier run, or from the `last` one
    #[arg(long, value_name = "RUN", requires = "part")]
    pub from: Option<String>,

    /// Do not run tasks again that would do what they did before: same spec, images and content of their workspaces
    #[arg(long)]
    pub cache: bool,

    /// Open a shell in the container of a step that fails; needs a terminal
    #[arg(long, conflicts_with = "watch")]
    pub shell_on_failure: bool,

    /// Run again whenever one of the files or a folder of --workspace changes; a change while it runs starts it anew. Ctrl-C
    /// ends
    #[arg(long, conflicts_with = "resume")]
    pub watch: bool,

    /// Go on with a run that failed or was interrupted, or with the `last` one: what it finished is kept. Files are needed
    /// only for secrets
    #[arg(long, value_name = "RUN", conflicts_with_all = ["part", "from", "name"], group = "instead of files")]
    pub resume: Option<String>,
}

/// `sw shell`.
#[derive(Debug, Args)]
pub struct ShellArgs {
    /// The run, or `last`
    #[arg(value_name = "RUN")]
    pub run: String,

    /// The task, as `sw logs` calls it
    #[arg(value_name = "TASK")]
    pub task: String,

    /// The step [default: the one that failed, else the first]
    #[arg(value_name = "STEP")]
    pub step: Option<String>,

    /// A file with secrets that the run used: they are not recorded
    #[arg(long = "secrets", value_name = "FILE")]
    pub secrets: Vec<std::path::PathBuf>,

    #[command(flatten)]
    pub engine: EngineArgs,

    /// Use what is on this machine only
    #[arg(long)]
    pub offline: bool,
}

impl ReuseArgs {
    /// The tasks that are asked for, if not all are.
    pub fn part(&self) -> Option<Part> {
        match (self.only.as_slice(), self.until.as_slice()) {
            ([], []) => None,
            ([], until) => Some(Part::Until(until.to_vec())),
            (only, _) => Some(Part::Only(only.to_vec())),
        }
    }
}
