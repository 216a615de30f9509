//! A release image for each platform, and the list of them.

use std::collections::BTreeSet;

use base::{Diagnostic, Diagnostics, Digest};
use oci::manifest::{Descriptor, Platform};
use oci::reference::Reference;

use super::lists::{Lists, image_error};
use super::{SeveralError, list_of};
use crate::payload::METADATA_ARCHITECTURE;
use crate::payload::assemble::{self, AssembleError, Base, Request};
use crate::payload::content::{RawManifest, Writable};
use crate::payload::substitution::SubstitutionError;

/// What `release-metadata` says of the architecture of such a release.
const MULTI: &str = "multi";

/// An assembled release for several platforms.
#[derive(Debug, Clone)]
pub struct ReleaseList {
    /// The list of release images.
    pub list: RawManifest,
    /// By the names of their platforms.
    pub images: Vec<PlatformImage>,
    /// The tags that one of the payloads names.
    pub tags: BTreeSet<String>,
    /// What is probably not meant.
    pub warnings: Diagnostics,
}

/// The release image of one platform, without its content.
#[derive(Debug, Clone)]
pub struct PlatformImage {
    /// The platform.
    pub platform: Platform,
    /// The manifest.
    pub manifest: RawManifest,
    /// The image that all layers come from but the last, the payload's.
    pub base: Reference,
}

impl ReleaseList {
    /// Digest of the release: of the list.
    pub fn digest(&self) -> Digest {
        self.list.digest()
    }
}

/// Assembles the release images of all platforms of `lists`, which the components of `request` and its platform make room for. What
/// is new in an image, its configuration and the payload's layer, is written to the repository of `at` in `to` as soon as it is
/// assembled, so that only one is in memory at a time. Nothing else is written; see [`push`](super::push).
///
/// # Errors
/// When the base lacks a platform, or the release image of a platform cannot be assembled.
pub fn assemble(
    request: &Request,
    lists: &Lists<'_>,
    to: &dyn Writable,
    at: &Reference,
) -> Result<ReleaseList, SeveralError> {
    check_base(request, lists)?;
    let mut images = Vec::new();
    let mut tags = BTreeSet::new();
    let mut warnings = Vec::new();
    for platform in lists.platforms.iter() {
        let mut own = Request {
            components: lists.components(platform),
            platform: platform.clone(),
            part_of_list: true,
            ..request.clone()
        };
        own.metadata.insert(METADATA_ARCHITECTURE.to_owned(), MULTI.into());
        let image =
            assemble::assemble(&own, &lists.content).map_err(|source| explained(lists, platform, source))?;
        image.store_own_blobs(to, at)?;
        tags.extend(image.references.tags.iter().map(|tag| tag.name.clone()));
        warnings.push((platform, image.warnings.0.clone()));
        let manifest = image.raw_manifest();
        images.push(PlatformImage { platform: platform.clone(), manifest, base: image.base });
    }
    let children = images.iter().map(|image| Descriptor {
        platform: Some(image.platform.clone()),
        ..Descriptor::of(&image.manifest.media_type, &image.manifest.bytes)
    });
    let list = list_of(children.collect());
    Ok(ReleaseList { list, images, tags, warnings: merged(warnings) })
}

/// Every platform needs an image to be based on.
fn check_base(request: &Request, lists: &Lists<'_>) -> Result<(), SeveralError> {
    let Base::Tag(tag) = &request.base else { return Ok(()) };
    let list = lists.tag(tag).ok_or_else(|| image_error(AssembleError::NoBase(tag.clone())))?;
    match lists.platforms.iter().find(|platform| !list.platforms.contains(platform)) {
        None => Ok(()),
        Some(platform) => Err(SeveralError::NoBase {
            tag: tag.clone(),
            platform: platform.to_string(),
            has: list.platform_names(),
        }),
    }
}

/// The error with its platform; that a tag is missing which other platforms have is said.
fn explained(lists: &Lists<'_>, platform: &Platform, error: AssembleError) -> SeveralError {
    if let AssembleError::Substitution { tag: operator, source } = &error
        && let SubstitutionError::MissingTag(missing, _) = source.as_ref()
        && let Some(list) = lists.tag(missing)
    {
        return SeveralError::MissingOn {
            platform: platform.to_string(),
            operator: operator.clone(),
            tag: missing.clone(),
            has: list.platform_names(),
        };
    }
    SeveralError::Platform { platform: platform.to_string(), source: Box::new(error) }
}

/// Warnings that all platforms share are said once; others with their platform.
fn merged(warnings: Vec<(&Platform, Vec<Diagnostic>)>) -> Diagnostics {
    let mut merged: Vec<Diagnostic> = Vec::new();
    for (platform, own) in &warnings {
        for warning in own {
            if warnings.iter().all(|(_, others)| others.contains(warning)) {
                if !merged.contains(warning) {
                    merged.push(warning.clone());
                }
            } else {
                let message = format!("for {platform}: {}", warning.message);
                merged.push(Diagnostic { message, ..warning.clone() });
            }
        }
    }
    Diagnostics(merged)
}
