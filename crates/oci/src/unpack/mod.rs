//! Layers as directories that overlayfs stacks.
//!
//! Each layer is unpacked once, to `DIR/HEX/fs` (`HEX` is its diff id), in the form overlayfs wants: what a layer removes is
//! a character device 0/0, what it replaces as a whole has the attribute `overlay.opaque`. Layers come from anywhere:
//! names are resolved by the kernel beneath the layer's own directory, memory, depth, size and number are bounded.
//!
//! - [`layers`]: the directory of unpacked layers
//! - [`notes`]: what is worth knowing about an unpacked layer
//! - [`limits`]: how much a layer may be
//! - [`error`]: what can go wrong
//! - `extract`: from tar entries to files
//! - `content`: the content of files, with holes
//! - `directories`: modes and times of directories, set at the end
//! - `name`: from the name of an entry to a place
//! - `beneath`: file operations that cannot leave a directory
//! - `parents`: directories that a layer uses but does not describe

mod beneath;
mod content;
mod directories;
pub mod error;
mod extract;
pub mod layers;
pub mod limits;
pub(crate) mod name;
pub mod notes;
mod parents;

pub use error::UnpackError;
pub use layers::{Layers, Lower, Unpacked};
pub use limits::Limits;
pub use notes::{Notes, Skipped};
