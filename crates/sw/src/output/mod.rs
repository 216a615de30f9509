//! What people and programs see.
//!
//! - [`terminal`]: events as lines, live when standard error is a terminal; `throttle`, `printable`: what it shows of a
//!   flood, and of control characters
//! - [`candidates`]: what an event would run
//! - [`json`]: events as JSON lines
//! - [`graph`]: pipelines and tasks before they run, as pictures
//! - [`sarif`]: findings for code hosts
//! - [`summary`]: what is known of each task, folded from events
//! - `table`: columns

pub mod candidates;
pub mod graph;
pub mod json;
pub mod printable;
pub mod sarif;
pub mod summary;
pub mod table;
pub mod terminal;
mod throttle;
