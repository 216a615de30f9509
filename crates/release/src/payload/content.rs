//! Where images are read from and written to: all that payload code needs of stores and registries.

use std::io::Read;

use base::Digest;
use oci::manifest::Descriptor;
use oci::reference::Reference;
use oci::store::StoredManifest;

/// A manifest as it is stored: raw bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawManifest {
    /// What the place says it is.
    pub media_type: String,
    /// The bytes, never re-serialised.
    pub bytes: Vec<u8>,
}

impl RawManifest {
    /// SHA-256 of the bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

impl From<RawManifest> for StoredManifest {
    fn from(raw: RawManifest) -> Self {
        Self { digest: raw.digest(), media_type: raw.media_type, bytes: raw.bytes }
    }
}

/// Why content could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// It is not there.
    #[error("{what} is not in {place}; build, push or mirror it first, or check the name")]
    NotFound {
        /// The reference, or the blob and the repository.
        what: String,
        /// Store or registry.
        place: String,
    },
    /// The place failed.
    #[error("{what}: {source}")]
    Failed {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ContentError {
    /// Something that was tried and failed.
    pub fn failed(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Failed { what: what.into(), source: source.into() }
    }
}

/// A place to read images from: a store, a registry, memory.
///
/// References say in which repository to look; a store that knows content by digest alone may ignore that. What is read is
/// verified by the reader here, not by the place.
pub trait Content: Sync {
    /// The manifest that a reference names, by digest or tag.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    fn manifest(&self, at: &Reference) -> Result<RawManifest, ContentError>;

    /// The blob of a descriptor, from the repository of `at`.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    fn blob(&self, at: &Reference, blob: &Descriptor) -> Result<Box<dyn Read + '_>, ContentError>;
}

/// A place to write images to, too.
pub trait Writable: Content {
    /// Whether the repository of `at` has the blob, so that it need not be written.
    ///
    /// # Errors
    /// When the place cannot tell.
    fn has_blob(&self, at: &Reference, blob: &Descriptor) -> Result<bool, ContentError>;

    /// Writes a blob into the repository of `at`. `content` must have the digest and size of `blob`.
    ///
    /// # Errors
    /// When it cannot be written, or `content` is something else.
    fn put_blob(&self, at: &Reference, blob: &Descriptor, content: &mut dyn Read)
    -> Result<(), ContentError>;

    /// Writes a manifest, under the tag of `at` if it has one. Its blobs must be written before.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put_manifest(&self, at: &Reference, manifest: &RawManifest) -> Result<(), ContentError>;
}

/// Copies a blob unless `to` has it.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy_blob(
    blob: &Descriptor,
    (from, source): (&dyn Content, &Reference),
    (to, target): (&dyn Writable, &Reference),
) -> Result<(), ContentError> {
    if to.has_blob(target, blob)? {
        return Ok(());
    }
    let mut content = from.blob(source, blob)?;
    to.put_blob(target, blob, &mut content)
}
