//! Which Tekton YAML a command reads.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// Files, folders and kustomizations.
#[derive(Debug, Clone, Default, Args)]
#[command(group = ArgGroup::new("instead of files").multiple(true))]
pub struct InputArgs {
    /// YAML or JSON files, and folders whose YAML files are all read; `-` is standard input
    #[arg(required_unless_present = "instead of files", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Build the kustomization in this folder and read the result; nothing is fetched and no plugins run
    #[arg(short = 'k', long, value_name = "DIR", group = "instead of files")]
    pub kustomize: Vec<PathBuf>,
}
