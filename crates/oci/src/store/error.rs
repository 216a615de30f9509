//! What can go wrong with a store.

use std::io;
use std::path::{Path, PathBuf};

use base::Digest;

use crate::manifest::ManifestError;

/// Why something in a store did not work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No space, or over quota.
    #[error("the disk that holds {} is full (or a quota is); free some space, `sw store gc` may help, and run it again", path.display())]
    Full {
        /// What was written.
        path: PathBuf,
    },
    /// The directory holds other things.
    #[error("{} is not an image store: it holds `{}`; choose an empty or new directory", dir.display(), found.display())]
    NotAStore {
        /// The directory.
        dir: PathBuf,
        /// Something in it.
        found: PathBuf,
    },
    /// Another version, or another kind of file.
    #[error("{} says {text:?}, but only image layout version 1.0.0 is supported", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// Its content.
        text: String,
    },
    /// A repository or tag that breaks the grammar.
    #[error("`{name}` cannot be used in a store: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A blob that is not there.
    #[error("blob {digest} is not in the store {}", store.display())]
    NoBlob {
        /// Its digest.
        digest: Digest,
        /// The store.
        store: PathBuf,
    },
    /// A blob whose content is not what its name says.
    #[error("blob {digest} in {} is damaged: {problem}; `sw store check` lists all damage and what to do", store.display())]
    Damaged {
        /// Its digest.
        digest: Digest,
        /// The store.
        store: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// What was written is not what was announced.
    #[error("the content has digest {found}, but {expected} was expected; it was not stored")]
    Mismatch {
        /// As announced.
        expected: Digest,
        /// As computed.
        found: Digest,
    },
    /// Larger than the reader allows.
    #[error("blob {digest} has {size} bytes, more than the {limit} that are allowed for it here")]
    TooLarge {
        /// Its digest.
        digest: Digest,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Not a manifest.
    #[error("manifest {digest}: {source}")]
    Manifest {
        /// Its digest.
        digest: Digest,
        /// Why.
        source: ManifestError,
    },
    /// Not a configuration.
    #[error("image configuration {digest}: {source}")]
    Config {
        /// Its digest.
        digest: Digest,
        /// Why.
        source: serde_json::Error,
    },
    /// A manifest refers to content that was not stored before it.
    #[error("manifest {manifest} refers to {missing}, which is not in the store; store that first")]
    Incomplete {
        /// The manifest.
        manifest: Digest,
        /// What is missing.
        missing: Digest,
    },
    /// No such manifest in the repository.
    #[error("repository `{repository}` has no manifest `{selector}`")]
    NoManifest {
        /// The repository.
        repository: String,
        /// Tag or digest.
        selector: String,
    },
    /// The blob cannot be removed, because a manifest needs it.
    #[error("blob {digest} is used by manifest {manifest} of repository `{repository}`; delete that first")]
    InUse {
        /// The blob.
        digest: Digest,
        /// Who needs it.
        manifest: Digest,
        /// Where.
        repository: String,
    },
    /// No such upload.
    #[error(
        "repository `{repository}` has no upload `{id}` (finished, cancelled, or removed by `sw store gc`); start again"
    )]
    NoUpload {
        /// The repository.
        repository: String,
        /// The session.
        id: String,
    },
    /// Another request writes to the same upload.
    #[error("upload `{id}` is being written by another request; wait for it")]
    UploadBusy {
        /// The session.
        id: String,
    },
    /// A piece that does not continue the upload.
    #[error("upload `{id}` has {have} bytes, but the piece starts at {start}")]
    UploadOffset {
        /// The session.
        id: String,
        /// Bytes that have arrived.
        have: u64,
        /// Where the piece starts.
        start: u64,
    },
}

impl StoreError {
    /// Wraps an IO error with the path, and tells a full disk from the rest.
    pub(crate) fn at(path: impl AsRef<Path>) -> impl Fn(io::Error) -> Self {
        move |source| {
            // A writer of ours has already said where.
            if source.get_ref().is_some_and(|inner| inner.is::<Self>()) {
                let inner = source.into_inner().and_then(|inner| inner.downcast::<Self>().ok());
                return *inner.expect("checked above: it is one of ours");
            }
            let path = path.as_ref().to_owned();
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
                _ => Self::Io { path, source },
            }
        }
    }

    /// As an IO error of the fitting kind, for the standard traits.
    pub(crate) fn into_io(self) -> io::Error {
        let kind = match &self {
            Self::Full { .. } => io::ErrorKind::StorageFull,
            Self::Io { source, .. } => source.kind(),
            Self::Damaged { .. } | Self::Mismatch { .. } => io::ErrorKind::InvalidData,
            Self::NoBlob { .. } | Self::NoManifest { .. } => io::ErrorKind::NotFound,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, self)
    }
}
