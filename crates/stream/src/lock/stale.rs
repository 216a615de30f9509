//! Where a lock and a stream disagree.

use std::collections::BTreeSet;
use std::fmt;

use super::make::{beyond, wanted};
use super::{Lock, tagged_images};
use crate::definition::Origin;
use crate::graph::Graph;

/// One disagreement. A lock with any must be made again ([`make`](super::make())); what it still answers is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// It was made for another stream.
    OtherStream(String),
    /// It was made for another platform.
    OtherPlatform(String),
    /// A component asks for other packages than before.
    Packages {
        /// The component.
        component: String,
        /// Newly asked for.
        added: Vec<String>,
        /// No longer asked for.
        removed: Vec<String>,
    },
    /// The packages of a component were chosen on top of a base that has other packages now.
    BaseMoved {
        /// The component.
        component: String,
    },
    /// An image that components start from has no digest.
    ImageMissing(String),
    /// A component's git source is another one than before, or new.
    CommitMissing {
        /// The component.
        component: String,
    },
    /// Something is locked that the stream does not use.
    Unused(String),
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherStream(name) => write!(f, "it was made for the stream `{name}`"),
            Self::OtherPlatform(platform) => write!(f, "it was made for {platform}"),
            Self::Packages { component, added, removed } => {
                write!(f, "`{component}`")?;
                let parts = [("adds", added), ("no longer asks for", removed)];
                let parts: Vec<String> = parts
                    .into_iter()
                    .filter(|(_, names)| !names.is_empty())
                    .map(|(verb, names)| format!(" {verb} {}", names.join(", ")))
                    .collect();
                f.write_str(&parts.join(" and"))
            }
            Self::BaseMoved { component } => write!(f, "the packages below `{component}` changed"),
            Self::ImageMissing(reference) => write!(f, "the image {reference} has no digest"),
            Self::CommitMissing { component } => write!(f, "the source of `{component}` has no commit"),
            Self::Unused(what) => write!(f, "{what} is no longer used"),
        }
    }
}

/// Every disagreement between a stream and a lock; none means that the lock can be used.
pub fn stale(graph: &Graph, lock: &Lock) -> Vec<Stale> {
    let mut found = Vec::new();
    if lock.stream != graph.stream.name {
        found.push(Stale::OtherStream(lock.stream.clone()));
    }
    if lock.platform != graph.stream.platform {
        found.push(Stale::OtherPlatform(lock.platform.as_str().to_owned()));
    }
    for component in graph.order() {
        let wanted: BTreeSet<String> = wanted(graph, component).into_iter().collect();
        let locked = lock.packages.get(component);
        let had: BTreeSet<String> = locked.into_iter().flat_map(|l| l.wanted.iter().cloned()).collect();
        if wanted != had {
            found.push(Stale::Packages {
                component: component.to_owned(),
                added: wanted.difference(&had).cloned().collect(),
                removed: had.difference(&wanted).cloned().collect(),
            });
        } else if locked.is_some_and(|l| l.beyond != beyond(&lock.installed_below(graph, component))) {
            found.push(Stale::BaseMoved { component: component.to_owned() });
        }
    }
    for component in lock.packages.keys().chain(lock.commits.keys()) {
        if !graph.nodes.contains_key(component) {
            found.push(Stale::Unused(format!("the component `{component}`")));
        }
    }
    let images: BTreeSet<&str> = tagged_images(graph).collect();
    found.extend(
        images
            .iter()
            .filter(|i| !lock.images.contains_key(**i))
            .map(|i| Stale::ImageMissing((*i).to_owned())),
    );
    for image in lock.images.keys().filter(|image| !images.contains(image.as_str())) {
        found.push(Stale::Unused(format!("the image {image}")));
    }
    for (component, definition) in &graph.stream.components {
        let known = lock.commits.get(component);
        match &definition.source {
            Origin::Git(git) if known.is_none_or(|known| !known.answers(git)) => {
                found.push(Stale::CommitMissing { component: component.clone() });
            }
            Origin::Path(_) | Origin::Image(_) if known.is_some() => {
                found.push(Stale::Unused(format!("the commit of `{component}`")));
            }
            _ => {}
        }
    }
    found
}
