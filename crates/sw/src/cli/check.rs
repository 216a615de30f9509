//! `sw validate` and `sw graph`: Tekton YAML before it runs.

use base::diagnostic::suggestion;
use clap::{Args, ValueEnum};
use tekton::lint::code;

use super::InputArgs;

/// `sw validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    #[command(flatten)]
    pub inputs: InputArgs,

    /// Also fetch what remote references mean, and check that
    #[arg(long)]
    pub resolve: bool,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = FindingsFormat::Text)]
    pub output: FindingsFormat,

    /// Do not give warnings of this code; the comment `# sw: allow CODE` does it for one place
    #[arg(long = "allow", value_name = "CODE", value_parser = warning_code)]
    pub allow: Vec<String>,

    /// End with exit code 2 when there is a warning
    #[arg(long)]
    pub deny_warnings: bool,
}

/// A code that warnings can have.
fn warning_code(code: &str) -> Result<String, String> {
    let unknown = || suggestion(code, code::LINTS.iter().map(|lint| lint.code));
    code::find(code)
        .map(|_| code.to_owned())
        .ok_or_else(|| format!("no warning has this code; {}", unknown()))
}

/// How to print findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FindingsFormat {
    /// For people, with the lines
    Text,
    /// A list of objects
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
}

/// `sw graph`.
#[derive(Debug, Args)]
pub struct GraphArgs {
    #[command(flatten)]
    pub inputs: InputArgs,

    /// Take remote references as they were last fetched on this machine, without using the network
    #[arg(long)]
    pub offline: bool,

    /// Show the pipeline, task or run of this name when the files have several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = GraphFormat::Text)]
    pub output: GraphFormat,
}

/// How to print a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For people
    Text,
    /// For Graphviz
    Dot,
    /// For Mermaid, which code hosts draw
    Mermaid,
    /// For programs
    Json,
}
