//! A request to stop, that a thread waiting for a process notices at once.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use rustix::event::{EventfdFlags, eventfd};

/// Cheap to clone; all clones are one request. Once asked, it stays asked.
#[derive(Debug, Clone)]
pub struct Stop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    event: OwnedFd,
    reason: OnceLock<Reason>,
}

/// Why work is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The run or its user wants it ended.
    Cancelled,
    /// Its time is over.
    TimedOut,
}

impl Stop {
    /// Nothing asked yet.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new() -> std::io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Inner { event, reason: OnceLock::new() })))
    }

    /// Asks; the first reason counts.
    pub fn ask(&self, reason: Reason) {
        if self.0.reason.set(reason).is_ok() {
            // The counter is never read, so the descriptor stays readable for every waiter.
            let _ = rustix::io::write(&self.0.event, &1_u64.to_ne_bytes());
        }
    }

    /// The reason, once asked.
    pub fn asked(&self) -> Option<Reason> {
        self.0.reason.get().copied()
    }
}

impl AsFd for Stop {
    /// Readable from the moment somebody asked.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.event.as_fd()
    }
}
