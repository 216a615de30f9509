//! Where texts come from.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What a build reads; tests give it texts without a file system.
pub trait Files {
    /// The path without links and `..`, and whether it is a folder.
    ///
    /// # Errors
    /// When there is nothing, or it may not be looked at.
    fn resolve(&self, path: &Path) -> io::Result<(PathBuf, bool)>;

    /// The content of a file; of a larger one the first `limit` bytes and one more.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
}

/// The files of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn resolve(&self, path: &Path) -> io::Result<(PathBuf, bool)> {
        let real = path.canonicalize()?;
        let metadata = real.metadata()?;
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder"));
        }
        Ok((real, metadata.is_dir()))
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        File::open(path)?.take(limit + 1).read_to_end(&mut content)?;
        Ok(content)
    }
}
