//! `stream.lock`: what every name in a stream file resolved to. Same lock, same inputs.
//!
//! - [`pin`]: one package at one version with its digest
//! - [`text`]: the file
//! - [`resolve`]: the questions that making a lock asks
//! - [`make`]: a stream and answers to a lock
//! - [`stale`]: where a lock and a stream disagree
//! - [`moving`]: what an update moves
//! - [`moved`](mod@moved): what is different in another lock
//! - [`required`](mod@required): what a build from a lock takes from elsewhere
//! - [`inherit`](mod@inherit): what an overlay's lock takes from the lock below
//! - [`debian`]: packages of Debian, answered by apt
//! - [`git`]: commits, answered by git
//! - [`noted`]: what servers answered, for when they are not asked

pub mod debian;
pub mod git;
pub mod inherit;
pub mod make;
pub mod moved;
pub mod moving;
pub mod noted;
pub mod pin;
pub mod required;
pub mod resolve;
pub mod stale;
pub mod text;

use std::collections::BTreeMap;

use base::Digest;
use serde::{Deserialize, Serialize};

pub use self::inherit::{inherit, known_commits};
pub use self::make::make;
pub use self::pin::Pin;
pub use self::resolve::{ResolveCommit, ResolveError, ResolveImage, ResolvePackages, Resolvers};
pub use self::stale::{Stale, stale};
use crate::definition::{ApiVersion, Git, Platform};
use crate::graph::{BaseImage, Graph, Graphs};

/// The content of `stream.lock`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lock {
    /// The version of the format.
    pub api_version: ApiVersion,
    /// What the file is.
    pub kind: Kind,
    /// The stream it was made for.
    pub stream: String,
    /// The commit of the stream that an overlay is from, when that is in a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Commit>,
    /// The time that images pretend to be made at, in seconds since 1970 (`SOURCE_DATE_EPOCH`).
    pub epoch: i64,
    /// Packages, by platform and component: what a distribution has for one processor, it has not for another.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<Platform, BTreeMap<String, Packages>>,
    /// Digests of images, by reference with a tag. Of a list it is the list's, which is the same for every platform.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, Digest>,
    /// Commits of git sources, by component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commits: BTreeMap<String, Commit>,
}

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A lock.
    Lock,
}

/// The packages of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Packages {
    /// What the stream file asked for, sorted.
    pub wanted: Vec<String>,
    /// The digest of the packages that its bases bring, against which these were chosen.
    pub beyond: Digest,
    /// All packages to install, sorted by name.
    pub pinned: Vec<Pin>,
}

/// What a git reference resolved to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Commit {
    /// The repository.
    pub url: String,
    /// Branch, tag or commit in the stream file.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The commit, hexadecimal.
    pub commit: String,
}

impl Commit {
    /// Whether it is what this source asks for.
    pub fn answers(&self, git: &Git) -> bool {
        self.url == git.url && self.reference == git.reference
    }
}

impl Lock {
    /// The digest of an image that a component starts from; `None` when the lock does not know it.
    ///
    /// A reference with a digest answers for itself.
    pub fn image(&self, reference: &str) -> Option<Digest> {
        match reference.split_once('@') {
            Some((_, digest)) => digest.parse().ok(),
            None => self.images.get(reference).copied(),
        }
    }

    /// What is locked of the packages of a component.
    pub fn packages(&self, platform: Platform, component: &str) -> Option<&Packages> {
        self.packages.get(&platform)?.get(component)
    }

    /// The pinned packages of a component; none for one that asks for none.
    pub fn pins(&self, platform: Platform, component: &str) -> &[Pin] {
        self.packages(platform, component).map_or(&[], |packages| &packages.pinned)
    }

    /// The packages that the bases of `component` bring, by name.
    pub fn installed_below(&self, graph: &Graph, component: &str) -> Vec<Pin> {
        let bases = graph.ancestors(component).into_iter();
        let mut pins: Vec<Pin> = bases.flat_map(|base| self.pins(graph.platform, base)).cloned().collect();
        pins.sort();
        pins.dedup();
        pins
    }
}

/// The references of images that need a digest in the lock: those without one of their own.
fn tagged_images(graphs: &Graphs) -> impl Iterator<Item = &str> {
    let nodes = graphs.iter().flat_map(|graph| graph.nodes.values());
    nodes.flat_map(|node| node.bases.values()).filter_map(|base| match &base.image {
        BaseImage::Image(reference) if !reference.contains('@') => Some(reference.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
