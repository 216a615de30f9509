//! A plan beside a release that was published.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use serde::Serialize;

use super::{Action, Plan, Planned};

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
    /// An image that is built if something that it depends on changes.
    Maybe,
    /// The same image.
    Same,
}

impl Fate {
    /// `added`, `removed`, `changed`, `built`, `maybe`, `same`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Built => "built",
            Self::Maybe => "maybe",
            Self::Same => "same",
        }
    }
}

/// A tag of the payload, there and here.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagFate {
    /// The tag.
    pub tag: String,
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

/// Compares a plan with the images of a release, by tag; sorted by what becomes of them, then by tag.
pub fn against(plan: &Plan, release: &BTreeMap<String, Digest>) -> Vec<TagFate> {
    let tags: BTreeSet<&String> = plan.payload.keys().chain(release.keys()).collect();
    let mut fates: Vec<TagFate> = tags
        .into_iter()
        .map(|tag| {
            let from = release.get(tag).copied();
            let planned = plan.payload.get(tag).and_then(|component| plan.component(component));
            let to = planned.and_then(|planned| planned.image);
            let fate = match (from, planned.map(|planned| planned.action)) {
                (None, _) => Fate::Added,
                (Some(_), None) => Fate::Removed,
                (Some(_), Some(Action::Build)) => Fate::Built,
                (Some(_), Some(Action::Maybe)) => Fate::Maybe,
                (Some(_), Some(Action::Reuse)) if from == to => Fate::Same,
                (Some(_), Some(Action::Reuse)) => Fate::Changed,
            };
            let why = planned.map(Planned::why).unwrap_or_default();
            TagFate { tag: tag.clone(), fate, from, to, why }
        })
        .collect();
    fates.sort_by(|a, b| (a.fate, &a.tag).cmp(&(b.fate, &b.tag)));
    fates
}
