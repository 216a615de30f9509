//! The command line, as types. What each command does is in [`crate::commands`].
//!
//! - [`stream`]: commands on streams; [`knobs`]: how much is rebuilt
//! - [`engine`]: what all commands share that run something
//! - [`run`], [`runs`]: Tekton YAML, and what was run; [`check`], [`vendor`]: before it runs; [`inputs`]: which files;
//!   [`reuse`]: only a part of it, or again; [`trigger`]: what an event runs of it
//! - [`release`]: release payloads; [`approval`]: who lets images become one; [`scan`]: what is in an image
//! - [`store`]: registry, store and cache
//! - [`runtime`]: the hidden OCI runtime

mod approval;
mod check;
mod engine;
mod inputs;
mod knobs;
mod release;
mod reuse;
mod run;
mod runs;
mod runtime;
mod scan;
mod store;
mod stream;
mod trigger;
mod vendor;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use approval::*;
pub use check::*;
pub use engine::*;
pub use inputs::*;
pub use knobs::*;
pub use release::*;
pub use reuse::*;
pub use run::*;
pub use runs::*;
pub use runtime::*;
pub use scan::*;
pub use store::*;
pub use stream::*;
pub use trigger::*;
pub use vendor::*;

/// From a stream file to a tested release of OKD, on this machine.
#[derive(Debug, Parser)]
#[command(name = "sw", version, max_term_width = 110, disable_help_subcommand = true)]
pub struct Cli {
    /// Folder of images, runs and claims [default: /var/lib/streamwright, or ~/.local/share/streamwright]
    #[arg(long, global = true, env = "STREAMWRIGHT_HOME", value_name = "DIR", hide_env_values = true)]
    pub home: Option<PathBuf>,

    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub color: When,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When to do something that depends on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// When the output is a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build a stream: images, release payload, tests, verdict
    Build(BuildArgs),
    /// Show what a build would do to each component, and why
    Plan(PlanArgs),
    /// Show why a component is built or not, down to what changed
    Why(WhyArgs),
    /// Show what depends on a component, or what a commit in a repository touches
    Rdeps(RdepsArgs),
    /// Print the Tekton YAML that a build runs
    Render(RenderArgs),
    /// Write what is missing in the stream's lock: the commits, digests and versions that its names mean now
    Lock(LockArgs),
    /// Move the stream's lock to what is offered now, and show what moved
    Update(UpdateArgs),
    /// Make a stream of your own from another one or a published release: an overlay with a small difference
    Branch(BranchArgs),
    /// Make a stream of what others have: ART's build data, okd-payload-pipeline, a published release
    #[command(subcommand)]
    Import(ImportCommand),
    /// Print what every FROM of every component means, and what nothing says
    Bases(BasesArgs),
    /// Look at streams
    #[command(subcommand)]
    Stream(StreamCommand),
    /// Run Tekton YAML on this machine
    Run(RunArgs),
    /// Check Tekton YAML: what a cluster's admission would refuse, with the place and what to write instead
    Validate(ValidateArgs),
    /// Show what Tekton YAML would run: which task waits for which, and why
    Graph(GraphArgs),
    /// Show what an event of a code host would run, and why not the rest; and run it
    Trigger(TriggerArgs),
    /// Write Tekton YAML and all that its remote references mean into a folder that runs offline
    Vendor(VendorArgs),
    /// List runs, newest first
    Runs(RunsArgs),
    /// Open a shell in the container of a step of an earlier run
    Shell(ShellArgs),
    /// Print the logs of a run
    Logs(LogsArgs),
    /// Release payloads
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Approve the images that a pipeline waits to release, or reject them
    Approve(ApproveArgs),
    /// Wait for an approval (used by tasks)
    #[command(subcommand)]
    Approval(ApprovalCommand),
    /// Look into an image without running it: denied packages, setuid files
    Scan(ScanArgs),
    /// The registry over the local store
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// The local image store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Builds by the key of their inputs: how much there is, remove old ones; find and record them (used by tasks)
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Check whether this machine can build, and say what to do where it cannot
    Doctor(DoctorArgs),
    /// The built-in OCI runtime, with runc's command line
    #[command(hide = true)]
    OciRuntime(OciRuntimeArgs),
}

/// Whether to speak plain http. Registries on this machine's loopback address always may.
#[derive(Debug, Clone, Copy, Args)]
pub struct Insecure {
    /// Speak plain http to the registry
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set, value_name = "BOOL")]
    pub insecure: bool,
}

/// `sw doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
