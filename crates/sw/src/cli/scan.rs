//! `sw scan`.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::{Format, Insecure};

/// `sw scan`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Pull spec of the image
    #[arg(value_name = "IMAGE")]
    pub image: String,

    /// Packages that are not to be installed; `*` stands for anything
    #[arg(long, value_name = "PACKAGE", num_args = 0..)]
    pub deny: Vec<String>,

    /// Files that may have the setuid or setgid bit; `*` stands for anything
    #[arg(long, value_name = "PATH", num_args = 0..)]
    pub allow_setuid: Vec<String>,

    /// Only say what is found, do not fail
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, value_name = "BOOL")]
    pub inform: bool,

    /// Write what the image holds and what was found into this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Write how much was found into this file
    #[arg(long, value_name = "FILE")]
    pub count_file: Option<PathBuf>,

    #[command(flatten)]
    pub insecure: Insecure,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}
