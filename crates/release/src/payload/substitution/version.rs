//! Versions in manifests.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};
use semver::{BuildMetadata, Version};

use crate::payload::component_version::ComponentVersions;

/// What stands in manifests for the release's version.
pub const PLACEHOLDER: &str = "0.0.1-snapshot";

/// Why a version placeholder cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionReferenceError {
    /// `0.0.1-snapshot-`.
    #[error("empty version references are not allowed: `0.0.1-snapshot-` must be followed by a name")]
    Empty,
    /// One name that no referenced image defines.
    #[error(
        "unknown version reference `{0}`: list the image with the label {label}={0}=VERSION in the component's image-references",
        label = crate::payload::VERSIONS
    )]
    Unknown(String),
    /// Several such names.
    #[error("unknown version references: {}", .0.join(", "))]
    UnknownMany(Vec<String>),
    /// Several referenced images define it.
    #[error(
        "the version for `{name}` is inconsistent across the referenced images: {tags}; only one of them may define it"
    )]
    Inconsistent {
        /// Name of the version.
        name: String,
        /// The images, sorted.
        tags: String,
    },
}

/// The versions that placeholders stand for.
#[derive(Debug)]
pub struct Versions {
    release: Option<String>,
    versions: ComponentVersions,
    tags: BTreeMap<String, Vec<String>>,
}

impl Versions {
    /// `tags` says for each version which images define it. A release name that is not a semantic version is not used.
    pub fn new(release: &str, versions: ComponentVersions, tags: BTreeMap<String, Vec<String>>) -> Self {
        let release = Version::parse(release).ok().map(|mut version| {
            version.build = BuildMetadata::EMPTY;
            version.to_string()
        });
        Self { release, versions, tags }
    }

    /// Replaces `0.0.1-snapshot` and `0.0.1-snapshot-NAME`.
    ///
    /// # Errors
    /// When a name is not known or defined by several images, even by the same version.
    pub fn apply(&self, bytes: &[u8]) -> Result<Vec<u8>, VersionReferenceError> {
        static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?-u)(\W|^)0\.0\.1-snapshot([a-z0-9\-]*)").expect("a valid pattern")
        });
        let mut unknown = Vec::new();
        let mut conflicts = Vec::new();
        let out = PATTERN.replace_all(bytes, |found: &Captures<'_>| {
            let key = String::from_utf8_lossy(&found[2]);
            let version = match (key.as_ref(), key.strip_prefix('-')) {
                ("", _) => self.release.as_deref(),
                (_, Some(name)) => match self.versions.get(name) {
                    None => {
                        unknown.push(name.to_owned());
                        None
                    }
                    Some(_) if self.tags.get(name).is_some_and(|tags| tags.len() > 1) => {
                        conflicts.push(name.to_owned());
                        None
                    }
                    Some(version) => Some(version.version.as_str()),
                },
                _ => None,
            };
            version.map_or_else(|| found[0].to_vec(), |v| [&found[1], v.as_bytes()].concat())
        });
        match (unknown.as_mut_slice(), conflicts.into_iter().next()) {
            ([], None) => Ok(out.into_owned()),
            ([], Some(name)) => {
                let mut tags = self.tags.get(&name).cloned().unwrap_or_default();
                tags.sort();
                Err(VersionReferenceError::Inconsistent { name, tags: tags.join(", ") })
            }
            ([one], _) if one.is_empty() => Err(VersionReferenceError::Empty),
            ([one], _) => Err(VersionReferenceError::Unknown(std::mem::take(one))),
            _ => Err(VersionReferenceError::UnknownMany(unknown)),
        }
    }
}
