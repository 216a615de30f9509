//! Whether everything in a store is whole.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::Digest;

use super::manifests::read_link;
use super::repositories::names;
use super::{Store, StoreError};
use crate::media;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Report {
    /// Blobs that were read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Manifests of all repositories (one that is in two counts twice).
    pub manifests: u64,
    /// What is broken.
    pub problems: Vec<Problem>,
    /// Children of indexes that are not here. Normal when only some platforms were fetched.
    pub absent_children: Vec<Digest>,
    /// Unfinished files of processes that work now or were killed. Harmless; `sw store gc` removes old ones.
    pub leftovers: Vec<PathBuf>,
}

/// One broken thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Problem {
    /// The file, relative to the store.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl Report {
    /// Whether nothing is broken.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Store {
    /// Reads everything: each blob hashes to its name, each tag and link resolves, what each manifest needs is there.
    /// Blobs are read in parallel. Others may use the store meanwhile; only removals wait.
    ///
    /// # Errors
    /// When the store cannot be read at all; damage is reported, not an error.
    pub fn check(&self) -> Result<Report, StoreError> {
        let _lock = self.lock_shared()?;
        let mut check = Check { store: self, report: Report::default() };
        let damaged = check.blobs()?;
        for dir in self.all_repository_dirs()? {
            check.repository(&dir, &damaged)?;
        }
        check.leftovers(&self.tmp())?;
        let index = self.dir().join("index.json");
        let text = fs::read(&index).map_err(StoreError::at(&index))?;
        if crate::manifest::Manifest::detect_type(&text).is_err() {
            check.problem(&index, "not an index", "remove it; it is written again when the store is opened");
        }
        check.report.problems.sort();
        check.report.absent_children.sort();
        check.report.absent_children.dedup();
        Ok(check.report)
    }
}

struct Check<'a> {
    store: &'a Store,
    report: Report,
}

impl Check<'_> {
    fn problem(&mut self, path: &Path, what: impl Into<String>, advice: impl Into<String>) {
        let path = path.strip_prefix(self.store.dir()).unwrap_or(path).to_owned();
        self.report.problems.push(Problem { path, what: what.into(), advice: advice.into() });
    }

    /// Hashes all blobs; gives those that are damaged.
    fn blobs(&mut self) -> Result<BTreeSet<Digest>, StoreError> {
        let dir = self.store.dir().join("blobs/sha256");
        let mut digests = Vec::new();
        for name in names(&dir)? {
            match Digest::from_hex(&name) {
                Ok(digest) => digests.push(digest),
                Err(_) => self.problem(&dir.join(name), "not a blob", "remove it; no digest leads here"),
            }
        }
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        let work = || {
            while let Some(digest) = digests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = read_through(self.store, *digest);
                results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((*digest, result));
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(digests.len()) {
                scope.spawn(work);
            }
        });
        let mut damaged = BTreeSet::new();
        for (digest, result) in results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            self.report.blobs += 1;
            match result {
                Ok(bytes) => self.report.bytes += bytes,
                Err(e) => {
                    damaged.insert(digest);
                    let advice = "remove the file, then fetch or build again what needs it";
                    self.problem(&self.store.blob_path(digest), e.to_string(), advice);
                }
            }
        }
        Ok(damaged)
    }

    fn repository(&mut self, dir: &Path, damaged: &BTreeSet<Digest>) -> Result<(), StoreError> {
        for (path, digest) in self.links(&dir.join("_manifests"))? {
            let media_type = read_link(&path)?.unwrap_or_default();
            if media::is_manifest(&media_type) {
                self.report.manifests += 1;
            } else {
                self.problem(
                    &path,
                    format!("`{media_type}` is not a manifest type"),
                    "remove it, push again",
                );
            }
            if !damaged.contains(&digest) {
                self.needs(&path, digest)?;
            }
        }
        for (path, digest) in self.links(&dir.join("_blobs"))? {
            if !self.store.has(digest) {
                self.problem(
                    &path,
                    "the blob is not in the store",
                    "remove it, push or fetch the blob again",
                );
            }
        }
        for subject in names(&dir.join("_referrers"))? {
            // An entry without manifest comes from a process that was killed between the two; readers skip it.
            self.links(&dir.join("_referrers").join(subject))?;
        }
        for tag in names(&dir.join("_tags"))? {
            let path = dir.join("_tags").join(&tag);
            match read_link(&path)?.map(|text| text.parse::<Digest>()) {
                Some(Ok(digest)) if dir.join("_manifests").join(digest.hex()).exists() => {}
                Some(Ok(digest)) => {
                    let what = format!("manifest {digest} is not in the repository");
                    self.problem(&path, what, "remove it, push the image again");
                }
                Some(Err(e)) => self.problem(&path, e.to_string(), "remove it, push the image again"),
                None => {}
            }
        }
        self.leftovers(&dir.join("_uploads"))
    }

    /// Whether what a manifest needs is there; children that are there too need theirs.
    fn needs(&mut self, path: &Path, digest: Digest) -> Result<(), StoreError> {
        let mut pending = vec![digest];
        let mut seen = BTreeSet::new();
        while let Some(digest) = pending.pop() {
            if !seen.insert(digest) {
                continue;
            }
            let parsed = self.store.manifest_by_digest(digest).and_then(|m| m.map(|m| m.parse()).transpose());
            let manifest = match parsed {
                Ok(Some(manifest)) => manifest,
                Ok(None) => {
                    let what = format!("manifest {digest} is not in the store");
                    self.problem(path, what, "push or fetch the image again");
                    continue;
                }
                Err(e) => {
                    self.problem(path, e.to_string(), "push or fetch the image again");
                    continue;
                }
            };
            for blob in manifest.blobs() {
                let stored = self.store.size(blob.digest)?;
                let what = match stored {
                    Some(size) if size == blob.size => continue,
                    Some(size) => format!("blob {} has {size} bytes, {} expected", blob.digest, blob.size),
                    None => format!("blob {} is not in the store", blob.digest),
                };
                self.problem(path, format!("manifest {digest}: {what}"), "push or fetch the image again");
            }
            for child in manifest.children() {
                if self.store.has(child.digest) {
                    pending.push(child.digest);
                } else {
                    self.report.absent_children.push(child.digest);
                }
            }
        }
        Ok(())
    }

    /// Files of a folder whose names are digests; others are problems.
    fn links(&mut self, dir: &Path) -> Result<Vec<(PathBuf, Digest)>, StoreError> {
        let mut found = Vec::new();
        for name in names(dir)? {
            match Digest::from_hex(&name) {
                Ok(digest) => found.push((dir.join(name), digest)),
                Err(_) => self.problem(&dir.join(name), "not the name of a digest", "remove it"),
            }
        }
        Ok(found)
    }

    fn leftovers(&mut self, dir: &Path) -> Result<(), StoreError> {
        for name in names(dir)? {
            let path = dir.join(name);
            self.report.leftovers.push(path.strip_prefix(self.store.dir()).unwrap_or(&path).to_owned());
        }
        Ok(())
    }
}

/// Reads a blob to its end, which verifies it; gives its bytes.
fn read_through(store: &Store, digest: Digest) -> Result<u64, StoreError> {
    let mut reader = store.reader(digest)?;
    let mut buffer = vec![0; 128 << 10];
    let mut bytes = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(n) => bytes += n as u64,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(StoreError::at(store.blob_path(digest))(e)),
        }
    }
}
