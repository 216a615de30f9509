//! The directory of unpacked layers.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use base::Digest;

use super::beneath;
use super::extract::{Namespace, extract};
use super::parents::complete;
use super::{Limits, Notes, Skipped, UnpackError};
use crate::image::{Image, ImageLayer};
use crate::layer::LayerReader;
use crate::store::Store;

/// Bump it when layers are unpacked differently.
const FORM: &str = "1";

/// A directory of unpacked layers; several processes may use it.
///
/// ```text
/// form            version, and whose attributes mark what is hidden
/// HEX/fs          a layer in overlayfs form; HEX is its diff id
/// HEX/notes.json  Notes
/// HEX/implied     paths of directories that no entry described, each ended by a NUL byte
/// locks/HEX       held while the layer is unpacked
/// tmp/HEX         a layer that is being unpacked, or was when the process died
/// ```
#[derive(Debug, Clone)]
pub struct Layers {
    dir: PathBuf,
    limits: Limits,
    namespace: Namespace,
}

/// A layer on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// In overlayfs form.
    pub path: PathBuf,
    /// What is worth knowing about it.
    pub notes: Notes,
}

/// The layers of an image, ready to be stacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lower {
    /// Highest first, at least two.
    pub dirs: Vec<PathBuf>,
    /// Overlayfs must read `user.overlay.*` instead of `trusted.overlay.*`.
    pub user_xattr: bool,
    /// What could not be unpacked as the layers say.
    pub skipped: Vec<Skipped>,
}

impl Layers {
    /// Opens the directory; makes it when it is missing.
    ///
    /// # Errors
    /// When it cannot be made or written, or has layers in another form.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, UnpackError> {
        let dir = dir.as_ref();
        for sub in ["locks", "tmp"] {
            fs::create_dir_all(dir.join(sub)).map_err(UnpackError::at(dir))?;
        }
        let dir = fs::canonicalize(dir).map_err(UnpackError::at(dir))?;
        let namespace = namespace(&dir)?;
        let expected = format!("{FORM} {}", if namespace == Namespace::User { "user" } else { "trusted" });
        let path = dir.join("form");
        match fs::read_to_string(&path) {
            Ok(found) if found == expected => {}
            Ok(found) => return Err(UnpackError::Form { dir, found, expected }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                write_whole(&path, expected.as_bytes(), &dir.join("tmp"))?;
            }
            Err(e) => return Err(UnpackError::at(path)(e)),
        }
        Ok(Self { dir, limits: Limits::default(), namespace })
    }

    /// The same directory with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// A layer that is already unpacked.
    ///
    /// # Errors
    /// When what is known about it cannot be read.
    pub fn get(&self, diff_id: Digest) -> Result<Option<Unpacked>, UnpackError> {
        let path = self.dir.join(diff_id.hex()).join("notes.json");
        match fs::read(&path) {
            Ok(json) => {
                let notes = serde_json::from_slice(&json).map_err(|e| UnpackError::at(&path)(e.into()))?;
                Ok(Some(Unpacked { path: path.with_file_name("fs"), notes }))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(UnpackError::at(path)(e)),
        }
    }

    /// Unpacks a layer of the store, unless that is done already. When another process is at it, waits for that.
    ///
    /// # Errors
    /// When the layer is damaged, refused, too large, or cannot be written; nothing of it is left then.
    pub fn unpack(&self, store: &Store, layer: &ImageLayer) -> Result<Unpacked, UnpackError> {
        if let Some(done) = self.get(layer.diff_id)? {
            return Ok(done);
        }
        let blob = store.reader(layer.descriptor.digest)?;
        match self.unpack_from(blob, &layer.descriptor.media_type, layer.diff_id) {
            // A damaged blob mostly shows as broken compression first; say what is behind it.
            Err(e @ (UnpackError::Tar { .. } | UnpackError::DiffId { .. } | UnpackError::Refused { .. })) => {
                let mut blob = store.reader(layer.descriptor.digest)?;
                io::copy(&mut blob, &mut io::sink()).map_err(crate::store::StoreError::at(store.dir()))?;
                Err(e)
            }
            result => result,
        }
    }

    /// Unpacks a layer that comes from anywhere.
    ///
    /// # Errors
    /// As for [`Layers::unpack`].
    pub fn unpack_from(
        &self,
        blob: impl Read,
        media_type: &str,
        diff_id: Digest,
    ) -> Result<Unpacked, UnpackError> {
        let _lock = self.lock(&diff_id.hex())?;
        if let Some(done) = self.get(diff_id)? {
            return Ok(done);
        }
        let reader = LayerReader::new(blob, media_type, self.limits.bytes)
            .map_err(|e| UnpackError::from_tar(&diff_id, e.into()))?;
        self.make(&diff_id.hex(), |dir| {
            let extracted = extract(reader, diff_id, &dir.join("fs"), &self.limits, self.namespace)?;
            if extracted.diff_id != diff_id {
                return Err(UnpackError::DiffId { expected: diff_id, found: extracted.diff_id });
            }
            Ok((extracted.notes, extracted.implied))
        })?;
        self.get(diff_id)?.ok_or_else(|| {
            let gone = io::Error::new(io::ErrorKind::NotFound, "removed while it was unpacked");
            UnpackError::at(self.dir.join(diff_id.hex()))(gone)
        })
    }

    /// Unpacks all layers of an image, several at once.
    ///
    /// # Errors
    /// Of the lowest layer that fails.
    pub fn prepare(&self, store: &Store, image: &Image) -> Result<Lower, UnpackError> {
        let next = std::sync::atomic::AtomicUsize::new(0);
        let done = std::sync::Mutex::new(Vec::new());
        let lock = || done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let work = || {
            loop {
                let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(layer) = image.layers.get(i) else { return };
                let result = self.unpack(store, layer);
                let failed = result.is_err();
                lock().push((i, result));
                if failed {
                    next.store(image.layers.len(), std::sync::atomic::Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(image.layers.len()) {
                scope.spawn(work);
            }
        });
        let mut results = std::mem::take(&mut *lock());
        results.sort_by_key(|(i, _)| *i);
        let unpacked = results.into_iter().map(|(_, result)| result).collect::<Result<Vec<_>, _>>()?;
        let skipped = unpacked.iter().flat_map(|layer| layer.notes.skipped.clone()).collect();
        // What lies below a layer that hides everything is not stacked at all: overlayfs ignores the mark at the root.
        let lowest = unpacked.iter().rposition(|layer| layer.notes.opaque_root).unwrap_or(0);
        let mut dirs: Vec<PathBuf> =
            unpacked[lowest..].iter().rev().map(|layer| layer.path.clone()).collect();
        let diff_ids: Vec<Digest> = image.layers[lowest..].iter().map(|layer| layer.diff_id).collect();
        if let Some(parents) = self.parents(&dirs, &diff_ids)? {
            dirs.insert(0, parents);
        }
        // Overlayfs takes nothing less than two layers when there is none to write to.
        while dirs.len() < 2 {
            dirs.push(self.empty(dirs.len())?);
        }
        Ok(Lower { dirs, user_xattr: self.namespace == Namespace::User, skipped })
    }

    /// Removes a layer. `false` when it was not there. It must not be mounted.
    ///
    /// # Errors
    /// When files cannot be removed.
    pub fn remove(&self, diff_id: Digest) -> Result<bool, UnpackError> {
        let name = diff_id.hex();
        let _lock = self.lock(&name)?;
        let (path, tmp) = (self.dir.join(&name), self.dir.join("tmp").join(&name));
        self.clear_tmp(&name)?;
        match fs::rename(&path, &tmp) {
            Ok(()) => self.clear_tmp(&name).map(|()| true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(UnpackError::at(path)(e)),
        }
    }

    /// Removes what processes left that died while they unpacked; gives how many. Layers that are being unpacked stay.
    ///
    /// # Errors
    /// When files cannot be removed.
    pub fn remove_leftovers(&self) -> Result<u64, UnpackError> {
        let tmp = self.dir.join("tmp");
        let mut removed = 0;
        for entry in fs::read_dir(&tmp).map_err(UnpackError::at(&tmp))? {
            let name = entry.map_err(UnpackError::at(&tmp))?.file_name().to_string_lossy().into_owned();
            let path = self.dir.join("locks").join(&name);
            // Without a lock it is a probe of a process that opens the directory now; that one removes it.
            let Ok(lock) = File::open(path) else { continue };
            if lock.try_lock().is_ok() {
                self.clear_tmp(&name)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Diff ids of all layers that are unpacked, sorted.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Digest>, UnpackError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(UnpackError::at(&self.dir))? {
            let name = entry.map_err(UnpackError::at(&self.dir))?.file_name();
            found.extend(name.to_str().and_then(|name| Digest::from_hex(name).ok()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// A layer on top that gives directories, which the image's layers use without describing them, the mode and owner
    /// that a layer further down gave them; `None` when there is nothing to correct.
    fn parents(&self, dirs: &[PathBuf], diff_ids: &[Digest]) -> Result<Option<PathBuf>, UnpackError> {
        let mut stack = Vec::new();
        for dir in dirs {
            let path = dir.with_file_name("implied");
            let implied = fs::read(&path).map_err(UnpackError::at(&path))?;
            let implied = implied.split_inclusive(|b| *b == 0).map(|p| p[..p.len() - 1].to_vec()).collect();
            stack.push((dir.as_path(), implied));
        }
        let corrections = complete(&stack, self.namespace.opaque()).map_err(UnpackError::at(&self.dir))?;
        if corrections.is_empty() {
            return Ok(None);
        }
        let mut hasher = base::Hasher::new();
        diff_ids.iter().for_each(|id| hasher.field(id.hex()));
        let name = format!("parents-{}", hasher.finish().hex());
        let _lock = self.lock(&name)?;
        let path = self.dir.join(&name).join("fs");
        if !path.exists() {
            self.make(&name, |dir| {
                super::parents::write(&corrections, &dir.join("fs")).map_err(UnpackError::at(dir))?;
                Ok((Notes::default(), BTreeSet::new()))
            })?;
        }
        Ok(Some(path))
    }

    /// A layer with nothing in it, for images with less than two layers; overlayfs refuses the same one twice.
    fn empty(&self, number: usize) -> Result<PathBuf, UnpackError> {
        let name = format!("empty-{number}");
        let _lock = self.lock(&name)?;
        let path = self.dir.join(&name).join("fs");
        if !path.exists() {
            self.make(&name, |_| Ok((Notes::default(), BTreeSet::new())))?;
        }
        Ok(path)
    }

    /// Makes `name` complete or not at all. The caller holds its lock.
    fn make(
        &self,
        name: &str,
        fill: impl FnOnce(&Path) -> Result<(Notes, BTreeSet<Vec<u8>>), UnpackError>,
    ) -> Result<(), UnpackError> {
        // What a process left that died at it.
        self.clear_tmp(name)?;
        let tmp = self.dir.join("tmp").join(name);
        let io = || UnpackError::at(&tmp);
        fs::create_dir_all(tmp.join("fs")).map_err(io())?;
        let result = fill(&tmp).and_then(|(notes, implied)| {
            let json = serde_json::to_vec(&notes).expect("notes have only strings and numbers");
            fs::write(tmp.join("notes.json"), json).map_err(io())?;
            let implied: Vec<u8> = implied.into_iter().flat_map(|path| [path, vec![0]].concat()).collect();
            fs::write(tmp.join("implied"), implied).map_err(io())?;
            // A rename may reach the disk before the files do; after a power failure the layer would be there, but empty.
            let opened = File::open(&tmp).map_err(io())?;
            rustix::fs::syncfs(&opened).map_err(|e| io()(e.into()))?;
            fs::rename(&tmp, self.dir.join(name)).map_err(io())
        });
        if result.is_err() {
            // The first error is the one to tell.
            let _ = self.clear_tmp(name);
        }
        result
    }

    fn clear_tmp(&self, name: &str) -> Result<(), UnpackError> {
        let tmp = self.dir.join("tmp");
        File::open(&tmp)
            .and_then(|dir| beneath::remove(dir.as_fd(), name.as_bytes()))
            .map_err(UnpackError::at(tmp.join(name)))
    }

    fn lock(&self, name: &str) -> Result<File, UnpackError> {
        let path = self.dir.join("locks").join(name);
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(UnpackError::at(&path))?;
        file.lock().map_err(UnpackError::at(path))?;
        Ok(file)
    }
}

/// Whose attributes this process may write there.
fn namespace(dir: &Path) -> Result<Namespace, UnpackError> {
    let tmp = dir.join("tmp");
    let probe = tempfile::tempdir_in(&tmp).map_err(UnpackError::at(&tmp))?;
    let open = File::open(probe.path()).map_err(UnpackError::at(&tmp))?;
    match beneath::set_xattr(open.as_fd(), b".", Namespace::Trusted.opaque(), b"y") {
        Ok(()) => Ok(Namespace::Trusted),
        Err(_) => beneath::set_xattr(open.as_fd(), b".", Namespace::User.opaque(), b"y")
            .map(|()| Namespace::User)
            .map_err(UnpackError::at(&tmp)),
    }
}

fn write_whole(path: &Path, bytes: &[u8], tmp: &Path) -> Result<(), UnpackError> {
    let mut file = tempfile::NamedTempFile::new_in(tmp).map_err(UnpackError::at(path))?;
    io::Write::write_all(&mut file, bytes).map_err(UnpackError::at(path))?;
    file.as_file().sync_all().map_err(UnpackError::at(path))?;
    file.persist(path).map_err(|e| UnpackError::at(path)(e.error))?;
    Ok(())
}
