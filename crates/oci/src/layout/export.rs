//! From a store to a directory or archive that other tools read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use base::Digest;
use tar::{Builder, EntryType, Header};

use super::LayoutError;
use crate::manifest::{Descriptor, Index};
use crate::media;
use crate::store::index::REF_NAME;
use crate::store::{Store, StoreError};

const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Writes images, by manifest digest and the name that each gets, as an OCI layout into a new or empty directory
/// (`skopeo copy oci:DIR:NAME …`).
///
/// # Errors
/// When an image is not complete in the store, the directory is not empty, or writing fails.
pub fn export(store: &Store, images: &[(Digest, &str)], dir: &Path) -> Result<(), LayoutError> {
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(dir).map_err(LayoutError::at(dir))?;
    if fs::read_dir(dir).map_err(LayoutError::at(dir))?.next().is_some() {
        return Err(LayoutError::NotEmpty(dir.to_owned()));
    }
    let (index, digests) = describe(store, images)?;
    fs::create_dir_all(&blobs).map_err(LayoutError::at(&blobs))?;
    for digest in digests {
        let path = blobs.join(digest.hex());
        let mut file = File::create(&path).map_err(LayoutError::at(&path))?;
        io::copy(&mut store.reader(digest)?, &mut file).map_err(LayoutError::at(&path))?;
    }
    for (name, bytes) in [("index.json", index.as_slice()), ("oci-layout", LAYOUT)] {
        let path = dir.join(name);
        fs::write(&path, bytes).map_err(LayoutError::at(&path))?;
    }
    Ok(())
}

/// Writes images as a tar archive of an OCI layout (`skopeo copy oci-archive:FILE:NAME …`). The same images give the same
/// bytes. Gives `out` back.
///
/// # Errors
/// When an image is not complete in the store, or writing fails.
pub fn export_archive<W: Write>(store: &Store, images: &[(Digest, &str)], out: W) -> Result<W, LayoutError> {
    let (index, digests) = describe(store, images)?;
    let archive = || LayoutError::at("the archive");
    let mut tar = Builder::new(out);
    let mut add = |name: &str, kind: EntryType, size: u64, content: &mut dyn io::Read| {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
        header.set_size(size);
        header.set_mtime(0);
        tar.append_data(&mut header, name, content).map_err(archive())
    };
    add("oci-layout", EntryType::Regular, LAYOUT.len() as u64, &mut &*LAYOUT)?;
    add("index.json", EntryType::Regular, index.len() as u64, &mut &*index)?;
    add("blobs/", EntryType::Directory, 0, &mut io::empty())?;
    add("blobs/sha256/", EntryType::Directory, 0, &mut io::empty())?;
    for digest in digests {
        let size = store.size(digest)?.ok_or_else(|| missing(store, digest))?;
        let name = format!("blobs/sha256/{}", digest.hex());
        add(&name, EntryType::Regular, size, &mut store.reader(digest)?)?;
    }
    let mut out = tar.into_inner().map_err(archive())?;
    out.flush().map_err(archive())?;
    Ok(out)
}

/// The index, and all content that it leads to.
fn describe(store: &Store, images: &[(Digest, &str)]) -> Result<(Vec<u8>, BTreeSet<Digest>), LayoutError> {
    let mut manifests = Vec::new();
    let mut digests = BTreeSet::new();
    for (digest, name) in images {
        let stored = store.manifest_by_digest(*digest)?.ok_or_else(|| missing(store, *digest))?;
        manifests.push(Descriptor {
            annotations: BTreeMap::from([(REF_NAME.to_owned(), (*name).to_owned())]),
            ..Descriptor::new(stored.media_type.clone(), *digest, stored.bytes.len() as u64)
        });
        let mut pending = vec![stored];
        while let Some(stored) = pending.pop() {
            if !digests.insert(stored.digest) {
                continue;
            }
            let manifest = stored.parse()?;
            for blob in manifest.blobs() {
                if !store.has(blob.digest) {
                    return Err(missing(store, blob.digest).into());
                }
                digests.insert(blob.digest);
            }
            for child in manifest.children() {
                // The store may have only some platforms.
                pending.extend(store.manifest_by_digest(child.digest)?);
            }
        }
    }
    let index = Index {
        schema_version: 2,
        media_type: Some(media::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests,
        subject: None,
        annotations: BTreeMap::new(),
    };
    Ok((serde_json::to_vec(&index).expect("an index has only strings and numbers"), digests))
}

fn missing(store: &Store, digest: Digest) -> StoreError {
    StoreError::NoBlob { digest, store: store.dir().to_owned() }
}
