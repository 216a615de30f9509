//! Releases for several platforms (payload.md §1.8): a list of release images, whose payloads name lists of component images.
//!
//! - [`platforms`]: the platforms of a release
//! - [`lists`]: for each tag the list of its images: one that was given, or one that is made
//! - [`release_list`]: a release image for each platform, and the list of them
//! - [`push`]: all of that to a registry
//! - `listed`: content in which lists are that are not pushed yet
//! - [`error`]: why there is no such release
//!
//! Nothing is pushed before everything is assembled. The same images give the same lists and the same release.

pub mod error;
mod listed;
pub mod lists;
pub mod platforms;
pub mod push;
pub mod release_list;

use oci::manifest::{Descriptor, Index};
use oci::media;

use super::content::RawManifest;
use crate::go::json::indented;

pub use error::SeveralError;
pub use lists::{Lists, TagList};
pub use platforms::ReleasePlatforms;
pub use release_list::{ReleaseList, assemble};

/// A list of these images, in their order: a Docker list when all of them are Docker's, else an OCI index, which may hold both.
/// skopeo, CRI-O and oc read either; update services only the first (payload.md §0.2).
fn list_of(images: Vec<Descriptor>) -> RawManifest {
    let docker = images.iter().all(|image| image.media_type == media::DOCKER_MANIFEST);
    let media_type = if docker { media::DOCKER_LIST } else { media::OCI_INDEX }.to_owned();
    let list = Index {
        schema_version: 2,
        media_type: Some(media_type.clone()),
        artifact_type: None,
        manifests: images,
        subject: None,
        annotations: std::collections::BTreeMap::new(),
    };
    RawManifest { media_type, bytes: indented(&list, "   ") }
}
