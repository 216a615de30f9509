//! One blob from a registry; after a broken connection it goes on where it stopped.

use std::io::Write;

use base::Hasher;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE};

use super::Client;
use super::error::ClientError;
use super::progress::{Outcome, Progress};
use super::request::Request;
use super::send::{Answer, Failure};
use crate::manifest::Descriptor;
use crate::reference::Reference;
use crate::store::{Store, StoreError};

/// A try that brought so much was worth it: the count of failures starts again.
pub(super) const FAIR_SHARE: u64 = 8 << 20;

impl Client {
    /// Writes a blob of the repository to `sink` and checks it. When this fails, what was written is not to be trusted.
    ///
    /// # Errors
    /// When the registry does not give the blob within the tries, gives other content, or `sink` cannot be written.
    pub fn blob(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        sink: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        let mut hashing = Hashing { sink, hasher: Hasher::new() };
        self.download(reference, blob, &mut hashing, progress)?;
        let found = hashing.hasher.finish();
        if found != blob.digest {
            return Err(wrong(reference, blob, format!("it has digest {found}")));
        }
        Ok(())
    }

    /// Brings a blob into the store, unless it is there.
    pub(super) fn fetch_blob(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        store: &Store,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        // A blob of another size is damaged and fetched again.
        if store.claim(blob.digest)? && store.size(blob.digest)? == Some(blob.size) {
            progress.finished(blob.digest, blob.size, Outcome::Present);
            return Ok(());
        }
        let mut writer = store.writer()?;
        self.download(reference, blob, &mut writer, progress)?;
        writer.commit(Some(blob.digest)).map_err(|e| match e {
            StoreError::Mismatch { found, .. } => wrong(reference, blob, format!("it has digest {found}")),
            e => e.into(),
        })?;
        progress.finished(blob.digest, blob.size, Outcome::Copied);
        Ok(())
    }

    /// Writes the bytes of a blob, as many as it must have, without checking what they are.
    fn download(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        sink: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        let mut offset = 0;
        let mut failures = 0;
        loop {
            let before = offset;
            match self.download_rest(reference, blob, &mut offset, sink, progress) {
                Ok(()) => return Ok(()),
                Err(failure) => {
                    if offset - before >= FAIR_SHARE {
                        failures = 0;
                    }
                    let request = Request::blob(reference.repository(), blob.digest, offset);
                    failures =
                        self.sender.pause(reference.registry(), &request, progress, failure, failures)?;
                }
            }
        }
    }

    /// One try: from `offset` on, which moves with every byte that was written.
    fn download_rest(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        offset: &mut u64,
        sink: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        if *offset == blob.size && blob.size > 0 {
            // All bytes came, only the end of the answer did not.
            return Ok(());
        }
        let request = Request::blob(reference.repository(), blob.digest, *offset);
        let answer = self.sender.once(reference.registry(), &request, None)?;
        let mut skip =
            start_of(&answer, *offset).map_err(|reason| Failure::Final(wrong(reference, blob, reason)))?;
        let announced = answer.header(CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
        if let Some(announced) = announced
            && announced != blob.size - *offset + skip
        {
            let found = format!("it has {} bytes instead of {}", announced + *offset - skip, blob.size);
            return Err(Failure::Final(wrong(reference, blob, found)));
        }
        let mut response = answer.response;
        loop {
            if progress.cancelled() {
                return Err(Failure::Final(ClientError::Cancelled));
            }
            let piece = match response.chunk() {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(e) => return Err(broken(&e.reason, *offset, blob.size)),
            };
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
            skip -= skipped as u64;
            let fresh = &piece[skipped..];
            if *offset + fresh.len() as u64 > blob.size {
                let found = format!("it has more than {} bytes", blob.size);
                return Err(Failure::Final(wrong(reference, blob, found)));
            }
            sink.write_all(fresh).map_err(|e| Failure::Final(write_failed(e)))?;
            *offset += fresh.len() as u64;
            progress.transferred(blob.digest, *offset, blob.size);
        }
        if *offset < blob.size {
            return Err(broken("the answer ended early", *offset, blob.size));
        }
        Ok(())
    }
}

/// How many bytes at the start of an answer are known already; a registry may ignore that only the rest was wanted.
fn start_of(answer: &Answer, offset: u64) -> Result<u64, String> {
    if answer.response.status() != StatusCode::PARTIAL_CONTENT {
        return Ok(offset);
    }
    let range = answer.header(CONTENT_RANGE).unwrap_or_default();
    let start = range.strip_prefix("bytes ").and_then(|r| r.split_once('-')?.0.trim().parse::<u64>().ok());
    match start {
        Some(start) if start <= offset => Ok(offset - start),
        _ => Err(format!("the part from byte {offset} on was wanted, `{range}` came")),
    }
}

fn broken(reason: &str, offset: u64, size: u64) -> Failure {
    Failure::Passing { reason: format!("{reason}, after {offset} of {size} bytes"), after: None }
}

/// A writer of the store says more than an IO error does.
fn write_failed(error: std::io::Error) -> ClientError {
    match error.downcast::<StoreError>() {
        Ok(inner) => ClientError::Store(inner),
        Err(error) => ClientError::Write(error),
    }
}

fn wrong(reference: &Reference, blob: &Descriptor, found: String) -> ClientError {
    ClientError::WrongContent {
        registry: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
        expected: blob.digest,
        found,
    }
}

/// Hashes what passes through.
struct Hashing<'a> {
    sink: &'a mut dyn Write,
    hasher: Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.sink.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.sink.flush()
    }
}
