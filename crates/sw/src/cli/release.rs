//! `sw release`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use oci::Platform;

use super::{Insecure, pair};

/// `sw release …`.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Show a release
    Info(ReleaseInfoArgs),
    /// Assemble a release payload from images
    New(Box<ReleaseNewArgs>),
    /// Decide from test results whether a release is accepted, and store the verdict beside it
    Verdict(ReleaseVerdictArgs),
}

/// `sw release info`.
#[derive(Debug, Args)]
pub struct ReleaseInfoArgs {
    /// Pull spec of the release, or `last` for the newest that was built here
    pub release: String,

    /// Of a release for several platforms, the one whose payload is shown [default: this machine's, else the first]
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    pub platform: Option<Platform>,

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

    /// The components' images by digest; for several platforms one list of a TAG, or its image for each
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

    /// What the payload is made for: of an image that is a list, this one's manifests are looked at. For several the release is a
    /// list, with a payload for each
    #[arg(
        long = "platform",
        default_value = "linux/amd64",
        value_name = "OS/ARCHITECTURE",
        num_args = 1..,
        value_delimiter = ','
    )]
    pub platforms: Vec<Platform>,

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
