//! Commands on streams.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use stream::definition::Platform;

use super::knobs::KnobArgs;
use super::{EngineArgs, Format, pair};

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

    /// Look for images in the local store only, not in the registries of the stream and its caches
    #[arg(long)]
    pub offline: bool,

    /// Refuse a stream with findings that no waiver excuses, instead of warning
    #[arg(long)]
    pub strict: bool,

    /// Build these components even when nothing changed
    #[arg(long, value_name = "COMPONENT", value_delimiter = ',')]
    pub force: Vec<String>,

    #[command(flatten)]
    pub knobs: KnobArgs,
}

/// `sw plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    /// Look for images in the local store only, not in the registries of the stream and its caches
    #[arg(long)]
    pub offline: bool,

    /// Refuse a stream with findings that no waiver excuses, instead of warning
    #[arg(long)]
    pub strict: bool,

    /// Plan as if these components had to be built
    #[arg(long, value_name = "COMPONENT", value_delimiter = ',')]
    pub force: Vec<String>,

    /// Compare what will be released with a published release
    #[arg(long, value_name = "RELEASE")]
    pub diff: Option<String>,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,

    #[command(flatten)]
    pub knobs: KnobArgs,
}

/// `sw why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The component
    pub component: String,

    /// Folder with stream.yaml, or the file itself
    #[arg(value_name = "STREAM", default_value = ".")]
    pub stream: PathBuf,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,

    #[command(flatten)]
    pub knobs: KnobArgs,
}

/// `sw rdeps`.
#[derive(Debug, Args)]
pub struct RdepsArgs {
    /// The component; or the address of a repository, for what a commit in it touches
    pub component: String,

    /// Folder with stream.yaml, or the file itself
    #[arg(value_name = "STREAM", default_value = ".")]
    pub stream: PathBuf,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// `sw render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    #[command(flatten)]
    pub knobs: KnobArgs,

    /// Write a file for each object into this new folder: `objects/` to apply, `run.yaml` to create
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
}

/// `sw lock`.
#[derive(Debug, Args)]
pub struct LockArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    /// Ask nobody: take what this machine knows, and name everything that it does not
    #[arg(long)]
    pub offline: bool,

    /// Write nothing; ask whether everything that the lock names is still there
    #[arg(long, conflicts_with = "offline")]
    pub verify: bool,

    /// How to print what --verify finds
    #[arg(short, long, value_enum, default_value_t = Format::Text, requires = "verify")]
    pub output: Format,
}

/// `sw update`.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Folder with stream.yaml, or the file itself
    #[arg(value_name = "STREAM", default_value = ".")]
    pub stream: PathBuf,

    /// Move only these: components (their commits, packages, and the images nobody else starts from), entries of `bases` or images,
    /// or `from`, the stream that an overlay is from [default: everything]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,

    /// Show the first lines of the commits between, too
    #[arg(long)]
    pub commits: bool,

    /// Show what would move, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// `sw stream …`.
#[derive(Debug, Subcommand)]
pub enum StreamCommand {
    /// Print a stream with everything it inherits, and the file and line that says each of it
    Show {
        #[command(flatten)]
        stream: StreamArg,

        /// How to print
        #[arg(short, long, value_enum, default_value_t = ShowFormat::Text)]
        output: ShowFormat,
    },
    /// Print what is different in the stream B
    Diff {
        /// Folder with stream.yaml, or the file itself
        a: PathBuf,
        /// Folder with stream.yaml, or the file itself
        b: PathBuf,

        /// How to print
        #[arg(short, long, value_enum, default_value_t = Format::Text)]
        output: Format,
    },
}

/// How to print a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// A stream file with the origin of every line behind it
    Text,
    /// A stream file
    Yaml,
    /// Its lines with their origins, and the operations that were applied
    Json,
}

/// `sw bases`.
#[derive(Debug, Args)]
pub struct BasesArgs {
    #[command(flatten)]
    pub stream: StreamArg,

    /// Fetch all sources and look at their Containerfiles, also where the stream says what they start from
    #[arg(long)]
    pub fetch: bool,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// `sw import …`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// ART's build data (ocp-build-data) to a stream with the payload's images, and an overlay for its OKD variant
    Art {
        /// A checkout of a branch `openshift-X.Y`: group.yml, streams.yml, images/
        dir: PathBuf,
        #[command(flatten)]
        to: ImportTo,
        #[command(flatten)]
        platforms: ImportPlatforms,
    },
    /// okd-payload-pipeline to a stream, and an overlay for each variant
    OkdPayloadPipeline {
        /// A checkout: buildconfigs/, variants/
        dir: PathBuf,
        #[command(flatten)]
        to: ImportTo,
        #[command(flatten)]
        platforms: ImportPlatforms,
    },
    /// A published release payload to a stream of exactly its images
    Payload {
        /// The pull spec, with a digest
        #[arg(value_name = "PULLSPEC")]
        spec: String,
        #[command(flatten)]
        to: ImportTo,
    },
}

/// Where an import goes.
#[derive(Debug, Args)]
pub struct ImportTo {
    /// The folder to write into; what is there is never overwritten
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

/// What the streams of an import are for.
#[derive(Debug, Args)]
pub struct ImportPlatforms {
    /// What the streams are for, as linux/arm64, instead of what the data say; what an image cannot be built for still counts
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',')]
    pub platforms: Vec<Platform>,
}

/// `sw branch`.
#[derive(Debug, Args)]
pub struct BranchArgs {
    /// What to inherit: the folder of a stream, GIT-URL@REF[#FOLDER], or the pull spec of a published release
    #[arg(value_name = "SOURCE")]
    pub source: String,

    /// Name of the new stream
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Folder to write [default: NAME]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,

    /// Where its images will be published [default: localhost:5757/NAME]
    #[arg(long, value_name = "REPOSITORY")]
    pub repository: Option<String>,

    /// Build a component from something else: a folder, GIT-URL@REF[#FOLDER], or an image by digest
    #[arg(long, value_name = "COMPONENT=SOURCE", value_parser = pair)]
    pub replace: Vec<(String, String)>,

    /// Add a component
    #[arg(long, value_name = "COMPONENT=SOURCE", value_parser = pair)]
    pub add: Vec<(String, String)>,

    /// Leave a component out
    #[arg(long, value_name = "COMPONENT")]
    pub remove: Vec<String>,

    /// Apply a patch file to a component's source; it is copied into the new stream's folder
    #[arg(long, value_name = "COMPONENT=FILE", value_parser = pair)]
    pub patch: Vec<(String, String)>,

    /// Keep a component at a commit
    #[arg(long, value_name = "COMPONENT=COMMIT", value_parser = pair)]
    pub pin: Vec<(String, String)>,

    /// Say what a name in FROM means: an image from a registry
    #[arg(long, value_name = "NAME=IMAGE", value_parser = pair)]
    pub set_base: Vec<(String, String)>,

    /// Leave a test out
    #[arg(long, value_name = "TEST")]
    pub remove_test: Vec<String>,

    /// Why; written beside every operation
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
}
