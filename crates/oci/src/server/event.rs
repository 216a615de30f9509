//! What an observer hears: for progress lines and logs.

use std::sync::Arc;
use std::time::Duration;

use base::Digest;

/// Something that happened in a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A piece of a blob went to a client.
    Sent {
        /// Whose blob.
        repository: &'a str,
        /// Which blob.
        digest: Digest,
        /// Bytes sent by this request so far.
        bytes: u64,
        /// Bytes that this request sends.
        total: u64,
    },
    /// A piece of a blob came from a client and is on disk.
    Received {
        /// For whom.
        repository: &'a str,
        /// Which upload.
        upload: &'a str,
        /// Bytes of the upload so far.
        bytes: u64,
    },
    /// A request was answered; the body of the answer may still be on its way.
    Answered {
        /// `GET`, `PUT` …
        method: &'a str,
        /// Path without arguments.
        path: &'a str,
        /// Status of the answer.
        status: u16,
        /// Time from the request's header to the answer's.
        took: Duration,
    },
}

/// Hears of everything that happens in a server, from several threads at once.
pub type Observer = Arc<dyn Fn(Event<'_>) + Send + Sync>;

/// Hears nothing.
pub fn unobserved() -> Observer {
    Arc::new(|_| {})
}
