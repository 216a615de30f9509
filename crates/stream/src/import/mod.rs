//! Streams made of what others have: data in, texts out.
//!
//! - [`payload`]: a published release payload
//! - [`art`]: ART's build data
//! - [`buildconfigs`]: BuildConfigs and ImageStreams, as okd-payload-pipeline has them
//! - [`difference`](mod@difference): two streams to the operations between them
//! - [`report`]: what could not be carried over
//! - `text`: streams and overlays as people write them

pub mod art;
pub mod buildconfigs;
pub mod difference;
pub mod payload;
pub mod report;
mod text;

use self::report::Report;

/// What an import gives.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Stream files, each with the name of its folder; overlays name each other as neighbours.
    pub streams: Vec<(String, String)>,
    /// What could not be carried over, and what was guessed.
    pub report: Report,
}
