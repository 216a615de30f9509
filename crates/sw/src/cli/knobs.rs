//! How much is rebuilt.

use clap::Args;
use stream::definition::{Rebuild, RebuildInherited};

/// What a stream says about rebuilding, for once said otherwise.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Rebuilding")]
pub struct KnobArgs {
    /// Rebuild a component because of what it starts from: `transitive`, `direct` or `local` [default: what the stream says]
    #[arg(long, value_name = "WHEN")]
    pub rebuild: Option<Rebuild>,

    /// Which inherited components are built in this stream: `none`, `affected` or `all` [default: what the stream says]
    #[arg(long, value_name = "WHICH")]
    pub rebuild_inherited: Option<RebuildInherited>,
}
