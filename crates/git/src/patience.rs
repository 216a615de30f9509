//! With servers that are silent or busy.

use std::time::Duration;

/// What git and what it talks through say of failures that pass by themselves, in lower case.
const PASSING: [&str; 24] = [
    "returned error: 408",
    "returned error: 429",
    "returned error: 500",
    "returned error: 502",
    "returned error: 503",
    "returned error: 504",
    "http 429",
    "http 500",
    "http 502",
    "http 503",
    "http 504",
    "connection reset",
    "connection closed",
    "connection refused",
    "connection timed out",
    "couldn't connect to server",
    "empty reply from server",
    "recv failure",
    "send failure",
    "transfer closed",
    "early eof",
    "hung up unexpectedly",
    "unexpected disconnect",
    "temporary failure in name resolution",
];

/// How patient to be with servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A server that says nothing for so long is given up.
    pub silence: Duration,
    /// Tries altogether, at least 1, when failures pass.
    pub attempts: u32,
    /// Pause after the first failure; it doubles with every further one.
    pub first_pause: Duration,
}

impl Default for Patience {
    /// A minute of silence; four tries with pauses of about 0.5, 1 and 2 seconds.
    fn default() -> Self {
        Self { silence: Duration::from_mins(1), attempts: 4, first_pause: Duration::from_millis(500) }
    }
}

impl Patience {
    /// The pause after so many failures (from 1): between half and all of the doubled pause, so that many that failed together do
    /// not come back together.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// Whether another try may go better.
pub(crate) fn passes(why: &str) -> bool {
    let why = why.to_lowercase();
    PASSING.iter().any(|words| why.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_and_what_stays() {
        for passing in [
            "unable to access 'https://h/x/': The requested URL returned error: 503",
            "RPC failed; HTTP 502 curl 22 The requested URL returned error: 502",
            "read error: Connection reset by peer",
            "kex_exchange_identification: Connection closed by remote host",
            "the remote end hung up unexpectedly",
        ] {
            assert!(passes(passing), "{passing}");
        }
        for lasting in [
            "repository 'https://h/x/' not found",
            "could not read Username for 'https://h': terminal prompts disabled",
            "git@h: Permission denied (publickey).",
            "unable to access 'https://h/x/': The requested URL returned error: 403",
            "couldn't find remote ref nope",
            "remote error: upload-pack: not our ref aaaa",
        ] {
            assert!(!passes(lasting), "{lasting}");
        }
    }

    #[test]
    fn pauses_double() {
        let patience = Patience::default();
        for (failures, most) in [(1, 500), (2, 1000), (3, 2000)] {
            let pause = patience.pause(failures).as_millis();
            assert!((most / 2..=most).contains(&pause), "{failures}: {pause} ms");
        }
    }
}
