//! Commands on streams.

use std::path::PathBuf;

use clap::Args;

use super::{EngineArgs, Format};

/// A stream.
#[derive(Debug, Clone, Args)]
pub struct StreamArg {
    /// Folder with stream.yaml, or the file itself
    #[arg(value_name = "STREAM")]
    pub stream: PathBuf,

    /// Folder of shipped tasks, beside the stream's own `tasks/` [default: the ones built in]
    #[arg(long, value_name = "DIR")]
    pub tasks: Option<PathBuf>,
}

/// `sw build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    #[command(flatten)]
    pub engine: EngineArgs,

    /// How to print: text with live lines, or one JSON event a line
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,

    /// Build these components even when nothing changed
    #[arg(long, value_name = "COMPONENT", value_delimiter = ',')]
    pub force: Vec<String>,
}

/// `sw plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    /// Plan as if these components had to be built
    #[arg(long, value_name = "COMPONENT", value_delimiter = ',')]
    pub force: Vec<String>,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// `sw render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    #[command(flatten)]
    pub stream: StreamArg,
}

/// `sw lock`.
#[derive(Debug, Args)]
pub struct LockArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    /// Resolve everything anew, also what the lock has already
    #[arg(long)]
    pub update: bool,
}
