//! For each tag of a release the list of its images.

use std::collections::BTreeMap;

use base::Digest;
use oci::manifest::{Descriptor, Index, Manifest, Platform, platform};
use oci::media;
use oci::reference::Reference;

use super::listed::Listed;
use super::platforms::ReleasePlatforms;
use super::{SeveralError, list_of};
use crate::payload::assemble::{AssembleError, Component};
use crate::payload::at_once::at_once;
use crate::payload::content::{Content, RawManifest};
use crate::payload::image::{Image, ImageError, parse};

/// The lists of a release, and the content in which they are already, wherever they will be pushed.
pub struct Lists<'a> {
    /// The platforms of the release.
    pub platforms: ReleasePlatforms,
    /// By tag.
    pub tags: Vec<TagList>,
    pub(super) content: Listed<'a>,
}

/// The list of one tag.
#[derive(Debug, Clone)]
pub struct TagList {
    /// Name in the payload.
    pub tag: String,
    /// Where the list is, or will be, by digest.
    pub at: Reference,
    /// Digest of the list.
    pub digest: Digest,
    /// Where clusters pull it from, by digest.
    pub pull_spec: String,
    /// Annotations of the tag.
    pub annotations: BTreeMap<String, String>,
    /// The platforms of the release that it has an image for.
    pub platforms: Vec<Platform>,
    /// Of a list that is made, what is to be pushed; a list that was given is where it is.
    pub made: Option<MadeList>,
}

/// A list that is to be pushed.
#[derive(Debug, Clone)]
pub struct MadeList {
    /// Its bytes.
    pub list: RawManifest,
    /// Where its images are now, by digest.
    pub images: Vec<Reference>,
}

/// Where lists go that are made.
pub struct Destination<'a> {
    /// The repository of the release; the list of a tag goes to the repository beside it that is called like the tag.
    pub release: &'a Reference,
    /// What clusters pull that is pushed here.
    pub published: &'a dyn Fn(&str) -> Option<String>,
}

/// What a component's reference turned out to be.
enum Found {
    List { digest: Digest, platforms: Vec<Platform>, offered: String },
    Image(Descriptor),
}

impl<'a> Lists<'a> {
    /// Looks at all components, of which several may have the same tag: an image for each platform. A tag with one list keeps it as
    /// it is; the images of every other one become a list, if it is only one image. A platform that a tag has no image for is no error.
    /// `jobs` images are read at once (0 is 4).
    ///
    /// # Errors
    /// When an image cannot be read, or is not what its digest says; when images of a tag do not fit together or into the release.
    pub fn read(
        components: &[Component],
        platforms: ReleasePlatforms,
        destination: &Destination<'_>,
        content: &'a dyn Content,
        jobs: usize,
    ) -> Result<Self, SeveralError> {
        let mut content = Listed::new(content);
        let found = at_once(components, jobs, |component| look(component, &platforms, &content))?;
        let mut by_tag: BTreeMap<&str, Vec<(&Component, Found)>> = BTreeMap::new();
        for (component, found) in components.iter().zip(found) {
            by_tag.entry(&component.tag).or_default().push((component, found));
        }
        if by_tag.is_empty() {
            return Err(image_error(AssembleError::NoComponents));
        }
        let mut tags = Vec::new();
        for (tag, found) in by_tag {
            let list = match given(tag, &found, &platforms)? {
                Some(given) => given,
                None => made(tag, found, &platforms, destination)?,
            };
            if let Some(made) = &list.made {
                content.add(made.list.clone(), &made.images);
            }
            tags.push(list);
        }
        Ok(Self { platforms, tags, content })
    }

    /// The list of a tag.
    pub fn tag(&self, tag: &str) -> Option<&TagList> {
        self.tags.iter().find(|list| list.tag == tag)
    }

    /// The components of the release image for one platform.
    pub(super) fn components(&self, platform: &Platform) -> Vec<Component> {
        let here = self.tags.iter().filter(|list| list.platforms.contains(platform));
        here.map(|list| Component {
            annotations: list.annotations.clone(),
            ..Component::new(&list.tag, list.at.clone()).pulled_from(&list.pull_spec)
        })
        .collect()
    }
}

/// The list that the tag has, when it has one.
fn given(
    tag: &str,
    found: &[(&Component, Found)],
    wanted: &ReleasePlatforms,
) -> Result<Option<TagList>, SeveralError> {
    let mut lists = found.iter().filter_map(|(component, found)| match found {
        Found::List { digest, platforms, offered } => Some((component, *digest, platforms, offered)),
        Found::Image(_) => None,
    });
    let Some((component, digest, platforms, offered)) = lists.next() else { return Ok(None) };
    let list = || component.read_from.to_string();
    if found.len() > 1 {
        return Err(SeveralError::ListAndMore { tag: tag.to_owned(), list: list() });
    }
    if platforms.is_empty() {
        return Err(SeveralError::NoneFits {
            tag: tag.to_owned(),
            list: list(),
            offered: offered.clone(),
            wanted: wanted.to_string(),
        });
    }
    Ok(Some(TagList {
        tag: tag.to_owned(),
        at: component.read_from.at_digest(digest),
        digest,
        pull_spec: component.pull_spec.clone(),
        annotations: component.annotations.clone(),
        platforms: platforms.clone(),
        made: None,
    }))
}

/// A list of images, each for another platform of the release.
fn made(
    tag: &str,
    found: Vec<(&Component, Found)>,
    wanted: &ReleasePlatforms,
    destination: &Destination<'_>,
) -> Result<TagList, SeveralError> {
    let mut images: Vec<(Platform, &Component, Descriptor)> = Vec::new();
    for (component, found) in found {
        let Found::Image(descriptor) = found else { continue };
        let image = || component.read_from.to_string();
        let stated = descriptor.platform.clone();
        let stated = stated.ok_or_else(|| SeveralError::Unstated { tag: tag.to_owned(), image: image() })?;
        let Some(platform) = wanted.of(&stated) else {
            return Err(SeveralError::OtherPlatform {
                tag: tag.to_owned(),
                image: image(),
                found: stated.to_string(),
                wanted: wanted.to_string(),
            });
        };
        if let Some((_, other, _)) = images.iter().find(|(known, ..)| known == platform) {
            return Err(SeveralError::TwoImages {
                tag: tag.to_owned(),
                platform: platform.to_string(),
                one: other.read_from.to_string(),
                other: image(),
            });
        }
        images.push((platform.clone(), component, descriptor));
    }
    images.sort_by_key(|(platform, ..)| platform.to_string());
    let list = list_of(images.iter().map(|(_, _, descriptor)| descriptor.clone()).collect());
    let digest = list.digest();
    let at = place(tag, digest, destination.release)?;
    let pull_spec = (destination.published)(&at.to_string()).unwrap_or_else(|| at.to_string());
    let annotations = images.iter().flat_map(|(_, component, _)| component.annotations.clone()).collect();
    let from =
        images.iter().map(|(_, component, image)| component.read_from.at_digest(image.digest)).collect();
    Ok(TagList {
        tag: tag.to_owned(),
        at,
        digest,
        pull_spec,
        annotations,
        platforms: images.into_iter().map(|(platform, ..)| platform).collect(),
        made: Some(MadeList { list, images: from }),
    })
}

/// The repository beside that of the release.
fn place(tag: &str, list: Digest, release: &Reference) -> Result<Reference, SeveralError> {
    let repository = match release.repository().rsplit_once('/') {
        Some((parent, _)) => format!("{parent}/{tag}"),
        None => tag.to_owned(),
    };
    if repository == release.repository() {
        return Err(SeveralError::ReleaseRepository { tag: tag.to_owned(), repository: release.name() });
    }
    Reference::new(release.registry(), &repository, None, Some(list))
        .map_err(|source| SeveralError::Repository { tag: tag.to_owned(), source })
}

/// What a component's reference is: a list, and which platforms of the release it serves, or an image, and which it says it is for.
fn look(
    component: &Component,
    wanted: &ReleasePlatforms,
    content: &dyn Content,
) -> Result<Found, SeveralError> {
    component.check().map_err(image_error)?;
    let at = &component.read_from;
    let unreadable = |source: ImageError| {
        let tag = component.tag.clone();
        image_error(AssembleError::Image { tag, at: at.to_string(), source: Box::new(source) })
    };
    let raw = content.manifest(at).map_err(|e| unreadable(e.into()))?;
    let digest = raw.digest();
    if let Some(expected) = component.digest().filter(|expected| *expected != digest) {
        return Err(SeveralError::verification(&component.tag, &at.to_string(), expected, digest));
    }
    match parse(&raw).map_err(unreadable)? {
        Manifest::Image(manifest) => {
            let image = Image::of(content, at, digest, digest, manifest).map_err(unreadable)?;
            let size = u64::try_from(raw.bytes.len()).unwrap_or(u64::MAX);
            let platform = stated(&image);
            Ok(Found::Image(Descriptor { platform, ..Descriptor::new(raw.media_type, digest, size) }))
        }
        Manifest::Index(index) => {
            let platforms = match index.manifests.as_slice() {
                // Tools take the only image of such a list for what it is.
                [only] if only.platform.is_none() => {
                    let only = at.at_digest(only.digest);
                    let image = Image::read(content, &only, &Platform::host()).map_err(unreadable)?;
                    stated(&image).and_then(|platform| wanted.of(&platform).cloned()).into_iter().collect()
                }
                _ => served(component, &index, wanted)?,
            };
            Ok(Found::List { digest, platforms, offered: index.platforms() })
        }
    }
}

/// The platform that an image says it is for.
fn stated(image: &Image) -> Option<Platform> {
    let stated = image.config.platform();
    let variant = stated.variant.filter(|variant| !variant.is_empty());
    Some(Platform { variant, ..Platform::new(stated.os, stated.architecture) })
        .filter(|stated| stated.name().is_some())
}

/// The platforms of the release that a list says it has images for.
fn served(
    component: &Component,
    index: &Index,
    wanted: &ReleasePlatforms,
) -> Result<Vec<Platform>, SeveralError> {
    let mut platforms = Vec::new();
    for platform in wanted.iter() {
        let Some(child) = index.select(platform) else { continue };
        if media::is_index(&child.media_type) {
            return Err(SeveralError::Nested {
                tag: component.tag.clone(),
                list: component.read_from.to_string(),
                platform: platform.to_string(),
            });
        }
        platforms.push(platform.clone());
    }
    Ok(platforms)
}

pub(super) fn image_error(error: AssembleError) -> SeveralError {
    SeveralError::Image(Box::new(error))
}

impl TagList {
    /// For messages: `linux/amd64, linux/arm64`.
    pub(super) fn platform_names(&self) -> String {
        platform::names(&self.platforms)
    }
}
