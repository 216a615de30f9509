//! From an image to what it says.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use oci::manifest::Platform;
use oci::manifest::platform::names;
use oci::reference::Reference;

use crate::payload::component_version::{self, ComponentVersion, ComponentVersions};
use crate::payload::content::Content;
use crate::payload::image::{Image, ImageError};
use crate::payload::image_stream::{ImageStream, InvalidImageStream};
use crate::payload::last_layer::{self, LayerError, Names};
use crate::payload::manifest_check::is_manifest;
use crate::payload::release_metadata::{InvalidReleaseMetadata, ReleaseMetadata};
use crate::payload::{IMAGE_REFERENCES, RELEASE_MANIFESTS, RELEASE_METADATA, VERSION_NAMES, VERSIONS};

use super::ReleaseInfo;

/// Why a release image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InfoError {
    /// The image.
    #[error("cannot read the release image {at}: {source}")]
    Image {
        /// The image.
        at: String,
        /// Why.
        source: ImageError,
    },
    /// Not the image that was asked for.
    #[error(
        "the release image failed content verification and may have been tampered with: {at} was asked for, {found} came"
    )]
    Verification {
        /// The image.
        at: String,
        /// Digest of what came.
        found: Digest,
    },
    /// Nothing for the platform that was asked for.
    #[error(
        "the release {at} has no image for {wanted} (it has: {others}); ask for one of these with --platform"
    )]
    Platform {
        /// The release.
        at: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        others: String,
    },
    /// The layer.
    #[error("cannot read the payload of {at}: {source}")]
    Layer {
        /// The image.
        at: String,
        /// Why.
        source: LayerError,
    },
    /// Some other image.
    #[error(
        "release image did not contain an image-references file: {at} is not a release image, or something was built on top of one (only the last layer counts)"
    )]
    NoReferences {
        /// The image.
        at: String,
    },
    /// A malformed list of images.
    #[error("release image could not be read: {0}")]
    References(#[from] InvalidImageStream),
    /// Malformed metadata.
    #[error("release image could not be read: {0}")]
    Metadata(#[from] InvalidReleaseMetadata),
}

impl ReleaseInfo {
    /// Reads a release image; from a list, the image for this machine's CPU, or the first of a list that has none for it.
    ///
    /// # Errors
    /// When the image cannot be read, is not the one that was asked for, or is not a release image.
    pub fn read(content: &dyn Content, at: &Reference) -> Result<Self, InfoError> {
        Self::read_preferring(content, at, &Platform::host())
    }

    /// Like [`ReleaseInfo::read`], for another platform and only for that.
    ///
    /// # Errors
    /// As [`ReleaseInfo::read`], and when the release has no image for the platform.
    pub fn read_for(content: &dyn Content, at: &Reference, platform: &Platform) -> Result<Self, InfoError> {
        let info = Self::read_preferring(content, at, platform)?;
        let found = info.own_platform();
        // Of what does not say its platform nobody knows better.
        if found.name().is_some() && !platform.accepts(&found) {
            let others = names(&info.platforms());
            return Err(InfoError::Platform { at: at.to_string(), wanted: platform.to_string(), others });
        }
        Ok(info)
    }

    fn read_preferring(
        content: &dyn Content,
        at: &Reference,
        platform: &Platform,
    ) -> Result<Self, InfoError> {
        let (image, list_platforms) = Image::read_preferring(content, at, platform)
            .map_err(|source| InfoError::Image { at: at.to_string(), source })?;
        if at.digest().is_some_and(|asked| asked != image.content_digest) {
            return Err(InfoError::Verification { at: at.to_string(), found: image.content_digest });
        }
        let folder = last_layer::read(content, &image, RELEASE_MANIFESTS, Names::Exact)
            .map_err(|source| InfoError::Layer { at: at.to_string(), source })?;
        let mut references = None;
        let mut metadata = None;
        let mut manifests = BTreeMap::new();
        let mut other_files = Vec::new();
        for file in folder.files {
            match file.name.as_str() {
                IMAGE_REFERENCES => references = Some(ImageStream::parse(&file.bytes)?),
                RELEASE_METADATA => metadata = Some(ReleaseMetadata::parse(&file.bytes)?),
                name if is_manifest(name) => {
                    manifests.insert(file.name, file.bytes);
                }
                _ => other_files.push(file.name),
            }
        }
        let references = references.ok_or_else(|| InfoError::NoReferences { at: at.to_string() })?;
        let (versions, version_tags, warnings) = versions(&references);
        Ok(Self {
            image: at.clone(),
            digest: image.digest,
            list_digest: image.list_digest,
            list_platforms,
            config: image.raw_config,
            references,
            metadata,
            manifests,
            other_files,
            versions,
            version_tags,
            warnings,
        })
    }
}

/// Versions of all tags together. Of several, the first as text counts, and a warning says so.
fn versions(references: &ImageStream) -> (ComponentVersions, BTreeMap<String, String>, Vec<String>) {
    let mut all: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let mut tags = BTreeMap::new();
    let mut warnings = Vec::new();
    for tag in &references.tags {
        let found = match component_version::parse(tag.annotation(VERSIONS), tag.annotation(VERSION_NAMES)) {
            Ok(found) => found,
            Err(e) => {
                warnings.push(format!(
                    "the referenced image {} had an invalid version annotation: {e}",
                    tag.name
                ));
                continue;
            }
        };
        for (name, version) in found {
            if !component_version::counts(&name, &tag.name) {
                continue;
            }
            let (versions, names) = all.entry(name.clone()).or_default();
            versions.insert(version.version);
            names.insert(version.display_name);
            tags.insert(name, tag.name.clone());
        }
    }
    let several: Vec<&str> = all
        .iter()
        .filter(|(name, (versions, names))| (versions.len() > 1 && *name != "machine-os") || names.len() > 1)
        .map(|(name, _)| name.as_str())
        .collect();
    if !several.is_empty() {
        warnings.push(format!(
            "multiple versions or display names reported for the following component(s): {}",
            several.join(",  ")
        ));
    }
    warnings.sort();
    let first = |set: BTreeSet<String>| set.into_iter().next().unwrap_or_default();
    let versions = all
        .into_iter()
        .map(|(name, (versions, names))| {
            (name, ComponentVersion { version: first(versions), display_name: first(names) })
        })
        .collect();
    (versions, tags, warnings)
}
