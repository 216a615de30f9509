//! The `Authorization` of a request: nothing, user and password, or a token that is fetched and kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;

use super::challenge::Challenge;
use super::error::ClientError;
use super::registry::{Registry, is_loopback};
use super::request::Request;
use super::send::{Failure, explain};
use crate::auth::{Credential, Found, Keychain, Secret};

/// Token services need not say how long a token lives; then it is this (Docker token specification, `expires_in`).
const SHORTEST_LIFE: Duration = Duration::from_secs(60);

/// A token is not used for the last part of its life, so that it does not end on the way.
const MARGIN: Duration = Duration::from_secs(10);

/// More than any token service has to say.
const ANSWER_LIMIT: usize = 1 << 20;

/// Who this client is to token services.
const CLIENT_ID: &str = "streamwright";

/// Finds credentials and keeps tokens.
pub(super) struct Authorizer {
    keychain: Keychain,
    tokens: Mutex<HashMap<(String, Vec<String>), Token>>,
}

#[derive(Clone)]
struct Token {
    secret: Secret,
    until: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Authorizer {
    pub(super) fn new(keychain: Keychain) -> Self {
        Self { keychain, tokens: Mutex::default() }
    }

    /// What is known about a repository, for messages as well.
    pub(super) fn credential(&self, registry: &Registry, repository: &str) -> Result<Found, ClientError> {
        Ok(self.keychain.find(&registry.name, repository)?)
    }

    /// The header's value for a request, fetching a token when one is needed.
    pub(super) fn header(&self, registry: &Registry, request: &Request) -> Result<Option<Secret>, Failure> {
        let bearer = |secret: &Secret| Some(Secret::new(format!("Bearer {}", secret.reveal())));
        let Some(challenge) = registry.challenge() else { return Ok(None) };
        let scopes = scopes(request, &challenge);
        let key = (registry.name.clone(), scopes);
        if let Some(token) = self.tokens().get(&key)
            && Instant::now() < token.until
        {
            return Ok(bearer(&token.secret));
        }
        let found = self.credential(registry, &request.repository).map_err(Failure::Final)?;
        let Challenge::Bearer { realm, service, .. } = challenge else {
            return Ok(match &found.credential {
                Some(Credential::Basic { username, password }) => Some(basic(username, password)),
                Some(Credential::Bearer(token)) => bearer(token),
                Some(Credential::Identity(_)) | None => None,
            });
        };
        if let Some(Credential::Bearer(token)) = &found.credential {
            return Ok(bearer(token));
        }
        let token = fetch(registry, request, &realm, service.as_deref(), &key.1, &found)?;
        let header = bearer(&token.secret);
        self.tokens().insert(key, token);
        Ok(header)
    }

    /// Forgets the token of a request that was refused.
    pub(super) fn forget(&self, registry: &Registry, request: &Request) {
        if let Some(challenge) = registry.challenge() {
            self.tokens().remove(&(registry.name.clone(), scopes(request, &challenge)));
        }
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<(String, Vec<String>), Token>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the request needs, and what the registry asked for beyond it when the request was about the same repository.
fn scopes(request: &Request, challenge: &Challenge) -> Vec<String> {
    let mut scopes = request.scopes.clone();
    if let Challenge::Bearer { scope: Some(asked), .. } = challenge {
        for asked in asked.split(' ').filter(|asked| !asked.is_empty()) {
            // `repository:NAME:pull` is part of `repository:NAME:pull,push`.
            let name = asked.rsplit_once(':').map_or(asked, |(name, _)| name);
            if !scopes.iter().any(|scope| scope.starts_with(name)) && !asked.starts_with("repository:") {
                scopes.push(asked.to_owned());
            }
        }
    }
    scopes
}

fn basic(username: &str, password: &Secret) -> Secret {
    Secret::new(format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.reveal()))))
}

fn fetch(
    registry: &Registry,
    request: &Request,
    realm: &str,
    service: Option<&str>,
    scopes: &[String],
    found: &Found,
) -> Result<Token, Failure> {
    let protocol = |reason: String| {
        Failure::Final(ClientError::Protocol {
            registry: registry.name.clone(),
            repository: request.repository.clone(),
            doing: request.doing.clone(),
            reason,
        })
    };
    let mut url: Url =
        realm.parse().map_err(|_| protocol(format!("its token service `{realm}` is not a URL")))?;
    let safe = url.scheme() == "https"
        || (url.scheme() == "http" && (registry.insecure || url.host_str().is_some_and(is_loopback)));
    if !safe {
        return Err(protocol(format!(
            "its token service {url} is not https; credentials are not sent there"
        )));
    }
    let http = registry.http();
    let builder = match &found.credential {
        Some(Credential::Identity(token)) => {
            let mut form = vec![("grant_type", "refresh_token"), ("client_id", CLIENT_ID)];
            form.push(("refresh_token", token.reveal()));
            form.extend(service.map(|service| ("service", service)));
            let scope = scopes.join(" ");
            form.push(("scope", &scope));
            http.request(Method::POST, url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form_encode(&form))
        }
        credential => {
            {
                let mut query = url.query_pairs_mut();
                service.map(|service| query.append_pair("service", service));
                for scope in scopes {
                    query.append_pair("scope", scope);
                }
                if let Some(Credential::Basic { username, .. }) = credential {
                    query.append_pair("account", username);
                }
            }
            let builder = http.request(Method::GET, url);
            match credential {
                Some(Credential::Basic { username, password }) => {
                    builder.header(AUTHORIZATION, basic(username, password).reveal())
                }
                _ => builder,
            }
        }
    };
    let asked = Instant::now();
    let response = http.send(builder.header(ACCEPT, "application/json"))?;
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        let said = explain(&response.text(ANSWER_LIMIT));
        return Err(Failure::Final(unauthorized(registry, request, found, &said)));
    }
    if !status.is_success() {
        return Err(Failure::of_status(registry, request, response));
    }
    // What cannot be parsed is not shown: it may hold a token.
    let answer: TokenAnswer = serde_json::from_str(&response.text(ANSWER_LIMIT))
        .map_err(|_| protocol("its token service did not answer with a token".to_owned()))?;
    let secret = if answer.token.is_empty() { answer.access_token } else { answer.token };
    if secret.is_empty() {
        return Err(protocol("its token service answered without a token".to_owned()));
    }
    let life = answer.expires_in.map_or(SHORTEST_LIFE, Duration::from_secs).max(SHORTEST_LIFE);
    let until = asked + life.min(Duration::from_secs(24 * 3600)) - MARGIN;
    Ok(Token { secret: Secret::new(secret), until })
}

/// The refusal of a request, with what its sender can do about it.
pub(super) fn unauthorized(registry: &Registry, request: &Request, found: &Found, said: &str) -> ClientError {
    let name = &registry.name;
    let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
    let reason = match found.credential {
        Some(_) => format!(
            "it refused the credentials from {}{said}; log in again with `podman login {name}`, or ask for the right",
            found.origin
        ),
        None => format!(
            "it wants a login{said}, and there are no credentials for it (looked in {}); log in with `podman login {name}`",
            found.origin
        ),
    };
    ClientError::Unauthorized {
        registry: name.clone(),
        repository: request.repository.clone(),
        action: request.action,
        reason,
    }
}

fn form_encode(pairs: &[(&str, &str)]) -> String {
    // A URL's query is encoded by the same rules as a form.
    let mut url: Url = "http://form/".parse().expect("a constant");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}
