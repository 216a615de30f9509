//! The registry client: proven on Debian's registry, then on ours, then on servers and networks that misbehave.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "client/copy.rs"]
mod copy;
#[path = "client/faults.rs"]
mod faults;
#[path = "client/lies.rs"]
mod lies;
#[path = "client/login.rs"]
mod login;
#[path = "client/reach.rs"]
mod reach;
#[path = "client/transfer.rs"]
mod transfer;

use std::sync::Mutex;
use std::time::Duration;

use base::Digest;
use oci::client::{Client, ClientConfig, Outcome, Progress, RetryPolicy};

/// A client that does not wait long.
fn client() -> Client {
    Client::new(config())
}

fn config() -> ClientConfig {
    let retry = RetryPolicy {
        attempts: 4,
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(50),
    };
    ClientConfig { retry, ..ClientConfig::default() }
}

/// Remembers what it heard.
#[derive(Default)]
struct Listener {
    finished: Mutex<Vec<(Digest, Outcome)>>,
    transferred: Mutex<Vec<(Digest, u64, u64)>>,
    retries: Mutex<Vec<String>>,
    /// Says "stop" after so many bytes of one blob, when not zero.
    stop_after: u64,
}

impl Progress for Listener {
    fn transferred(&self, digest: Digest, done: u64, total: u64) {
        self.transferred.lock().unwrap().push((digest, done, total));
    }

    fn finished(&self, digest: Digest, _: u64, outcome: Outcome) {
        self.finished.lock().unwrap().push((digest, outcome));
    }

    fn retrying(&self, reason: &str) {
        self.retries.lock().unwrap().push(reason.to_owned());
    }

    fn cancelled(&self) -> bool {
        let heard = self.transferred.lock().unwrap();
        self.stop_after > 0 && heard.iter().any(|(_, done, _)| *done >= self.stop_after)
    }
}

impl Listener {
    fn outcomes(&self, wanted: Outcome) -> usize {
        self.finished.lock().unwrap().iter().filter(|(_, outcome)| *outcome == wanted).count()
    }
}
