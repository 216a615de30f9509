//! What `docker save` writes: `manifest.json`, configurations, and layers mostly without compression.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use base::Digest;
use serde::Deserialize;

use super::LayoutError;
use super::import::{Archive, Imported, unknown};
use crate::layer::LayerReader;
use crate::manifest::config::CONFIG_LIMIT;
use crate::manifest::{Descriptor, ImageConfig, ImageManifest};
use crate::media::{self, Compression};
use crate::reference::Reference;
use crate::store::Store;

/// An element of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// Makes manifests for what an archive describes, all its files being in the store.
pub(super) fn import(
    store: &Store,
    repository: &str,
    path: &Path,
    manifest: &[u8],
    archive: &Archive,
) -> Result<Vec<Imported>, LayoutError> {
    let items: Vec<Item> =
        serde_json::from_slice(manifest).map_err(|e| unknown(path, format!("manifest.json: {e}")))?;
    let mut imported = Vec::new();
    for item in items {
        let missing = |name: &str| LayoutError::Missing { path: path.to_owned(), missing: name.to_owned() };
        let find = |name: &str| archive.find(name).ok_or_else(|| missing(name));
        let (config, size) = find(&item.config)?;
        let parsed = ImageConfig::parse(&store.read(config, CONFIG_LIMIT)?)
            .map_err(|e| unknown(path, format!("{}: {e}", item.config)))?;
        let names = item.layers.unwrap_or_default();
        if names.len() != parsed.rootfs.diff_ids.len() {
            return Err(unknown(path, format!("{} does not list all layers", item.config)));
        }
        let mut layers = Vec::new();
        for (name, expected) in names.iter().zip(parsed.rootfs.diff_ids) {
            let (digest, size) = find(name)?;
            let layer = describe(store, digest, size)?;
            let reader = LayerReader::new(store.reader(digest)?, &layer.media_type, u64::MAX);
            let (found, _) = reader.and_then(LayerReader::finish).map_err(LayoutError::at(path))?;
            if found != expected {
                return Err(LayoutError::DiffId {
                    path: path.to_owned(),
                    layer: name.clone(),
                    expected,
                    found,
                });
            }
            layers.push(layer);
        }
        let manifest = ImageManifest {
            schema_version: 2,
            media_type: Some(media::OCI_MANIFEST.to_owned()),
            artifact_type: None,
            config: Descriptor::new(media::OCI_CONFIG, config, size),
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        };
        let bytes = serde_json::to_vec(&manifest).expect("a manifest has only strings and numbers");
        let mut put = |name: Option<String>, tag: Option<&str>| -> Result<(), LayoutError> {
            let digest = store.put_manifest(repository, media::OCI_MANIFEST, &bytes, tag)?;
            imported.push(Imported { name, tag: tag.map(str::to_owned), digest });
            Ok(())
        };
        let tags = item.repo_tags.unwrap_or_default();
        if tags.is_empty() {
            put(None, None)?;
        }
        for name in tags {
            let reference = name.parse::<Reference>().ok();
            put(Some(name), reference.as_ref().and_then(Reference::tag))?;
        }
    }
    Ok(imported)
}

/// A layer with the type that its first bytes say.
fn describe(store: &Store, digest: Digest, size: u64) -> Result<Descriptor, LayoutError> {
    let mut start = Vec::new();
    let file = store.open_blob(digest)?;
    file.take(4).read_to_end(&mut start).map_err(LayoutError::at(store.blob_path(digest)))?;
    Ok(Descriptor::new(Compression::of_magic(&start).layer_type(), digest, size))
}

impl Archive {
    /// Digest and size of a file, through links between files of the archive.
    fn find(&self, name: &str) -> Option<(Digest, u64)> {
        let mut name = clean(name);
        for _ in 0..8 {
            if let Some(blob) = self.blobs.get(&name) {
                return Some(*blob);
            }
            name = clean(self.links.get(&name)?);
        }
        None
    }
}

/// `a/../b` → `b`; these are keys of a map, not paths of a file system.
fn clean(name: &str) -> String {
    let mut path = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::ParentDir => {
                path.pop();
            }
            _ => {}
        }
    }
    path.to_string_lossy().into_owned()
}
