//! A registry over a [`Store`]: the OCI distribution API 1.1, and what Docker's clients need beyond it.
//!
//! - `route`: which end point a path means
//! - `blobs`: blobs are read and unlinked
//! - `uploads`: blobs arrive, in one piece or many, or are mounted from another repository
//! - `manifests`: manifests are read, written and deleted
//! - `listing`: tags, repositories, referrers, in pages
//! - `content`: files and request bodies between disk and network, in bounded memory
//! - `range`: byte ranges
//! - `query`: the arguments after the question mark
//! - `error`: refusals as clients read them
//! - [`event`]: what an observer hears
//!
//! There is no authentication: a server listens where its users are, on loopback by default. Nothing outside the store's
//! folder is ever read or written: names and digests are checked before they become paths.
//!
//! [`Server`] runs on threads of its own, so that synchronous programs can embed it; [`serve_until`] is for programs that
//! have a runtime.

mod blobs;
mod content;
mod error;
pub mod event;
mod listing;
mod manifests;
mod query;
mod range;
mod route;
mod uploads;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::store::Store;
use error::{Code, Refusal};
use event::{Event, Observer};
use route::Route;

/// How long [`Server::stop`] waits for requests that are being answered.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}; choose another address, or port 0 for any free one")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system gives no threads or no sockets.
    #[error("cannot run a registry: {0}")]
    Run(#[from] std::io::Error),
}

/// A running registry. Dropped, it ends at once; [`Server::stop`] lets running requests finish.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    runtime: Runtime,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
    shutdown: oneshot::Sender<()>,
}

impl Server {
    /// Serves `store` on `addr` from background threads until it is stopped or dropped; port 0 takes any free port.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(store: Store, addr: SocketAddr) -> Result<Self, ServerError> {
        Self::start_observed(store, addr, event::unobserved())
    }

    /// Like [`Server::start`]; `observer` hears of transfers and answers, on the server's threads, and must return quickly.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start_observed(store: Store, addr: SocketAddr, observer: Observer) -> Result<Self, ServerError> {
        let listener = TcpListener::bind(addr).map_err(|source| ServerError::Listen { addr, source })?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(2, usize::from).min(4))
            .thread_name("registry")
            .enable_all()
            .build()?;
        let (shutdown, stopped) = oneshot::channel();
        let serving = serve_until(store, listener, observer, async move {
            // A dropped sender stops the server, too.
            let _ = stopped.await;
        });
        let task = runtime.spawn(serving);
        Ok(Self { addr, running: Some(Running { runtime, task, shutdown }) })
    }

    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Takes no more requests, lets those that run finish (for at most ten seconds), and ends. Not to be called from
    /// asynchronous code.
    pub fn stop(mut self) {
        if let Some(Running { runtime, task, shutdown }) = self.running.take() {
            let _ = shutdown.send(());
            // What is still running then is cut off.
            let _ = runtime.block_on(async { tokio::time::timeout(STOP_PATIENCE, task).await });
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(Running { runtime, task, .. }) = self.running.take() {
            task.abort();
            runtime.shutdown_background();
        }
    }
}

/// Serves `store` on a bound listener until `shutdown` completes and the requests that run then are answered. Needs a Tokio
/// runtime with IO and time.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve_until(
    store: Store,
    listener: TcpListener,
    observer: Observer,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    // Answers are small and clients wait for them: Nagle's algorithm only adds delay. A socket that cannot be set works too.
    let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let registry = Arc::new(Registry { store, observer, hashes: uploads::Hashes::default() });
    let app = Router::new().fallback(answer).with_state(registry);
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}

/// What every end point works on.
struct Registry {
    store: Store,
    observer: Observer,
    hashes: uploads::Hashes,
}

async fn answer(State(registry): State<Arc<Registry>>, request: Request) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = dispatch(&registry, request).await.unwrap_or_else(IntoResponse::into_response);
    response.headers_mut().insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    (registry.observer)(Event::Answered {
        method: method.as_str(),
        path: &path,
        status: response.status().as_u16(),
        took: started.elapsed(),
    });
    response
}

async fn dispatch(registry: &Arc<Registry>, request: Request) -> Result<Response, Refusal> {
    let route = match Route::parse(request.uri().path()) {
        // Writing under an impossible tag is an error of the request, not a missing manifest.
        Err(refusal) if refusal.code == Code::ManifestUnknown && request.method() == Method::PUT => {
            return Err(Refusal::new(Code::ManifestInvalid, refusal.message));
        }
        Err(refusal) => return Err(refusal),
        Ok(None) => return Ok(StatusCode::NOT_FOUND.into_response()),
        Ok(Some(route)) => route,
    };
    let method = request.method().clone();
    let registry = Arc::clone(registry);
    match (&method, route) {
        (&Method::GET | &Method::HEAD, Route::Ping) => Ok(ping()),
        (&Method::GET, Route::Catalog) => listing::catalog(registry, request).await,
        (&Method::GET, Route::Tags { repository }) => listing::tags(registry, repository, request).await,
        (&Method::GET, Route::Referrers { repository, digest }) => {
            listing::referrers(registry, repository, digest, request).await
        }
        (&Method::GET | &Method::HEAD, Route::Manifest { repository, selector }) => {
            manifests::get(registry, repository, selector, request).await
        }
        (&Method::PUT, Route::Manifest { repository, selector }) => {
            manifests::put(registry, repository, selector, request).await
        }
        (&Method::DELETE, Route::Manifest { repository, selector }) => {
            manifests::delete(registry, repository, selector).await
        }
        (&Method::GET | &Method::HEAD, Route::Blob { repository, digest }) => {
            blobs::get(registry, repository, digest, request).await
        }
        (&Method::DELETE, Route::Blob { repository, digest }) => {
            blobs::delete(registry, repository, digest).await
        }
        (&Method::POST, Route::Uploads { repository }) => uploads::start(registry, repository, request).await,
        (&Method::GET | &Method::HEAD, Route::Upload { repository, id }) => {
            uploads::status(registry, repository, id).await
        }
        (&Method::PATCH, Route::Upload { repository, id }) => {
            uploads::append(registry, repository, id, request).await
        }
        (&Method::PUT, Route::Upload { repository, id }) => {
            uploads::finish(registry, repository, id, request).await
        }
        (&Method::DELETE, Route::Upload { repository, id }) => {
            uploads::cancel(registry, repository, id).await
        }
        (method, _) => Err(Refusal::new(Code::Unsupported, format!("{method} is not possible on this path"))),
    }
}

/// "This is a registry, and you need not log in."
fn ping() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], "{}").into_response()
}

/// Runs code that waits for the disk where it does not hold up other requests.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::new(Code::Unknown, "the registry failed while it answered; see its log")),
    }
}
