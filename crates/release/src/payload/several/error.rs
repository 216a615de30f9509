//! Why there is no release for several platforms.

use base::Digest;
use oci::reference::InvalidReference;

use crate::payload::assemble::AssembleError;
use crate::payload::content::ContentError;

/// Why there is no release for several platforms.
#[derive(Debug, thiserror::Error)]
pub enum SeveralError {
    /// No platform.
    #[error("a release is for at least one platform, such as linux/amd64")]
    NoPlatforms,
    /// Platforms that overlap.
    #[error("the platforms {one} and {other} are the same machines; name each platform of the release once")]
    SamePlatform {
        /// One.
        one: String,
        /// Another.
        other: String,
    },
    /// An image that cannot be used in any release.
    #[error(transparent)]
    Image(Box<AssembleError>),
    /// Two images for the same machines.
    #[error("`{tag}` has two images for {platform}, {one} and {other}; give one of them")]
    TwoImages {
        /// The tag.
        tag: String,
        /// The platform.
        platform: String,
        /// One.
        one: String,
        /// Another.
        other: String,
    },
    /// A list and more.
    #[error(
        "`{tag}` has the list {list} and other images besides; give the list alone, or an image for each platform"
    )]
    ListAndMore {
        /// The tag.
        tag: String,
        /// The list.
        list: String,
    },
    /// An image for somebody else.
    #[error(
        "`{tag}` has the image {image}, which is for {found}, but the release is for {wanted}; leave the image out, or name its platform as well"
    )]
    OtherPlatform {
        /// The tag.
        tag: String,
        /// The image.
        image: String,
        /// As its configuration says.
        found: String,
        /// The platforms of the release.
        wanted: String,
    },
    /// An image that does not say what machine it is for.
    #[error(
        "`{tag}` has the image {image}, whose configuration does not say which platform it is for; build it with its platform (buildah build --platform), or give a list that says so"
    )]
    Unstated {
        /// The tag.
        tag: String,
        /// The image.
        image: String,
    },
    /// A list in a list.
    #[error(
        "`{tag}` has the list {list}, which points to another list for {platform}; image tools do not follow that, push one flat list"
    )]
    Nested {
        /// The tag.
        tag: String,
        /// The list.
        list: String,
        /// The platform.
        platform: String,
    },
    /// A list for others.
    #[error(
        "`{tag}` has the list {list}, which has no image for {wanted} (it has: {offered}); choose another list, or leave the tag out"
    )]
    NoneFits {
        /// The tag.
        tag: String,
        /// The list.
        list: String,
        /// The platforms of the list.
        offered: String,
        /// The platforms of the release.
        wanted: String,
    },
    /// A tag that cannot be the name of a repository.
    #[error(
        "the list of `{tag}` has no place beside the release: {source}; push it yourself, and give the list"
    )]
    Repository {
        /// The tag.
        tag: String,
        /// Why.
        source: InvalidReference,
    },
    /// A tag called like the release's repository.
    #[error(
        "the list of `{tag}` would be pushed to {repository}, where the release goes; call one of them otherwise"
    )]
    ReleaseRepository {
        /// The tag.
        tag: String,
        /// The repository.
        repository: String,
    },
    /// The base lacks a platform.
    #[error(
        "the base `{tag}` has no image for {platform} (it has: {has}), and a release image is made on it for every platform; build it for {platform}, or leave that platform out"
    )]
    NoBase {
        /// The tag.
        tag: String,
        /// The platform that is missing.
        platform: String,
        /// Those that are there.
        has: String,
    },
    /// An operator wants an image that its platform lacks.
    #[error(
        "for {platform}: the image-references of `{operator}` names `{tag}`, which has images for {has} only; build `{tag}` for {platform}, or leave `{operator}` out there"
    )]
    MissingOn {
        /// The platform.
        platform: String,
        /// The component that names it.
        operator: String,
        /// What it names.
        tag: String,
        /// Its platforms.
        has: String,
    },
    /// The release image of one platform cannot be assembled.
    #[error("for {platform}: {source}")]
    Platform {
        /// The platform.
        platform: String,
        /// Why.
        source: Box<AssembleError>,
    },
    /// What was assembled cannot be kept.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl SeveralError {
    /// `found` is there instead of the image that a pull spec names.
    pub(super) fn verification(tag: &str, at: &str, expected: Digest, found: Digest) -> Self {
        Self::Image(Box::new(AssembleError::Verification {
            tag: tag.to_owned(),
            expected,
            at: at.to_owned(),
            found,
        }))
    }
}
