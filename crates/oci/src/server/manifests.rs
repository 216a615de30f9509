//! Manifests are read, written and deleted (end-3, end-7, end-9). Bytes go in and out as they are.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::Digest;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::blobs::is_cached;
use super::error::{Code, Refusal};
use super::route::Selector;
use super::{CONTENT_DIGEST, OCI_SUBJECT, Registry, blocking, content};
use crate::manifest::{MANIFEST_LIMIT, Manifest};
use crate::store::StoreError;

pub(super) async fn get(
    registry: Arc<Registry>,
    repository: String,
    selector: Selector,
    request: Request,
) -> Result<Response, Refusal> {
    let stored = blocking(move || {
        registry
            .store
            .manifest(&repository, &selector.to_string())?
            .ok_or_else(|| unknown(&repository, &selector))
    })
    .await?;
    let mut response = Response::new(Body::empty());
    let digest = stored.digest.to_string();
    for (name, text) in [
        (header::CONTENT_TYPE, &stored.media_type),
        (header::CONTENT_LENGTH, &stored.bytes.len().to_string()),
        (header::ETAG, &format!("\"{digest}\"")),
        (CONTENT_DIGEST, &digest),
    ] {
        response.headers_mut().extend(content::value(text).map(|value| (name, value)));
    }
    if is_cached(request.headers(), stored.digest) {
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if request.method() != Method::HEAD {
        *response.body_mut() = Body::from(stored.bytes);
    }
    Ok(response)
}

pub(super) async fn put(
    registry: Arc<Registry>,
    repository: String,
    selector: Selector,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let declared = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let bytes = whole(body).await?;
    blocking(move || {
        let invalid =
            |reason: &dyn std::fmt::Display| Refusal::new(Code::ManifestInvalid, reason.to_string());
        let media_type = match declared {
            Some(declared) => declared,
            None => Manifest::detect_type(&bytes).map_err(|e| invalid(&e))?,
        };
        let tag = match &selector {
            Selector::Tag(tag) => Some(tag.as_str()),
            Selector::Digest(expected) => {
                let found = Digest::of(&bytes);
                if found != *expected {
                    return Err(StoreError::Mismatch { expected: *expected, found }.into());
                }
                None
            }
        };
        let digest =
            registry.store.put_manifest(&repository, &media_type, &bytes, tag).map_err(|e| match e {
                // Here the manifest is wrong about the blob, not the blob damaged.
                StoreError::Damaged { problem, .. } => invalid(&problem),
                e => e.into(),
            })?;
        let subject =
            Manifest::parse(&media_type, &bytes).map_err(|e| invalid(&e))?.subject().map(|s| s.digest);
        let mut response = StatusCode::CREATED.into_response();
        let headers = [
            (header::LOCATION, Some(format!("/v2/{repository}/manifests/{digest}"))),
            (CONTENT_DIGEST, Some(digest.to_string())),
            (OCI_SUBJECT, subject.map(|digest| digest.to_string())),
        ];
        for (name, text) in headers {
            response.headers_mut().extend(text.and_then(content::value).map(|value| (name, value)));
        }
        Ok(response)
    })
    .await
}

pub(super) async fn delete(
    registry: Arc<Registry>,
    repository: String,
    selector: Selector,
) -> Result<Response, Refusal> {
    blocking(move || {
        let removed = match &selector {
            Selector::Tag(tag) => registry.store.untag(&repository, tag)?,
            Selector::Digest(digest) => registry.store.delete_manifest(&repository, *digest)?,
        };
        if removed { Ok(StatusCode::ACCEPTED.into_response()) } else { Err(unknown(&repository, &selector)) }
    })
    .await
}

/// The whole body; manifests are small by the specification.
async fn whole(body: Body) -> Result<Vec<u8>, Refusal> {
    let limit = usize::try_from(MANIFEST_LIMIT).unwrap_or(usize::MAX);
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(e) if e.is::<LengthLimitError>() => Err(Refusal::new(
            Code::SizeInvalid,
            format!("a manifest may have at most {MANIFEST_LIMIT} bytes"),
        )
        .status(StatusCode::PAYLOAD_TOO_LARGE)),
        Err(_) => {
            Err(Refusal::new(Code::ManifestInvalid, "the connection broke before the end of the manifest"))
        }
    }
}

fn unknown(repository: &str, selector: &Selector) -> Refusal {
    Refusal::new(Code::ManifestUnknown, format!("repository `{repository}` has no manifest `{selector}`"))
}
