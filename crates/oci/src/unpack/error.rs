//! What can go wrong with unpacking.

use std::io;
use std::path::PathBuf;

use base::Digest;

use crate::layer::read::TooLarge;
use crate::layer::tar::TarError;
use crate::store::StoreError;

/// Why a layer could not be unpacked. Nothing of it is left then.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// An entry that would leave the layer, or that means something it must not.
    #[error("layer {layer}: entry `{entry}` is refused: {reason}")]
    Refused {
        /// Diff id, shortened.
        layer: String,
        /// Name of the entry, with unprintable bytes escaped.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An entry that the file system did not take.
    #[error("layer {layer}: entry `{entry}`: {source}")]
    Entry {
        /// Diff id, shortened.
        layer: String,
        /// Name of the entry, with unprintable bytes escaped.
        entry: String,
        /// What the system says.
        source: io::Error,
    },
    /// More than the limits allow.
    #[error("layer {layer}: {reason}; a layer this big is refused as a bomb")]
    TooLarge {
        /// Diff id, shortened.
        layer: String,
        /// Which limit.
        reason: String,
    },
    /// Not a readable tar archive.
    #[error("layer {layer}: {source}")]
    Tar {
        /// Diff id, shortened.
        layer: String,
        /// Why.
        source: TarError,
    },
    /// The content is not what the image configuration says.
    #[error("layer {expected}: its content has diff id {found}; the image is damaged or was made wrongly")]
    DiffId {
        /// From the configuration.
        expected: Digest,
        /// As computed.
        found: Digest,
    },
    /// No space, or over quota.
    #[error("the disk that holds {} is full (or a quota is); free some space and run it again", dir.display())]
    Full {
        /// The directory of layers.
        dir: PathBuf,
    },
    /// The directory was written by another version, or by another kind of user.
    #[error("{} holds layers in another form ({found}, not {expected}); remove it, they are unpacked again", dir.display())]
    Form {
        /// The directory of layers.
        dir: PathBuf,
        /// As found.
        found: String,
        /// As this process would write it.
        expected: String,
    },
    /// Reading the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading or writing something else failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl UnpackError {
    pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { dir: path },
            _ => Self::Io { path, source },
        }
    }

    /// Finds in a read error the reason that a reader below gave.
    pub(super) fn from_tar(layer: &Digest, source: TarError) -> Self {
        let layer = layer.short();
        match source {
            TarError::Io(e) if e.get_ref().is_some_and(|inner| inner.is::<TooLarge>()) => {
                Self::TooLarge { layer, reason: e.to_string() }
            }
            TarError::Io(e) if e.get_ref().is_some_and(|inner| inner.is::<StoreError>()) => {
                Self::Store(StoreError::at("")(e))
            }
            source => Self::Tar { layer, source },
        }
    }
}
