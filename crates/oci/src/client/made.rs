//! An image made of the blobs of others, to a registry.

use super::progress::Progress;
use super::upload::{Placed, Task};
use super::{Client, ClientError, parallel};
use crate::manifest::{Descriptor, Manifest};
use crate::reference::Reference;
use crate::store::{Store, StoredManifest};

impl Client {
    /// Brings a manifest to the repository of `to`, under its tag when it has one. Blobs that are neither there nor in `through` are
    /// taken from the repositories `from`: within the registry when it can do that, else through the store.
    ///
    /// # Errors
    /// When a blob is nowhere, or a registry does not do its part within the tries: then nothing is tagged.
    pub fn push_made(
        &self,
        manifest: &StoredManifest,
        to: &Reference,
        from: &[Reference],
        through: &Store,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        let parsed = Manifest::parse(&manifest.media_type, &manifest.bytes)
            .map_err(|source| ClientError::Manifest { reference: to.to_string(), source })?;
        let blobs: Vec<Descriptor> = parsed.blobs().into_iter().cloned().collect();
        parallel::for_each(self.jobs, &blobs, progress, |blob, progress| {
            self.place_from(blob, to, from, through, progress)
        })?;
        self.put_manifest_heard(to, &manifest.media_type, &manifest.bytes, progress).map(drop)
    }

    fn place_from(
        &self,
        blob: &Descriptor,
        to: &Reference,
        from: &[Reference],
        through: &Store,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        let task = |mount_from| Task { store: through, to, blob, mount_from };
        if through.has(blob.digest) {
            return self.push_blob(&task(None), progress);
        }
        for place in from.iter().filter(|place| place.registry() == to.registry()) {
            let mounting = task(Some(place.repository()));
            match self.place_blob(&mounting, progress)? {
                Placed::Yes => return Ok(()),
                Placed::No(session) => self.abandon(&mounting, session),
            }
        }
        let mut last = None;
        for place in from {
            match self.fetch_blob(place, blob, through, progress) {
                Ok(()) => return self.push_blob(&task(None), progress),
                Err(e) => last = Some(e),
            }
        }
        // Nobody was asked: then it must be there.
        last.map_or_else(|| self.push_blob(&task(None), progress), Err)
    }

    /// Brings blobs of a repository into the store, unless they are there.
    ///
    /// # Errors
    /// When the registry does not give one within the tries, or gives other content.
    pub fn fetch_blobs(
        &self,
        reference: &Reference,
        blobs: &[Descriptor],
        store: &Store,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        parallel::for_each(self.jobs, blobs, progress, |blob, progress| {
            self.fetch_blob(reference, blob, store, progress)
        })
    }
}
