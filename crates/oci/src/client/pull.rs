//! An image from a registry into a store.

use std::collections::HashSet;

use super::progress::Progress;
use super::{Client, ClientError, parallel};
use crate::manifest::{Descriptor, Manifest, Platform};
use crate::media;
use crate::reference::Reference;
use crate::store::{Store, StoredManifest};

/// Real indexes hold manifests; a few hold indexes. Deeper nesting is an attack.
pub(super) const DEEPEST: usize = 4;

/// Which children of an index are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Platforms {
    /// Every one.
    All,
    /// The one for this platform.
    One(Platform),
}

impl Client {
    /// Brings an image into the store, under the repository (and tag) that the reference names. Blobs that are there are
    /// not fetched again; everything is checked against its digest before it can be seen; the tag appears last.
    ///
    /// Of an index with [`Platforms::One`] only that child is fetched; the index itself is stored with its digest, too.
    /// Gives the manifest of the child then, else the manifest that the reference names.
    ///
    /// # Errors
    /// When the registry does not give everything within the tries, gives wrong content, or the store fails. Blobs that
    /// are complete stay in the store for the next try.
    pub fn pull(
        &self,
        reference: &Reference,
        store: &Store,
        platforms: &Platforms,
        progress: &dyn Progress,
    ) -> Result<StoredManifest, ClientError> {
        let root = self.manifest_heard(reference, progress)?;
        let mut tree = Tree::default();
        let wanted = self.collect(reference, &root, platforms, 0, &mut tree, progress)?;
        parallel::for_each(self.jobs, &tree.blobs, progress, |blob, progress| {
            self.fetch_blob(reference, blob, store, progress)
        })?;
        let repository = reference.repository();
        for manifest in &tree.manifests {
            let tag = reference.tag().filter(|_| manifest.digest == root.digest).or(
                // A reference without tag and digest means `latest`.
                (manifest.digest == root.digest && reference.digest().is_none()).then_some("latest"),
            );
            let put = match platforms {
                Platforms::All => Store::put_manifest,
                Platforms::One(_) => Store::put_sparse_index,
            };
            put(store, repository, &manifest.media_type, &manifest.bytes, tag)?;
        }
        Ok(wanted)
    }

    /// Finds what belongs to a manifest: children before parents. Gives the manifest of the wanted platform.
    pub(super) fn collect(
        &self,
        reference: &Reference,
        stored: &StoredManifest,
        platforms: &Platforms,
        depth: usize,
        tree: &mut Tree,
        progress: &dyn Progress,
    ) -> Result<StoredManifest, ClientError> {
        let at = reference.at_digest(stored.digest);
        let manifest = Manifest::parse(&stored.media_type, &stored.bytes)
            .map_err(|source| ClientError::Manifest { reference: at.to_string(), source })?;
        if !tree.seen.insert(stored.digest) {
            return Ok(stored.clone());
        }
        let mut wanted = None;
        match &manifest {
            Manifest::Image(_) => tree.add_blobs(manifest.blobs()),
            Manifest::Index(_) if depth == DEEPEST => {
                return Err(ClientError::Protocol {
                    registry: reference.registry().to_owned(),
                    repository: reference.repository().to_owned(),
                    doing: format!("fetch manifest {}", stored.digest),
                    reason: format!("indexes are nested more than {DEEPEST} deep"),
                });
            }
            Manifest::Index(index) => {
                let children: Vec<&Descriptor> = match platforms {
                    Platforms::All => index.manifests.iter().collect(),
                    Platforms::One(platform) => {
                        vec![index.select(platform).ok_or_else(|| ClientError::NoPlatform {
                            reference: reference.to_string(),
                            platform: platform.to_string(),
                            available: index.platforms(),
                        })?]
                    }
                };
                for child in children {
                    if !media::is_manifest(&child.media_type) {
                        tree.add_blobs(vec![child]);
                        continue;
                    }
                    let fetched = self.manifest_heard(&reference.at_digest(child.digest), progress)?;
                    wanted = Some(self.collect(reference, &fetched, platforms, depth + 1, tree, progress)?);
                }
            }
        }
        tree.manifests.push(stored.clone());
        Ok(match (platforms, wanted) {
            (Platforms::One(_), Some(wanted)) => wanted,
            _ => stored.clone(),
        })
    }
}

/// Everything that belongs to an image, each once.
#[derive(Default)]
pub(super) struct Tree {
    seen: HashSet<base::Digest>,
    /// Children before parents.
    pub(super) manifests: Vec<StoredManifest>,
    pub(super) blobs: Vec<Descriptor>,
}

impl Tree {
    fn add_blobs(&mut self, blobs: Vec<&Descriptor>) {
        for blob in blobs {
            if self.seen.insert(blob.digest) {
                self.blobs.push(blob.clone());
            }
        }
    }
}
