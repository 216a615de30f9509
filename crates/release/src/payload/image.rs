//! One image of one platform, with what its configuration says.

use std::collections::BTreeMap;
use std::io::Read;

use base::Digest;
use oci::manifest::config::CONFIG_LIMIT;
use oci::manifest::{ImageConfig, ImageManifest, Manifest, ManifestError, Platform};
use oci::reference::Reference;
use serde_json::Value;

use super::content::{Content, ContentError};

/// An image that was looked at: manifest and configuration, both verified against their digests.
#[derive(Debug, Clone)]
pub struct Image {
    /// Where it was read from, at the digest of its own manifest.
    pub at: Reference,
    /// Digest of the manifest that was asked for: of the list, when there is one.
    pub content_digest: Digest,
    /// Digest of the image's own manifest.
    pub digest: Digest,
    /// Digest of the list that the image was chosen from.
    pub list_digest: Option<Digest>,
    /// The platforms of that list, as far as it names them.
    pub list_platforms: Vec<Platform>,
    /// The image's own manifest.
    pub manifest: ImageManifest,
    /// The configuration, with all its fields in their order.
    pub raw_config: Value,
    /// The configuration.
    pub config: ImageConfig,
}

/// Why an image could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It could not be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The manifest is not one.
    #[error("its manifest {digest} cannot be used: {source}")]
    Manifest {
        /// Digest of the manifest.
        digest: Digest,
        /// Why.
        source: ManifestError,
    },
    /// A list without this platform.
    #[error(
        "its list {list} has no image for {platform} (it has: {found}); choose another platform or build the image for this one"
    )]
    Platform {
        /// Digest of the list.
        list: Digest,
        /// Wanted.
        platform: String,
        /// What the list has.
        found: String,
    },
    /// A list in a list.
    #[error("its list {0} points to another list; image tools do not follow that")]
    NestedList(Digest),
    /// A child of a list, or a configuration, that is not what its descriptor says.
    #[error(
        "{what} failed content verification: {expected} was asked for, {found} came; do not use it, and push the image again"
    )]
    Mismatch {
        /// What was read.
        what: &'static str,
        /// Digest in the descriptor.
        expected: Digest,
        /// Digest of what came.
        found: Digest,
    },
    /// The configuration could not be read.
    #[error("its configuration cannot be read: {0}")]
    ConfigRead(std::io::Error),
    /// The configuration is too large.
    #[error("its configuration has {0} bytes, more than the 8 MiB that are read")]
    ConfigSize(u64),
    /// The configuration is not one.
    #[error("its configuration is not an image configuration: {0}")]
    Config(serde_json::Error),
}

impl Image {
    /// Looks at the image that `at` names; from a list it takes the image for `platform` (the only one of a list with one entry).
    ///
    /// The digest in `at` is not compared here: see [`Image::content_digest`].
    ///
    /// # Errors
    /// When something is missing, malformed, or not what its descriptor says.
    pub fn read(content: &dyn Content, at: &Reference, platform: &Platform) -> Result<Self, ImageError> {
        let raw = content.manifest(at)?;
        let content_digest = raw.digest();
        let parse = |raw: &super::content::RawManifest, digest| {
            Manifest::parse(&raw.media_type, &raw.bytes)
                .map_err(|source| ImageError::Manifest { digest, source })
        };
        let mut list_platforms = Vec::new();
        let (manifest, digest, list_digest) = match parse(&raw, content_digest)? {
            Manifest::Image(manifest) => (manifest, content_digest, None),
            Manifest::Index(index) => {
                list_platforms.extend(index.manifests.iter().filter_map(|child| child.platform.clone()));
                let only = match index.manifests.as_slice() {
                    [only] => Some(only),
                    _ => None,
                };
                let child = index.select(platform).or(only).ok_or_else(|| ImageError::Platform {
                    list: content_digest,
                    platform: platform.to_string(),
                    found: index.platforms(),
                })?;
                let raw = content.manifest(&at.at_digest(child.digest))?;
                verify("an image of its list", child.digest, raw.digest())?;
                match parse(&raw, child.digest)? {
                    Manifest::Image(manifest) => (manifest, child.digest, Some(content_digest)),
                    Manifest::Index(_) => return Err(ImageError::NestedList(content_digest)),
                }
            }
        };
        let at = at.at_digest(digest);
        let raw_config = read_config(content, &at, &manifest)?;
        let config = serde_json::from_value(raw_config.clone()).map_err(ImageError::Config)?;
        Ok(Self { at, content_digest, digest, list_digest, list_platforms, manifest, raw_config, config })
    }

    /// The labels of the image.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.config.config.labels
    }

    /// A label, empty when it is not set.
    pub fn label(&self, name: &str) -> &str {
        self.labels().get(name).map_or("", String::as_str)
    }
}

fn verify(what: &'static str, expected: Digest, found: Digest) -> Result<(), ImageError> {
    if expected == found { Ok(()) } else { Err(ImageError::Mismatch { what, expected, found }) }
}

fn read_config(content: &dyn Content, at: &Reference, manifest: &ImageManifest) -> Result<Value, ImageError> {
    let descriptor = &manifest.config;
    if descriptor.size > CONFIG_LIMIT {
        return Err(ImageError::ConfigSize(descriptor.size));
    }
    let mut bytes = Vec::new();
    content
        .blob(at, descriptor)?
        .take(CONFIG_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(ImageError::ConfigRead)?;
    verify("its configuration", descriptor.digest, Digest::of(&bytes))?;
    serde_json::from_slice(&bytes).map_err(ImageError::Config)
}
