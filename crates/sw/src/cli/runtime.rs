//! The hidden OCI runtime.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The words of `runc --root DIR --log FILE run --keep --bundle DIR --pid-file FILE ID`.
#[derive(Debug, Args)]
pub struct OciRuntimeArgs {
    #[arg(long)]
    pub root: PathBuf,
    #[arg(long)]
    pub log: Option<PathBuf>,
    #[command(subcommand)]
    pub command: OciRuntimeCommand,
}

/// What the built-in runtime can do.
#[derive(Debug, Subcommand)]
pub enum OciRuntimeCommand {
    /// Make and run a container in the foreground.
    Run {
        #[arg(long)]
        keep: bool,
        #[arg(long)]
        bundle: PathBuf,
        #[arg(long)]
        pid_file: Option<PathBuf>,
        id: String,
    },
    /// Run another process in a running container.
    Exec {
        id: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
}
