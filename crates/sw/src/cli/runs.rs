//! `sw runs` and `sw logs`.

use clap::Args;

use super::Format;

/// `sw runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Show at most so many
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
    pub limit: usize,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// `sw logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The run, or `last`
    pub run: String,
    /// Only this task
    pub task: Option<String>,
    /// Only this step
    pub step: Option<String>,
}
