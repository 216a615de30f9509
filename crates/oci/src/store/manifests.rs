//! Manifests by tag and digest.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use base::Digest;

use super::durable::{remove, sync_dir};
use super::{Store, StoreError};
use crate::manifest::{MANIFEST_LIMIT, Manifest, ManifestError};
use crate::reference::Reference;

/// A manifest as it is stored: never re-serialised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// SHA-256 of `bytes`.
    pub digest: Digest,
    /// As it was given when it was stored.
    pub media_type: String,
    /// The manifest.
    pub bytes: Vec<u8>,
}

impl StoredManifest {
    /// Parses the bytes.
    ///
    /// # Errors
    /// When they are not a manifest of that type.
    pub fn parse(&self) -> Result<Manifest, StoreError> {
        Manifest::parse(&self.media_type, &self.bytes)
            .map_err(|source| StoreError::Manifest { digest: self.digest, source })
    }
}

impl Store {
    /// Stores a manifest in a repository and tags it. What it refers to must be in the store: configuration and layers
    /// of an image, children of an index. They count as blobs of the repository from now on.
    ///
    /// # Errors
    /// When names break the grammar, the bytes are not a manifest of this type, or something it refers to is missing
    /// ([`StoreError::Incomplete`]).
    pub fn put_manifest(
        &self,
        repository: &str,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
    ) -> Result<Digest, StoreError> {
        self.store_manifest(repository, media_type, bytes, tag, true)
    }

    /// Like [`Store::put_manifest`], but children of an index may be missing: an index from elsewhere keeps its digest,
    /// also when only one platform of it is wanted here.
    ///
    /// # Errors
    /// As for [`Store::put_manifest`].
    pub fn put_sparse_index(
        &self,
        repository: &str,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
    ) -> Result<Digest, StoreError> {
        self.store_manifest(repository, media_type, bytes, tag, false)
    }

    fn store_manifest(
        &self,
        repository: &str,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
        children_required: bool,
    ) -> Result<Digest, StoreError> {
        let dir = self.repository_dir(repository)?;
        tag.map(check_tag).transpose()?;
        let digest = Digest::of(bytes);
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        let manifest =
            Manifest::parse(media_type, bytes).map_err(|source| StoreError::Manifest { digest, source })?;
        let _lock = self.lock_shared()?;
        let required = manifest.blobs().into_iter().map(|d| (d.digest, d.size));
        let children = manifest.children().iter().map(|d| (d.digest, d.size));
        for (missing, size) in required.clone().chain(children.filter(|_| children_required)) {
            match self.size(missing)? {
                None => return Err(StoreError::Incomplete { manifest: digest, missing }),
                Some(stored) if stored != size => {
                    let problem = format!("it has {stored} bytes, but manifest {digest} says {size}");
                    return Err(self.damaged(missing, problem));
                }
                Some(_) => {}
            }
        }
        self.put(bytes)?;
        self.write_links(&dir.join("_blobs"), required.map(|(blob, _)| blob.hex()))?;
        if let Some(subject) = manifest.subject() {
            self.write_links(&dir.join("_referrers").join(subject.digest.hex()), [digest.hex()])?;
        }
        self.write_durably(&dir.join("_manifests").join(digest.hex()), media_type.as_bytes())?;
        if let Some(tag) = tag {
            self.write_durably(&dir.join("_tags").join(tag), digest.to_string().as_bytes())?;
        }
        Ok(digest)
    }

    /// The manifest of a repository by tag or digest (`selector` with a colon is a digest).
    ///
    /// # Errors
    /// When a name breaks the grammar or the manifest is damaged; a manifest that is not there is `None`.
    pub fn manifest(&self, repository: &str, selector: &str) -> Result<Option<StoredManifest>, StoreError> {
        let dir = self.repository_dir(repository)?;
        let digest = if selector.contains(':') {
            selector
                .parse::<Digest>()
                .map_err(|e| StoreError::Name { name: selector.to_owned(), reason: e.to_string() })?
        } else {
            match self.tag(repository, selector)? {
                Some(digest) => digest,
                None => return Ok(None),
            }
        };
        match read_link(&dir.join("_manifests").join(digest.hex()))? {
            None => Ok(None),
            Some(media_type) => {
                Ok(Some(StoredManifest { digest, media_type, bytes: self.read(digest, MANIFEST_LIMIT)? }))
            }
        }
    }

    /// A manifest of any repository, or one that only an index refers to. Its type is read from its content.
    ///
    /// # Errors
    /// When it is damaged, or the blob of that digest is not a manifest; a blob that is not there is `None`.
    pub fn manifest_by_digest(&self, digest: Digest) -> Result<Option<StoredManifest>, StoreError> {
        let bytes = match self.read(digest, MANIFEST_LIMIT) {
            Ok(bytes) => bytes,
            Err(StoreError::NoBlob { .. }) => return Ok(None),
            Err(StoreError::TooLarge { size, .. }) => {
                return Err(StoreError::Manifest { digest, source: ManifestError::TooLarge(size) });
            }
            Err(e) => return Err(e),
        };
        let media_type =
            Manifest::detect_type(&bytes).map_err(|source| StoreError::Manifest { digest, source })?;
        Ok(Some(StoredManifest { digest, media_type, bytes }))
    }

    /// The manifest of a reference: a digest is looked up in the whole store, a tag in the repository of that name
    /// (whatever registry the reference names).
    ///
    /// # Errors
    /// When the manifest is damaged.
    pub fn resolve(&self, reference: &Reference) -> Result<Option<StoredManifest>, StoreError> {
        self.resolve_in(reference.repository(), reference)
    }

    /// Like [`Store::resolve`] with tags of another repository.
    ///
    /// # Errors
    /// When the name breaks the grammar or the manifest is damaged.
    pub fn resolve_in(
        &self,
        repository: &str,
        reference: &Reference,
    ) -> Result<Option<StoredManifest>, StoreError> {
        match reference.digest() {
            Some(digest) => self.manifest_by_digest(digest),
            None => self.manifest(repository, &reference.selector()),
        }
    }

    /// Digests and types of all manifests of a repository, by digest.
    ///
    /// # Errors
    /// When the name breaks the grammar or the repository cannot be read.
    pub fn manifests(&self, repository: &str) -> Result<Vec<(Digest, String)>, StoreError> {
        let dir = self.repository_dir(repository)?.join("_manifests");
        let mut found = Vec::new();
        for name in super::repositories::names(&dir)? {
            let Ok(digest) = Digest::from_hex(&name) else { continue };
            if let Some(media_type) = read_link(&dir.join(&name))? {
                found.push((digest, media_type));
            }
        }
        Ok(found)
    }

    /// When a manifest was last stored or tagged in a repository, by the clock of the file system; `None` when it is not there.
    ///
    /// # Errors
    /// When the name breaks the grammar or the repository cannot be read.
    pub fn written(&self, repository: &str, digest: Digest) -> Result<Option<SystemTime>, StoreError> {
        let dir = self.repository_dir(repository)?;
        let mut files = vec![dir.join("_manifests").join(digest.hex())];
        for tag in self.tags(repository)? {
            if self.tag(repository, &tag)? == Some(digest) {
                files.push(dir.join("_tags").join(tag));
            }
        }
        // A file that somebody removed meanwhile says nothing.
        Ok(files.iter().filter_map(|file| fs::metadata(file).and_then(|meta| meta.modified()).ok()).max())
    }

    /// Takes a manifest, its tags and its entry as a referrer out of a repository. The content goes with the next
    /// [`Store::gc`] that finds it unused. `false` when it was not there.
    ///
    /// # Errors
    /// When the name breaks the grammar or files cannot be removed.
    pub fn delete_manifest(&self, repository: &str, digest: Digest) -> Result<bool, StoreError> {
        let dir = self.repository_dir(repository)?;
        let _lock = self.lock_exclusive()?;
        let link = dir.join("_manifests").join(digest.hex());
        if !link.exists() {
            return Ok(false);
        }
        for tag in self.tags(repository)? {
            if self.tag(repository, &tag)? == Some(digest) {
                remove(&dir.join("_tags").join(tag))?;
            }
        }
        let referrers = dir.join("_referrers");
        for subject in super::repositories::names(&referrers)? {
            let subject = referrers.join(subject);
            remove(&subject.join(digest.hex()))?;
            // Fails while other referrers are there.
            let _ = fs::remove_dir(subject);
        }
        // First for good what refers to the manifest, then the manifest.
        for sub in ["_tags", "_referrers"].map(|sub| dir.join(sub)).iter().filter(|sub| sub.is_dir()) {
            sync_dir(sub)?;
        }
        let removed = remove(&link)?;
        sync_dir(&dir.join("_manifests"))?;
        Ok(removed)
    }

    /// Points a tag at a manifest that the repository has.
    ///
    /// # Errors
    /// When a name breaks the grammar or the repository lacks the manifest.
    pub fn set_tag(&self, repository: &str, tag: &str, digest: Digest) -> Result<(), StoreError> {
        let dir = self.repository_dir(repository)?;
        check_tag(tag)?;
        let _lock = self.lock_shared()?;
        if !dir.join("_manifests").join(digest.hex()).exists() {
            return Err(StoreError::NoManifest {
                repository: repository.to_owned(),
                selector: digest.to_string(),
            });
        }
        self.write_durably(&dir.join("_tags").join(tag), digest.to_string().as_bytes())
    }

    /// Takes a tag away; the manifest stays. `false` when it was not there.
    ///
    /// # Errors
    /// When a name breaks the grammar or the file cannot be removed.
    pub fn untag(&self, repository: &str, tag: &str) -> Result<bool, StoreError> {
        check_tag(tag)?;
        let tags = self.repository_dir(repository)?.join("_tags");
        let _lock = self.lock_exclusive()?;
        let removed = remove(&tags.join(tag))?;
        if removed {
            sync_dir(&tags)?;
        }
        Ok(removed)
    }

    /// The digest that a tag points at.
    ///
    /// # Errors
    /// When a name breaks the grammar or the tag's file is damaged.
    pub fn tag(&self, repository: &str, tag: &str) -> Result<Option<Digest>, StoreError> {
        check_tag(tag)?;
        let path = self.repository_dir(repository)?.join("_tags").join(tag);
        match read_link(&path)? {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|e: base::digest::InvalidDigest| {
                StoreError::at(&path)(io::Error::new(io::ErrorKind::InvalidData, e))
            }),
        }
    }
}

pub(super) fn check_tag(tag: &str) -> Result<(), StoreError> {
    crate::reference::check_tag(tag).map_err(|reason| StoreError::Name { name: tag.to_owned(), reason })
}

/// A small file's text, `None` when it is not there.
pub(super) fn read_link(path: &Path) -> Result<Option<String>, StoreError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(StoreError::at(path)(e)),
    }
}
