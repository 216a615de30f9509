//! What all commands share that run something.

use clap::Args;

use super::pair;

/// How the engine works.
#[derive(Debug, Clone, Args)]
pub struct EngineArgs {
    /// Tasks that run at the same time [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,

    /// OCI runtime: `builtin`, or the name or path of another such as `runc`
    #[arg(
        long,
        value_name = "NAME",
        default_value = "builtin",
        env = "STREAMWRIGHT_RUNTIME",
        hide_env = true
    )]
    pub runtime: String,

    /// Use another image where PATTERN matches; TARGET `host` is this machine's own file system
    #[arg(long = "image", value_name = "PATTERN=TARGET", value_parser = pair)]
    pub images: Vec<(String, String)>,

    /// Show what steps print as they print it
    #[arg(long)]
    pub logs: bool,
}
