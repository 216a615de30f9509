//! Whether a release is accepted, and why not.
//!
//! - [`outcome`]: what one test said
//! - [`judge`](mod@judge): from outcomes to a verdict, a pure function
//! - [`document`]: the verdict on one release, as JSON
//! - [`text`]: the same for people
//! - [`evidence`]: verdict and reports as an OCI artifact that refers to the release image

pub mod document;
pub mod evidence;
pub mod judge;
pub mod outcome;
pub mod text;

pub use document::{Document, InvalidVerdict, Release};
pub use evidence::{Evidence, EvidenceError, ReportFile};
pub use judge::{Decision, Excuse, Verdict, judge};
pub use outcome::{Cases, FailedCase, Outcome, Status};

/// Media type of the JSON form, and type of the artifact that holds it. Another version will have another type.
pub const MEDIA_TYPE: &str = "application/vnd.streamwright.verdict.v1+json";
