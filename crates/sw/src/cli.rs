//! The command line, as types. What each command does is in [`crate::commands`].

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

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
    /// Print the Tekton YAML that a build runs
    Render(RenderArgs),
    /// Write the stream's lock: every version and digest that it resolves to now
    Lock(LockArgs),
    /// Run Tekton YAML on this machine
    Run(RunArgs),
    /// Check Tekton YAML: what a cluster's admission would refuse, with the place and what to write instead
    Validate(ValidateArgs),
    /// Show what Tekton YAML would run: which task waits for which, and why
    Graph(GraphArgs),
    /// List runs, newest first
    Runs(RunsArgs),
    /// Print the logs of a run
    Logs(LogsArgs),
    /// Release payloads
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// The registry over the local store
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// The local image store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Find and record builds by the key of their inputs (used by tasks)
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Check whether this machine can build, and say what to do where it cannot
    Doctor(DoctorArgs),
    /// The built-in OCI runtime, with runc's command line
    #[command(hide = true)]
    OciRuntime(OciRuntimeArgs),
}

/// A stream.
#[derive(Debug, Clone, Args)]
pub struct StreamArg {
    /// Folder with stream.yaml, or the file itself
    #[arg(value_name = "STREAM")]
    pub stream: PathBuf,

    /// Folder of shipped tasks, beside the stream's own `tasks/` [default: the ones built in]
    #[arg(long, value_name = "DIR")]
    pub tasks: Option<PathBuf>,
}

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

/// `sw build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    #[command(flatten)]
    pub engine: EngineArgs,

    /// How to print: text with live lines, or one JSON event a line
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,

    /// Build these components even when nothing changed
    #[arg(long, value_name = "COMPONENT", value_delimiter = ',')]
    pub force: Vec<String>,
}

/// `sw plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    /// Plan as if these components had to be built
    #[arg(long, value_name = "COMPONENT", value_delimiter = ',')]
    pub force: Vec<String>,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// `sw render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    #[command(flatten)]
    pub stream: StreamArg,
}

/// `sw lock`.
#[derive(Debug, Args)]
pub struct LockArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    /// Resolve everything anew, also what the lock has already
    #[arg(long)]
    pub update: bool,
}

/// `sw run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// YAML or JSON files with a PipelineRun or TaskRun and what they refer to, or one Pipeline or Task; `-` is standard
    /// input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

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

    /// Run only the pipeline, task or run of this name when the files have several
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
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

/// `sw validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// YAML or JSON files, and folders whose YAML files are all checked; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = FindingsFormat::Text)]
    pub output: FindingsFormat,
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
    /// YAML or JSON files with a PipelineRun or TaskRun and what they refer to, or one Pipeline or Task; `-` is standard
    /// input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Show the pipeline, task or run of this name when the files have several
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,

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

/// `sw release …`.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Show a release
    Info(ReleaseInfoArgs),
    /// Assemble a release payload from images
    New(ReleaseNewArgs),
    /// Decide from test results whether a release is accepted, and store the verdict beside it
    Verdict(ReleaseVerdictArgs),
}

/// `sw release info`.
#[derive(Debug, Args)]
pub struct ReleaseInfoArgs {
    /// Pull spec of the release, or `last` for the newest that was built here
    pub release: String,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = InfoFormat::Text)]
    pub output: InfoFormat,

    #[command(flatten)]
    pub insecure: Insecure,
}

/// How to print a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InfoFormat {
    /// For people
    Text,
    /// All of it
    Json,
    /// Names of the images
    Name,
    /// Digests of the images
    Digest,
    /// Pull specs of the images
    Pullspec,
}

/// `sw release new`.
#[derive(Debug, Args)]
pub struct ReleaseNewArgs {
    /// Name of the release, a semantic version [default: VERSION-STREAM.k and a digest of the content]
    #[arg(long, value_name = "VERSION", required_unless_present_all = ["stream", "version"])]
    pub name: Option<String>,

    /// Name of the stream, for the name of the release
    #[arg(long, value_name = "NAME")]
    pub stream: Option<String>,

    /// Version of the stream, for the name of the release
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,

    /// The components' images by digest
    #[arg(long = "image", value_name = "TAG=PULLSPEC", value_parser = pair, num_args = 1.., required = true)]
    pub images: Vec<(String, String)>,

    /// Repository to push to; the tag is the name of the release
    #[arg(long, value_name = "REPOSITORY")]
    pub to_repository: String,

    /// References in the payload that begin with FROM (where images are read now) begin with TO instead
    #[arg(long, value_name = "FROM=TO", value_parser = pair)]
    pub published: Vec<(String, String)>,

    /// The component whose image the payload is a layer on
    #[arg(long, default_value = "cluster-version-operator", value_name = "TAG")]
    pub to_image_base_tag: String,

    /// Creation time in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH", hide_env = true)]
    pub epoch: Option<i64>,

    /// Releases that may be updated to this one
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    pub previous: Vec<String>,

    /// Keep all images, also those that no operator refers to
    #[arg(long)]
    pub keep_all: bool,

    #[command(flatten)]
    pub insecure: Insecure,

    /// Write the pull spec of the release, by digest, into this file
    #[arg(long, value_name = "FILE")]
    pub pullspec_file: Option<PathBuf>,

    /// Write the digest of the release into this file
    #[arg(long, value_name = "FILE")]
    pub digest_file: Option<PathBuf>,

    /// Write the name of the release into this file
    #[arg(long, value_name = "FILE")]
    pub name_file: Option<PathBuf>,
}

/// `sw release verdict`.
#[derive(Debug, Args)]
pub struct ReleaseVerdictArgs {
    /// Pull spec of the release, by digest
    #[arg(long, value_name = "PULLSPEC")]
    pub release: String,

    /// A test's status as Tekton gives it, and whether it blocks; may be given many times
    #[arg(long = "outcome", value_name = "NAME=STATUS:blocking|informing", value_parser = pair, num_args = 0..)]
    pub outcomes: Vec<(String, String)>,

    /// Folder with <test>.xml files in JUnit form
    #[arg(long, value_name = "DIR")]
    pub junit_dir: Option<PathBuf>,

    #[command(flatten)]
    pub insecure: Insecure,

    /// Write `accepted` or `rejected` into this file
    #[arg(long, value_name = "FILE")]
    pub verdict_file: Option<PathBuf>,
}

/// `sw registry …`.
#[derive(Debug, Subcommand)]
pub enum RegistryCommand {
    /// Serve the local store until Ctrl-C
    Serve {
        /// Address to listen on
        #[arg(long, default_value = "127.0.0.1:5757", value_name = "HOST:PORT")]
        listen: std::net::SocketAddr,
    },
}

/// `sw store …`.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Verify every blob and link
    Check {
        /// How to print
        #[arg(short, long, value_enum, default_value_t = Format::Text)]
        output: Format,
    },
    /// Remove what no tag refers to
    Gc,
}

/// `sw cache …`.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Compute the key of a build from its inputs and base digests, and look for its image
    Lookup {
        /// Digest of the inputs that are known before the build
        #[arg(long, value_name = "DIGEST")]
        inputs: base::Digest,
        /// Base images by digest
        #[arg(long = "base", value_name = "NAME=PULLSPEC", value_parser = pair, num_args = 0..)]
        bases: Vec<(String, String)>,
        /// Write `true` or `false` into this file
        #[arg(long, value_name = "FILE")]
        hit_file: Option<PathBuf>,
        /// Write the digest that was found into this file; empty when nothing was
        #[arg(long, value_name = "FILE")]
        digest_file: Option<PathBuf>,
        /// Write the key into this file
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// Never find anything
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
        force: bool,
        #[command(flatten)]
        at: CacheAt,
    },
    /// Tag an image with the key of its inputs, so that it is found next time
    Record {
        /// The key that `lookup` computed
        #[arg(long, value_name = "HEX")]
        key: String,
        /// The image that was built
        #[arg(long, value_name = "DIGEST")]
        digest: base::Digest,
        #[command(flatten)]
        at: CacheAt,
    },
}

/// Where a component's images are, and the results of its task.
#[derive(Debug, Args)]
pub struct CacheAt {
    /// Repository of the component's images, with its registry
    #[arg(long, value_name = "REPOSITORY")]
    pub repository: String,
    #[command(flatten)]
    pub insecure: Insecure,
    /// Task result: REPOSITORY@DIGEST; like the following ones only written when there is an image
    #[arg(long, value_name = "FILE")]
    pub task_image_file: Option<PathBuf>,
    /// Task result: the digest
    #[arg(long, value_name = "FILE")]
    pub task_digest_file: Option<PathBuf>,
    /// Task result: whether nothing had to be built
    #[arg(long, value_name = "FILE")]
    pub task_cached_file: Option<PathBuf>,
    /// Task result: the key
    #[arg(long, value_name = "FILE")]
    pub task_key_file: Option<PathBuf>,
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

/// The words of `runc --root DIR --log FILE run --bundle DIR --pid-file FILE ID`.
#[derive(Debug, Args)]
pub struct OciRuntimeArgs {
    #[arg(long)]
    pub root: PathBuf,
    #[arg(long)]
    pub log: Option<PathBuf>,
    #[command(subcommand)]
    pub command: OciRuntimeCommand,
}

/// What the built-in runtime can do.
#[derive(Debug, Subcommand)]
pub enum OciRuntimeCommand {
    /// Make and run a container in the foreground.
    Run {
        #[arg(long)]
        bundle: PathBuf,
        #[arg(long)]
        pid_file: Option<PathBuf>,
        id: String,
    },
    /// Run another process in a running container.
    Exec {
        id: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
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
