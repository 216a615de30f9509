//! What is replaced in a component's manifests: pull specs and versions (payload.md §2.5).
//!
//! - [`pull_spec`]: `quay.io/openshift/origin-etcd:latest` becomes the payload's image by digest
//! - [`version`]: `0.0.1-snapshot` becomes the release's version, `0.0.1-snapshot-KEY` a component's
//!
//! A component says in its own `image-references` which literal in its manifests stands for which component.

pub mod pull_spec;
pub mod version;

use std::collections::{BTreeMap, BTreeSet};

use super::component_version::{self, ComponentVersions, InvalidVersions};
use super::image_stream::ImageStream;
use super::{VERSION_NAMES, VERSIONS};
use pull_spec::{DuplicateSource, PullSpecs};
use version::{VersionReferenceError, Versions};

/// Why a component's `image-references` cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum SubstitutionError {
    /// A tag without a literal to look for.
    #[error("no from.name for the tag {0}: write the image name that the manifests use")]
    NoSource(String),
    /// A component that the release does not have.
    #[error("no input image tag named `{0}`; {1}")]
    MissingTag(String, String),
    /// Two components for one literal.
    #[error(transparent)]
    DuplicateSource(#[from] DuplicateSource),
    /// An annotation in the release's stream that is not a list of versions.
    #[error("input image stream has an invalid version annotation for tag `{tag}`: {reason}")]
    Annotation {
        /// The tag.
        tag: String,
        /// What is wrong.
        reason: InvalidVersions,
    },
    /// The release's own defaults.
    #[error("unable to read default versions label on input image stream: {0}")]
    Defaults(InvalidVersions),
    /// Two images disagree.
    #[error(
        "input image stream has multiple versions defined for version {name}: {tag} defines {version} but was already set to {existing} on {tags}; the images must carry the same version, or the manifests may reference only one of them"
    )]
    Conflict {
        /// Name of the version.
        name: String,
        /// The second tag.
        tag: String,
        /// Its version.
        version: String,
        /// The version before.
        existing: String,
        /// The tags before.
        tags: String,
    },
}

/// Everything that is replaced in the files of one component.
#[derive(Debug)]
pub struct Substitution {
    pull_specs: PullSpecs,
    versions: Versions,
    /// More than two `kubectl` versions are strange, but not wrong.
    pub warnings: Vec<String>,
}

impl Substitution {
    /// `release` lists the release's images under its name; `local` is the component's own `image-references`, if it has one.
    /// Without one only `0.0.1-snapshot` is replaced. With `allow_missing`, literals of components that the release does not
    /// have stay as they are.
    ///
    /// # Errors
    /// When the component's file cannot be followed.
    pub fn new(
        release: &ImageStream,
        local: Option<&ImageStream>,
        allow_missing: bool,
    ) -> Result<Self, SubstitutionError> {
        let Some(local) = local else {
            return Ok(Self {
                pull_specs: PullSpecs::default(),
                versions: Versions::new(&release.name, ComponentVersions::new(), BTreeMap::new()),
                warnings: Vec::new(),
            });
        };
        let mut sources: Vec<(String, String, String)> = Vec::new();
        for tag in &local.tags {
            let Some(source) = tag.pull_spec() else { continue };
            if source.is_empty() {
                return Err(SubstitutionError::NoSource(tag.name.clone()));
            }
            let target = release.tag(&tag.name).and_then(|t| t.from.as_ref()).map(|from| from.name.as_str());
            match target.filter(|t| !t.is_empty()) {
                Some(target) => {
                    let entry = (tag.name.clone(), source.to_owned(), target.to_owned());
                    match sources.iter_mut().find(|(name, ..)| *name == tag.name) {
                        Some(earlier) => *earlier = entry,
                        None => sources.push(entry),
                    }
                }
                None if allow_missing => {}
                None => {
                    let known = release.tags.iter().map(|t| t.name.as_str());
                    let hint = base::diagnostic::did_you_mean(&tag.name, known)
                        .unwrap_or_else(|| "add the component to the release".to_owned());
                    return Err(SubstitutionError::MissingTag(tag.name.clone(), hint));
                }
            }
        }
        let used: BTreeSet<&str> = sources.iter().map(|(name, ..)| name.as_str()).collect();
        let (versions, tags, warnings) = versions_of(release, &used)?;
        Ok(Self {
            versions: Versions::new(&release.name, versions, tags),
            pull_specs: PullSpecs::new(sources)?,
            warnings,
        })
    }

    /// The bytes of a file with everything replaced.
    ///
    /// # Errors
    /// When the file references a version that is not known or not the same in all images.
    pub fn apply(&self, bytes: &[u8]) -> Result<Vec<u8>, VersionReferenceError> {
        self.versions.apply(&self.pull_specs.apply(bytes))
    }

    /// The literals that stand for components.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.pull_specs.sources()
    }
}

type TagsByName = BTreeMap<String, Vec<String>>;

/// Versions of the images that the component references, and the tags that define each.
fn versions_of(
    release: &ImageStream,
    used: &BTreeSet<&str>,
) -> Result<(ComponentVersions, TagsByName, Vec<String>), SubstitutionError> {
    let mut versions = ComponentVersions::new();
    let mut tags = TagsByName::new();
    let mut kubectl = BTreeSet::new();
    for tag in release.tags.iter().filter(|tag| used.contains(tag.name.as_str())) {
        let found = component_version::parse(tag.annotation(VERSIONS), tag.annotation(VERSION_NAMES))
            .map_err(|reason| SubstitutionError::Annotation { tag: tag.name.clone(), reason })?;
        for (name, version) in found {
            if name == "kubectl" {
                kubectl.insert(version.version.clone());
            }
            if !component_version::counts(&name, &tag.name) {
                continue;
            }
            let defined = tags.entry(name.clone()).or_default();
            match versions.get(&name) {
                Some(existing) if existing.version != version.version && name != "machine-os" => {
                    return Err(SubstitutionError::Conflict {
                        name,
                        tag: tag.name.clone(),
                        version: version.version,
                        existing: existing.version.clone(),
                        tags: defined.join(", "),
                    });
                }
                Some(_) => {}
                None => {
                    versions.insert(name, version);
                }
            }
            defined.push(tag.name.clone());
        }
    }
    let text = |key| release.annotations.get(key).map_or("", String::as_str);
    let defaults =
        component_version::parse(text(VERSIONS), text(VERSION_NAMES)).map_err(SubstitutionError::Defaults)?;
    for (name, version) in defaults {
        versions.entry(name).or_insert(version);
    }
    let warnings = if kubectl.len() > 2 {
        let list: Vec<_> = kubectl.into_iter().collect();
        vec![format!(
            "input image stream has multiple versions defined for version kubectl: {}",
            list.join(", ")
        )]
    } else {
        Vec::new()
    };
    Ok((versions, tags, warnings))
}

#[cfg(test)]
mod tests;
