//! Names, tags, and which blob belongs where.

use std::fs;
use std::io;
use std::path::Path;

use base::Digest;

use super::durable::{remove, sync_dir};
use super::{Store, StoreError};
use crate::manifest::MANIFEST_LIMIT;

/// Names in a folder, sorted; none when the folder is missing.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, StoreError> {
    let io = StoreError::at(dir);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(&io)?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

impl Store {
    /// All repositories that have a manifest, sorted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn repositories(&self) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        let mut pending = vec![String::new()];
        while let Some(prefix) = pending.pop() {
            let dir = self.dir().join("repositories").join(&prefix);
            for name in names(&dir)? {
                if name == "_manifests" && !prefix.is_empty() && !names(&dir.join(&name))?.is_empty() {
                    found.push(prefix.clone());
                } else if !name.starts_with('_') && dir.join(&name).is_dir() {
                    pending.push(if prefix.is_empty() { name } else { format!("{prefix}/{name}") });
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Whether the repository has a manifest.
    ///
    /// # Errors
    /// When the name breaks the grammar or the store cannot be read.
    pub fn has_repository(&self, repository: &str) -> Result<bool, StoreError> {
        Ok(!names(&self.repository_dir(repository)?.join("_manifests"))?.is_empty())
    }

    /// The tags of a repository, sorted by bytes; none when there is no such repository.
    ///
    /// # Errors
    /// When the name breaks the grammar or the store cannot be read.
    pub fn tags(&self, repository: &str) -> Result<Vec<String>, StoreError> {
        names(&self.repository_dir(repository)?.join("_tags"))
    }

    /// Lets a repository hand out a blob that is in the store (also: mounts it from another repository).
    ///
    /// # Errors
    /// When the name breaks the grammar or the blob is not in the store.
    pub fn link_blob(&self, repository: &str, digest: Digest) -> Result<(), StoreError> {
        let dir = self.repository_dir(repository)?;
        let _lock = self.lock_shared()?;
        if !self.claim(digest)? {
            return Err(StoreError::NoBlob { digest, store: self.dir().to_owned() });
        }
        self.write_links(&dir.join("_blobs"), [digest.hex()])
    }

    /// Whether the repository may hand out the blob, and the blob is here.
    ///
    /// # Errors
    /// When the name breaks the grammar.
    pub fn blob_in_repo(&self, repository: &str, digest: Digest) -> Result<bool, StoreError> {
        Ok(self.repository_dir(repository)?.join("_blobs").join(digest.hex()).exists() && self.has(digest))
    }

    /// The repository no longer hands out the blob. Its content goes with the next [`Store::gc`] that finds it unused.
    /// `false` when the repository did not have it.
    ///
    /// # Errors
    /// When the name breaks the grammar or the file cannot be removed.
    pub fn unlink_blob(&self, repository: &str, digest: Digest) -> Result<bool, StoreError> {
        let dir = self.repository_dir(repository)?.join("_blobs");
        let _lock = self.lock_exclusive()?;
        let removed = remove(&dir.join(digest.hex()))?;
        if removed {
            sync_dir(&dir)?;
        }
        Ok(removed)
    }

    /// Removes a blob from the whole store at once. `false` when it was not there.
    ///
    /// # Errors
    /// When a manifest needs it ([`StoreError::InUse`]), or files cannot be removed.
    pub fn delete_blob(&self, digest: Digest) -> Result<bool, StoreError> {
        let _lock = self.lock_exclusive()?;
        for repository in self.repositories()? {
            for (manifest, media_type) in self.manifests(&repository)? {
                let bytes = self.read(manifest, MANIFEST_LIMIT)?;
                let parsed = super::StoredManifest { digest: manifest, media_type, bytes }.parse()?;
                let uses = manifest == digest
                    || parsed.blobs().iter().any(|d| d.digest == digest)
                    || parsed.children().iter().any(|d| d.digest == digest);
                if uses {
                    return Err(StoreError::InUse { digest, manifest, repository });
                }
            }
        }
        self.remove_blob(digest)
    }

    /// Removes first the links to a blob, then the blob. The caller holds the exclusive lock and knows that no manifest
    /// needs it.
    pub(super) fn remove_blob(&self, digest: Digest) -> Result<bool, StoreError> {
        for repository in self.all_repository_dirs()? {
            let links = repository.join("_blobs");
            if remove(&links.join(digest.hex()))? {
                sync_dir(&links)?;
            }
        }
        remove(&self.blob_path(digest))
    }

    /// Folders of all repositories, also of those that have only blobs or uploads.
    pub(super) fn all_repository_dirs(&self) -> Result<Vec<std::path::PathBuf>, StoreError> {
        let mut found = Vec::new();
        let mut pending = vec![self.dir().join("repositories")];
        while let Some(dir) = pending.pop() {
            let names = names(&dir)?;
            if names.iter().any(|name| name.starts_with('_')) {
                found.push(dir.clone());
            }
            pending.extend(
                names.iter().filter(|n| !n.starts_with('_')).map(|n| dir.join(n)).filter(|d| d.is_dir()),
            );
        }
        found.sort_unstable();
        Ok(found)
    }
}
