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

    /// Processes and threads that a step may have at a time; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = engine::limits::DEFAULT_PROCESSES)]
    pub max_processes: u64,

    /// How much is kept of what a step prints; of more than that, the beginning and the end
    #[arg(long, value_name = "SIZE", default_value = "64Mi", value_parser = log_size)]
    pub max_log: u64,

    /// Show what steps print as they print it
    #[arg(long)]
    pub logs: bool,
}

/// A quantity of bytes as Kubernetes writes them.
fn log_size(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 4096;
    match tekton::types::Quantity::from(text).units() {
        Some(bytes) if bytes >= LEAST => Ok(bytes),
        _ => Err("write a size of at least 4Ki, for example 500Ki, 64Mi or 2Gi".to_owned()),
    }
}
