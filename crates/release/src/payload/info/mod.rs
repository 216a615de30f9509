//! What a release image says (payload.md §3).
//!
//! - [`read`]: from an image to a [`ReleaseInfo`]
//! - [`text`]: for people, aligned as `oc adm release info` does
//! - [`json`]: for programs, with the same keys in the same order
//! - [`list`]: one line per image

pub mod json;
pub mod list;
pub mod read;
pub mod text;

use std::collections::BTreeMap;

use base::Digest;
use oci::manifest::Platform;
use oci::reference::Reference;
use serde_json::Value;

use super::component_version::ComponentVersions;
use super::image_stream::ImageStream;
use super::release_metadata::ReleaseMetadata;

pub use list::ListBy;
pub use read::InfoError;
pub use text::ImageColumn;

/// What a release image says.
#[derive(Debug, Clone)]
pub struct ReleaseInfo {
    /// The image, as it was asked for.
    pub image: Reference,
    /// Digest of the image's own manifest.
    pub digest: Digest,
    /// Digest of the list that the image was chosen from.
    pub list_digest: Option<Digest>,
    /// The platforms that the list has release images for, each once; empty without a list.
    pub list_platforms: Vec<Platform>,
    /// The image configuration.
    pub config: Value,
    /// The component images.
    pub references: ImageStream,
    /// Version and updates; `None` when the payload has no such file.
    pub metadata: Option<ReleaseMetadata>,
    /// Manifests by file name.
    pub manifests: BTreeMap<String, Vec<u8>>,
    /// Names of files that are neither manifests nor the two lists.
    pub other_files: Vec<String>,
    /// Versions that the images' annotations give.
    pub versions: ComponentVersions,
    /// The last tag that gives each version.
    pub version_tags: BTreeMap<String, String>,
    /// What is strange, sorted.
    pub warnings: Vec<String>,
}

impl ReleaseInfo {
    /// The version, or the name of the image stream when there is no metadata.
    pub fn name(&self) -> &str {
        self.metadata.as_ref().map_or(&self.references.name, |m| &m.version)
    }

    /// The digest to pull by: of the list, when there is one.
    pub fn pull_digest(&self) -> Digest {
        self.list_digest.unwrap_or(self.digest)
    }

    /// `linux/amd64`, or `multi (linux/amd64)` when it was chosen from a list.
    pub fn platform(&self) -> String {
        let own = Platform { variant: None, ..self.own_platform() };
        match self.list_digest {
            None => own.to_string(),
            Some(_) => format!("multi ({own})"),
        }
    }

    /// The platforms that it is for: those of the list, else the image's own.
    pub fn platforms(&self) -> Vec<Platform> {
        if !self.list_platforms.is_empty() {
            return self.list_platforms.clone();
        }
        Some(self.own_platform()).filter(|own| own.name().is_some()).into_iter().collect()
    }

    /// What the image's own configuration says; `unknown` where it says nothing.
    fn own_platform(&self) -> Platform {
        let field = |name| self.config.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let or_unknown = |name| field(name).unwrap_or("unknown");
        let variant = field("variant").map(str::to_owned);
        Platform { variant, ..Platform::new(or_unknown("os"), or_unknown("architecture")) }
    }

    /// When the image was created, as written.
    pub fn created(&self) -> Option<&str> {
        self.config.get("created").and_then(Value::as_str)
    }

    /// The images, in the payload's order: tag name and pull spec.
    pub fn images(&self) -> impl Iterator<Item = (&str, &str)> {
        self.references.tags.iter().filter_map(|tag| Some((tag.name.as_str(), tag.pull_spec()?)))
    }
}

/// The digest of a pull spec, or the pull spec itself when it has none.
pub(crate) fn digest_or_pull_spec(pull_spec: &str) -> &str {
    let digest = pull_spec.rsplit_once('@').map(|(_, digest)| digest);
    digest.filter(|_| pull_spec.parse::<Reference>().is_ok()).unwrap_or(pull_spec)
}
