//! Pieces of files on their way to the network, in buffers that are filled again when they were sent.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustix::buffer::spare_capacity;

/// Large enough that switching threads costs nothing, small enough to stay in the processor's cache.
const PIECE: usize = 512 << 10;

/// Buffers of one transfer.
#[derive(Clone, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// Reads the piece at `offset`, at most `left` bytes.
    ///
    /// # Errors
    /// When reading fails, or the file ends before (`UnexpectedEof`): a piece is never empty.
    pub(crate) fn read(&self, file: &File, offset: u64, left: u64) -> io::Result<Bytes> {
        let mut bytes = self.take();
        rustix::io::retry_on_intr(|| rustix::io::pread(file, spare_capacity(&mut bytes), offset))?;
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        if bytes.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("it ends after {offset} bytes"),
            ));
        }
        Ok(Bytes::from_owner(Piece { bytes, buffers: self.clone() }))
    }

    fn take(&self) -> Vec<u8> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| Vec::with_capacity(PIECE))
    }
}

/// A filled buffer that goes back when the network is done with it.
struct Piece {
    bytes: Vec<u8>,
    buffers: Buffers,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.buffers.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    #[test]
    fn buffers_are_used_again() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; PIECE + 10]).unwrap();
        let buffers = Buffers::default();
        let first = buffers.read(&file, 0, u64::MAX).unwrap();
        let address = first.as_ptr();
        assert_eq!(first.len(), PIECE);
        drop(first);
        let second = buffers.read(&file, PIECE as u64, u64::MAX).unwrap();
        assert_eq!((second.len(), second.as_ptr()), (10, address));
        assert_eq!(buffers.read(&file, 0, 3).unwrap().as_ref(), [7, 7, 7]);
        let past = buffers.read(&file, PIECE as u64 + 10, 1).unwrap_err();
        assert_eq!(past.kind(), io::ErrorKind::UnexpectedEof);
    }
}
