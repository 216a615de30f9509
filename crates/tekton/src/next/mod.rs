//! What a pipeline run does next, as a pure function of facts (§2.18-§2.24).
//!
//! - [`decide`]: the function
//! - [`facts`]: what is known
//! - [`decision`]: what is to be done, and why tasks are skipped
//! - [`retry`]: what a failed attempt leaves behind
//! - [`name`]: names of children
//! - `skip`: which tasks do not run
//! - `progress`: how far tasks are
//! - `values`: what references between tasks stand for
//! - `children`: the runs that a task starts
//! - `conclusion`: the run's condition and results

pub(crate) mod children;
mod conclusion;
pub mod decide;
pub mod decision;
pub mod facts;
pub mod name;
pub(crate) mod progress;
pub mod retry;
pub(crate) mod skip;
pub(crate) mod values;

pub use children::{ON_ERROR, PIPELINE_TASK};
pub use decide::next;
pub use decision::{Cancel, ChildRun, Decision, RunState, SkipReason};
pub use facts::{Child, Facts, Outcome, Request};
