//! From a directory or archive into a store.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use base::Digest;

use super::{LayoutError, docker};
use crate::layer::LayerReader;
use crate::layer::tar::{Kind, TarReader};
use crate::manifest::{Descriptor, Index, MANIFEST_LIMIT, Manifest};
use crate::media;
use crate::reference::{Reference, check_tag};
use crate::store::Store;
use crate::store::index::REF_NAME;

/// Most that an archive may unpack to.
const ARCHIVE_LIMIT: u64 = 1 << 40;
/// Largest `index.json` or `manifest.json`.
const INDEX_LIMIT: u64 = 16 << 20;

/// An image that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its name in the layout, as written there.
    pub name: Option<String>,
    /// The tag that it got in the repository: the tag of its name.
    pub tag: Option<String>,
    /// Digest of its manifest or index.
    pub digest: Digest,
}

/// Copies all images of an OCI layout directory, an archive of one, or a Docker archive (each perhaps compressed) into a
/// repository of the store. Manifests keep their bytes; a Docker archive has none, so they are made.
///
/// # Errors
/// When it is none of these, is damaged or incomplete (children of an index may be missing), or the store fails.
pub fn import(store: &Store, repository: &str, from: &Path) -> Result<Vec<Imported>, LayoutError> {
    let metadata = fs::metadata(from).map_err(LayoutError::at(from))?;
    let index = if metadata.is_dir() {
        if !from.join("oci-layout").is_file() {
            return Err(unknown(from, "the directory has no file `oci-layout`"));
        }
        let path = from.join("index.json");
        let file = File::open(&path).map_err(LayoutError::at(&path))?;
        read_bounded(file, &path)?
    } else {
        let mut archive = Archive::read(store, from)?;
        match (archive.files.remove("index.json"), archive.files.remove("manifest.json")) {
            (Some(index), _) => index,
            (None, Some(manifest)) => return docker::import(store, repository, from, &manifest, &archive),
            (None, None) => {
                return Err(unknown(from, "the archive has neither index.json nor manifest.json"));
            }
        }
    };
    let Ok(Manifest::Index(index)) = Manifest::parse(media::OCI_INDEX, &index) else {
        return Err(unknown(from, "index.json is not an OCI index"));
    };
    let source = Source { store, repository, path: from, dir: metadata.is_dir() };
    source.import(&index)
}

struct Source<'a> {
    store: &'a Store,
    repository: &'a str,
    path: &'a Path,
    /// Content is read from files here; that of an archive is in the store already.
    dir: bool,
}

impl Source<'_> {
    fn import(&self, index: &Index) -> Result<Vec<Imported>, LayoutError> {
        let mut imported = Vec::new();
        for descriptor in &index.manifests {
            let name = descriptor.annotations.get(REF_NAME).cloned();
            let tag = name.as_deref().and_then(tag_of);
            self.manifest(descriptor, tag.as_deref(), 0)?;
            imported.push(Imported { name, tag, digest: descriptor.digest });
        }
        Ok(imported)
    }

    /// Imports a manifest after all that it refers to.
    fn manifest(&self, descriptor: &Descriptor, tag: Option<&str>, depth: usize) -> Result<(), LayoutError> {
        if depth > 8 {
            return Err(unknown(self.path, "its indexes are nested more than 8 deep"));
        }
        self.blob(descriptor.digest)?;
        let bytes = self.store.read(descriptor.digest, MANIFEST_LIMIT)?;
        let manifest = Manifest::parse(&descriptor.media_type, &bytes).map_err(|source| {
            LayoutError::Manifest { path: self.path.to_owned(), digest: descriptor.digest, source }
        })?;
        for blob in manifest.blobs() {
            self.blob(blob.digest)?;
        }
        for child in manifest.children() {
            let here =
                if self.dir { self.file(child.digest).is_file() } else { self.store.has(child.digest) };
            if here && media::is_manifest(&child.media_type) {
                self.manifest(child, None, depth + 1)?;
            }
        }
        self.store.put_sparse_index(self.repository, &descriptor.media_type, &bytes, tag)?;
        Ok(())
    }

    fn file(&self, digest: Digest) -> PathBuf {
        self.path.join("blobs/sha256").join(digest.hex())
    }

    fn blob(&self, digest: Digest) -> Result<(), LayoutError> {
        if self.store.claim(digest)? {
            return Ok(());
        }
        let missing = || LayoutError::Missing { path: self.path.to_owned(), missing: digest.to_string() };
        if !self.dir {
            return Err(missing());
        }
        let path = self.file(digest);
        let mut file = File::open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => LayoutError::at(&path)(e),
        })?;
        self.store.put_from(&mut file, Some(digest))?;
        Ok(())
    }
}

/// What an archive holds: small files that say what is what, everything else as blobs in the store.
pub(super) struct Archive {
    /// `index.json` and `manifest.json`.
    pub(super) files: HashMap<String, Vec<u8>>,
    /// Digest and size of other files by name.
    pub(super) blobs: HashMap<String, (Digest, u64)>,
    /// Targets of links by name.
    pub(super) links: HashMap<String, String>,
}

impl Archive {
    fn read(store: &Store, path: &Path) -> Result<Self, LayoutError> {
        let file = File::open(path).map_err(LayoutError::at(path))?;
        let reader =
            LayerReader::new(BufReader::with_capacity(1 << 17, file), media::OCI_LAYER, ARCHIVE_LIMIT)
                .map_err(LayoutError::at(path))?;
        let mut tar = TarReader::new(reader);
        let mut archive = Self { files: HashMap::new(), blobs: HashMap::new(), links: HashMap::new() };
        let failed = |source| LayoutError::Tar { path: path.to_owned(), source };
        while let Some(entry) = tar.next_entry().map_err(failed)? {
            let name = String::from_utf8_lossy(&entry.path).trim_start_matches("./").to_owned();
            match entry.kind {
                Kind::File if matches!(name.as_str(), "index.json" | "manifest.json") => {
                    let bytes = read_bounded(&mut tar, path)?;
                    archive.files.insert(name, bytes);
                }
                Kind::File => {
                    let expected =
                        name.strip_prefix("blobs/sha256/").and_then(|hex| Digest::from_hex(hex).ok());
                    let blob = store.put_from(&mut tar, expected)?;
                    archive.blobs.insert(name, blob);
                }
                Kind::Symlink | Kind::Hardlink => {
                    let link = String::from_utf8_lossy(&entry.link).into_owned();
                    let target = match (entry.kind, name.rsplit_once('/')) {
                        (Kind::Symlink, Some((dir, _))) => format!("{dir}/{link}"),
                        _ => link,
                    };
                    archive.links.insert(name, target);
                }
                _ => {}
            }
        }
        Ok(archive)
    }
}

/// The tag that a name in a layout has: it may be just a tag, or a whole reference.
fn tag_of(name: &str) -> Option<String> {
    if check_tag(name).is_ok() {
        return Some(name.to_owned());
    }
    name.parse::<Reference>().ok()?.tag().map(str::to_owned)
}

fn read_bounded(from: impl Read, path: &Path) -> Result<Vec<u8>, LayoutError> {
    let mut bytes = Vec::new();
    from.take(INDEX_LIMIT + 1).read_to_end(&mut bytes).map_err(LayoutError::at(path))?;
    if bytes.len() as u64 > INDEX_LIMIT {
        return Err(unknown(path, "its index has more than 16 MiB"));
    }
    Ok(bytes)
}

pub(super) fn unknown(path: &Path, reason: impl Into<String>) -> LayoutError {
    LayoutError::Unknown { path: path.to_owned(), reason: reason.into() }
}
