//! Images in memory.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::Digest;
use oci::manifest::Descriptor;
use oci::reference::Reference;

use super::content::{Content, ContentError, RawManifest, Writable};

/// Holds images in memory: dry runs and tests.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    blobs: HashMap<Digest, Vec<u8>>,
    /// By `registry/repository` and selector (tag or digest).
    manifests: HashMap<(String, String), RawManifest>,
}

impl Memory {
    /// Holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores bytes; gives their descriptor.
    pub fn add_blob(&self, media_type: &str, bytes: Vec<u8>) -> Descriptor {
        let descriptor = Descriptor::of(media_type, &bytes);
        self.held().blobs.insert(descriptor.digest, bytes);
        descriptor
    }

    /// Puts a manifest where a reference will find it, also under a digest that is not its own.
    pub fn add_manifest(&self, at: &Reference, manifest: RawManifest) {
        self.held().manifests.insert((at.name(), at.selector()), manifest);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing(what: String) -> ContentError {
    ContentError::NotFound { what, place: "memory".to_owned() }
}

impl Content for Memory {
    fn manifest(&self, at: &Reference) -> Result<RawManifest, ContentError> {
        let key = (at.name(), at.selector());
        self.held().manifests.get(&key).cloned().ok_or_else(|| missing(at.to_string()))
    }

    fn blob(&self, at: &Reference, blob: &Descriptor) -> Result<Box<dyn Read + '_>, ContentError> {
        let bytes = self.held().blobs.get(&blob.digest).cloned();
        let bytes = bytes.ok_or_else(|| missing(format!("blob {} of {}", blob.digest, at.name())))?;
        Ok(Box::new(std::io::Cursor::new(bytes)))
    }
}

impl Writable for Memory {
    fn has_blob(&self, _: &Reference, blob: &Descriptor) -> Result<bool, ContentError> {
        Ok(self.held().blobs.contains_key(&blob.digest))
    }

    fn put_blob(
        &self,
        at: &Reference,
        blob: &Descriptor,
        content: &mut dyn Read,
    ) -> Result<(), ContentError> {
        let mut bytes = Vec::new();
        let what = || format!("writing blob {} of {}", blob.digest, at.name());
        content.read_to_end(&mut bytes).map_err(|e| ContentError::failed(what(), e))?;
        let found = Digest::of(&bytes);
        if found != blob.digest {
            return Err(ContentError::failed(what(), format!("its content has digest {found}")));
        }
        self.held().blobs.insert(found, bytes);
        Ok(())
    }

    fn put_manifest(&self, at: &Reference, manifest: &RawManifest) -> Result<(), ContentError> {
        self.add_manifest(&at.at_digest(manifest.digest()), manifest.clone());
        if at.tag().is_some() {
            self.add_manifest(
                &Reference::new(at.registry(), at.repository(), at.tag(), None)
                    .map_err(|e| ContentError::failed(format!("tagging {at}"), e))?,
                manifest.clone(),
            );
        }
        Ok(())
    }
}
