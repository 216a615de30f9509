//! One registry: how it is reached, and how it wants to be told who is asking.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Method, StatusCode, Url, header};
use tokio::runtime::Runtime;

use super::challenge::Challenge;
use super::error::ClientError;
use super::http::{self, Http, HttpError};
use super::proxy::Proxies;
use super::send::Failure;
use crate::reference::DOCKER_HUB;

/// The registry name `docker.io` is served by this host.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// A registry that has answered once.
pub(super) struct Registry {
    /// As references write it.
    pub(super) name: String,
    /// `https://host:port/`
    pub(super) base: Url,
    /// Plain http and certificates that nobody vouches for are fine.
    pub(super) insecure: bool,
    http: Http,
    challenge: Mutex<Option<Challenge>>,
}

impl Registry {
    /// The connections to it.
    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    pub(super) fn challenge(&self) -> Option<Challenge> {
        self.challenge.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_challenge(&self, challenge: Challenge) {
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
    }

    /// Resolves a `Location` or `Link` of an answer. A registry behind a proxy that says `http` of itself is still reached
    /// as it was.
    pub(super) fn resolve(&self, from: &Url, location: &str) -> Option<Url> {
        let mut url = from.join(location).ok()?;
        if self.base.scheme() == "https" && url.scheme() == "http" {
            if url.host_str() != self.base.host_str() {
                return None;
            }
            url.set_scheme("https").ok()?;
        }
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// Whether a URL is the registry's own, so that it may see credentials.
    pub(super) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }
}

/// Makes connections: one pool for all registries, and one without certificate checks for those where that was allowed.
pub(super) struct Connector {
    insecure: Vec<String>,
    certificates: Vec<Vec<u8>>,
    proxies: Proxies,
    patience: Duration,
    /// Started when first needed: a client that is not used costs nothing.
    runtime: Mutex<Option<Arc<Runtime>>>,
    checked: OnceLock<Http>,
    unchecked: OnceLock<Http>,
}

impl Connector {
    pub(super) fn new(
        insecure: Vec<String>,
        certificates: Vec<Vec<u8>>,
        proxies: Proxies,
        patience: Duration,
    ) -> Self {
        Self {
            insecure,
            certificates,
            proxies,
            patience,
            runtime: Mutex::default(),
            checked: OnceLock::new(),
            unchecked: OnceLock::new(),
        }
    }

    /// Finds out how a registry is reached: `https`; for loopback hosts `http` first; for those named insecure also `http`, and
    /// any certificate. One try each.
    pub(super) fn connect(&self, name: &str) -> Result<Arc<Registry>, Failure> {
        let insecure = self.insecure.iter().any(|listed| listed == name);
        let host = if name == DOCKER_HUB { DOCKER_HUB_HOST } else { name };
        let schemes: &[&str] = match (is_this_machine(host), insecure) {
            (true, _) => &["http", "https"],
            (false, true) => &["https", "http"],
            (false, false) => &["https"],
        };
        let http = self.http(insecure).map_err(Failure::Final)?;
        let mut failure = None;
        for scheme in schemes {
            let Ok(base) = format!("{scheme}://{host}/").parse::<Url>() else { continue };
            match ping(http, &base) {
                Ok(challenge) => {
                    return Ok(Arc::new(Registry {
                        name: name.to_owned(),
                        base,
                        insecure,
                        http: http.clone(),
                        challenge: Mutex::new(challenge),
                    }));
                }
                Err(PingError::Http(HttpError { reason, untrusted: true, .. })) => {
                    let registry = name.to_owned();
                    return Err(Failure::Final(ClientError::Untrusted { registry, reason }));
                }
                // What the likelier way said is told.
                Err(e) => failure = failure.or(Some(e)),
            }
        }
        Err(match failure {
            Some(PingError::Http(e)) => e.into(),
            Some(PingError::Status(reason)) => Failure::Passing { reason, after: None },
            None => Failure::Final(ClientError::Setup(format!("`{name}` is not a registry host"))),
        })
    }

    fn http(&self, insecure: bool) -> Result<&Http, ClientError> {
        let slot = if insecure { &self.unchecked } else { &self.checked };
        if let Some(http) = slot.get() {
            return Ok(http);
        }
        let setup = |e: HttpError| ClientError::Setup(e.reason);
        let mut certificates = Vec::new();
        for pem in &self.certificates {
            let bundle = reqwest::Certificate::from_pem_bundle(pem).map_err(|e| setup(e.into()))?;
            certificates.extend(bundle);
        }
        let runtime = self.runtime().map_err(|e| ClientError::Setup(e.to_string()))?;
        let http = Http::new(runtime, self.patience, |builder| {
            let builder = builder.tls_danger_accept_invalid_certs(insecure).tls_certs_merge(certificates);
            self.proxies.apply(builder)
        });
        let http = http.map_err(setup)?;
        Ok(slot.get_or_init(|| http))
    }

    fn runtime(&self) -> std::io::Result<Arc<Runtime>> {
        let mut runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        match &*runtime {
            Some(runtime) => Ok(Arc::clone(runtime)),
            None => Ok(Arc::clone(runtime.insert(http::runtime()?))),
        }
    }
}

enum PingError {
    Http(HttpError),
    Status(String),
}

/// Asks `/v2/` (end-1); gives what the registry wants to know.
fn ping(http: &Http, base: &Url) -> Result<Option<Challenge>, PingError> {
    let mut url = base.clone();
    url.set_path("/v2/");
    let response = http.send(http.request(Method::GET, url)).map_err(PingError::Http)?;
    match response.status() {
        StatusCode::OK => Ok(None),
        StatusCode::UNAUTHORIZED => {
            let headers = response.headers().get_all(header::WWW_AUTHENTICATE);
            Ok(Challenge::parse(headers.iter().filter_map(|value| value.to_str().ok())))
        }
        // Some registries hide the end point from strangers; the request itself will tell.
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Ok(None),
        status => Err(PingError::Status(format!("GET {base}v2/ was answered with {status}"))),
    }
}

/// The host of `host:port`, without the brackets of an IPv6 address.
fn host_of(name: &str) -> &str {
    match name.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => name.split(':').next().unwrap_or(name),
    }
}

/// Whether a registry (`host` or `host:port`) is on this machine.
pub fn is_this_machine(registry: &str) -> bool {
    is_loopback(host_of(registry))
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn loopback_hosts() {
        for host in ["localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.com", "127.0.0.1.nip.io", "10.0.0.1", "example.com", ""] {
            assert!(!is_loopback(host), "{host}");
        }
        assert_eq!(["[::1]:5000", "localhost:5000", "a.b"].map(host_of), ["::1", "localhost", "a.b"]);
    }

    #[test]
    fn locations_never_leave_https() {
        let registry = Registry {
            name: "r.io".into(),
            base: "https://r.io/".parse().unwrap(),
            insecure: false,
            http: Http::new(http::runtime().unwrap(), Duration::from_secs(1), Ok).unwrap(),
            challenge: Mutex::default(),
        };
        let resolve = |location| registry.resolve(&registry.base, location).map(String::from);
        assert_eq!(resolve("/v2/a").as_deref(), Some("https://r.io/v2/a"));
        assert_eq!(resolve("http://r.io/v2/a").as_deref(), Some("https://r.io/v2/a"));
        assert_eq!(resolve("https://cdn.io/x").as_deref(), Some("https://cdn.io/x"));
        assert_eq!(resolve("http://cdn.io/x"), None);
        assert_eq!(resolve("file:///etc/passwd"), None);
        assert!(!registry.owns(&"https://cdn.io/x".parse().unwrap()));
        assert!(!registry.owns(&"https://r.io:444/x".parse().unwrap()));
    }
}
