//! What says something about a manifest: signatures, attestations, bills of materials.

use base::Digest;

use super::repositories::names;
use super::{Store, StoreError};
use crate::manifest::{Descriptor, Manifest};

impl Store {
    /// The manifests of a repository whose `subject` is `digest`, with artifact type and annotations filled in, by digest
    /// (distribution specification, "Listing Referrers"). The subject itself need not exist.
    ///
    /// # Errors
    /// When the name breaks the grammar or a manifest is damaged.
    pub fn referrers(
        &self,
        repository: &str,
        digest: Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, StoreError> {
        let dir = self.repository_dir(repository)?.join("_referrers").join(digest.hex());
        let mut found = Vec::new();
        for name in names(&dir)? {
            let Ok(referrer) = Digest::from_hex(&name) else { continue };
            // The entry is written before the manifest's link: a crash between the two leaves an entry alone.
            let Some(stored) = self.manifest(repository, &referrer.to_string())? else { continue };
            let manifest = stored.parse()?;
            if artifact_type.is_some_and(|wanted| manifest.artifact_type() != Some(wanted)) {
                continue;
            }
            found.push(describe(&stored.media_type, referrer, stored.bytes.len() as u64, &manifest));
        }
        Ok(found)
    }
}

fn describe(media_type: &str, digest: Digest, size: u64, manifest: &Manifest) -> Descriptor {
    Descriptor {
        artifact_type: manifest.artifact_type().map(str::to_owned),
        annotations: manifest.annotations().clone(),
        ..Descriptor::new(media_type, digest, size)
    }
}
