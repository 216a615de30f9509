//! Entries and contents of the step cache on disk.
//!
//! ```text
//! steps/lock           held shared while something is read or written, alone while something is removed
//!      /secret         makes keys
//!      /entries/<key>  what came of a task; its time of change is when it was used last
//!      /contents/<digest>   files that entries name
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base::{Digest, Hasher};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use tekton::types::{RunResult, StepState, status::Artifacts};

use crate::durable;

use super::tree::Change;

/// A step cache keeps at most so many bytes; what was not used for longest goes first.
pub const LIMIT: u64 = 10 << 30;

/// What came of a task that succeeded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The steps as their status shows them.
    pub steps: Vec<StepState>,
    /// The results.
    pub results: Vec<RunResult>,
    /// Inputs and outputs.
    pub artifacts: Option<Artifacts>,
    /// What changed in each volume that steps can write to, in the order of the key.
    pub changes: Vec<Change>,
    /// What the steps printed.
    pub logs: BTreeMap<String, Digest>,
}

impl Entry {
    fn contents(&self) -> impl Iterator<Item = Digest> {
        let files = self.changes.iter().flat_map(|c| c.contents().map(|(_, digest)| digest));
        files.chain(self.logs.values().copied())
    }
}

/// A step cache.
#[derive(Debug, Clone)]
pub struct StepCache {
    dir: PathBuf,
}

/// How much a step cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Tasks.
    pub entries: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

impl StepCache {
    /// The cache in `dir`, made if it is new. Only its owner can look into it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: impl Into<PathBuf>) -> io::Result<Self> {
        let dir = dir.into();
        for folder in ["entries", "contents"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        fs::set_permissions(&dir, Permissions::from_mode(0o700))?;
        let cache = Self { dir };
        let alone = cache.lock(FlockOperation::LockExclusive)?;
        if !cache.dir.join("secret").exists() {
            let secret = format!("{:032x}{:032x}", fastrand::u128(..), fastrand::u128(..));
            durable::write(&cache.dir.join("secret"), secret.as_bytes())?;
        }
        drop(alone);
        Ok(cache)
    }

    /// What makes its keys.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn secret(&self) -> io::Result<Vec<u8>> {
        fs::read(self.dir.join("secret"))
    }

    /// What is kept under a key. Damaged entries count as none: every content is digested before it is used.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn find(&self, key: Digest) -> io::Result<Option<Found<'_>>> {
        let lock = self.lock(FlockOperation::LockShared)?;
        let path = self.entry(key);
        let bytes = match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let Ok(entry) = serde_json::from_slice::<Entry>(&bytes) else { return Ok(None) };
        for digest in entry.contents() {
            let mut hasher = Hasher::new();
            let read = File::open(self.content(digest)).and_then(|mut f| io::copy(&mut f, &mut hasher));
            if read.is_err() || hasher.finish() != digest {
                fs::remove_file(&path)?;
                return Ok(None);
            }
        }
        File::open(&path)?.set_modified(SystemTime::now())?;
        Ok(Some(Found { cache: self, entry, _lock: lock }))
    }

    /// Keeps `entry` under `key`. `files` are its contents by digest.
    ///
    /// # Errors
    /// When it cannot be written, or a file is not any more what it was.
    pub fn keep(&self, key: Digest, entry: &Entry, files: &BTreeMap<Digest, PathBuf>) -> io::Result<()> {
        let _lock = self.lock(FlockOperation::LockShared)?;
        for digest in entry.contents() {
            let to = self.content(digest);
            if to.exists() {
                continue;
            }
            let from = files.get(&digest).ok_or_else(|| io::Error::other("a file of it is missing"))?;
            let mut new = tempfile::NamedTempFile::new_in(self.dir.join("contents"))?;
            io::copy(&mut File::open(from)?, &mut new)?;
            let mut hasher = Hasher::new();
            io::copy(&mut new.reopen()?, &mut hasher)?;
            if hasher.finish() != digest {
                return Err(io::Error::other(format!("{} changes while it is read", from.display())));
            }
            new.persist(to)?;
        }
        durable::write(&self.entry(key), &serde_json::to_vec(entry)?)
    }

    /// How much there is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn held(&self) -> io::Result<Held> {
        let sizes = |folder: &str| -> io::Result<Vec<u64>> {
            fs::read_dir(self.dir.join(folder))?.map(|e| Ok(e?.metadata()?.len())).collect()
        };
        let (entries, contents) = (sizes("entries")?, sizes("contents")?);
        Ok(Held {
            entries: entries.len() as u64,
            bytes: entries.iter().sum::<u64>() + contents.iter().sum::<u64>(),
        })
    }

    /// Removes the entries that were not used for longest until there are at most `limit` bytes; waits until nobody else
    /// uses the cache.
    ///
    /// # Errors
    /// When it cannot be read, or something not be removed.
    pub fn trim(&self, limit: u64) -> io::Result<()> {
        let _alone = self.lock(FlockOperation::LockExclusive)?;
        let mut entries = Vec::new();
        for file in fs::read_dir(self.dir.join("entries"))? {
            let file = file?;
            let used = file.metadata()?.modified()?;
            entries.push((used, file.path(), file.metadata()?.len()));
        }
        // The newest first: what fits is kept.
        entries.sort_by_key(|(used, ..)| std::cmp::Reverse(*used));
        let (mut total, mut kept) = (0, BTreeSet::new());
        for (_, path, size) in entries {
            let parsed = fs::read(&path).ok().and_then(|b| serde_json::from_slice::<Entry>(&b).ok());
            let contents: BTreeSet<Digest> = parsed.iter().flat_map(Entry::contents).collect();
            let new: Vec<Digest> = contents.difference(&kept).copied().collect();
            let sizes = new.iter().filter_map(|d| fs::metadata(self.content(*d)).ok()).map(|m| m.len());
            let cost = size + sizes.sum::<u64>();
            if parsed.is_none() || total + cost > limit {
                fs::remove_file(path)?;
                continue;
            }
            total += cost;
            kept.extend(new);
        }
        let kept: BTreeSet<String> = kept.iter().map(Digest::hex).collect();
        for file in fs::read_dir(self.dir.join("contents"))? {
            let file = file?;
            if !kept.contains(&*file.file_name().to_string_lossy()) {
                fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    fn lock(&self, how: FlockOperation) -> io::Result<File> {
        let lock = File::options().write(true).create(true).truncate(false).open(self.dir.join("lock"))?;
        flock(&lock, how)?;
        Ok(lock)
    }

    fn entry(&self, key: Digest) -> PathBuf {
        self.dir.join("entries").join(key.hex())
    }

    fn content(&self, digest: Digest) -> PathBuf {
        self.dir.join("contents").join(digest.hex())
    }
}

/// An entry that was found. As long as it lives, nothing is removed from the cache.
#[derive(Debug)]
pub struct Found<'a> {
    cache: &'a StepCache,
    /// What came of the task.
    pub entry: Entry,
    _lock: File,
}

impl Found<'_> {
    /// Does to these folders, given in the order of the key, what the task did.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn replay(&self, folders: &[PathBuf]) -> io::Result<()> {
        for (change, folder) in self.entry.changes.iter().zip(folders) {
            change.apply(folder, |digest| File::open(self.cache.content(digest)))?;
        }
        Ok(())
    }

    /// Copies what a step printed.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn log(&self, step: &str, to: &Path) -> io::Result<()> {
        match self.entry.logs.get(step) {
            Some(digest) => {
                // What stands there may be shared with the record of an earlier run.
                match fs::remove_file(to) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
                    _ => fs::copy(self.cache.content(*digest), to).map(drop),
                }
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn entry(cache: &StepCache, dir: &Path, key: &str, text: &str) -> Digest {
        let path = dir.join(key);
        fs::write(&path, text).unwrap();
        let digest = Digest::of(text);
        let entry = Entry { logs: [("s".to_owned(), digest)].into(), ..Entry::default() };
        let key = Digest::of(key);
        cache.keep(key, &entry, &[(digest, path)].into()).unwrap();
        key
    }

    #[test]
    fn what_is_kept_is_found_until_it_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let cache = StepCache::open(dir.path().join("cache")).unwrap();
        let key = entry(&cache, dir.path(), "a", "printed");
        assert_eq!(StepCache::open(dir.path().join("cache")).unwrap().secret().unwrap().len(), 64);
        let found = cache.find(key).unwrap().unwrap();
        found.log("s", &dir.path().join("log")).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("log")).unwrap(), "printed");
        drop(found);
        assert!(cache.find(Digest::of("b")).unwrap().is_none());
        fs::write(cache.content(Digest::of("printed")), "Printed").unwrap();
        assert!(cache.find(key).unwrap().is_none());
        assert_eq!(cache.held().unwrap().entries, 0);
    }

    #[test]
    fn trimming_removes_what_was_not_used_for_longest() {
        let dir = tempfile::tempdir().unwrap();
        let cache = StepCache::open(dir.path().join("cache")).unwrap();
        let text = "x".repeat(1000);
        let keys = ["a", "b", "c"].map(|k| entry(&cache, dir.path(), k, &format!("{k}{text}")));
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        for (key, second) in keys.iter().zip([1, 2, 3]) {
            File::open(cache.entry(*key)).unwrap().set_modified(at(second)).unwrap();
        }
        drop(cache.find(keys[0]).unwrap());
        cache.trim(2800).unwrap();
        assert!(cache.find(keys[1]).unwrap().is_none());
        assert!(cache.find(keys[0]).unwrap().is_some() && cache.find(keys[2]).unwrap().is_some());
        cache.trim(0).unwrap();
        assert_eq!(cache.held().unwrap(), Held::default());
    }
}
