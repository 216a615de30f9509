//! A release as one line per image: `-o name`, `-o digest`, `-o pullspec`.

use super::{ReleaseInfo, digest_or_pull_spec};

/// What each line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListBy {
    /// The component.
    Name,
    /// The image's digest.
    Digest,
    /// The image's pull spec.
    PullSpec,
}

impl ReleaseInfo {
    /// One line per image, in the payload's order.
    pub fn to_list(&self, by: ListBy) -> String {
        self.images()
            .map(|(name, pull_spec)| match by {
                ListBy::Name => format!("{name}\n"),
                ListBy::Digest => format!("{}\n", digest_or_pull_spec(pull_spec)),
                ListBy::PullSpec => format!("{pull_spec}\n"),
            })
            .collect()
    }

    /// The pull spec of a component's image.
    pub fn image_for(&self, component: &str) -> Option<&str> {
        self.images().find(|(name, _)| *name == component).map(|(_, pull_spec)| pull_spec)
    }
}
