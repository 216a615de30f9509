//! Files that appear complete or not at all, also after a power failure.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use super::{Store, StoreError};

impl Store {
    /// A new file in `tmp/`, locked so that the garbage collector of another process leaves it alone.
    pub(super) fn temporary(&self, prefix: &str) -> Result<NamedTempFile, StoreError> {
        let tmp = self.tmp();
        loop {
            let file = tempfile::Builder::new()
                .prefix(prefix)
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
                .tempfile_in(&tmp)
                .map_err(StoreError::at(&tmp))?;
            file.as_file().lock_shared().map_err(StoreError::at(file.path()))?;
            // A collector that spares nothing may have taken it for a leftover before it was locked.
            if file.path().exists() {
                return Ok(file);
            }
        }
    }

    /// Writes a small file: temporary file, fsync, rename, fsync of the directory. Makes the directory.
    pub(super) fn write_durably(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.temporary("file-")?;
        file.write_all(bytes).map_err(StoreError::at(path))?;
        persist(file, path)
    }

    /// Makes empty files in a directory that say something by their names.
    pub(super) fn write_links(
        &self,
        dir: &Path,
        names: impl IntoIterator<Item = String>,
    ) -> Result<(), StoreError> {
        make_dir(dir)?;
        let mut made = false;
        for name in names {
            let path = dir.join(name);
            match File::options().write(true).create_new(true).open(&path) {
                Ok(_) => made = true,
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(StoreError::at(path)(e)),
            }
        }
        if made { sync_dir(dir) } else { Ok(()) }
    }
}

/// Moves a finished temporary file to its place.
pub(super) fn persist(file: NamedTempFile, path: &Path) -> Result<(), StoreError> {
    file.as_file().sync_all().map_err(StoreError::at(path))?;
    let parent = parent(path);
    make_dir(parent)?;
    file.persist(path).map_err(|e| StoreError::at(path)(e.error))?;
    sync_dir(parent)
}

/// Removes a file; `false` when it was not there.
pub(super) fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(StoreError::at(path)(e)),
    }
}

pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(StoreError::at(dir))
}

fn make_dir(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(StoreError::at(dir))
}

fn parent(path: &Path) -> &Path {
    path.parent().expect("every path in a store has a directory")
}
