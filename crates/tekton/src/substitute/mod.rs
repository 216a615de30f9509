//! Variables: `$(…)` in the fields of tasks and pipelines (specification §2.16).
//!
//! - [`scan`]: finds and replaces references in a text
//! - [`table`]: what references stand for, and the passes over texts, lists and param values
//! - [`reference`](mod@reference): keys that name results, lengths and artifacts
//! - [`walk`]: which fields of a task are substituted
//! - [`volume`]: which fields of volumes, workspace bindings and pod templates are substituted
//! - [`pipeline`]: which fields of a pipeline task are substituted
//! - [`step_results`]: the pass between two steps
//! - [`kubernetes`]: the pass that Kubernetes itself makes over command, args and env

pub mod kubernetes;
pub mod pipeline;
pub mod reference;
pub mod scan;
pub mod step_results;
pub mod table;
pub mod volume;
pub mod walk;

pub use table::Replacements;
