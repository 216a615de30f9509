//! Kubernetes objects from kustomization folders, as `kubectl kustomize` builds them, without any foreign program.
//!
//! - [`files`]: where texts come from; the file system of this machine
//! - [`kustomization`]: the fields of a `kustomization.yaml`
//! - [`folder`]: a folder read, with the fields that are refused
//! - [`accumulate`]: a folder with everything below it into objects
//! - [`budget`]: how much a build may read and make
//! - [`object`]: objects with their names then and now
//! - [`field_spec`]: fields by path and kind; [`default_fields`]: those that are known without being told
//! - [`selector`]: which objects a patch or replacement is for
//! - [`transform`]: namespaces, names, labels, images, replicas
//! - [`patch`]: strategic merge and JSON patches
//! - [`generate`]: config maps and secrets from files; [`hash`]: the end of their names
//! - [`replace`]: values of one object in others
//! - [`references`]: names of other objects follow their renaming
//! - [`order`]: the order of the result
//! - [`mod@relocate`]: findings about what was built, told where it was written
//!
//! What runs programs or fetches from elsewhere is refused: remote resources, helm charts, plugins.

pub mod accumulate;
pub mod budget;
pub mod default_fields;
pub mod field_spec;
pub mod files;
pub mod folder;
pub mod generate;
pub mod hash;
pub mod kustomization;
pub mod object;
pub mod order;
pub mod patch;
pub mod references;
pub mod relocate;
pub mod replace;
pub mod selector;
pub mod transform;

use std::path::Path;

use base::Diagnostics;

pub use files::{Disk, Files};
pub use object::{Object, Origin};
pub use relocate::relocate;

/// What a folder builds.
#[derive(Debug)]
pub struct Built {
    /// In the order of the result.
    pub objects: Vec<Object>,
    /// Patches that select nothing, fields without effect, references that a cluster would not find.
    pub warnings: Diagnostics,
}

/// Builds the kustomization in `folder`.
///
/// # Errors
/// Folders without one, texts that cannot be read, fields that are refused, and everything that has no meaning, each
/// with its place in the kustomization, patch or resource.
pub fn build(files: &dyn Files, folder: &Path) -> Result<Built, Diagnostics> {
    accumulate::build(files, folder)
}
