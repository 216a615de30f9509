//! Content in which lists are that are not pushed yet, over content in which their images are.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::Digest;
use oci::manifest::Descriptor;
use oci::reference::Reference;

use crate::payload::content::{Content, ContentError, RawManifest};

/// Manifests that were read are kept up to so many bytes together: each is asked for several times. Those of a real release with
/// 190 tags for four platforms have about 2 MB.
const MOST_REMEMBERED: usize = 64 << 20;

/// A place with the made lists in it.
pub(super) struct Listed<'a> {
    content: &'a dyn Content,
    lists: BTreeMap<Digest, RawManifest>,
    /// Where the images of the lists are now; the lists are elsewhere.
    places: BTreeMap<Digest, Reference>,
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    manifests: HashMap<Digest, RawManifest>,
    bytes: usize,
}

impl<'a> Listed<'a> {
    /// Without any list.
    pub fn new(content: &'a dyn Content) -> Self {
        Self { content, lists: BTreeMap::new(), places: BTreeMap::new(), remembered: Mutex::default() }
    }

    /// From now on the list is there. `images` are where they are.
    pub fn add(&mut self, list: RawManifest, images: &[Reference]) {
        self.places.extend(images.iter().filter_map(|image| Some((image.digest()?, image.clone()))));
        self.lists.insert(list.digest(), list);
    }

    fn place<'r>(&'r self, at: &'r Reference) -> &'r Reference {
        at.digest().and_then(|digest| self.places.get(&digest)).unwrap_or(at)
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content for Listed<'_> {
    fn manifest(&self, at: &Reference) -> Result<RawManifest, ContentError> {
        let Some(digest) = at.digest() else { return self.content.manifest(at) };
        if let Some(list) = self.lists.get(&digest) {
            return Ok(list.clone());
        }
        if let Some(known) = self.remembered().manifests.get(&digest) {
            return Ok(known.clone());
        }
        let found = self.content.manifest(self.place(at))?;
        let mut remembered = self.remembered();
        if found.digest() == digest && remembered.bytes + found.bytes.len() <= MOST_REMEMBERED {
            remembered.bytes += found.bytes.len();
            remembered.manifests.insert(digest, found.clone());
        }
        Ok(found)
    }

    fn blob(&self, at: &Reference, blob: &Descriptor) -> Result<Box<dyn Read + '_>, ContentError> {
        self.content.blob(self.place(at), blob)
    }
}
