//! Releases: the payload image, what its tests said, and the verdict.
//!
//! - [`payload`]: release images: assemble one, read one, show one
//! - [`approval`]: what a person decides about images before they become a release
//! - [`scan`]: what is in an image
//! - [`junit`]: reports of tests, read leniently and written
//! - [`verdict`]: which outcomes accept or reject a release, and the evidence that is stored beside it
//! - [`go`]: what Go's libraries print: JSON with HTML escapes, aligned columns, names matched in any case

pub mod approval;
pub mod go;
pub mod junit;
pub mod payload;
pub mod scan;
pub mod verdict;
