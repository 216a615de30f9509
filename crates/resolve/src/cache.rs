//! What was fetched, on disk.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base::Digest;
use serde::{Deserialize, Serialize};
use tekton::types::Param;

use crate::source::Fetched;

/// Definitions by what asked for them, a file each. Only their owner can read them: repositories may be private.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

/// What stands in a file.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// For people who look into the folder.
    asked: String,
    /// SHA-256 of the text: a file that was damaged is not used.
    digest: Digest,
    #[serde(flatten)]
    fetched: Fetched,
}

/// A definition of the cache.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The definition.
    pub fetched: Fetched,
    /// How long ago it was fetched.
    pub age: Duration,
}

/// What stands for a reference: its resolver with its parameters in any order.
pub fn key(resolver: &str, params: &[Param]) -> Digest {
    let mut list: Vec<(&str, String)> = params
        .iter()
        .map(|p| (p.name.as_str(), serde_json::to_string(&p.value).unwrap_or_default()))
        .collect();
    list.sort();
    let mut hasher = base::Hasher::new();
    hasher.field(resolver);
    for (name, value) in list {
        hasher.field(name);
        hasher.field(value);
    }
    hasher.finish()
}

impl Cache {
    /// Kept in `dir`, which is made when needed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// What was fetched for `key` before; nothing when the file is not there or not whole.
    pub fn read(&self, key: Digest) -> Option<Kept> {
        let path = self.path(key);
        let entry: Entry = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        if Digest::of(&entry.fetched.text) != entry.digest {
            return None;
        }
        let written = fs::metadata(&path).and_then(|m| m.modified()).ok()?;
        let age = SystemTime::now().duration_since(written).unwrap_or_default();
        Some(Kept { fetched: entry.fetched, age })
    }

    /// Keeps what was fetched for `key`; `asked` describes the reference.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, key: Digest, asked: &str, fetched: &Fetched) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let digest = Digest::of(&fetched.text);
        let entry = Entry { asked: asked.to_owned(), digest, fetched: fetched.clone() };
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(&serde_json::to_vec_pretty(&entry)?)?;
        file.persist(self.path(key))?;
        Ok(())
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, key: Digest) -> PathBuf {
        self.dir.join(format!("{}.json", key.hex()))
    }
}
