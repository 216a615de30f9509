//! One image of one platform, with what its configuration says.

use std::collections::BTreeMap;
use std::io::Read;

use base::Digest;
use oci::manifest::config::CONFIG_LIMIT;
use oci::manifest::{Descriptor, ImageConfig, ImageManifest, Index, Manifest, ManifestError, Platform};
use oci::reference::Reference;
use serde_json::Value;

use super::content::{Content, ContentError, RawManifest};

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
    /// A list without any image.
    #[error("its list {0} is empty; push the images again")]
    EmptyList(Digest),
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
        let fitting = |index: &Index, list| {
            let only = match index.manifests.as_slice() {
                [only] => Some(only),
                _ => None,
            };
            let child = index.select(platform).or(only).ok_or_else(|| ImageError::Platform {
                list,
                platform: platform.to_string(),
                found: index.platforms(),
            })?;
            Ok(child.digest)
        };
        Ok(Self::choose(content, at, fitting)?.0)
    }

    /// Like [`Image::read`]; of a list that has none for `platform`, the first that it has. Gives the platforms of the list, too;
    /// none for what is no list.
    ///
    /// # Errors
    /// As for [`Image::read`], and when the list has no image at all.
    pub fn read_preferring(
        content: &dyn Content,
        at: &Reference,
        platform: &Platform,
    ) -> Result<(Self, Vec<Platform>), ImageError> {
        let some = |index: &Index, list| {
            let named = |child: &&Descriptor| {
                child.platform.as_ref().is_none_or(|platform| platform.name().is_some())
            };
            let first = || index.manifests.iter().find(named).or(index.manifests.first());
            Ok(index.select(platform).or_else(first).ok_or(ImageError::EmptyList(list))?.digest)
        };
        let (image, index) = Self::choose(content, at, some)?;
        Ok((image, index.map(|index| index.offered()).unwrap_or_default()))
    }

    /// `child` says which image of a list is wanted, given the list and its digest.
    fn choose(
        content: &dyn Content,
        at: &Reference,
        child: impl FnOnce(&Index, Digest) -> Result<Digest, ImageError>,
    ) -> Result<(Self, Option<Index>), ImageError> {
        let raw = content.manifest(at)?;
        let content_digest = raw.digest();
        match parse(&raw)? {
            Manifest::Image(manifest) => {
                Ok((Self::of(content, at, content_digest, content_digest, manifest)?, None))
            }
            Manifest::Index(index) => {
                let child = child(&index, content_digest)?;
                let raw = content.manifest(&at.at_digest(child))?;
                verify("an image of its list", child, raw.digest())?;
                match parse(&raw)? {
                    Manifest::Image(manifest) => {
                        Ok((Self::of(content, at, content_digest, child, manifest)?, Some(index)))
                    }
                    Manifest::Index(_) => Err(ImageError::NestedList(content_digest)),
                }
            }
        }
    }

    /// The image of a manifest that was read already: `digest` is the manifest's, `asked` that of what was asked for.
    ///
    /// # Errors
    /// When its configuration cannot be read.
    pub(super) fn of(
        content: &dyn Content,
        at: &Reference,
        asked: Digest,
        digest: Digest,
        manifest: ImageManifest,
    ) -> Result<Self, ImageError> {
        let at = at.at_digest(digest);
        let raw_config = read_config(content, &at, &manifest)?;
        let config = serde_json::from_value(raw_config.clone()).map_err(ImageError::Config)?;
        let list_digest = (asked != digest).then_some(asked);
        Ok(Self { at, content_digest: asked, digest, list_digest, manifest, raw_config, config })
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

/// A manifest as it is stored, parsed.
pub(super) fn parse(raw: &RawManifest) -> Result<Manifest, ImageError> {
    Manifest::parse(&raw.media_type, &raw.bytes)
        .map_err(|source| ImageError::Manifest { digest: raw.digest(), source })
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
