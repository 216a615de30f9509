//! Remote references of Tekton YAML: what `resolver: git` and the like mean, fetched, checked, kept and recorded (§2.27).
//!
//! - [`remote`]: fetches each reference once a run, from what is kept or from where it is
//! - [`definitions`]: a catalog that knows resolvers
//! - [`source`]: what every resolver has in common
//! - `git_file`, `http`, `bundle`, `hub`: the resolvers
//! - [`params`]: their parameters, and the secrets that these name
//! - [`cache`]: what was fetched, on disk
//! - [`object`]: the one object that a text must hold
//! - [`walk`]: the remote references of a document
//! - [`vendor`]: documents with all that they refer to, in a folder
//! - [`lock`]: the record of a vendored folder
//! - [`problem`]: why a reference leads nowhere

mod bundle;
pub mod cache;
pub mod definitions;
mod git_file;
mod http;
mod hub;
pub mod lock;
pub mod object;
pub mod params;
pub mod problem;
pub mod remote;
pub mod source;
pub mod vendor;
pub mod walk;

pub use definitions::Resolving;
pub use object::Wanted;
pub use problem::Problem;
pub use remote::{Remote, Settings};
pub use source::Fetched;
