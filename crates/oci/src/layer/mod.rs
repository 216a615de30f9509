//! Layers: tar archives, mostly compressed.
//!
//! - [`read`]: decompresses and computes the diff id on the way
//! - [`tar`]: entries of a tar archive, with bounded memory
//! - [`pax`]: extended header records of a tar entry
//! - [`sparse`]: files with holes in a tar archive
//! - [`mod@write`]: layers that are the same bytes whenever they are made

pub mod pax;
pub mod read;
pub mod sparse;
pub mod tar;
pub mod write;

pub use read::LayerReader;
pub use write::{FinishedLayer, LayerWriter};
