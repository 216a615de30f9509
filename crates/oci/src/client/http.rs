//! HTTP with a synchronous face. This is the only place of the client that knows of asynchronous code: requests run
//! on two threads of their own, and the caller waits.
//!
//! (`reqwest::blocking` sends bodies in pieces of 8 KiB with a thread switch for each, which costs several times more
//! processor time than the transfer itself, and loses the answer of a registry that refuses an upload half-way.)

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Body, Client, ClientBuilder, Method, RequestBuilder, StatusCode, Url};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

/// Nothing came or went for so long while a body is on the way: the connection is broken.
const STALL_LIMIT: Duration = Duration::from_secs(60);

/// A registry may work so long on what it got (hash it, move it to another place) before it answers.
const WORK_LIMIT: Duration = Duration::from_secs(300);

/// Pieces of a body that wait for the network.
const PIECES_AHEAD: usize = 2;

const USER_AGENT: &str = concat!("streamwright/", env!("CARGO_PKG_VERSION"));

/// A pool of connections.
#[derive(Clone)]
pub(super) struct Http {
    runtime: Arc<Runtime>,
    client: Client,
    patience: Duration,
}

/// Why there is no answer, or not all of it.
#[derive(Debug, Clone)]
pub(super) struct HttpError {
    pub(super) reason: String,
    /// It will be so the next time, too.
    pub(super) lasting: bool,
    /// The other side has no certificate that is believed.
    pub(super) untrusted: bool,
}

/// Why a body could not be sent.
#[derive(Debug)]
pub(super) enum StreamError {
    /// The network's fault.
    Http(HttpError),
    /// Its pieces could not be read.
    Source(io::Error),
}

/// An answer; its body is still on the way.
pub(super) struct Response {
    runtime: Arc<Runtime>,
    inner: reqwest::Response,
}

/// Threads for any number of pools.
pub(super) fn runtime() -> io::Result<Arc<Runtime>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("registry-client")
        .enable_all()
        .build()?;
    Ok(Arc::new(runtime))
}

impl Http {
    /// A pool on these threads, which waits so long for connections and answers; `adjust` has the last word about its settings.
    pub(super) fn new(
        runtime: Arc<Runtime>,
        patience: Duration,
        adjust: impl FnOnce(ClientBuilder) -> Result<ClientBuilder, reqwest::Error>,
    ) -> Result<Self, HttpError> {
        let builder = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(patience.min(Duration::from_secs(20)))
            .tcp_user_timeout(STALL_LIMIT)
            .tcp_keepalive(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::custom(|attempt| {
                let downgrade = attempt.url().scheme() == "http"
                    && attempt.previous().last().is_some_and(|from| from.scheme() == "https");
                if downgrade {
                    attempt.error("redirected from https to http")
                } else if attempt.previous().len() > 10 {
                    attempt.error("redirected more than ten times")
                } else {
                    attempt.follow()
                }
            }));
        let client = adjust(builder)?.build()?;
        Ok(Self { runtime, client, patience })
    }

    /// Starts to put a request together.
    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request whose body is small, and waits for the answer's header.
    pub(super) fn send(&self, request: RequestBuilder) -> Result<Response, HttpError> {
        let (client, request) = request.build_split();
        let request = request?;
        let patience = if request.body().is_some() { WORK_LIMIT } else { self.patience };
        let answer = self.runtime.block_on(async { timeout(patience, client.execute(request)).await });
        let inner = answer.map_err(|_| HttpError::silent(patience))??;
        Ok(Response { runtime: Arc::clone(&self.runtime), inner })
    }

    /// Sends a request whose body of `length` bytes comes from `next`, piece by piece, and waits for the answer's header.
    /// An answer that comes before the end of the body ends the sending.
    pub(super) fn send_stream(
        &self,
        request: RequestBuilder,
        length: u64,
        mut next: impl FnMut() -> io::Result<Option<Bytes>>,
    ) -> Result<Response, StreamError> {
        let (pieces, body) = mpsc::channel::<io::Result<Bytes>>(PIECES_AHEAD);
        let body = Body::wrap_stream(ReceiverStream::new(body));
        let mut answer = self.runtime.spawn(request.header(CONTENT_LENGTH, length).body(body).send());
        let mut sending = true;
        let early = loop {
            let piece = if sending { next() } else { Ok(None) };
            let piece = match piece {
                Ok(Some(piece)) => piece,
                Ok(None) => break None,
                Err(e) => {
                    answer.abort();
                    return Err(StreamError::Source(e));
                }
            };
            let step = self.runtime.block_on(async {
                tokio::select! {
                    answer = &mut answer => Err(answer),
                    sent = timeout(STALL_LIMIT, pieces.send(Ok(piece))) => Ok(sent),
                }
            });
            match step {
                Err(early) => break Some(early),
                Ok(Ok(Ok(()))) => {}
                // Nobody takes pieces any more: the answer says why.
                Ok(Ok(Err(_))) => sending = false,
                Ok(Err(_)) => {
                    answer.abort();
                    return Err(HttpError::silent(STALL_LIMIT).into());
                }
            }
        };
        drop(pieces);
        let answer = match early {
            Some(answer) => answer,
            None => {
                let waited = self.runtime.block_on(async { timeout(WORK_LIMIT, &mut answer).await });
                waited.map_err(|_| {
                    answer.abort();
                    HttpError::silent(WORK_LIMIT)
                })?
            }
        };
        let inner = answer
            .map_err(|e| HttpError::passing(format!("the request was cut off: {e}")))?
            .map_err(HttpError::from)?;
        Ok(Response { runtime: Arc::clone(&self.runtime), inner })
    }
}

impl Response {
    pub(super) fn status(&self) -> StatusCode {
        self.inner.status()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// Where the answer is from, after redirections.
    pub(super) fn url(&self) -> &Url {
        self.inner.url()
    }

    /// The next piece of the body, `None` at its end.
    pub(super) fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let inner = &mut self.inner;
        let piece = self.runtime.block_on(async { timeout(STALL_LIMIT, inner.chunk()).await });
        Ok(piece.map_err(|_| HttpError::silent(STALL_LIMIT))??)
    }

    /// The whole body, or its first bytes when it has more than `limit`: then the result is longer than `limit`.
    pub(super) fn read(&mut self, limit: usize) -> Result<Vec<u8>, HttpError> {
        let mut bytes = Vec::new();
        while bytes.len() <= limit
            && let Some(piece) = self.chunk()?
        {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// The start of the body as text, as far as it can be read: for messages.
    pub(super) fn text(mut self, limit: usize) -> String {
        let mut bytes = Vec::new();
        while bytes.len() < limit
            && let Ok(Some(piece)) = self.chunk()
        {
            bytes.extend_from_slice(&piece);
        }
        bytes.truncate(limit);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl HttpError {
    fn silent(after: Duration) -> Self {
        Self::passing(format!("nothing came or went for {} s", after.as_secs()))
    }

    fn passing(reason: String) -> Self {
        Self { reason, lasting: false, untrusted: false }
    }
}

impl From<reqwest::Error> for HttpError {
    /// What it was, where, and the innermost words, which say what really happened.
    fn from(error: reqwest::Error) -> Self {
        let mut innermost: &dyn std::error::Error = &error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        let innermost = innermost.to_string();
        let at =
            error.url().map(|url| format!(" ({}://{})", url.scheme(), url.authority())).unwrap_or_default();
        let what = if error.is_connect() {
            "cannot connect"
        } else if error.is_timeout() {
            "no connection within the time limit"
        } else if error.is_redirect() {
            "bad redirection"
        } else if error.is_builder() {
            "the request cannot be made"
        } else {
            "the connection broke"
        };
        // The words of rustls; its error type is not to be had through reqwest.
        let untrusted = error.is_connect() && innermost.contains("certificate");
        let lasting = untrusted || error.is_redirect() || error.is_builder();
        Self { reason: format!("{what}{at}: {innermost}"), lasting, untrusted }
    }
}

impl From<HttpError> for StreamError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}
