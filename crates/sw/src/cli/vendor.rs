//! `sw vendor`.

use std::path::PathBuf;

use clap::Args;

use super::InputArgs;

/// `sw vendor`.
#[derive(Debug, Args)]
pub struct VendorArgs {
    #[command(flatten)]
    pub inputs: InputArgs,

    /// Write into this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,

    /// Also write the images of all steps, as an OCI layout in DIR/images
    #[arg(long)]
    pub images: bool,
}
