//! An image as it is run: its configuration and its layers.

use base::Digest;

use crate::manifest::config::CONFIG_LIMIT;
use crate::manifest::{Descriptor, ImageConfig, ImageManifest, Manifest, Platform};
use crate::media;
use crate::store::{Store, StoreError, StoredManifest};

/// Indexes may point to indexes; nobody nests them deeper.
const MAX_NESTING: usize = 4;

/// One image for one platform, complete in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Digest of its manifest (of the child, when it was found through an index).
    pub digest: Digest,
    /// Its manifest.
    pub manifest: ImageManifest,
    /// Its configuration.
    pub config: ImageConfig,
    /// Lowest first.
    pub layers: Vec<ImageLayer>,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLayer {
    /// The blob.
    pub descriptor: Descriptor,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
}

/// Why a manifest is not an image that can be run.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Reading the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No child for the platform.
    #[error("index {index} has no image for {wanted} (it has: {offered})")]
    NoPlatform {
        /// The index.
        index: Digest,
        /// As asked for.
        wanted: String,
        /// As listed in the index.
        offered: String,
    },
    /// For another platform.
    #[error("image {image} is for {found}, not for {wanted}")]
    WrongPlatform {
        /// The image.
        image: Digest,
        /// As its configuration says.
        found: String,
        /// As asked for.
        wanted: String,
    },
    /// The index has it, the store does not.
    #[error("image {child} of index {index} is not in the store; pull it for {wanted}")]
    Absent {
        /// The index.
        index: Digest,
        /// The image.
        child: Digest,
        /// As asked for.
        wanted: String,
    },
    /// Indexes in indexes.
    #[error("index {0} is nested more than {MAX_NESTING} deep")]
    Nested(Digest),
    /// Something else in the shape of an image.
    #[error("manifest {image} is not a container image, but an artifact of type `{kind}`")]
    Artifact {
        /// The manifest.
        image: Digest,
        /// Its artifact type.
        kind: String,
    },
    /// Manifest and configuration disagree.
    #[error("image {image} has {layers} layers, but its configuration lists {diff_ids}")]
    LayerCount {
        /// The image.
        image: Digest,
        /// In the manifest.
        layers: usize,
        /// In the configuration.
        diff_ids: usize,
    },
}

impl Image {
    /// Loads the image that `manifest` is, or that it lists for `platform`.
    ///
    /// # Errors
    /// When there is none, or it is not complete and sound.
    pub fn load(store: &Store, manifest: &StoredManifest, platform: &Platform) -> Result<Self, ImageError> {
        let mut stored = manifest.clone();
        for _ in 0..=MAX_NESTING {
            match stored.parse()? {
                Manifest::Image(image) => return Self::of(store, stored.digest, image, platform),
                Manifest::Index(index) => {
                    let child = index.select(platform).ok_or_else(|| ImageError::NoPlatform {
                        index: stored.digest,
                        wanted: platform.to_string(),
                        offered: index.platforms(),
                    })?;
                    stored = store.manifest_by_digest(child.digest)?.ok_or_else(|| ImageError::Absent {
                        index: stored.digest,
                        child: child.digest,
                        wanted: platform.to_string(),
                    })?;
                }
            }
        }
        Err(ImageError::Nested(manifest.digest))
    }

    fn of(
        store: &Store,
        digest: Digest,
        manifest: ImageManifest,
        platform: &Platform,
    ) -> Result<Self, ImageError> {
        if !media::is_config(&manifest.config.media_type) {
            let kind = manifest.artifact_type.unwrap_or(manifest.config.media_type);
            return Err(ImageError::Artifact { image: digest, kind });
        }
        let bytes = store.read(manifest.config.digest, CONFIG_LIMIT)?;
        let config = ImageConfig::parse(&bytes)
            .map_err(|source| StoreError::Config { digest: manifest.config.digest, source })?;
        let found = config.platform();
        // Images made by hand often say nothing; what they hold decides then.
        if !found.os.is_empty() && !found.architecture.is_empty() && !platform.accepts(&found) {
            return Err(ImageError::WrongPlatform {
                image: digest,
                found: found.to_string(),
                wanted: platform.to_string(),
            });
        }
        let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
        if layers != diff_ids {
            return Err(ImageError::LayerCount { image: digest, layers, diff_ids });
        }
        let layers = manifest.layers.iter().cloned().zip(config.rootfs.diff_ids.iter().copied());
        let layers = layers.map(|(descriptor, diff_id)| ImageLayer { descriptor, diff_id }).collect();
        Ok(Self { digest, manifest, config, layers })
    }
}
