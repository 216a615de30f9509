//! An assembled release image.

use std::io::Write as _;
use std::path::Path;

use base::{Diagnostics, Digest};
use oci::manifest::Descriptor;
use oci::media;
use oci::reference::Reference;

use crate::payload::content::{Content, ContentError, RawManifest, Writable, copy_blob};
use crate::payload::image_stream::ImageStream;
use crate::payload::release_layer::PayloadFile;
use crate::payload::release_metadata::ReleaseMetadata;

/// A release image that is not stored yet: everything but the layers of its base.
#[derive(Debug, Clone)]
pub struct ReleaseImage {
    /// The components that are part of the payload.
    pub references: ImageStream,
    /// The release's version and what it may follow.
    pub metadata: ReleaseMetadata,
    /// The files of the payload, in their order.
    pub files: Vec<PayloadFile>,
    /// The payload's layer, uncompressed.
    pub archive: Vec<u8>,
    /// The payload's layer, as stored.
    pub layer: Vec<u8>,
    /// The image configuration.
    pub config: Vec<u8>,
    /// The manifest (Docker version 2 schema 2).
    pub manifest: Vec<u8>,
    /// All layers, the payload's last.
    pub layers: Vec<Descriptor>,
    /// The image that the layers below come from.
    pub base: Reference,
    /// What is probably not meant: references that were not replaced, images without manifests, ….
    pub warnings: Diagnostics,
}

impl ReleaseImage {
    /// Digest of the image.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }

    /// Points to the image: what evidence about it refers to.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of(media::DOCKER_MANIFEST, &self.manifest)
    }

    /// Writes the image: layers of the base from `from`, everything else, then the manifest, under the tag of `at` if it has
    /// one, else under the name of the release. Gives the reference by digest.
    ///
    /// # Errors
    /// When a layer of the base cannot be read or something cannot be written. The manifest is written last.
    pub fn store(
        &self,
        from: &dyn Content,
        to: &dyn Writable,
        at: &Reference,
    ) -> Result<Reference, ContentError> {
        let at = match at.tag() {
            Some(_) => at.clone(),
            None => at
                .at_tag(&self.tag())
                .map_err(|e| ContentError::failed(format!("tagging the release in {}", at.name()), e))?,
        };
        let own = Descriptor::of(media::DOCKER_LAYER_GZIP, &self.layer);
        for layer in
            self.layers.iter().filter(|l| l.digest != own.digest && !media::is_foreign(&l.media_type))
        {
            copy_blob(layer, (from, &self.base), (to, &at))?;
        }
        self.store_own_blobs(to, &at)?;
        to.put_manifest(&at, &self.raw_manifest())?;
        Ok(at.at_digest(self.digest()))
    }

    /// Writes what the base does not have: the payload's layer and the configuration.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn store_own_blobs(&self, to: &dyn Writable, at: &Reference) -> Result<(), ContentError> {
        let layer = Descriptor::of(media::DOCKER_LAYER_GZIP, &self.layer);
        let config = Descriptor::of(media::DOCKER_CONFIG, &self.config);
        for (blob, bytes) in [(&layer, &self.layer), (&config, &self.config)] {
            if !to.has_blob(at, blob)? {
                to.put_blob(at, blob, &mut bytes.as_slice())?;
            }
        }
        Ok(())
    }

    /// The manifest with its type.
    pub fn raw_manifest(&self) -> RawManifest {
        RawManifest { media_type: media::DOCKER_MANIFEST.to_owned(), bytes: self.manifest.clone() }
    }

    /// The release's name as a tag: build metadata is joined with `_`, as tags have no `+`.
    fn tag(&self) -> String {
        self.references.name.replace('+', "_")
    }

    /// Writes the payload's files into a directory, without the image around them.
    ///
    /// # Errors
    /// When the directory cannot be made or a file cannot be written.
    pub fn write_files(&self, dir: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(dir)?;
        for file in &self.files {
            let mut out = std::fs::File::create(dir.join(&file.name))?;
            out.write_all(&file.bytes)?;
            if let Some(time) = u64::try_from(file.modified)
                .ok()
                .and_then(|s| std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(s)))
            {
                out.set_modified(time)?;
            }
        }
        Ok(())
    }
}
