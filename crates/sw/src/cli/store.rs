//! `sw registry`, `sw store` and `sw cache`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

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
    Lookup {
        /// Digest of the inputs that are known before the build
        #[arg(long, value_name = "DIGEST")]
        inputs: base::Digest,
        /// Base images by digest
        #[arg(long = "base", value_name = "NAME=PULLSPEC", value_parser = pair, num_args = 0..)]
        bases: Vec<(String, String)>,
        /// Images that the image names, by component and digest
        #[arg(long = "operand", value_name = "NAME=PULLSPEC", value_parser = pair, num_args = 0..)]
        operands: Vec<(String, String)>,
        /// Repositories of other streams: an image of the same key that is below one of them, under the component's name, is
        /// copied. Who can write there decides what is in your images
        #[arg(long, value_name = "REPOSITORY", num_args = 0..)]
        also: Vec<String>,
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
    /// Remove images, unpacked layers and runs of builds that are old; never what a stream's last release uses
    Prune(PruneArgs),
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
