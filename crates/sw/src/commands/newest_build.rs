//! The newest image of a weak key, as a registry keeps it: an index of that one image, which says what the image stands on.
//!
//! The tag of such a key moves; what it named before is garbage then.

use std::collections::BTreeMap;

use base::Digest;
use oci::{Descriptor, Index, Manifest, Store, StoredManifest, media};
use serde_json::Error;
use stream::plan::Newest;

/// What such an index says it is.
const KIND: &str = "application/vnd.streamwright.build.v1";
/// The annotation with the bases: a JSON object of name (as the Containerfile writes it) and digest.
const BASES: &str = "streamwright.dev/bases";
/// The annotation with the operands: a JSON object of component and digest.
const OPERANDS: &str = "streamwright.dev/operands";

/// An image with what it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestBuild {
    /// The image's manifest.
    pub image: Descriptor,
    /// The digests of its bases, by name.
    pub bases: BTreeMap<String, Digest>,
    /// The digests of the images that it names, by component.
    pub operands: BTreeMap<String, Digest>,
}

impl NewestBuild {
    /// The image `stored`, which stands on `bases` and names `operands`.
    pub fn of(stored: &StoredManifest, bases: &[(String, Digest)], operands: &[(String, Digest)]) -> Self {
        let image = Descriptor::new(&stored.media_type, stored.digest, stored.bytes.len() as u64);
        let [bases, operands] = [bases, operands].map(|images| images.iter().cloned().collect());
        Self { image, bases, operands }
    }

    /// As plans know it.
    pub fn known(self) -> Newest {
        Newest { image: self.image.digest, bases: self.bases, operands: self.operands }
    }

    /// The index, as it is pushed; equal builds give equal bytes.
    ///
    /// # Errors
    /// Never in practice.
    pub fn index(&self) -> Result<StoredManifest, Error> {
        let index = Index {
            schema_version: 2,
            media_type: Some(media::OCI_INDEX.to_owned()),
            artifact_type: Some(KIND.to_owned()),
            manifests: vec![self.image.clone()],
            subject: None,
            annotations: BTreeMap::from([
                (BASES.to_owned(), serde_json::to_string(&self.bases)?),
                (OPERANDS.to_owned(), serde_json::to_string(&self.operands)?),
            ]),
        };
        let bytes = serde_json::to_vec(&index)?;
        Ok(StoredManifest { digest: Digest::of(&bytes), media_type: media::OCI_INDEX.to_owned(), bytes })
    }

    /// Reads such an index; none for any other manifest.
    pub fn read(manifest: &Manifest) -> Option<Self> {
        let Manifest::Index(index) = manifest else { return None };
        let [image] = index.manifests.as_slice() else { return None };
        if index.artifact_type.as_deref() != Some(KIND) {
            return None;
        }
        let images = |annotation: &str| serde_json::from_str(index.annotations.get(annotation)?).ok();
        Some(Self { image: image.clone(), bases: images(BASES)?, operands: images(OPERANDS)? })
    }

    /// That under `tag` in a repository of the store, if its image is there too.
    pub fn in_store(store: &Store, repository: &str, tag: &str) -> Option<Self> {
        // A store that cannot be read has nothing to offer; the build itself will say so.
        let index = store.manifest(repository, tag).ok().flatten()?;
        let found = Self::read(&index.parse().ok()?)?;
        store.manifest(repository, &found.image.digest.to_string()).ok().flatten().map(|_| found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let image = testkit::image::Image::holding("app").build();
        let stored = StoredManifest {
            digest: image.digest,
            media_type: image.media_type.to_owned(),
            bytes: image.manifest.clone(),
        };
        let newest = NewestBuild::of(
            &stored,
            &[("a/base:1".to_owned(), Digest::of("base"))],
            &[("etcd".to_owned(), Digest::of("etcd"))],
        );
        let index = newest.index().unwrap();
        assert_eq!(NewestBuild::read(&index.parse().unwrap()), Some(newest));
        assert_eq!(NewestBuild::read(&stored.parse().unwrap()), None);
        let (bytes, media_type) = testkit::image::index(&[&image]);
        assert_eq!(NewestBuild::read(&Manifest::parse(media_type, &bytes).unwrap()), None, "any index");
    }
}
