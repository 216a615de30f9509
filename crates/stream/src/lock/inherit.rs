//! What an overlay's lock takes from the lock of the stream that it is from.

use super::Lock;
use super::make::wanted;
use crate::definition::Origin;
use crate::graph::Graph;

/// The lock of an overlay as far as it is known: what the lock below answers is taken from there, so that the overlay follows
/// it and its keys are the same; everything else from its own lock.
///
/// `graph` is the overlay's, flat. The result may be [stale](super::stale()).
pub fn inherit(graph: &Graph, own: Option<&Lock>, below: &Lock) -> Lock {
    let mut lock = Lock {
        stream: graph.stream.name.clone(),
        from: own.and_then(|own| own.from.clone()),
        packages: own.map(|own| own.packages.clone()).unwrap_or_default(),
        images: own.map(|own| own.images.clone()).unwrap_or_default(),
        commits: own.map(|own| own.commits.clone()).unwrap_or_default(),
        ..below.clone()
    };
    for (name, component) in &graph.stream.components {
        if let Some(packages) = below.packages.get(name).filter(|p| p.wanted == wanted(graph, name)) {
            lock.packages.insert(name.clone(), packages.clone());
        }
        if let (Some(commit), Origin::Git(git)) = (below.commits.get(name), &component.source)
            && commit.url == git.url
            && commit.reference == git.reference
        {
            lock.commits.insert(name.clone(), commit.clone());
        }
    }
    for reference in super::tagged_images(graph) {
        if let Some(digest) = below.images.get(reference) {
            lock.images.insert(reference.to_owned(), *digest);
        }
    }
    lock
}
