//! What keeps the repository as it should be: `cargo xtask generate|check|deps|parity|sizes|fuzz|examples`.
//!
//! - [`generate`]: reference pages made of the code, and whether the checked-in ones still are
//! - [`deps`]: which crate may use which
//! - [`parity`]: what of Tekton works here, with the tests that prove it
//! - [`fuzz`](mod@fuzz): damaged input for everything that reads input
//! - [`sizes`]: how long files may be
//! - [`examples`]: Tekton's examples and our own, run and compared with what they must leave

pub mod deps;
pub mod examples;
pub mod fuzz;
pub mod generate;
pub mod parity;
pub mod sizes;

use std::path::PathBuf;

/// The repository's folder.
pub fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
