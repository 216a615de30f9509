//! Content by digest.

use std::fs::File;
use std::io::{self, Read, Write};

use base::{Digest, Hasher};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW};
use tempfile::NamedTempFile;

use super::durable::persist;
use super::{Store, StoreError};

impl Store {
    /// Whether the blob is here. Its content is not looked at.
    pub fn has(&self, digest: Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    /// Like [`Store::has`], and the garbage collector spares the blob for some time, as if it had just been written.
    ///
    /// Ask this before skipping a download.
    ///
    /// # Errors
    /// When the time of the file cannot be set.
    pub fn claim(&self, digest: Digest) -> Result<bool, StoreError> {
        let path = self.blob_path(digest);
        match File::open(&path) {
            Ok(file) => {
                set_now(&file).map_err(StoreError::at(&path))?;
                // Between open and now the collector may have removed it.
                Ok(self.has(digest))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(StoreError::at(&path)(e)),
        }
    }

    /// Bytes of the blob, or `None` when it is not here.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn size(&self, digest: Digest) -> Result<Option<u64>, StoreError> {
        let path = self.blob_path(digest);
        match path.metadata() {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::at(&path)(e)),
        }
    }

    /// Opens the blob for reading, seeking or serving. What is read is not verified; see [`Store::reader`].
    ///
    /// # Errors
    /// When it is not here or cannot be opened.
    pub fn open_blob(&self, digest: Digest) -> Result<File, StoreError> {
        let path = self.blob_path(digest);
        File::open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => StoreError::NoBlob { digest, store: self.dir().to_owned() },
            _ => StoreError::at(&path)(e),
        })
    }

    /// Reads the blob piece by piece; reading the end fails when the content is not what the digest says.
    ///
    /// # Errors
    /// When it is not here or cannot be opened.
    pub fn reader(&self, digest: Digest) -> Result<BlobReader, StoreError> {
        let file = self.open_blob(digest)?;
        Ok(BlobReader { store: self.clone(), digest, file, hasher: Some(Hasher::new()), read: 0 })
    }

    /// The whole blob, verified.
    ///
    /// # Errors
    /// When it is not here, has more than `limit` bytes, or is damaged.
    pub fn read(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, StoreError> {
        let mut reader = self.reader(digest)?;
        let path = self.blob_path(digest);
        let size = reader.file.metadata().map_err(StoreError::at(&path))?.len();
        if size > limit {
            return Err(StoreError::TooLarge { digest, size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        reader.read_to_end(&mut bytes).map_err(StoreError::at(&path))?;
        Ok(bytes)
    }

    /// Starts a new blob.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub fn writer(&self) -> Result<BlobWriter, StoreError> {
        Ok(BlobWriter {
            store: self.clone(),
            file: self.temporary("blob-")?,
            hasher: Hasher::new(),
            written: 0,
        })
    }

    /// Stores bytes; gives their digest.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put(&self, bytes: impl AsRef<[u8]>) -> Result<Digest, StoreError> {
        let mut writer = self.writer()?;
        writer.write_all(bytes.as_ref()).map_err(StoreError::at(writer.file.path()))?;
        writer.commit(None)
    }

    /// Stores all that `from` gives; gives digest and size.
    ///
    /// # Errors
    /// When reading or writing fails, or the digest is not the expected one.
    pub fn put_from(
        &self,
        from: &mut impl Read,
        expected: Option<Digest>,
    ) -> Result<(Digest, u64), StoreError> {
        let mut writer = self.writer()?;
        io::copy(from, &mut writer).map_err(StoreError::at(writer.file.path()))?;
        let size = writer.written();
        Ok((writer.commit(expected)?, size))
    }

    /// Moves a complete, hashed temporary file to its place among the blobs.
    ///
    /// An older file is replaced, which repairs it in case it was damaged.
    pub(super) fn adopt(&self, file: NamedTempFile, digest: Digest) -> Result<(), StoreError> {
        set_now(file.as_file()).map_err(StoreError::at(file.path()))?;
        persist(file, &self.blob_path(digest))
    }
}

/// The collector's clock: age counts from here.
pub(super) fn set_now(file: &File) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(rustix::fs::futimens(file, &Timestamps { last_access: now, last_modification: now })?)
}

/// A blob that is being written: an [`io::Write`] that hashes. Dropped without commit, it leaves nothing.
pub struct BlobWriter {
    store: Store,
    file: NamedTempFile,
    hasher: Hasher,
    written: u64,
}

impl BlobWriter {
    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Makes the blob visible, durably; gives its digest.
    ///
    /// # Errors
    /// When the digest is not the expected one (nothing is stored then), or the file cannot be moved to its place.
    pub fn commit(self, expected: Option<Digest>) -> Result<Digest, StoreError> {
        let found = self.hasher.finish();
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(StoreError::Mismatch { expected, found });
        }
        self.store.adopt(self.file, found)?;
        Ok(found)
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self
            .file
            .as_file_mut()
            .write(bytes)
            .map_err(|e| StoreError::at(self.store.dir())(e).into_io())?;
        self.hasher.update(&bytes[..n]);
        self.written += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// Reads a blob and verifies it: instead of the end of a damaged blob comes an error.
pub struct BlobReader {
    store: Store,
    digest: Digest,
    file: File,
    /// `None` when the end was reached and verified.
    hasher: Option<Hasher>,
    read: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        if n > 0 {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..n]);
            }
            self.read += n as u64;
        } else if !buffer.is_empty()
            && let Some(hasher) = self.hasher.take()
        {
            let found = hasher.finish();
            if found != self.digest {
                let problem = format!("its {} bytes have digest {found}", self.read);
                return Err(self.store.damaged(self.digest, problem).into_io());
            }
        }
        Ok(n)
    }
}

impl Store {
    pub(crate) fn damaged(&self, digest: Digest, problem: String) -> StoreError {
        StoreError::Damaged { digest, store: self.dir().to_owned(), problem }
    }
}
