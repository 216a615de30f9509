//! Registries that are asked as long as they answer, about what can be done without.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use oci::Reference;
use oci::client::{Client, ClientError};

use super::hasty_client;
use crate::failure::Failure;

/// How long a registry may take to begin an answer. A plan is made again and again; who is away is done without.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client, and who did not answer it.
pub struct Answering {
    /// None when there is nobody to ask: a plan on this machine alone needs no credentials.
    client: Option<Client>,
    /// Registries that do not answer, and repositories that others may not look into.
    silent: Mutex<BTreeSet<String>>,
}

impl Answering {
    /// Nobody has been asked yet; nobody will be, unless `asks`.
    ///
    /// # Errors
    /// When a file with credentials cannot be understood.
    pub fn new(asks: bool) -> Result<Self, Failure> {
        let client = asks.then(|| hasty_client(None, 1, PATIENCE)).transpose()?;
        Ok(Self { client, silent: Mutex::default() })
    }

    /// Whether the registry of `at`, or the repository itself, did not answer.
    pub fn is_silent(&self, at: &Reference) -> bool {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.contains(at.registry()) || silent.contains(&at.name())
    }

    /// Asks for something in the repository of `at`, unless it is known that nobody answers. The first time that nobody does, a warning
    /// says what is `lost` by that.
    pub fn ask<T>(
        &self,
        at: &Reference,
        lost: &str,
        ask: impl FnOnce(&Client) -> Result<Option<T>, ClientError>,
    ) -> Option<T> {
        if self.is_silent(at) {
            return None;
        }
        match ask(self.client.as_ref()?) {
            Ok(found) => found,
            Err(e) => {
                let private = matches!(e, ClientError::Unauthorized { .. } | ClientError::Forbidden { .. });
                let name = if private { at.name() } else { at.registry().to_owned() };
                if self.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(name) {
                    anstream::eprintln!("warning: {lost}: {e}; --offline asks no registry");
                }
                None
            }
        }
    }
}

/// Whether a registry is nobody's: names under `.example` and `.invalid` are (RFC 2606).
pub fn is_nobodys(registry: &str) -> bool {
    let host = registry.split(':').next().unwrap_or(registry);
    host.ends_with(".example") || host.ends_with(".invalid")
}
