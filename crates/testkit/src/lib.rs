//! Test environments for every crate (development only).
//!
//! - [`fixtures`]: the shared fixtures, when they are here
//! - [`image`]: tiny images and layers, made in memory
//! - [`peer`]: foreign tools that a test proves itself against
//! - [`buildah`]: the one that builds
//! - [`tree`]: folders as text, to compare two

pub mod buildah;
pub mod image;
pub mod peer;
pub mod tree;

use std::path::PathBuf;

/// The folder of shared fixtures: `STREAMWRIGHT_FIXTURES`, else `shared/fixtures` beside the checkout.
///
/// A clone does not have it; then this prints that the test says nothing and gives `None`.
pub fn fixtures() -> Option<PathBuf> {
    let dir = std::env::var_os("STREAMWRIGHT_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")),
        PathBuf::from,
    );
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: fixtures are not here ({})", dir.display());
    None
}
