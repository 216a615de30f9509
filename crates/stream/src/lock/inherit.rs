//! What an overlay's lock takes from the lock of the stream that it is from.

use std::collections::BTreeMap;

use super::make::wanted;
use super::{Commit, Lock};
use crate::definition::{Origin, Stream};
use crate::graph::Graphs;

/// The lock of an overlay as far as it is known: what the lock below answers is taken from there, so that the overlay follows
/// it and its keys are the same; everything else from its own lock.
///
/// `graphs` are the overlay's, flat. The result may be [stale](super::stale()).
pub fn inherit(graphs: &Graphs, own: Option<&Lock>, below: &Lock) -> Lock {
    let mut lock = Lock {
        stream: graphs.stream.name.clone(),
        from: own.and_then(|own| own.from.clone()),
        packages: own.map(|own| own.packages.clone()).unwrap_or_default(),
        images: own.map(|own| own.images.clone()).unwrap_or_default(),
        commits: known_commits(&graphs.stream, own, Some(below)),
        ..below.clone()
    };
    for graph in graphs.iter() {
        for name in graph.stream.components.keys() {
            let packages = below.packages(graph.platform, name).filter(|p| p.wanted == wanted(graph, name));
            if let Some(packages) = packages {
                let here = lock.packages.entry(graph.platform).or_default();
                here.insert(name.clone(), packages.clone());
            }
        }
    }
    for reference in super::tagged_images(graphs) {
        if let Some(digest) = below.images.get(reference) {
            lock.images.insert(reference.to_owned(), *digest);
        }
    }
    lock
}

/// The commits that are known before any source was looked at: those of the lock below where it answers, else the own ones.
pub fn known_commits(stream: &Stream, own: Option<&Lock>, below: Option<&Lock>) -> BTreeMap<String, Commit> {
    let mut commits = own.map(|own| own.commits.clone()).unwrap_or_default();
    for (name, component) in &stream.components {
        if let (Some(commit), Origin::Git(git)) =
            (below.and_then(|below| below.commits.get(name)), &component.source)
            && commit.answers(git)
        {
            commits.insert(name.clone(), commit.clone());
        }
    }
    commits
}
