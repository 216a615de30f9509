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
        platform: graph.stream.platform,
        from: own.and_then(|own| own.from.clone()),
        packages: own.map(|own| own.packages.clone()).unwrap_or_default(),
        images: own.map(|own| own.images.clone()).unwrap_or_default(),
        commits: own.map(|own| own.commits.clone()).unwrap_or_default(),
        ..below.clone()
    };
    // Packages are those of a platform; commits are not. The digest of an image may be that of an index.
    let same_platform = below.platform == graph.stream.platform;
    for (name, component) in &graph.stream.components {
        let packages = below.packages.get(name).filter(|p| same_platform && p.wanted == wanted(graph, name));
        if let Some(packages) = packages {
            lock.packages.insert(name.clone(), packages.clone());
        }
        if let (Some(commit), Origin::Git(git)) = (below.commits.get(name), &component.source)
            && commit.url == git.url
            && commit.reference == git.reference
        {
            lock.commits.insert(name.clone(), commit.clone());
        }
    }
    for reference in super::tagged_images(graph).filter(|_| same_platform) {
        if let Some(digest) = below.images.get(reference) {
            lock.images.insert(reference.to_owned(), *digest);
        }
    }
    lock
}
