//! Images on disk: a directory that is an OCI image layout and also knows repositories and tags.
//!
//! ```text
//! oci-layout, index.json        OCI image layout; index.json is derived, see `Store::write_index`
//! blobs/sha256/HEX              content
//! repositories/NAME/_manifests/HEX      media type of a manifest that the repository has
//! repositories/NAME/_tags/TAG           digest
//! repositories/NAME/_blobs/HEX          (empty) the repository may hand out this blob
//! repositories/NAME/_referrers/HEX/HEX  (empty) subject / manifest
//! repositories/NAME/_uploads/ID         what has arrived of a blob
//! tmp/                          files that are being written
//! lock                          shared: links are written; exclusive: something is removed
//! ```
//!
//! Every file appears complete by a rename, in the order blob, links, manifest, tag: so whatever moment a process
//! dies at, what is visible is whole. Several processes may use one store.
//!
//! - [`blob`]: content by digest: read, write, verify
//! - [`manifests`]: manifests by tag and digest
//! - [`repositories`]: names, tags, which blob belongs where
//! - [`referrers`]: what says something about a manifest
//! - [`upload`]: blobs that arrive in pieces, over several requests
//! - [`index`]: `index.json` for other tools
//! - [`check`]: whether everything is whole
//! - [`gc`]: removal of what nothing refers to
//! - [`error`]: what can go wrong
//! - `durable`: files that appear complete or not at all

pub mod blob;
pub mod check;
mod durable;
pub mod error;
pub mod gc;
pub mod index;
pub mod manifests;
pub mod referrers;
pub mod repositories;
pub mod upload;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Digest;

pub use blob::{BlobReader, BlobWriter};
pub use check::Report;
pub use error::StoreError;
pub use gc::{GcOptions, GcReport};
pub use manifests::StoredManifest;
pub use upload::Upload;

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
const OWN_NAMES: [&str; 6] = ["blobs", "index.json", "lock", "oci-layout", "repositories", "tmp"];

/// A store in a directory. Cheap to clone; clones and other processes may use it at the same time.
#[derive(Debug, Clone)]
pub struct Store {
    root: Arc<Path>,
}

impl Store {
    /// Opens the store in `dir`; makes it when the directory is missing or empty.
    ///
    /// # Errors
    /// When the directory holds something else, or cannot be written.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let dir = dir.as_ref();
        let io = StoreError::at(dir);
        fs::create_dir_all(dir).map_err(&io)?;
        let store = Self { root: fs::canonicalize(dir).map_err(&io)?.into() };
        if !dir.join("oci-layout").exists() {
            for entry in fs::read_dir(dir).map_err(&io)? {
                let name = entry.map_err(&io)?.file_name();
                if !OWN_NAMES.iter().any(|own| name == *own) {
                    return Err(StoreError::NotAStore { dir: dir.to_owned(), found: name.into() });
                }
            }
        }
        for sub in ["tmp", "repositories", "blobs/sha256"] {
            let sub = store.root.join(sub);
            fs::create_dir_all(&sub).map_err(StoreError::at(&sub))?;
        }
        let layout = store.root.join("oci-layout");
        if !layout.exists() {
            store.write_durably(&layout, LAYOUT.as_bytes())?;
        }
        let text = fs::read_to_string(&layout).map_err(StoreError::at(&layout))?;
        let version = serde_json::from_str::<serde_json::Value>(&text).ok();
        if version.as_ref().and_then(|v| v["imageLayoutVersion"].as_str()) != Some("1.0.0") {
            return Err(StoreError::Layout { path: layout, text });
        }
        if !store.root.join("index.json").exists() {
            store.write_index()?;
        }
        Ok(store)
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.root
    }

    /// Where a blob is or would be.
    pub fn blob_path(&self, digest: Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// The folder of a repository. Its name is checked: this is the only way from a name to a path.
    fn repository_dir(&self, repository: &str) -> Result<PathBuf, StoreError> {
        crate::reference::check_repository(repository)
            .map_err(|reason| StoreError::Name { name: repository.to_owned(), reason })?;
        Ok(self.root.join("repositories").join(repository))
    }

    /// Held while links are written, so that nothing they refer to is removed meanwhile.
    fn lock_shared(&self) -> Result<File, StoreError> {
        self.lock(File::lock_shared)
    }

    /// Held while something is removed.
    fn lock_exclusive(&self) -> Result<File, StoreError> {
        self.lock(File::lock)
    }

    fn lock(&self, lock: impl Fn(&File) -> std::io::Result<()>) -> Result<File, StoreError> {
        let path = self.root.join("lock");
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(StoreError::at(&path))?;
        loop {
            match lock(&file) {
                Ok(()) => return Ok(file),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(StoreError::at(&path)(e)),
            }
        }
    }
}
