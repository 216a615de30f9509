//! What a build from a lock takes from elsewhere, and whether it is still there.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use serde::Serialize;

use super::moving::FROM;
use super::{Lock, Pin};
use crate::definition::Stream;

/// One thing that must be there for the lock to be built again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Required {
    /// A commit of a repository.
    Commit {
        /// The repository.
        url: String,
        /// The commit, hexadecimal.
        commit: String,
    },
    /// An image: as the stream names it, and its digest.
    Image {
        /// The reference; with a tag, or with the digest.
        reference: String,
        /// What it is.
        digest: Digest,
    },
    /// A file of a distribution.
    Package(Pin),
}

impl Required {
    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Commit { .. } => "commit",
            Self::Image { .. } => "image",
            Self::Package(_) => "package",
        }
    }

    /// How the lock, or for an image with a digest the stream file, writes it.
    pub fn written(&self) -> String {
        match self {
            Self::Commit { commit, .. } => commit.clone(),
            Self::Image { reference, .. } => reference.clone(),
            Self::Package(pin) => pin.to_string(),
        }
    }
}

/// Whether it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state", content = "why")]
pub enum State {
    /// It is.
    There,
    /// It is gone, but this machine has kept it: it can be built here, and nowhere else.
    Kept,
    /// It is gone.
    Gone,
    /// Nobody could say; why not.
    Unknown(String),
}

/// Everything that a build from `lock` takes from elsewhere, each with what it is for: components, `bases` entries, or `from`.
///
/// `stream` adds what its files themselves name by digest.
pub fn required(lock: &Lock, stream: Option<&Stream>) -> BTreeMap<Required, BTreeSet<String>> {
    let mut found: BTreeMap<Required, BTreeSet<String>> = BTreeMap::new();
    let mut add = |required: Required, of: &str| {
        found.entry(required).or_default().insert(of.to_owned());
    };
    let from = lock.from.iter().map(|commit| (FROM, commit));
    for (of, commit) in from.chain(lock.commits.iter().map(|(name, commit)| (name.as_str(), commit))) {
        add(Required::Commit { url: commit.url.clone(), commit: commit.commit.clone() }, of);
    }
    for (reference, digest) in &lock.images {
        add(Required::Image { reference: reference.clone(), digest: *digest }, reference);
    }
    for (component, packages) in lock.packages.values().flatten() {
        packages.pinned.iter().for_each(|pin| add(Required::Package(pin.clone()), component));
    }
    let Some(stream) = stream else { return found };
    let bases = stream
        .bases
        .iter()
        .flat_map(|(name, base)| base.images().into_iter().map(move |image| (name.as_str(), image)));
    let components = stream
        .components
        .iter()
        .flat_map(|(name, c)| c.source.images().into_iter().map(move |image| (name.as_str(), image)));
    for (of, reference) in bases.chain(components) {
        let digest = reference.split_once('@').and_then(|(_, digest)| digest.parse().ok());
        if let Some(digest) = digest {
            add(Required::Image { reference: reference.to_owned(), digest }, of);
        }
    }
    found
}
