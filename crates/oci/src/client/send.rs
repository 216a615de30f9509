//! Sends requests: finds the registry, proves who is asking, tries again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;

use super::authorization::{Authorizer, unauthorized};
use super::challenge::Challenge;
use super::error::ClientError;
use super::http::{HttpError, Response, StreamError};
use super::progress::Progress;
use super::registry::{Connector, Registry};
use super::request::{Request, Target};
use super::retry::{RetryPolicy, retry_after};

/// What a registry says about an error is short; more is not read.
const ERROR_LIMIT: usize = 64 << 10;

/// Gives the next piece of a body, `None` at its end.
pub(super) type NextPiece<'a> = dyn FnMut() -> std::io::Result<Option<Bytes>> + 'a;

/// A body that does not fit into memory.
pub(super) struct Stream<'a> {
    pub(super) length: u64,
    pub(super) next: &'a mut NextPiece<'a>,
}

/// Why one try did not work.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another try may work.
    Passing {
        /// What happened.
        reason: String,
        /// How long the registry wants to be left alone.
        after: Option<Duration>,
    },
    /// No try will.
    Final(ClientError),
}

impl Failure {
    /// The fitting failure for an answer that is not what was hoped for.
    pub(super) fn of_status(registry: &Registry, request: &Request, response: Response) -> Self {
        let status = response.status();
        let after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| retry_after(value.to_str().ok()?, Timestamp::now()));
        let said = explain(&response.text(ERROR_LIMIT));
        // A full disk (507) stays full; a method that is missing (501) stays missing.
        let passing = matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
        if passing {
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            return Self::Passing { reason: format!("it answered {status}{said}"), after };
        }
        let (name, repository) = (registry.name.clone(), request.repository.clone());
        Self::Final(match status {
            StatusCode::NOT_FOUND => ClientError::NotFound {
                registry: name,
                repository,
                what: request.doing.split_once(' ').map_or(&*request.doing, |(_, what)| what).to_owned(),
                message: if said.is_empty() { status.to_string() } else { said },
            },
            _ => ClientError::Refused {
                registry: name,
                repository,
                doing: request.doing.clone(),
                status: status.as_u16(),
                message: said,
            },
        })
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        if error.lasting {
            Self::Final(ClientError::Setup(error.reason))
        } else {
            Self::Passing { reason: error.reason, after: None }
        }
    }
}

/// An answer and who gave it.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) registry: Arc<Registry>,
}

impl Answer {
    /// A header as text.
    pub(super) fn header(&self, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// Where the registry says to go on.
    pub(super) fn location(&self) -> Option<Url> {
        self.registry.resolve(self.response.url(), self.header(LOCATION)?)
    }
}

/// Sends requests to any registry.
pub(super) struct Sender {
    connector: Connector,
    authorizer: Authorizer,
    pub(super) policy: RetryPolicy,
    registries: Mutex<HashMap<String, Arc<Registry>>>,
    mirrors: Vec<(String, String)>,
}

impl Sender {
    pub(super) fn new(
        connector: Connector,
        authorizer: Authorizer,
        policy: RetryPolicy,
        mirrors: Vec<(String, String)>,
    ) -> Self {
        Self { connector, authorizer, policy, registries: Mutex::default(), mirrors }
    }

    /// Sends until there is an answer that is a success or a definite no, within the policy's tries.
    pub(super) fn send(
        &self,
        registry: &str,
        request: &Request,
        progress: &dyn Progress,
    ) -> Result<Answer, ClientError> {
        self.retrying(registry, request, progress, || self.once(registry, request, None))
    }

    /// Like [`Sender::send`], with `None` for 404.
    pub(super) fn find(
        &self,
        registry: &str,
        request: &Request,
        progress: &dyn Progress,
    ) -> Result<Option<Answer>, ClientError> {
        match self.send(registry, request, progress) {
            Ok(answer) => Ok(Some(answer)),
            Err(ClientError::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Repeats `attempt` while its failures pass.
    pub(super) fn retrying<T>(
        &self,
        registry: &str,
        request: &Request,
        progress: &dyn Progress,
        mut attempt: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, ClientError> {
        let mut failures = 0;
        loop {
            match attempt() {
                Ok(value) => return Ok(value),
                Err(failure) => failures = self.pause(registry, request, progress, failure, failures)?,
            }
        }
    }

    /// Takes note of a failure and waits; gives the number of failures, or the error when it was the last try.
    pub(super) fn pause(
        &self,
        registry: &str,
        request: &Request,
        progress: &dyn Progress,
        failure: Failure,
        failures: u32,
    ) -> Result<u32, ClientError> {
        let (reason, after) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Passing { reason, after } => (reason, after),
        };
        let failures = failures + 1;
        if failures >= self.policy.attempts {
            return Err(ClientError::GaveUp {
                registry: registry.to_owned(),
                repository: request.repository.clone(),
                doing: request.doing.clone(),
                attempts: failures,
                reason,
            });
        }
        progress.retrying(&format!("{registry}: cannot {}: {reason}", request.doing));
        let mut left = self.policy.pause(failures, after);
        // In small pieces, so that an interruption does not wait.
        while !left.is_zero() {
            if progress.cancelled() {
                return Err(ClientError::Cancelled);
            }
            let step = left.min(Duration::from_millis(100));
            sleep(step);
            left -= step;
        }
        if progress.cancelled() { Err(ClientError::Cancelled) } else { Ok(failures) }
    }

    /// One try, at the registry's mirrors first. `body` is sent instead of the request's own; with it the request cannot be
    /// repeated, so that a refused token is a passing failure then.
    pub(super) fn once(
        &self,
        registry: &str,
        request: &Request,
        body: Option<Stream<'_>>,
    ) -> Result<Answer, Failure> {
        let mirrors = self.mirrors.iter().filter(|(of, _)| request.by_digest && of == registry);
        for (_, mirror) in mirrors {
            // Whatever a mirror lacks, the registry is the one to say so.
            if let Ok(answer) = self.at(mirror, request, None) {
                return Ok(answer);
            }
        }
        self.at(registry, request, body)
    }

    /// One try at exactly this registry. A refused token is replaced once.
    fn at(&self, registry: &str, request: &Request, body: Option<Stream<'_>>) -> Result<Answer, Failure> {
        let registry = self.registry(registry)?;
        let streams = body.is_some();
        let response = self.execute(&registry, request, body)?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return self.judge(registry, request, response);
        }
        let headers = response.headers().get_all(WWW_AUTHENTICATE);
        let challenge = Challenge::parse(headers.iter().filter_map(|value| value.to_str().ok()));
        let Some(challenge) = challenge else { return self.judge(registry, request, response) };
        self.authorizer.forget(&registry, request);
        registry.set_challenge(challenge);
        if streams {
            return Err(Failure::Passing {
                reason: "the login ended during the upload".to_owned(),
                after: None,
            });
        }
        let response = self.execute(&registry, request, None)?;
        self.judge(registry, request, response)
    }

    fn judge(
        &self,
        registry: Arc<Registry>,
        request: &Request,
        response: Response,
    ) -> Result<Answer, Failure> {
        match response.status() {
            status if status.is_success() => Ok(Answer { response, registry }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let found =
                    self.authorizer.credential(&registry, &request.repository).map_err(Failure::Final)?;
                let status = response.status();
                let said = explain(&response.text(ERROR_LIMIT));
                Err(Failure::Final(match status {
                    StatusCode::FORBIDDEN if found.credential.is_some() => ClientError::Forbidden {
                        registry: registry.name.clone(),
                        repository: request.repository.clone(),
                        action: request.action,
                        message: if said.is_empty() { status.to_string() } else { said },
                        origin: found.origin,
                    },
                    _ => unauthorized(&registry, request, &found, &said),
                }))
            }
            _ => Err(Failure::of_status(&registry, request, response)),
        }
    }

    fn execute(
        &self,
        registry: &Registry,
        request: &Request,
        body: Option<Stream<'_>>,
    ) -> Result<Response, Failure> {
        let url = match &request.target {
            Target::Url(url) => url.clone(),
            Target::Path(path) => registry
                .base
                .join(path)
                .map_err(|e| Failure::Final(ClientError::Setup(format!("{path}: {e}"))))?,
        };
        let own = registry.owns(&url);
        let mut builder = registry.http().request(request.method.clone(), url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if own && let Some(secret) = self.authorizer.header(registry, request)? {
            let mut value = reqwest::header::HeaderValue::from_str(secret.reveal()).map_err(|_| {
                Failure::Final(ClientError::Setup("a credential holds control characters".to_owned()))
            })?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        let sent = match body {
            Some(Stream { length, next }) => registry.http().send_stream(builder, length, next),
            None => {
                // An empty body is sent as one: some registries want its length.
                if matches!(request.method, Method::POST | Method::PUT) {
                    builder = builder.body(request.body.clone());
                }
                registry.http().send(builder).map_err(StreamError::Http)
            }
        };
        sent.map_err(|e| match e {
            StreamError::Http(HttpError { reason, lasting: true, .. }) => {
                Failure::Final(ClientError::Protocol {
                    registry: registry.name.clone(),
                    repository: request.repository.clone(),
                    doing: request.doing.clone(),
                    reason,
                })
            }
            StreamError::Http(passing) => passing.into(),
            StreamError::Source(e) => Failure::Final(ClientError::Read(e)),
        })
    }

    fn registry(&self, name: &str) -> Result<Arc<Registry>, Failure> {
        let known = || self.registries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(registry) = known().get(name) {
            return Ok(Arc::clone(registry));
        }
        // Two threads may both find out; the first one's result stays, with its challenge.
        let registry = self.connector.connect(name)?;
        Ok(Arc::clone(known().entry(name.to_owned()).or_insert(registry)))
    }
}

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<OneError>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The gist of an error body: the registry's own words on one line without control characters, at most 300 characters.
pub(super) fn explain(body: &str) -> String {
    let said = match serde_json::from_str::<Errors>(body) {
        Ok(parsed) => match parsed.errors.first() {
            Some(error) if error.message.is_empty() => error.code.clone(),
            Some(error) if error.code.is_empty() => error.message.clone(),
            Some(error) => format!("{}: {}", error.code, error.message),
            None => parsed.details.or(parsed.message).unwrap_or_default(),
        },
        // A page for people (of a proxy, say) is no message.
        Err(_) if body.trim_start().starts_with('<') => String::new(),
        Err(_) => body.to_owned(),
    };
    let line: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_the_registrys_words() {
        for (body, said) in [
            (r#"{"errors":[{"code":"DENIED","message":"no\nway","detail":[1]}]}"#, "DENIED: no way"),
            (r#"{"errors":[{"code":"DENIED"}]}"#, "DENIED"),
            (r#"{"errors":[]}"#, ""),
            (r#"{"details":"incorrect username or password"}"#, "incorrect username or password"),
            ("<html>Bad gateway</html>", ""),
            ("plain \u{1b}[31mtext", "plain  [31mtext"),
        ] {
            assert_eq!(explain(body), said, "{body}");
        }
        assert_eq!(explain(&"x".repeat(1000)).len(), 300);
    }
}
