//! Images that come from other tools and go to them: OCI layout directories and archives, Docker archives.
//!
//! The store itself is an OCI layout that skopeo, buildah and podman read (after `Store::write_index`); these functions
//! are for everything that lies elsewhere.
//!
//! - [`mod@import`]: from a directory or archive into a store
//! - `docker`: what `docker save` writes
//! - [`mod@export`]: from a store to a directory or archive

mod docker;
pub mod export;
pub mod import;

use std::io;
use std::path::PathBuf;

use base::Digest;

use crate::layer::tar::TarError;
use crate::manifest::ManifestError;
use crate::store::StoreError;

pub use export::{export, export_archive};
pub use import::{Imported, import};

/// Why an import or export did not work.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading or writing the other side failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The archive is not a tar.
    #[error("{}: {source}", path.display())]
    Tar {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: TarError,
    },
    /// Neither layout nor archive.
    #[error("{} is neither an OCI image layout nor an archive of one nor a Docker archive: {reason}", path.display())]
    Unknown {
        /// What was read.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// Something that is referred to is not there.
    #[error("{} refers to {missing}, but does not have it", path.display())]
    Missing {
        /// The layout or archive.
        path: PathBuf,
        /// Digest or name.
        missing: String,
    },
    /// A manifest in it is wrong.
    #[error("{}: manifest {digest}: {source}", path.display())]
    Manifest {
        /// The layout or archive.
        path: PathBuf,
        /// The manifest.
        digest: Digest,
        /// Why.
        source: ManifestError,
    },
    /// A layer that is not what the configuration says.
    #[error("{}: layer {layer} has diff id {found}, but the configuration says {expected}", path.display())]
    DiffId {
        /// The archive.
        path: PathBuf,
        /// Name of the layer.
        layer: String,
        /// From the configuration.
        expected: Digest,
        /// As computed.
        found: Digest,
    },
    /// The target of an export has something in it.
    #[error("{} is not empty; export to a new directory", .0.display())]
    NotEmpty(PathBuf),
}

impl LayoutError {
    fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        // Errors of the store below keep their own words.
        move |source| match source.get_ref() {
            Some(inner) if inner.is::<StoreError>() => Self::Store(StoreError::at(&path)(source)),
            _ => Self::Io { path, source },
        }
    }
}
