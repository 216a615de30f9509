//! Pipelines-as-Code: PipelineRuns with annotations of `pipelinesascode.tekton.dev`.
//!
//! - [`annotations`]: their names and lists
//! - [`glob`]: patterns of branches and paths
//! - [`comment`]: what a comment asks for
//! - [`matching`]: whether a run matches, and why
//! - [`expression`](mod@expression): `on-cel-expression`
//! - [`variables`]: `{{ revision }}` and so on, in texts
//! - [`repository`]: params of the Repository

pub mod annotations;
pub mod comment;
pub mod expression;
pub mod glob;
pub mod matching;
pub mod repository;
pub mod variables;
