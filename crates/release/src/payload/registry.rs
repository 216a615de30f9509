//! Images in a store, and in registries for what the store lacks.

use std::io::Read;

use oci::client::{Client, ClientError, Progress};
use oci::manifest::Descriptor;
use oci::reference::Reference;
use oci::store::{Store, StoreError};

use super::content::{Content, ContentError, RawManifest, Writable};

/// Reads from the store, and fetches into it what it lacks.
pub struct Fetching<'a> {
    store: &'a Store,
    client: &'a Client,
    progress: &'a dyn Progress,
}

impl<'a> Fetching<'a> {
    /// A store before registries. `progress` hears of blobs that are fetched.
    pub fn new(store: &'a Store, client: &'a Client, progress: &'a dyn Progress) -> Self {
        Self { store, client, progress }
    }

    fn fetch(&self, at: &Reference, blob: &Descriptor) -> Result<(), FetchError> {
        let mut writer = self.store.writer()?;
        self.client.blob(at, blob, &mut writer, self.progress)?;
        writer.commit(Some(blob.digest))?;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Content for Fetching<'_> {
    /// By digest from the store when it is there; a tag is what the registry says now, and what the store says when the registry
    /// has no such tag.
    fn manifest(&self, at: &Reference) -> Result<RawManifest, ContentError> {
        if at.digest().is_some()
            && let Ok(found) = Content::manifest(self.store, at)
        {
            return Ok(found);
        }
        match self.client.manifest(at) {
            Ok(found) => Ok(RawManifest { media_type: found.media_type, bytes: found.bytes }),
            Err(e) => Content::manifest(self.store, at)
                .map_err(|_| ContentError::failed(format!("reading {at} (the store does not have it)"), e)),
        }
    }

    fn blob(&self, at: &Reference, blob: &Descriptor) -> Result<Box<dyn Read + '_>, ContentError> {
        if !self.store.has_blob(at, blob)? {
            let what = || format!("fetching blob {} of {}", blob.digest, at.name());
            self.fetch(at, blob).map_err(|e| ContentError::failed(what(), e))?;
        }
        Content::blob(self.store, at, blob)
    }
}
