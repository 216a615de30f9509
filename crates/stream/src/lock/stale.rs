//! Where a lock and a stream disagree.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::make::{beyond, wanted};
use super::{Lock, tagged_images};
use crate::definition::{Origin, Platform};
use crate::graph::{Graph, Graphs};

/// One disagreement. A lock with any must be made again ([`make`](super::make())); what it still answers is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// It was made for another stream.
    OtherStream(String),
    /// A component asks for other packages than before.
    Packages {
        /// The component.
        component: String,
        /// Where, in a stream for several platforms.
        platform: Option<Platform>,
        /// Newly asked for.
        added: Vec<String>,
        /// No longer asked for.
        removed: Vec<String>,
    },
    /// The packages of a component were chosen on top of a base that has other packages now.
    BaseMoved {
        /// The component.
        component: String,
        /// Where, in a stream for several platforms.
        platform: Option<Platform>,
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
            Self::Packages { component, platform, added, removed } => {
                write!(f, "`{component}`{}", on(*platform))?;
                let parts = [("adds", added), ("no longer asks for", removed)];
                let parts: Vec<String> = parts
                    .into_iter()
                    .filter(|(_, names)| !names.is_empty())
                    .map(|(verb, names)| format!(" {verb} {}", names.join(", ")))
                    .collect();
                f.write_str(&parts.join(" and"))
            }
            Self::BaseMoved { component, platform } => {
                write!(f, "the packages below `{component}`{} changed", on(*platform))
            }
            Self::ImageMissing(reference) => write!(f, "the image {reference} has no digest"),
            Self::CommitMissing { component } => write!(f, "the source of `{component}` has no commit"),
            Self::Unused(what) => write!(f, "{what} is no longer used"),
        }
    }
}

/// ` on linux/arm64`
fn on(platform: Option<Platform>) -> String {
    platform.map(|platform| format!(" on {platform}")).unwrap_or_default()
}

/// Every disagreement between a stream and a lock; none means that the lock can be used.
pub fn stale(graphs: &Graphs, lock: &Lock) -> Vec<Stale> {
    let mut found = Vec::new();
    if lock.stream != graphs.stream.name {
        found.push(Stale::OtherStream(lock.stream.clone()));
    }
    for graph in graphs.iter() {
        found.extend(packages(graphs, graph, lock));
    }
    for (platform, packages) in &lock.packages {
        if graphs.on(*platform).is_none() && !packages.is_empty() {
            found.push(Stale::Unused(format!("the platform {platform}")));
        }
    }
    let locked = lock.packages.values().flat_map(BTreeMap::keys).chain(lock.commits.keys());
    for component in locked.collect::<BTreeSet<_>>() {
        if !graphs.stream.components.contains_key(component) {
            found.push(Stale::Unused(format!("the component `{component}`")));
        }
    }
    let images: BTreeSet<&str> = tagged_images(graphs).collect();
    found.extend(
        images
            .iter()
            .filter(|i| !lock.images.contains_key(**i))
            .map(|i| Stale::ImageMissing((*i).to_owned())),
    );
    for image in lock.images.keys().filter(|image| !images.contains(image.as_str())) {
        found.push(Stale::Unused(format!("the image {image}")));
    }
    for (component, definition) in &graphs.stream.components {
        let known = lock.commits.get(component);
        match &definition.source {
            Origin::Git(git) if known.is_none_or(|known| !known.answers(git)) => {
                found.push(Stale::CommitMissing { component: component.clone() });
            }
            Origin::Path(_) | Origin::Image(_) | Origin::Images(_) if known.is_some() => {
                found.push(Stale::Unused(format!("the commit of `{component}`")));
            }
            _ => {}
        }
    }
    found
}

/// Disagreements about the packages of one platform.
fn packages(graphs: &Graphs, graph: &Graph, lock: &Lock) -> Vec<Stale> {
    let on = graphs.are_several().then_some(graph.platform);
    let mut found = Vec::new();
    // A component that is left out on this platform alone; one that is gone from all is told as that.
    let left_out = |name: &&String| {
        graphs.stream.components.contains_key(*name) && !graph.stream.components.contains_key(*name)
    };
    let left_out = lock.packages.get(&graph.platform).into_iter().flat_map(BTreeMap::keys).filter(left_out);
    for component in graph.order().chain(left_out.map(String::as_str)) {
        let wanted: BTreeSet<String> = wanted(graph, component).into_iter().collect();
        let locked = lock.packages(graph.platform, component);
        let had: BTreeSet<String> = locked.into_iter().flat_map(|l| l.wanted.iter().cloned()).collect();
        if wanted != had {
            found.push(Stale::Packages {
                component: component.to_owned(),
                platform: on,
                added: wanted.difference(&had).cloned().collect(),
                removed: had.difference(&wanted).cloned().collect(),
            });
        } else if locked.is_some_and(|l| l.beyond != beyond(&lock.installed_below(graph, component))) {
            found.push(Stale::BaseMoved { component: component.to_owned(), platform: on });
        }
    }
    found
}
