//! Overlays: a stream with differences becomes a stream.
//!
//! - [`flatten`](mod@flatten): a stream and an overlay on it to the stream that they are together
//! - [`history`]: which operation did what
//! - [`show`]: a stream with the line that says each of its fields; two streams side by side
//! - `apply`: single operations; `apply_pipeline`: those on the pipeline

mod apply;
mod apply_pipeline;
pub mod flatten;
pub mod history;
pub mod show;

pub use flatten::flatten;
pub use history::{Applied, History};

#[cfg(test)]
mod tests;
