//! Removal of what nothing refers to.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base::Digest;

use super::durable::remove;
use super::repositories::names;
use super::{Store, StoreError};
use crate::manifest::Manifest;

/// What a garbage collection spares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcOptions {
    /// Blobs, temporary files and uploads that were written or claimed less than this ago stay: somebody may be about to
    /// refer to them.
    pub spare_younger_than: Duration,
}

impl Default for GcOptions {
    /// A day.
    fn default() -> Self {
        Self { spare_younger_than: Duration::from_secs(24 * 3600) }
    }
}

/// What a garbage collection removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct GcReport {
    /// Blobs that no manifest needs.
    pub blobs: u64,
    /// Temporary files and uploads that nobody continues.
    pub leftovers: u64,
    /// Bytes of both.
    pub bytes: u64,
}

impl Store {
    /// Removes blobs that no manifest of any repository needs, and files that were never finished. Others may go on
    /// reading and writing meanwhile; links wait until it is done.
    ///
    /// # Errors
    /// When a manifest is damaged (nothing is removed then, because what it needs is unknown), or files cannot be removed.
    pub fn gc(&self, options: GcOptions) -> Result<GcReport, StoreError> {
        let _lock = self.lock_exclusive()?;
        let used = self.used()?;
        let now = self.now()?;
        let old = |metadata: &fs::Metadata| {
            metadata
                .modified()
                .is_ok_and(|at| now.duration_since(at).unwrap_or_default() >= options.spare_younger_than)
        };
        let mut report = GcReport::default();
        let blobs = self.dir().join("blobs/sha256");
        for name in names(&blobs)? {
            let Ok(digest) = Digest::from_hex(&name) else { continue };
            let Some(metadata) = metadata(&blobs.join(name))? else { continue };
            if !used.contains(&digest) && old(&metadata) && self.remove_blob(digest)? {
                report.blobs += 1;
                report.bytes += metadata.len();
            }
        }
        let uploads = self.all_repository_dirs()?.into_iter().map(|dir| dir.join("_uploads"));
        for dir in uploads.chain([self.tmp()]) {
            for name in names(&dir)? {
                let path = dir.join(name);
                let Some(metadata) = metadata(&path)? else { continue };
                if !metadata.is_file() || !old(&metadata) {
                    continue;
                }
                // Held until the file is gone, so that nobody takes it up meanwhile.
                let Some(_idle) = lock_idle(&path) else { continue };
                if remove(&path)? {
                    report.leftovers += 1;
                    report.bytes += metadata.len();
                }
            }
        }
        Ok(report)
    }

    /// Digests of all manifests of all repositories and of what they need.
    fn used(&self) -> Result<HashSet<Digest>, StoreError> {
        let mut used = HashSet::new();
        let mut pending = Vec::new();
        for repository in self.repositories()? {
            pending.extend(self.manifests(&repository)?.into_iter().map(|(digest, _)| digest));
        }
        while let Some(digest) = pending.pop() {
            if !used.insert(digest) {
                continue;
            }
            // A child of a sparse index may be missing.
            let Some(stored) = self.manifest_by_digest(digest)? else { continue };
            let manifest: Manifest = stored.parse()?;
            used.extend(manifest.blobs().iter().map(|d| d.digest));
            pending.extend(manifest.children().iter().map(|d| d.digest));
        }
        Ok(used)
    }

    /// The time by the clock of the file system, which is the one that dated the files.
    fn now(&self) -> Result<SystemTime, StoreError> {
        let probe = self.temporary("clock-")?;
        probe.as_file().metadata().and_then(|m| m.modified()).map_err(StoreError::at(probe.path()))
    }
}

fn metadata(path: &Path) -> Result<Option<fs::Metadata>, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(StoreError::at(path)(e)),
    }
}

/// Locks a file that no process holds; writers lock what they write.
fn lock_idle(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    file.try_lock().is_ok().then_some(file)
}
