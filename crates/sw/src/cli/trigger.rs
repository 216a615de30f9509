//! `sw trigger`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{EngineArgs, pair};

/// `sw trigger`.
#[derive(Debug, Args)]
#[command(
    after_help = "Ends with 0 when something matched, 1 when nothing did, 2 when the event or the files are wrong. \
                        With --run: as the first run that did not succeed."
)]
pub struct TriggerArgs {
    /// The body of a webhook as JSON, or an object of `headers` and `body`; `-` is standard input
    #[arg(value_name = "EVENT")]
    pub event: PathBuf,

    /// YAML files with triggers or annotated PipelineRuns and what they refer to, and folders of them [default: .tekton if there
    /// is one, else the YAML files of this folder]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Build the kustomization in this folder and read the result too
    #[arg(short = 'k', long, value_name = "DIR")]
    pub kustomize: Vec<PathBuf>,

    /// A header of the event, such as 'X-GitHub-Event: push'
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,

    /// A file of changed paths, a line each, or lines of `git diff --name-status` [default: those that a push lists]
    #[arg(long, value_name = "FILE", conflicts_with = "git")]
    pub changed_files: Option<PathBuf>,

    /// Take the changed paths from a git repository
    #[arg(long, num_args = 2, value_names = ["DIR", "BASE..HEAD"])]
    pub git: Vec<String>,

    /// A fact that the event does not have, for Pipelines-as-Code: target_branch, source_branch, target_url, source_url, event_title,
    /// revision, sender, pull_request_number, git_auth_secret
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    pub facts: Vec<(String, String)>,

    /// Run what matches, one after the other
    #[arg(long)]
    pub run: bool,

    #[command(flatten)]
    pub engine: EngineArgs,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = TriggerFormat::Text)]
    pub output: TriggerFormat,
}

/// How to print what an event would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TriggerFormat {
    /// For people: what matches and what does not, with the reasons
    Text,
    /// The same for programs, with the complete runs
    Json,
    /// The runs that match and the tasks and pipelines of the files, for `sw run -`
    Yaml,
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write it as 'NAME: VALUE'".to_owned()),
    }
}
