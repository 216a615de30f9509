//! Why a release cannot be assembled.

use base::{Diagnostics, Digest};

use crate::payload::component_version::{ALLOWED_NAMES, InvalidVersions};
use crate::payload::image::ImageError;
use crate::payload::image_stream::InvalidImageStream;
use crate::payload::last_layer::LayerError;
use crate::payload::release_manifest::UnfitLayer;
use crate::payload::release_metadata::InvalidReleaseMetadata;
use crate::payload::substitution::SubstitutionError;
use crate::payload::substitution::version::VersionReferenceError;

/// Why a release cannot be assembled.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// Name or versions.
    #[error(transparent)]
    Metadata(#[from] InvalidReleaseMetadata),
    /// Nothing to assemble.
    #[error("no component images defined, unable to build a release payload")]
    NoComponents,
    /// The same name twice.
    #[error("the component `{0}` is given twice: a payload has one image per tag")]
    DuplicateTag(String),
    /// A name that cannot be part of file names.
    #[error("`{0}` is not a component name: use letters, digits, `-`, `_` and `.`")]
    TagName(String),
    /// A pull spec by tag, or none.
    #[error(
        "image-references should only contain pointers to images by digest: `{pull_spec}` of component `{tag}` is none; write REGISTRY/NAME@sha256:…"
    )]
    PullSpec {
        /// The component.
        tag: String,
        /// What is not a pull spec by digest.
        pull_spec: String,
    },
    /// An image cannot be read.
    #[error("cannot read the image of component `{tag}` ({at}): {source}")]
    Image {
        /// The component.
        tag: String,
        /// Where it was looked for.
        at: String,
        /// Why.
        source: Box<ImageError>,
    },
    /// The base image cannot be read.
    #[error("cannot read the base image {at}: {source}")]
    BaseImage {
        /// Where it was looked for.
        at: String,
        /// Why.
        source: Box<ImageError>,
    },
    /// An image is not the one that its pull spec names.
    #[error(
        "one or more input images failed content verification and may have been tampered with: component `{tag}` should be {expected}, {at} has {found}; push the image again, or correct the pull spec"
    )]
    Verification {
        /// The component.
        tag: String,
        /// Digest in the pull spec.
        expected: Digest,
        /// Where it was read.
        at: String,
        /// Digest of what was read.
        found: Digest,
    },
    /// A label.
    #[error(
        "tag `{tag}` has an invalid io.openshift.build.versions or io.openshift.build.version-display-names label: {source}; correct the label in the image's Containerfile"
    )]
    Label {
        /// The component.
        tag: String,
        /// Why.
        source: InvalidVersions,
    },
    /// A version that has no agreed meaning.
    #[error(
        "tag `{tag}` references a component version `{name}` which is not in the allowed list ({list}); rename it in the label, or allow it for this release",
        list = ALLOWED_NAMES.join(", ")
    )]
    VersionName {
        /// The component.
        tag: String,
        /// Name of the version.
        name: String,
    },
    /// The layer with the manifests.
    #[error("cannot read the manifests of component `{tag}`: {source}")]
    Layer {
        /// The component.
        tag: String,
        /// Why.
        source: LayerError,
    },
    /// A component's `image-references` is malformed.
    #[error("operator `{tag}` contained an invalid image-references file: {source}")]
    ImageReferences {
        /// The component.
        tag: String,
        /// Why.
        source: InvalidImageStream,
    },
    /// A component's `image-references` cannot be followed.
    #[error("operator `{tag}` contained an invalid image-references file: {source}")]
    Substitution {
        /// The component.
        tag: String,
        /// Why.
        source: Box<SubstitutionError>,
    },
    /// A version placeholder in a manifest.
    #[error("{file}: {source}")]
    VersionReference {
        /// `TAG/FILE`.
        file: String,
        /// Why.
        source: VersionReferenceError,
    },
    /// Manifests that clusters would refuse; all of them.
    #[error("{0}")]
    Manifests(Diagnostics),
    /// The base is not among the components.
    #[error(
        "the base image tag `{0}` could not be found in the input, cannot build a release image; add the component, or name another base"
    )]
    NoBase(String),
    /// The base contradicts its list.
    #[error(
        "the base image {at} is listed for {wanted}, but its configuration says {found}: the release image would say so, too; build the base again for {wanted}"
    )]
    BasePlatform {
        /// The image.
        at: String,
        /// As its configuration says.
        found: String,
        /// As its list says.
        wanted: String,
    },
    /// The base has a layer that does not fit.
    #[error(transparent)]
    BaseLayer(#[from] UnfitLayer),
    /// The base contradicts itself.
    #[error(
        "the base image has {layers} layers, but its configuration lists {diff_ids}; it is damaged, build it again"
    )]
    BaseLayers {
        /// Layers in the manifest.
        layers: usize,
        /// Layers in the configuration.
        diff_ids: usize,
    },
}
