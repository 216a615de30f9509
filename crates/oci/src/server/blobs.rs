//! Blobs are read and unlinked (end-2, end-10).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::Digest;

use super::error::{Code, Refusal};
use super::range::{self, Wanted};
use super::{CONTENT_DIGEST, Registry, blocking, content};

pub(super) async fn get(
    registry: Arc<Registry>,
    repository: String,
    digest: Digest,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, headers) = (request.method() == Method::HEAD, request.headers().clone());
    let name = repository.clone();
    let store = registry.store.clone();
    let (file, size) = blocking(move || {
        if !store.blob_in_repo(&name, digest)? {
            return Err(unknown(&name, digest));
        }
        let file = store.open_blob(digest)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    })
    .await?;
    let fixed = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, format!("\"{digest}\"")),
        // The digest is in the path: what it names never changes.
        (header::CACHE_CONTROL, "max-age=31536000, immutable".to_owned()),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    if is_cached(&headers, digest) {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let (status, start, length) = match range::wanted(text(header::RANGE), size) {
        Wanted::All => (StatusCode::OK, 0, size),
        Wanted::Part { start, length } => (StatusCode::PARTIAL_CONTENT, start, length),
        Wanted::Unsatisfiable => {
            return Err(Refusal::new(Code::SizeInvalid, format!("the blob has {size} bytes"))
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{size}")));
        }
    };
    let mut response = (status, fixed, [(header::CONTENT_LENGTH, length.to_string())]).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {start}-{}/{size}", start + length - 1);
        response.headers_mut().extend(content::value(range).map(|value| (header::CONTENT_RANGE, value)));
    }
    if !head {
        let observer = Arc::clone(&registry.observer);
        *response.body_mut() = content::send(file, start, length, move |bytes| {
            observer(super::Event::Sent { repository: &repository, digest, bytes, total: length });
        });
    } else {
        *response.body_mut() = Body::empty();
    }
    Ok(response)
}

pub(super) async fn delete(
    registry: Arc<Registry>,
    repository: String,
    digest: Digest,
) -> Result<Response, Refusal> {
    blocking(move || {
        if registry.store.unlink_blob(&repository, digest)? {
            Ok(StatusCode::ACCEPTED.into_response())
        } else {
            Err(unknown(&repository, digest))
        }
    })
    .await
}

/// Whether the client says that it has this content.
pub(super) fn is_cached(headers: &HeaderMap, digest: Digest) -> bool {
    let wanted = digest.to_string();
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/").trim_matches('"') == wanted)
}

fn unknown(repository: &str, digest: Digest) -> Refusal {
    Refusal::new(Code::BlobUnknown, format!("repository `{repository}` has no blob {digest}"))
}
