//! Fetches from and pushes to registries (OCI distribution specification 1.1, Docker's registry API).
//!
//! What a user calls is on [`Client`]:
//! - `pull`: an image from a registry into a [`Store`](crate::Store)
//! - `push`: an image from a store to a registry
//! - `manifests`: single manifests, tags, deletion
//! - `copy`: an image from one repository to another
//! - `referrers`: what says something about a manifest, with the tag scheme for old registries
//! - `download`, `upload`: one blob, going on after a broken connection
//! - [`web`]: documents that are not in a registry
//! - [`progress`]: what a transfer tells while it runs
//! - [`error`]: what can go wrong
//!
//! Below it:
//! - `request`: requests as values
//! - `send`: sends them: finds the registry, proves who is asking, tries again
//! - `http`: connections, with a synchronous face
//! - `registry`: how one registry is reached
//! - [`proxy`]: ways through a firewall
//! - `challenge`, `authorization`: how it wants to be told who is asking
//! - [`retry`]: when to try again
//! - `parallel`: several transfers at a time

mod authorization;
mod challenge;
mod copy;
mod download;
pub mod error;
mod http;
mod made;
mod manifests;
mod parallel;
pub mod progress;
pub mod proxy;
mod pull;
mod push;
mod referrers;
mod registry;
mod request;
pub mod retry;
mod send;
mod upload;
pub mod web;

use std::time::Duration;

use crate::auth::Keychain;

pub use error::ClientError;
pub use progress::{Outcome, Progress};
pub use proxy::Proxies;
pub use pull::Platforms;
pub use registry::is_this_machine;
pub use retry::RetryPolicy;

use authorization::Authorizer;
use registry::Connector;
use send::Sender;

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Credentials.
    pub keychain: Keychain,
    /// Registries (`host` or `host:port`, as references write them) that may be reached over plain http or with a
    /// certificate that nobody vouches for. Loopback hosts may always be reached over plain http.
    pub insecure: Vec<String>,
    /// Certificate authorities to trust besides the system's, each a PEM file's content.
    pub certificates: Vec<Vec<u8>>,
    /// Ways through a firewall; loopback hosts are always reached directly.
    pub proxies: Proxies,
    /// When to try again.
    pub retry: RetryPolicy,
    /// Blobs that are transferred at the same time, at least 1.
    pub jobs: usize,
    /// Registries that are asked first for what another registry has, each as that one and its mirror. A mirror is only asked
    /// for content by digest, so it cannot change what is fetched; when it lacks something or is away, nothing is lost.
    pub mirrors: Vec<(String, String)>,
    /// How long to wait for a connection and for an answer to begin.
    pub patience: Duration,
}

impl Default for ClientConfig {
    /// No credentials, nothing insecure, no proxies, five tries, four blobs at a time, no mirrors, a minute's patience.
    fn default() -> Self {
        Self {
            keychain: Keychain::anonymous(),
            insecure: Vec::new(),
            certificates: Vec::new(),
            proxies: Proxies::default(),
            retry: RetryPolicy::default(),
            jobs: 4,
            mirrors: Vec::new(),
            patience: Duration::from_secs(60),
        }
    }
}

/// A client of any number of registries; connections and tokens are kept. Usable from several threads at once, not from
/// asynchronous code.
pub struct Client {
    sender: Sender,
    jobs: usize,
    config: ClientConfig,
}

impl Client {
    /// A client that has not connected to anything yet.
    pub fn new(config: ClientConfig) -> Self {
        let own = config.clone();
        let connector = Connector::new(config.insecure, config.certificates, config.proxies, config.patience);
        let authorizer = Authorizer::new(config.keychain);
        let sender = Sender::new(connector, authorizer, config.retry, config.mirrors);
        Self { sender, jobs: config.jobs.max(1), config: own }
    }

    /// Another client that reaches registries as this one does, but looks for credentials in the text of an auth file
    /// first. Helper programs that the text names are not asked. `name` says in messages where the text is from.
    ///
    /// # Errors
    /// When the text cannot be understood.
    pub fn with_credentials(&self, name: &str, text: &str) -> Result<Self, ClientError> {
        let keychain = self.config.keychain.preceded_by(name, text)?;
        Ok(Self::new(ClientConfig { keychain, ..self.config.clone() }))
    }
}
