//! `sw registry`, `sw store` and `sw cache`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

use stream::key::policy::Policy;

use super::{Format, Insecure, pair};

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
    /// Bring in the images of an OCI layout or archive, under the names that they have there
    Import {
        /// A folder such as `sw vendor --images` writes, or an archive of one
        #[arg(value_name = "LAYOUT")]
        from: PathBuf,
    },
    /// Remove what no tag refers to
    Gc,
}

/// `sw cache …`.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Compute the key of a build from its inputs and base digests, and look for its image
    Lookup(LookupArgs),
    /// Tag an image with the keys of its inputs, so that it is found next time
    Record(RecordArgs),
    /// Copy the only base of a build instead of building, and tag it with the keys
    Copy(CopyArgs),
    /// Show how much the step cache of `sw run --cache` holds
    Steps {
        /// Remove everything from it
        #[arg(long)]
        prune: bool,
        /// How to print
        #[arg(short, long, value_enum, default_value_t = Format::Text)]
        output: Format,
    },
    /// Show how many images the local store has of each stream, and how many the last build found there
    Stats {
        /// How to print
        #[arg(short, long, value_enum, default_value_t = Format::Text)]
        output: Format,
    },
    /// Remove images, unpacked layers and runs of builds that are old, patched sources, and what remote references meant; never what
    /// a stream's last release uses
    Prune(PruneArgs),
}

/// `sw cache lookup`.
#[derive(Debug, Args)]
pub struct LookupArgs {
    /// Digest of the inputs that are known before the build
    #[arg(long, value_name = "DIGEST")]
    pub inputs: base::Digest,
    #[command(flatten)]
    pub weak: WeakKeyArgs,
    /// Which image is used instead of a build: `transitive` for the one with this very key, `direct`, `local`, or `inherited` for
    /// the one that other streams have of the key `local`
    #[arg(long, value_name = "POLICY", default_value = "transitive", value_parser = Policy::parse)]
    pub rebuild: Policy,
    /// Bases, by the names of --base, that may be exchanged under an image of the same inputs which is there, when they fit
    #[arg(long, value_name = "NAME", num_args = 0..)]
    pub swap: Vec<String>,
    /// Repositories of other streams: an image of the same key that is below one of them, under the component's name, is
    /// copied. Who can write there decides what is in your images
    #[arg(long, value_name = "REPOSITORY", num_args = 0..)]
    pub also: Vec<String>,
    /// Write `true` or `false` into this file
    #[arg(long, value_name = "FILE")]
    pub hit_file: Option<PathBuf>,
    /// Write the digest that was found into this file; empty when nothing was
    #[arg(long, value_name = "FILE")]
    pub digest_file: Option<PathBuf>,
    /// Write the key into this file
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Never find anything
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
    pub force: bool,
    #[command(flatten)]
    pub at: CacheAt,
}

/// `sw cache record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// The key that `lookup` computed
    #[arg(long, value_name = "HEX")]
    pub key: String,
    /// The image that was built
    #[arg(long, value_name = "DIGEST")]
    pub digest: base::Digest,
    #[command(flatten)]
    pub weak: WeakKeyArgs,
    #[command(flatten)]
    pub at: CacheAt,
}

/// `sw cache copy`.
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The key that `lookup` computed
    #[arg(long, value_name = "HEX")]
    pub key: String,
    #[command(flatten)]
    pub weak: WeakKeyArgs,
    #[command(flatten)]
    pub at: CacheAt,
}

/// What an image stands on, and the keys that leave out something about it.
#[derive(Debug, Args)]
pub struct WeakKeyArgs {
    /// Base images by digest
    #[arg(long = "base", value_name = "NAME=PULLSPEC", value_parser = pair, num_args = 0..)]
    pub bases: Vec<(String, String)>,
    /// Images that the image names, by component and digest
    #[arg(long = "operand", value_name = "NAME=PULLSPEC", value_parser = pair, num_args = 0..)]
    pub operands: Vec<(String, String)>,
    /// Keys under which the newest image is found, whatever its bases are: `direct=DIGEST` and `local=DIGEST`
    #[arg(long = "weak-key", value_name = "POLICY=DIGEST", value_parser = pair, num_args = 0..)]
    pub weak_keys: Vec<(String, String)>,
}

/// `sw cache prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Keep what is younger than so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30, conflicts_with = "keep_last")]
    pub keep: u64,
    /// Keep the newest N images of each component, releases and runs of each stream, however old, and nothing else
    #[arg(long, value_name = "N")]
    pub keep_last: Option<usize>,
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
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
