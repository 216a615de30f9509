//! What an update of the lock moves, and what it leaves as it is.

use std::collections::{BTreeMap, BTreeSet};

use base::diagnostic::suggestion;

use super::{Commit, Lock};
use crate::definition::{Base, Stream};
use crate::graph::{BaseImage, Graph, Graphs};

/// How users call the stream that an overlay is from.
pub const FROM: &str = "from";

/// What moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moving {
    /// Everything that is the stream's own.
    Everything,
    /// What was named.
    Only {
        /// Components: their commits, their packages, and the images that nobody else starts from.
        components: BTreeSet<String>,
        /// Images by reference.
        images: BTreeSet<String>,
        /// The commit of the stream that the overlay is from.
        from: bool,
    },
}

impl Moving {
    /// What users mean who name components, entries of `bases`, images, or [`FROM`]; everything when they name nothing.
    ///
    /// # Errors
    /// A name that is none of them, with what was probably meant.
    pub fn new(names: &[String], stream: &Stream, own: Option<&Lock>) -> Result<Self, String> {
        if names.is_empty() {
            return Ok(Self::Everything);
        }
        let (mut components, mut images, mut from) = (BTreeSet::new(), BTreeSet::new(), false);
        let is_locked = |image: &str| own.is_some_and(|own| own.images.contains_key(image));
        for name in names {
            let base = stream.bases.get(name).map(locked_by_tag).unwrap_or_default();
            if stream.components.contains_key(name) {
                components.insert(name.clone());
            } else if !base.is_empty() {
                images.extend(base);
            } else if is_locked(name) {
                images.insert(name.clone());
            } else if name == FROM && own.is_some_and(|own| own.from.is_some()) {
                from = true;
            } else {
                let bases = stream.bases.iter().filter(|(_, base)| !locked_by_tag(base).is_empty());
                let known = stream.components.keys().chain(bases.map(|(name, _)| name));
                let known =
                    known.chain(own.into_iter().flat_map(|own| own.images.keys())).map(String::as_str);
                let hint = suggestion(name, known);
                return Err(format!("there is no component and no base `{name}`; {hint}"));
            }
        }
        Ok(Self::Only { components, images, from })
    }

    /// Whether the stream that an overlay is from moves.
    pub fn moves_parent(&self) -> bool {
        matches!(self, Self::Everything | Self::Only { from: true, .. })
    }

    /// The commits that stay.
    pub fn commits(&self, own: &Lock) -> BTreeMap<String, Commit> {
        let mut commits = own.commits.clone();
        match self {
            Self::Everything => commits.clear(),
            Self::Only { components, .. } => commits.retain(|component, _| !components.contains(component)),
        }
        commits
    }

    /// The lock with what stays. The epoch does: another one would build everything anew.
    pub fn stays(&self, graphs: &Graphs, own: &Lock) -> Lock {
        let mut lock = Lock { commits: self.commits(own), ..own.clone() };
        match self {
            Self::Everything => {
                lock.packages.clear();
                lock.images.clear();
            }
            Self::Only { components, images, .. } => {
                for packages in lock.packages.values_mut() {
                    packages.retain(|component, _| !components.contains(component));
                }
                let users = users(graphs);
                let alone = |image: &str| {
                    users.get(image).is_some_and(|users| users.iter().all(|user| components.contains(*user)))
                };
                lock.images.retain(|image, _| !images.contains(image) && !alone(image));
            }
        }
        lock
    }

    /// The named components of which `stays`, with what the streams below answer, has as much as `before` had: nothing of theirs is
    /// this lock's to move.
    pub fn immovable(&self, graphs: &Graphs, before: &Lock, stays: &Lock) -> Vec<&str> {
        let Self::Only { components, .. } = self else { return Vec::new() };
        let users = users(graphs);
        let same_images = |component: &str| {
            let mut used = users.iter().filter(|(_, users)| users.contains(component));
            used.all(|(image, _)| before.images.get(*image) == stays.images.get(*image))
        };
        let same_packages = |component: &str| {
            let of = |lock: &'_ Lock, graph: &Graph| lock.packages(graph.platform, component).cloned();
            graphs.iter().all(|graph| of(before, graph) == of(stays, graph))
        };
        let same = |component: &&str| {
            before.commits.get(*component) == stays.commits.get(*component)
                && same_packages(component)
                && same_images(component)
        };
        components.iter().map(String::as_str).filter(same).collect()
    }
}

/// The images with a tag that an entry of `bases` means.
fn locked_by_tag(base: &Base) -> Vec<String> {
    // An entry for many names has a `*` in its image, too.
    base.images().into_iter().filter(|image| !image.contains(['@', '*'])).map(str::to_owned).collect()
}

/// The components that start from an image themselves, by its reference.
fn users(graphs: &Graphs) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (component, node) in graphs.iter().flat_map(|graph| &graph.nodes) {
        for base in node.bases.values() {
            if let BaseImage::Image(image) = &base.image {
                users.entry(image).or_default().insert(component);
            }
        }
    }
    users
}
