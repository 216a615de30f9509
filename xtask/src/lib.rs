//! What keeps the repository as it should be: `cargo xtask generate|check|deps|sizes`.
//!
//! - [`generate`]: reference pages made of the code, and whether the checked-in ones still are
//! - [`deps`]: which crate may use which
//! - [`sizes`]: how long files may be

pub mod deps;
pub mod generate;
pub mod sizes;

use std::path::PathBuf;

/// The repository's folder.
pub fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
