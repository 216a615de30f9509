//! Blobs that arrive in pieces, over several requests, perhaps with a restart between them.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use base::{Digest, Hasher};

use super::durable::{remove, sync_dir};
use super::{Store, StoreError};

impl Store {
    /// Starts an upload into a repository; gives its id (32 random hex digits, not to be guessed).
    ///
    /// # Errors
    /// When the name breaks the grammar or no file can be made.
    pub fn begin_upload(&self, repository: &str) -> Result<String, StoreError> {
        let dir = self.repository_dir(repository)?.join("_uploads");
        fs::create_dir_all(&dir).map_err(StoreError::at(&dir))?;
        let mut random = [0; 16];
        File::open("/dev/urandom")
            .and_then(|mut f| f.read_exact(&mut random))
            .map_err(StoreError::at("/dev/urandom"))?;
        let id: String = random.iter().map(|b| format!("{b:02x}")).collect();
        let path = dir.join(&id);
        File::options().write(true).create_new(true).open(&path).map_err(StoreError::at(&path))?;
        Ok(id)
    }

    /// Takes up an upload; only one holder at a time, in all processes.
    ///
    /// # Errors
    /// [`StoreError::NoUpload`], [`StoreError::UploadBusy`], or when the file cannot be opened.
    pub fn upload(&self, repository: &str, id: &str) -> Result<Upload, StoreError> {
        let dir = self.repository_dir(repository)?.join("_uploads");
        let gone = || StoreError::NoUpload { repository: repository.to_owned(), id: id.to_owned() };
        if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(gone());
        }
        let path = dir.join(id);
        let mut file = File::options().read(true).write(true).open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => gone(),
            _ => StoreError::at(&path)(e),
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::UploadBusy { id: id.to_owned() }),
            Err(TryLockError::Error(e)) => return Err(StoreError::at(&path)(e)),
        }
        // The holder before may have finished between open and lock.
        if !path.exists() {
            return Err(gone());
        }
        let offset = file.seek(SeekFrom::End(0)).map_err(StoreError::at(&path))?;
        let hasher = (offset == 0).then(Hasher::new);
        let (repository, id) = (repository.to_owned(), id.to_owned());
        Ok(Upload { store: self.clone(), repository, id, path, file, offset, hasher })
    }
}

/// An upload that this process holds: an [`io::Write`] that appends. Dropped, it stays for the next request.
pub struct Upload {
    store: Store,
    repository: String,
    id: String,
    path: PathBuf,
    file: File,
    offset: u64,
    /// Of all that has arrived; `None` when the earlier pieces came through another holder.
    hasher: Option<Hasher>,
}

/// The hash of what has arrived of an upload, to be kept in memory between two holders of it.
#[derive(Clone)]
pub struct UploadHash {
    offset: u64,
    hasher: Hasher,
}

impl Upload {
    /// Bytes that have arrived.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The hash so far, for the next holder; `None` when it is not known here.
    pub fn hash(&self) -> Option<UploadHash> {
        self.hasher.clone().map(|hasher| UploadHash { offset: self.offset, hasher })
    }

    /// Goes on with the hash of the holder before, so that [`Upload::commit`] need not read everything again. A hash of
    /// another length is ignored.
    pub fn continue_hash(&mut self, hash: UploadHash) {
        if hash.offset == self.offset {
            self.hasher = Some(hash.hasher);
        }
    }

    /// Whether a piece that starts at `start` continues the upload.
    ///
    /// # Errors
    /// [`StoreError::UploadOffset`] when it does not.
    pub fn expect_offset(&self, start: u64) -> Result<(), StoreError> {
        if start == self.offset {
            return Ok(());
        }
        Err(StoreError::UploadOffset { id: self.id.clone(), have: self.offset, start })
    }

    /// Appends all that `from` gives; gives the new offset. What arrived before an error stays.
    ///
    /// # Errors
    /// When reading or writing fails.
    pub fn append(&mut self, from: &mut impl Read) -> Result<u64, StoreError> {
        io::copy(from, self).map_err(StoreError::at(&self.path))?;
        Ok(self.offset)
    }

    /// Verifies the content and makes it a blob of the repository. On a mismatch the upload is removed.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`], or when files cannot be read or moved.
    pub fn commit(mut self, expected: Digest) -> Result<Digest, StoreError> {
        let io = StoreError::at(&self.path);
        let hasher = match self.hasher.take() {
            Some(hasher) => hasher,
            // The hash of the earlier pieces was lost with an earlier process; so it is made here, from the disk.
            None => {
                self.file.seek(SeekFrom::Start(0)).map_err(&io)?;
                let mut hasher = Hasher::new();
                io::copy(&mut self.file, &mut hasher).map_err(&io)?;
                hasher
            }
        };
        let found = hasher.finish();
        if found != expected {
            remove(&self.path)?;
            return Err(StoreError::Mismatch { expected, found });
        }
        super::blob::set_now(&self.file).map_err(&io)?;
        self.file.sync_all().map_err(&io)?;
        let blob = self.store.blob_path(found);
        fs::rename(&self.path, &blob).map_err(StoreError::at(&blob))?;
        sync_dir(&self.store.dir().join("blobs/sha256"))?;
        self.store.link_blob(&self.repository, found)?;
        Ok(found)
    }

    /// Throws the upload away.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn cancel(self) -> Result<(), StoreError> {
        remove(&self.path).map(|_| ())
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes).map_err(|e| StoreError::at(self.store.dir())(e).into_io())?;
        self.offset += n as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes[..n]);
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
