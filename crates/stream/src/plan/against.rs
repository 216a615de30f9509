//! A plan beside a release that was published.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use serde::Serialize;

use super::{Action, Plan, Planned};
use crate::definition::Platform;

/// What a tag of the payload will be, compared with a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The release does not have it.
    Added,
    /// The plan does not have it.
    Removed,
    /// Another image, which is known already.
    Changed,
    /// An image that is built.
    Built,
    /// An image that is set on another base.
    Rebased,
    /// An image that is built if something that it depends on changes.
    Maybe,
    /// The same image.
    Same,
}

impl Fate {
    /// `added`, `removed`, `changed`, `built`, `rebased`, `maybe`, `same`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Built => "built",
            Self::Rebased => "rebased",
            Self::Maybe => "maybe",
            Self::Same => "same",
        }
    }
}

/// A tag of the payload, there and here, on one platform.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagFate {
    /// The tag.
    pub tag: String,
    /// The platform.
    pub platform: Platform,
    /// What becomes of it.
    pub fate: Fate,
    /// The image of the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Digest>,
    /// The image of the plan, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Digest>,
    /// Why it is built, in the words of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
}

/// An image of a release, on one platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// The digest that the release has.
    pub digest: Digest,
    /// When that is a list's, the digest of the image in it.
    pub member: Option<Digest>,
}

/// Compares a plan with the images of a release, by tag and platform; sorted by what becomes of them, then by tag and platform.
pub fn against(plan: &Plan, release: &BTreeMap<String, BTreeMap<Platform, Released>>) -> Vec<TagFate> {
    let tags: BTreeSet<&String> = plan.payload.keys().chain(release.keys()).collect();
    let everywhere = |tag| plan.platforms.iter().map(move |platform| (tag, *platform));
    let mut fates: Vec<TagFate> = Vec::new();
    for (tag, platform) in tags.into_iter().flat_map(everywhere) {
        let released = release.get(tag).and_then(|images| images.get(&platform));
        let planned = plan.component_of(tag, platform).and_then(|component| plan.on(platform, component));
        let to = planned.and_then(|planned| planned.image);
        // A list may be taken as it is, for all platforms.
        let from = released.map(|image| match image.member {
            Some(member) if to != Some(image.digest) => member,
            _ => image.digest,
        });
        let fate = match (from, planned.map(|planned| planned.action)) {
            // It is on other platforms only, here and there.
            (None, None) => continue,
            (None, Some(_)) => Fate::Added,
            (Some(_), None) => Fate::Removed,
            (Some(_), Some(Action::Build)) => Fate::Built,
            (Some(_), Some(Action::Rebase)) => Fate::Rebased,
            (Some(_), Some(Action::Maybe)) => Fate::Maybe,
            (Some(_), Some(Action::Reuse)) if from == to => Fate::Same,
            (Some(_), Some(Action::Reuse)) => Fate::Changed,
        };
        let why = planned.map(Planned::why).unwrap_or_default();
        fates.push(TagFate { tag: tag.clone(), platform, fate, from, to, why });
    }
    fates.sort_by(|a, b| (a.fate, &a.tag, a.platform).cmp(&(b.fate, &b.tag, b.platform)));
    fates
}
