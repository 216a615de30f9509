//! `sw approve` and `sw approval`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Insecure;

/// `sw approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The repository of the stream, as the waiting task names it, or the stream's folder
    #[arg(value_name = "REPOSITORY|STREAM")]
    pub place: String,

    /// Which question [default: the only one that waits]
    #[arg(value_name = "ID")]
    pub id: Option<String>,

    /// Reject: the task that waits fails
    #[arg(long)]
    pub reject: bool,

    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub why: String,

    /// Who decides
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true, default_value = "somebody")]
    pub by: String,

    #[command(flatten)]
    pub insecure: Insecure,
}

/// `sw approval …`.
#[derive(Debug, Subcommand)]
pub enum ApprovalCommand {
    /// Ask for approval of images, and wait until somebody gives it with `sw approve`, or rejects
    Wait(ApprovalWaitArgs),
}

/// `sw approval wait`.
#[derive(Debug, Args)]
pub struct ApprovalWaitArgs {
    /// The stream
    #[arg(long, value_name = "NAME")]
    pub stream: String,

    /// The repository of the stream: question and answer are beside its releases
    #[arg(long, value_name = "REPOSITORY")]
    pub repository: String,

    /// What is to be approved
    #[arg(long = "image", value_name = "TAG=PULLSPEC", num_args = 0..)]
    pub images: Vec<String>,

    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = time)]
    pub timeout: Duration,

    #[command(flatten)]
    pub insecure: Insecure,

    /// Write the answer, `approved by …`, into this file
    #[arg(long, value_name = "FILE")]
    pub answer_file: Option<PathBuf>,
}

/// A time as Tekton writes it.
fn time(text: &str) -> Result<Duration, String> {
    let time: tekton::types::Duration = text.parse().map_err(|e| format!("{e}"))?;
    if time.nanos() > 0 { Ok(time.as_std()) } else { Err("it must be more than nothing".to_owned()) }
}
