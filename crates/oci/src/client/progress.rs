//! What a transfer tells while it runs.

use base::Digest;

/// How a blob came to be where it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its bytes were sent or fetched.
    Copied,
    /// It was there already.
    Present,
    /// The registry took it from another of its repositories.
    Mounted,
}

/// Hears how transfers go, from several threads at once; every method has a default that does nothing.
pub trait Progress: Send + Sync {
    /// `done` of `total` bytes of a blob have been transferred. May go back when a transfer starts again.
    fn transferred(&self, digest: Digest, done: u64, total: u64) {
        let _ = (digest, done, total);
    }

    /// A blob is where it should be.
    fn finished(&self, digest: Digest, size: u64, outcome: Outcome) {
        let _ = (digest, size, outcome);
    }

    /// A request failed and will be made again: for logs.
    fn retrying(&self, reason: &str) {
        let _ = reason;
    }

    /// Whether to stop as soon as possible, with [`ClientError::Cancelled`](super::ClientError::Cancelled).
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody listens.
impl Progress for () {}
