//! Small documents that are not in a registry, over the same connections.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Method, Url};

use super::http::{self, Http};
use super::proxy::Proxies;
use crate::auth::{Credential, Secret};

/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);

/// Gets documents over http and https. At most ten redirections, never from https to http; a login is not told to other
/// hosts. Usable from several threads at once, not from asynchronous code.
pub struct Web {
    proxies: Proxies,
    /// Started when first needed.
    http: OnceLock<Http>,
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The status code, 200 when all is well.
    pub status: u16,
    /// The body.
    pub bytes: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebError(String);

impl Web {
    /// Has not connected to anything yet.
    pub fn new(proxies: Proxies) -> Self {
        Self { proxies, http: OnceLock::new() }
    }

    /// The document at `url`, of at most `limit` bytes.
    ///
    /// # Errors
    /// When the address is none, there is no answer, or it is larger than `limit`.
    pub fn get(&self, url: &str, login: Option<&Credential>, limit: usize) -> Result<Page, WebError> {
        let parsed: Url = url.parse().map_err(|e| WebError(format!("it is not an address: {e}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(WebError("the address begins neither with http:// nor with https://".to_owned()));
        }
        let http = self.http()?;
        let mut request = http.request(Method::GET, parsed);
        match login {
            Some(Credential::Basic { username, password }) => {
                request = request.basic_auth(username, Some(password.reveal()));
            }
            Some(Credential::Identity(token) | Credential::Bearer(token)) => {
                request = request.bearer_auth(Secret::reveal(token));
            }
            None => {}
        }
        let mut response = http.send(request).map_err(|e| WebError(e.reason))?;
        let bytes = response.read(limit).map_err(|e| WebError(e.reason))?;
        if bytes.len() > limit {
            return Err(WebError(format!("it has more than {}", base::size::bytes(limit as u64))));
        }
        Ok(Page { status: response.status().as_u16(), bytes })
    }

    fn http(&self) -> Result<&Http, WebError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let runtime = http::runtime().map_err(|e| WebError(e.to_string()))?;
        let http = Http::new(runtime, PATIENCE, |builder| self.proxies.apply(builder))
            .map_err(|e| WebError(e.reason))?;
        Ok(self.http.get_or_init(|| http))
    }
}
