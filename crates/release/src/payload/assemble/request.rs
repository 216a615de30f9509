//! What to assemble, as a value.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use jiff::Timestamp;
use oci::manifest::Platform;
use oci::reference::Reference;
use serde_json::{Map, Value};

use super::AssembleError;
use crate::payload::BASE_TAG;

/// A release to assemble.
#[derive(Debug, Clone)]
pub struct Request {
    /// Name of the release: a semantic version.
    pub name: String,
    /// When the release is created; cut to whole seconds.
    pub created: Timestamp,
    /// The images.
    pub components: Vec<Component>,
    /// What the payload's layer is put on.
    pub base: Base,
    /// Versions that may be updated to this release.
    pub previous: Vec<String>,
    /// Versions that this release may be updated to; usually empty.
    pub next: Vec<String>,
    /// Facts for `release-metadata`: `url`, `release.openshift.io/architecture`, ….
    pub metadata: Map<String, Value>,
    /// Annotations of `image-references`. `io.openshift.build.versions` there gives versions that no image defines.
    pub annotations: BTreeMap<String, String>,
    /// Which image of a list is looked at and becomes the base. `image-references` keeps the list.
    pub platform: Platform,
    /// It will be one image of a release for several platforms ([`several`](crate::payload::several)): the base that it names is the
    /// list that the payload names, and a base for another platform is refused.
    pub part_of_list: bool,
    /// How strict to be.
    pub options: Options,
}

impl Request {
    /// A release of these images for `linux/amd64`, based on the cluster version operator.
    pub fn new(name: impl Into<String>, created: Timestamp, components: Vec<Component>) -> Self {
        Self {
            name: name.into(),
            created,
            components,
            base: Base::Tag(BASE_TAG.to_owned()),
            previous: Vec::new(),
            next: Vec::new(),
            metadata: Map::new(),
            annotations: BTreeMap::new(),
            platform: Platform::new("linux", "amd64"),
            part_of_list: false,
            options: Options::default(),
        }
    }

    /// The components that are not excluded.
    ///
    /// # Errors
    /// When there is none, a tag comes twice, or a pull spec does not name a digest.
    pub(super) fn checked_components(&self) -> Result<Vec<&Component>, AssembleError> {
        let excluded = &self.options.exclude;
        let components: Vec<&Component> =
            self.components.iter().filter(|c| !excluded.contains(&c.tag)).collect();
        if components.is_empty() {
            return Err(AssembleError::NoComponents);
        }
        let mut seen = BTreeSet::new();
        for component in &components {
            if !seen.insert(&component.tag) {
                return Err(AssembleError::DuplicateTag(component.tag.clone()));
            }
            component.check()?;
        }
        Ok(components)
    }
}

/// A component's image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Name of the component in the payload.
    pub tag: String,
    /// Where clusters pull it from, by digest: what `image-references` and the manifests say.
    pub pull_spec: String,
    /// Where it is read from now. The content must be the same.
    pub read_from: Reference,
    /// Annotations of the tag; those that labels of the image give replace them.
    pub annotations: BTreeMap<String, String>,
}

impl Component {
    /// An image that is read from where clusters pull it.
    pub fn new(tag: impl Into<String>, image: Reference) -> Self {
        Self { tag: tag.into(), pull_spec: image.to_string(), read_from: image, annotations: BTreeMap::new() }
    }

    /// The same component under another pull spec: read here, pulled there.
    #[must_use]
    pub fn pulled_from(self, pull_spec: impl Into<String>) -> Self {
        Self { pull_spec: pull_spec.into(), ..self }
    }

    /// Whether tag and pull spec are as they must be.
    ///
    /// # Errors
    /// When the tag cannot be part of file names, or the pull spec does not name a digest.
    pub(in crate::payload) fn check(&self) -> Result<(), AssembleError> {
        let valid = !self.tag.is_empty()
            && self.tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !self.tag.starts_with('.');
        if !valid {
            return Err(AssembleError::TagName(self.tag.clone()));
        }
        if self.digest().is_none() {
            return Err(AssembleError::PullSpec { tag: self.tag.clone(), pull_spec: self.pull_spec.clone() });
        }
        Ok(())
    }

    /// The digest in the pull spec.
    pub fn digest(&self) -> Option<Digest> {
        self.pull_spec.parse::<Reference>().ok().and_then(|r| r.digest())
    }
}

/// What the payload's layer is put on. It must be a working cluster version operator: an update starts a pod from the new
/// release image that copies `/manifests` and `/release-manifests` (payload.md §1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The component of this tag.
    Tag(String),
    /// Some other image.
    Image(Reference),
}

/// How strict to be, and what to keep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Tags that are left out before anything is read.
    pub exclude: BTreeSet<String>,
    /// Tags that are kept although no component references them.
    pub include: BTreeSet<String>,
    /// Keep all tags. Otherwise those stay that bring manifests, that a component's `image-references` lists, that are
    /// included, and the base (payload.md §2.7).
    pub keep_unreferenced: bool,
    /// Leave references to components that the release lacks as they are.
    pub allow_missing_images: bool,
    /// Do not check that manifests are Kubernetes objects that clusters load.
    pub skip_manifest_check: bool,
    /// Only warn when an image is not the one that its pull spec names.
    pub skip_verification: bool,
    /// Names in version labels that are allowed besides the usual ones.
    pub allowed_versions: BTreeSet<String>,
    /// How many images are read at once; 0 is 4.
    pub jobs: usize,
}
