//! `sw run`.

use clap::{Args, ValueEnum};

use super::{EngineArgs, InputArgs, ReuseArgs, pair};

/// `sw run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub inputs: InputArgs,

    #[command(flatten)]
    pub engine: EngineArgs,

    /// How to print: text with live lines, one JSON event a line, or the finished run as YAML
    #[arg(short, long, value_enum, default_value_t = RunFormat::Text)]
    pub output: RunFormat,

    /// A parameter; a value that begins with `[` or `{` is read as JSON
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub params: Vec<(String, String)>,

    /// A folder of this machine as workspace; `:ro` after it keeps steps from writing
    #[arg(short, long = "workspace", value_name = "NAME=DIR", value_parser = pair)]
    pub workspaces: Vec<(String, String)>,

    /// Use what is on this machine only: images of the store, and remote references as they were last fetched. What steps
    /// do themselves is their business
    #[arg(long)]
    pub offline: bool,

    /// Run only the pipeline, task or run of this name when the files have several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    #[command(flatten)]
    pub reuse: ReuseArgs,
}

impl RunArgs {
    /// A run of which nothing special is asked.
    pub fn plain(inputs: InputArgs, engine: EngineArgs, offline: bool) -> Self {
        Self {
            inputs,
            engine,
            output: RunFormat::Text,
            params: Vec::new(),
            workspaces: Vec::new(),
            offline,
            name: None,
            reuse: ReuseArgs::default(),
        }
    }
}

/// How to print a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunFormat {
    /// For people: live lines, then the results
    Text,
    /// One JSON event a line
    Json,
    /// The finished PipelineRun or TaskRun with its status, as Tekton would leave it
    Yaml,
}
