//! `index.json`, so that other tools can read the store as an OCI image layout.

use std::collections::BTreeMap;

use super::{Store, StoreError};
use crate::manifest::{Descriptor, Index};
use crate::media;

/// The annotation that names an entry of a layout (OCI image specification, annotations.md).
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

impl Store {
    /// Writes `index.json` anew: one entry per tag, named `REPOSITORY:TAG` (`skopeo copy oci:DIR:REPOSITORY:TAG …`).
    ///
    /// Pushes do not do this: the file would have to be rewritten under a lock for every tag. It is always valid; it
    /// shows the tags of the last time that this was called.
    ///
    /// # Errors
    /// When the store cannot be read or the file not be written.
    pub fn write_index(&self) -> Result<(), StoreError> {
        let _lock = self.lock_shared()?;
        let mut manifests = Vec::new();
        for repository in self.repositories()? {
            for tag in self.tags(&repository)? {
                let Some(stored) = self.manifest(&repository, &tag)? else { continue };
                manifests.push(Descriptor {
                    annotations: BTreeMap::from([(REF_NAME.to_owned(), format!("{repository}:{tag}"))]),
                    ..Descriptor::new(stored.media_type, stored.digest, stored.bytes.len() as u64)
                });
            }
        }
        let index = Index {
            schema_version: 2,
            media_type: Some(media::OCI_INDEX.to_owned()),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: BTreeMap::new(),
        };
        let json = serde_json::to_vec_pretty(&index).expect("an index has only strings and numbers");
        self.write_durably(&self.dir().join("index.json"), &json)
    }
}
