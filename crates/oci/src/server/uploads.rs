//! Blobs arrive: in one piece, in many, or from another repository (end-4a, end-4b, end-5, end-6, end-11, end-13).

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::Digest;

use super::content::{self, Ending};
use super::error::{Code, Refusal};
use super::query::argument;
use super::{CONTENT_DIGEST, Event, Registry, UPLOAD_UUID, blocking, range, route};
use crate::store::upload::{Upload, UploadHash};

/// How long a request waits for the one before it on the same upload: a client whose connection broke comes back at once,
/// perhaps before this side has noticed.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);

/// Starts an upload: waits for pieces, takes the whole blob (`?digest=`), or mounts it (`?mount=`).
pub(super) async fn start(
    registry: Arc<Registry>,
    repository: String,
    request: Request,
) -> Result<Response, Refusal> {
    let uri = request.uri().clone();
    if let Some(digest) = argument(&uri, "mount") {
        let (digest, from) = (route::digest(&digest)?, argument(&uri, "from"));
        if mount(&registry, &repository, digest, from).await? {
            return Ok(created(&repository, digest));
        }
    }
    let expected = argument(&uri, "digest").map(|d| route::digest(&d)).transpose()?;
    let (store, name) = (registry.store.clone(), repository.clone());
    let (id, upload) = blocking(move || {
        let id = store.begin_upload(&name)?;
        let upload = store.upload(&name, &id)?;
        Ok((id, upload))
    })
    .await?;
    let Some(expected) = expected else {
        return Ok((StatusCode::ACCEPTED, progress(&repository, &id, 0)).into_response());
    };
    let (upload, ending) = receive(&registry, &repository, &id, upload, request.into_body()).await?;
    if ending == Ending::Broken {
        // Nobody was told of this upload, so nobody can continue it.
        blocking(move || Ok(upload.cancel()?)).await?;
        return Err(broken());
    }
    commit(&repository, upload, expected).await
}

/// Where an upload stands.
pub(super) async fn status(
    registry: Arc<Registry>,
    repository: String,
    id: String,
) -> Result<Response, Refusal> {
    let upload = hold(&registry, &repository, &id).await?;
    Ok((StatusCode::NO_CONTENT, progress(&repository, &id, upload.offset())).into_response())
}

/// Takes a piece: at the place that `Content-Range` says, else at the end.
pub(super) async fn append(
    registry: Arc<Registry>,
    repository: String,
    id: String,
    request: Request,
) -> Result<Response, Refusal> {
    let (upload, body) = hold_for_piece(&registry, &repository, &id, request).await?;
    let (upload, ending) = receive(&registry, &repository, &id, upload, body).await?;
    registry.hashes.keep(&id, &upload);
    match ending {
        Ending::Complete => {
            Ok((StatusCode::ACCEPTED, progress(&repository, &id, upload.offset())).into_response())
        }
        Ending::Broken => Err(broken()),
    }
}

/// Takes the last piece, if there is one, and makes the upload a blob.
pub(super) async fn finish(
    registry: Arc<Registry>,
    repository: String,
    id: String,
    request: Request,
) -> Result<Response, Refusal> {
    let expected = argument(request.uri(), "digest").ok_or_else(|| {
        Refusal::new(Code::DigestInvalid, "the blob's digest is missing; end an upload with ?digest=sha256:…")
    })?;
    let expected = route::digest(&expected)?;
    let (upload, body) = hold_for_piece(&registry, &repository, &id, request).await?;
    let (upload, ending) = receive(&registry, &repository, &id, upload, body).await?;
    if ending == Ending::Broken {
        registry.hashes.keep(&id, &upload);
        return Err(broken());
    }
    registry.hashes.forget(&id);
    commit(&repository, upload, expected).await
}

/// Throws an upload away.
pub(super) async fn cancel(
    registry: Arc<Registry>,
    repository: String,
    id: String,
) -> Result<Response, Refusal> {
    let upload = hold(&registry, &repository, &id).await?;
    registry.hashes.forget(&id);
    blocking(move || Ok(upload.cancel()?)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whether the blob could be had from another repository. Without a name, any repository will do.
async fn mount(
    registry: &Registry,
    repository: &str,
    digest: Digest,
    from: Option<String>,
) -> Result<bool, Refusal> {
    let (store, repository) = (registry.store.clone(), repository.to_owned());
    blocking(move || {
        let there = match from {
            // A name that breaks the grammar is a repository that does not have the blob.
            Some(from) => store.blob_in_repo(&from, digest).unwrap_or(false),
            None => store.has(digest),
        };
        if there {
            store.link_blob(&repository, digest)?;
        }
        Ok(there)
    })
    .await
}

/// Takes up an upload, and checks that the request's piece continues it. What a refused client still sends is read and dropped.
async fn hold_for_piece(
    registry: &Registry,
    repository: &str,
    id: &str,
    request: Request,
) -> Result<(Upload, Body), Refusal> {
    let (parts, body) = request.into_parts();
    let held = async {
        let upload = hold(registry, repository, id).await?;
        check_piece(&upload, &parts.headers).map_err(|refusal| {
            progress(repository, id, upload.offset())
                .into_iter()
                .fold(refusal, |refusal, (name, value)| refusal.header(name, value))
        })?;
        Ok(upload)
    };
    match held.await {
        Ok(upload) => Ok((upload, body)),
        Err(refusal) => {
            content::drain(body).await;
            Err(refusal)
        }
    }
}

async fn hold(registry: &Registry, repository: &str, id: &str) -> Result<Upload, Refusal> {
    let deadline = Instant::now() + BUSY_PATIENCE;
    loop {
        let (store, repository, owned) = (registry.store.clone(), repository.to_owned(), id.to_owned());
        match blocking(move || Ok(store.upload(&repository, &owned)?)).await {
            Err(refusal) if refusal.status == StatusCode::CONFLICT && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(mut upload) => {
                if let Some(hash) = registry.hashes.get(id) {
                    upload.continue_hash(hash);
                }
                return Ok(upload);
            }
            Err(refusal) => return Err(refusal),
        }
    }
}

fn check_piece(upload: &Upload, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(range) = headers.get(header::CONTENT_RANGE) else { return Ok(()) };
    let (start, length) = range.to_str().ok().and_then(range::chunk).ok_or_else(|| {
        Refusal::new(Code::RangeInvalid, "Content-Range must be START-END, END included")
            .status(StatusCode::BAD_REQUEST)
    })?;
    upload.expect_offset(start)?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(announced) if announced != length => Err(Refusal::new(
            Code::SizeInvalid,
            format!("Content-Range covers {length} bytes, but Content-Length is {announced}"),
        )),
        _ => Ok(()),
    }
}

async fn receive(
    registry: &Registry,
    repository: &str,
    id: &str,
    upload: Upload,
    body: Body,
) -> Result<(Upload, Ending), Refusal> {
    let observer = Arc::clone(&registry.observer);
    let (repository, id) = (repository.to_owned(), id.to_owned());
    content::receive(body, upload, move |upload: &mut Upload, piece| {
        upload.write_all(piece).map_err(Refusal::from)?;
        observer(Event::Received { repository: &repository, upload: &id, bytes: upload.offset() });
        Ok::<(), Refusal>(())
    })
    .await
}

async fn commit(repository: &str, upload: Upload, expected: Digest) -> Result<Response, Refusal> {
    let digest = blocking(move || Ok(upload.commit(expected)?)).await?;
    Ok(created(repository, digest))
}

fn created(repository: &str, digest: Digest) -> Response {
    let headers = [
        (header::LOCATION, format!("/v2/{repository}/blobs/{digest}")),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    (StatusCode::CREATED, headers).into_response()
}

/// Where the next piece goes, and what has arrived. No bytes are written `0-0`, as Docker's registry does it.
fn progress(repository: &str, id: &str, offset: u64) -> [(HeaderName, String); 3] {
    [
        (header::LOCATION, format!("/v2/{repository}/blobs/uploads/{id}")),
        (header::RANGE, format!("0-{}", offset.saturating_sub(1))),
        (UPLOAD_UUID, id.to_owned()),
    ]
}

/// Mostly nobody reads this; the log does.
fn broken() -> Refusal {
    Refusal::new(Code::BlobUploadInvalid, "the connection broke before the end of the piece")
}

/// Hashes of what has arrived of uploads between two requests. Without one, the pieces are read again from the disk.
#[derive(Default)]
pub(super) struct Hashes(Mutex<VecDeque<(String, UploadHash)>>);

impl Hashes {
    /// Uploads that nobody continues must not fill the memory.
    const LIMIT: usize = 1024;

    fn keep(&self, id: &str, upload: &Upload) {
        self.forget(id);
        let Some(hash) = upload.hash() else { return };
        let mut hashes = self.lock();
        if hashes.len() == Self::LIMIT {
            hashes.pop_front();
        }
        hashes.push_back((id.to_owned(), hash));
    }

    fn get(&self, id: &str) -> Option<UploadHash> {
        self.lock().iter().find(|(known, _)| known == id).map(|(_, hash)| hash.clone())
    }

    fn forget(&self, id: &str) {
        self.lock().retain(|(known, _)| known != id);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, UploadHash)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
