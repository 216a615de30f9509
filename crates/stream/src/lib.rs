//! Streams: what one says, what its names mean, what must be built and why, and the Tekton pipeline that does it.
//! IO only through traits; [`source::folder`], [`lock::debian`] and [`lock::git`] are the implementations for this machine.
//!
//! One build goes through these in order:
//!
//! - [`definition`]: text of `stream.yaml` to a [`Definition`](definition::Definition)
//! - [`overlay`]: a stream and the difference that another one makes of it
//! - [`check`](mod@check): whether it makes sense; gives the [`graph`] of components
//! - [`lock`]: `stream.lock`, what every name resolved to
//! - [`lint`](mod@lint): what is probably not meant
//! - [`key`]: the inputs of each component, and digests of them
//! - [`plan`](mod@plan): reuse or build, and why
//! - [`render`]: plain Tekton YAML
//!
//! What they use:
//!
//! - [`source`]: the trees that components are built from
//! - [`containerfile`]: which images a Containerfile starts from
//! - [`bases`]: what such names mean
//! - [`task`]: Tekton tasks by name, with their text
//! - [`template`]: what the tasks of a pipeline refer to and wait for
//! - [`contract`]: what those tasks get and give
//! - [`import`]: streams made of what others have
//! - [`schema`](mod@schema): the JSON Schema of the stream file, and reference pages
//! - [`yaml`]: values as YAML text

pub mod bases;
pub mod check;
pub mod containerfile;
pub mod contract;
pub mod definition;
pub mod graph;
pub mod import;
pub mod key;
pub mod lint;
pub mod lock;
pub mod overlay;
pub mod plan;
pub mod render;
#[cfg(test)]
mod sample;
pub mod schema;
#[cfg(test)]
mod several_platforms;
pub mod source;
pub mod task;
pub mod template;
pub mod yaml;

pub use check::check;
pub use graph::{Graph, Graphs};
