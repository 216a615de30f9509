//! Images in a store on disk.

use std::io::Read;

use oci::manifest::Descriptor;
use oci::reference::Reference;
use oci::store::{Store, StoreError};

use super::content::{Content, ContentError, RawManifest, Writable};

/// References are looked up as the store does: digests in the whole store, tags in the repository of that name, whatever
/// registry the reference names.
impl Content for Store {
    fn manifest(&self, at: &Reference) -> Result<RawManifest, ContentError> {
        let stored = self.resolve(at).map_err(|e| failed("reading", &at.to_string(), e))?;
        let stored = stored.ok_or_else(|| missing(self, at.to_string()))?;
        Ok(RawManifest { media_type: stored.media_type, bytes: stored.bytes })
    }

    fn blob(&self, at: &Reference, blob: &Descriptor) -> Result<Box<dyn Read + '_>, ContentError> {
        let what = format!("blob {} of {}", blob.digest, at.name());
        if !self.has(blob.digest) {
            return Err(missing(self, what));
        }
        Ok(Box::new(self.reader(blob.digest).map_err(|e| failed("reading", &what, e))?))
    }
}

impl Writable for Store {
    fn has_blob(&self, at: &Reference, blob: &Descriptor) -> Result<bool, ContentError> {
        let what = format!("blob {} of {}", blob.digest, at.name());
        self.claim(blob.digest).map_err(|e| failed("looking for", &what, e))
    }

    fn put_blob(
        &self,
        at: &Reference,
        blob: &Descriptor,
        mut content: &mut dyn Read,
    ) -> Result<(), ContentError> {
        let what = format!("blob {} of {}", blob.digest, at.name());
        self.put_from(&mut content, Some(blob.digest)).map(|_| ()).map_err(|e| failed("writing", &what, e))
    }

    fn put_manifest(&self, at: &Reference, manifest: &RawManifest) -> Result<(), ContentError> {
        Store::put_manifest(self, at.repository(), &manifest.media_type, &manifest.bytes, at.tag())
            .map(|_| ())
            .map_err(|e| failed("writing", &at.to_string(), e))
    }
}

fn failed(doing: &str, what: &str, source: StoreError) -> ContentError {
    ContentError::failed(format!("{doing} {what}"), source)
}

fn missing(store: &Store, what: String) -> ContentError {
    ContentError::NotFound { what, place: format!("the store {}", store.dir().display()) }
}
