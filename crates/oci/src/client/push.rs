//! An image from a store to a registry.

use std::collections::HashSet;

use base::Digest;

use super::progress::Progress;
use super::pull::DEEPEST;
use super::upload::Task;
use super::{Client, ClientError, parallel};
use crate::manifest::{Descriptor, ManifestError};
use crate::media;
use crate::reference::Reference;
use crate::store::{Store, StoreError, StoredManifest};

impl Client {
    /// Brings the image (or index with all its children) with this digest to the registry, under the tag of the reference, or
    /// without a tag when it has none. What the registry has is not sent again.
    ///
    /// # Errors
    /// When the store lacks something of it, or the registry does not take everything within the tries.
    pub fn push(
        &self,
        store: &Store,
        digest: Digest,
        to: &Reference,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        self.push_mounting(store, digest, to, None, progress)
    }

    /// Like [`Client::push`]; blobs that the registry has in its repository `mount_from` are taken from there instead of being
    /// sent.
    ///
    /// # Errors
    /// As for [`Client::push`].
    pub fn push_mounting(
        &self,
        store: &Store,
        digest: Digest,
        to: &Reference,
        mount_from: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        if let Some(expected) = to.digest().filter(|expected| *expected != digest) {
            return Err(StoreError::Mismatch { expected, found: digest }.into());
        }
        let mut image = Image::default();
        image.collect(store, digest, digest, 0)?;
        parallel::for_each(self.jobs, &image.blobs, progress, |blob, progress| {
            self.push_blob(&Task { store, to, blob, mount_from }, progress)
        })?;
        for manifest in &image.manifests {
            let at = match to.tag() {
                Some(_) if manifest.digest == digest => to.clone(),
                _ => to.at_digest(manifest.digest),
            };
            self.put_manifest_heard(&at, &manifest.media_type, &manifest.bytes, progress)?;
        }
        Ok(())
    }
}

/// Everything that belongs to an image of the store: children before parents, each once.
#[derive(Default)]
struct Image {
    seen: HashSet<Digest>,
    manifests: Vec<StoredManifest>,
    blobs: Vec<Descriptor>,
}

impl Image {
    fn collect(
        &mut self,
        store: &Store,
        root: Digest,
        digest: Digest,
        depth: usize,
    ) -> Result<(), ClientError> {
        if !self.seen.insert(digest) {
            return Ok(());
        }
        let missing = |missing| match digest == root {
            true => ClientError::Store(StoreError::NoBlob { digest, store: store.dir().to_owned() }),
            false => ClientError::PartOfIndex { digest: root, missing },
        };
        let stored = store.manifest_by_digest(digest)?.ok_or_else(|| missing(digest))?;
        let manifest = stored.parse()?;
        for blob in manifest.blobs() {
            self.add_blob(blob);
        }
        for child in manifest.children() {
            if !media::is_manifest(&child.media_type) {
                self.add_blob(child);
            } else if depth == DEEPEST {
                let source = ManifestError::UnknownType(format!("index within {DEEPEST} indexes"));
                return Err(StoreError::Manifest { digest, source }.into());
            } else {
                self.collect(store, root, child.digest, depth + 1)?;
            }
        }
        self.manifests.push(stored);
        Ok(())
    }

    fn add_blob(&mut self, blob: &Descriptor) {
        if self.seen.insert(blob.digest) {
            self.blobs.push(blob.clone());
        }
    }
}
