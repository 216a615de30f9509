//! Why a reference leads nowhere.

use std::time::Duration;

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no such resolver.
    #[error("there is no resolver of this name; there are git, http, bundles, hub and cluster")]
    Unknown,
    /// A parameter is missing or means nothing.
    #[error("{0}")]
    Param(String),
    /// A secret that a parameter names cannot be used.
    #[error("{0}")]
    Secret(String),
    /// It could not be fetched.
    #[error("{what}: {why}")]
    Fetch {
        /// What was asked for.
        what: String,
        /// Why there is none.
        why: String,
    },
    /// It is not what it should be.
    #[error("{what}: {why}")]
    Content {
        /// What was fetched.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The network is not to be used.
    #[error(
        "{what} is not on this machine, and --offline keeps from fetching it; run it once without --offline, or write \
         all that it needs into a folder with `sw vendor FILE --to DIR` where there is a network"
    )]
    Offline {
        /// What was asked for.
        what: String,
    },
    /// No answer in time.
    #[error("{what}: no answer within {} s; check the address and the network", limit.as_secs())]
    TooSlow {
        /// What was asked for.
        what: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The user wants an end.
    #[error("stopped while fetching {what}")]
    Stopped {
        /// What was asked for.
        what: String,
    },
}
