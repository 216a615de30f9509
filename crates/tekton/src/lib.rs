//! Tekton Pipelines as values: loading, types, validation, substitution, graph, what runs next. No IO, no async.
//!
//! - [`yaml`]: text as trees that know their places
//! - [`decode`](mod@decode): trees as typed values
//! - [`types`]: the v1 API, and the parts of core/v1 it uses
//! - [`convert`]: v1beta1 as v1
//! - [`load`](mod@load): texts as objects
//! - [`catalog`]: objects by kind and name
//! - [`contents`]: what config maps and secrets hold
//! - [`defaults`]: what admission writes into objects
//! - [`cluster`]: how a cluster is configured: defaults and feature flags
//! - [`validate`](mod@validate): what admission refuses
//! - [`lint`](mod@lint): what is taken and probably not meant
//! - [`strict`]: whether a text is plain Tekton that any cluster takes
//! - [`substitute`]: `$(…)` in fields
//! - [`graph`]: which pipeline task waits for which
//! - [`outline`]: what a pipeline or task will do, for people to look at
//! - [`matrix`](mod@matrix): fan-out
//! - [`when`](mod@when): guards
//! - [`prepare`]: runs made ready
//! - [`status`]: what is reported about runs
//! - [`next`]: what a pipeline run does next

pub mod catalog;
pub mod cluster;
pub mod contents;
pub mod convert;
pub mod decode;
pub mod defaults;
pub mod graph;
pub mod lint;
pub mod load;
pub mod matrix;
pub mod next;
pub mod outline;
pub mod prepare;
pub mod status;
pub mod strict;
pub mod substitute;
pub mod types;
pub mod validate;
pub mod when;
pub mod yaml;
