//! Release payload images: Docker v2s2 images whose last layer holds `release-manifests/`.
//!
//! Reading and writing content:
//! - [`content`]: where images are read from and written to; [`memory`], [`store`] and [`registry`] are such places
//! - [`image`]: one image of one platform: manifest, configuration, labels
//! - [`last_layer`]: the files that a layer has in one folder
//!
//! The files of a payload:
//! - [`image_stream`]: the file `image-references`
//! - [`release_metadata`]: the file `release-metadata`
//! - [`component_version`]: the labels that name versions of components
//! - [`document`]: YAML and JSON documents of manifests
//!
//! Writing a payload:
//! - [`assemble`]: from images to a release image
//! - [`several`]: to a list of release images, one for each platform
//! - [`substitution`]: pull specs and versions in manifests
//! - [`leftover`]: references that no substitution reached
//! - [`manifest_check`]: what the cluster version operator would refuse
//! - [`file_name`]: names of manifests in the payload
//! - `at_once`: several images at the same time
//! - [`release_layer`], [`release_config`], [`release_manifest`]: the bytes
//!
//! Reading a payload:
//! - [`info`]: what a release image says, as text and JSON

pub mod assemble;
mod at_once;
pub mod component_version;
pub mod content;
pub mod document;
pub mod file_name;
pub mod image;
pub mod image_stream;
pub mod info;
pub mod last_layer;
pub mod leftover;
pub mod manifest_check;
pub mod memory;
pub mod registry;
pub mod release_config;
pub mod release_layer;
pub mod release_manifest;
pub mod release_metadata;
pub mod several;
pub mod store;
pub mod substitution;

/// The folder in the last layer that holds the payload.
pub const RELEASE_MANIFESTS: &str = "release-manifests";
/// The payload file that lists the component images.
pub const IMAGE_REFERENCES: &str = "image-references";
/// The payload file that names the release and the releases it may follow.
pub const RELEASE_METADATA: &str = "release-metadata";
/// The tag whose image is the base of the release image, unless told otherwise.
pub const BASE_TAG: &str = "cluster-version-operator";

/// Key of `metadata` in `release-metadata`; the only value that clusters know is `multi`.
pub const METADATA_ARCHITECTURE: &str = "release.openshift.io/architecture";

/// Image label: this component contributes manifests (any non-empty value).
pub const LABEL_OPERATOR: &str = "io.openshift.release.operator";
/// Release image label: name of the release.
pub const LABEL_RELEASE: &str = "io.openshift.release";
/// Release image label: digest of the image it was built on.
pub const LABEL_BASE_DIGEST: &str = "io.openshift.release.base-image-digest";
/// Label and annotation: commit the image was built from.
pub const COMMIT_ID: &str = "io.openshift.build.commit.id";
/// Label and annotation: branch or tag of that commit.
pub const COMMIT_REF: &str = "io.openshift.build.commit.ref";
/// Label and annotation: repository of that commit.
pub const SOURCE_LOCATION: &str = "io.openshift.build.source-location";
/// Label and annotation: versions of what is in the image, `name=1.2.3,…`.
pub const VERSIONS: &str = "io.openshift.build.versions";
/// Label and annotation: display names for those, `name=Text,…`.
pub const VERSION_NAMES: &str = "io.openshift.build.version-display-names";
