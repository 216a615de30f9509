//! Requests of the distribution API as values; nothing here sends them.

use base::Digest;
use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_RANGE, CONTENT_TYPE, HeaderName, RANGE};
use reqwest::{Method, Url};

use crate::media;

/// Asks for every kind of manifest that is read here; nothing that is not (schema 1 would come without it).
const ACCEPT_MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Something to ask a registry.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Bytes,
    /// The repository it is about.
    pub(super) repository: String,
    /// What a token must allow, in the token service's words: `repository:NAME:pull`.
    pub(super) scopes: Vec<String>,
    /// Whether it asks for content by digest, which a mirror may have as well.
    pub(super) by_digest: bool,
    /// For messages: `fetch blob sha256:…`.
    pub(super) doing: String,
    /// For messages: `pull from`.
    pub(super) action: &'static str,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// A path (and query) on the registry.
    Path(String),
    /// What the registry gave as `Location`, resolved.
    Url(Url),
}

/// What a token must allow.
#[derive(Clone, Copy)]
enum Right {
    Pull,
    Push,
    Everything,
}

impl Right {
    fn scope(self, repository: &str) -> String {
        let actions = match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
            // Deleting has no common name among token services.
            Self::Everything => "*",
        };
        format!("repository:{repository}:{actions}")
    }

    fn action(self) -> &'static str {
        match self {
            Self::Pull => "pull from",
            Self::Push => "push to",
            Self::Everything => "delete from",
        }
    }
}

impl Request {
    fn new(method: Method, repository: &str, rest: &str, right: Right, doing: String) -> Self {
        Self {
            method,
            target: Target::Path(format!("/v2/{repository}/{rest}")),
            headers: Vec::new(),
            body: Bytes::new(),
            repository: repository.to_owned(),
            scopes: vec![right.scope(repository)],
            by_digest: false,
            doing,
            action: right.action(),
        }
    }

    fn at(url: Url, method: Method, repository: &str, doing: String) -> Self {
        Self { target: Target::Url(url), ..Self::new(method, repository, "", Right::Push, doing) }
    }

    #[must_use]
    fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// `GET` or `HEAD` a manifest by tag or digest (end-3).
    pub(super) fn manifest(method: Method, repository: &str, selector: &str) -> Self {
        let doing = format!("fetch manifest {selector}");
        let request = Self::new(method, repository, &format!("manifests/{selector}"), Right::Pull, doing);
        Self { by_digest: selector.contains(':'), ..request.header(ACCEPT, ACCEPT_MANIFESTS) }
    }

    /// Stores a manifest (end-7).
    pub(super) fn put_manifest(repository: &str, selector: &str, media_type: &str, bytes: Bytes) -> Self {
        let doing = format!("store manifest {selector}");
        let rest = format!("manifests/{selector}");
        let request = Self::new(Method::PUT, repository, &rest, Right::Push, doing);
        Self { body: bytes, ..request.header(CONTENT_TYPE, media_type) }
    }

    /// Deletes a manifest by digest, or a tag (end-9).
    pub(super) fn delete_manifest(repository: &str, selector: &str) -> Self {
        let doing = format!("delete manifest {selector}");
        Self::new(Method::DELETE, repository, &format!("manifests/{selector}"), Right::Everything, doing)
    }

    /// Fetches a blob, or its bytes from `start` on (end-2).
    pub(super) fn blob(repository: &str, digest: Digest, start: u64) -> Self {
        let doing = format!("fetch blob {digest}");
        let request = Self::new(Method::GET, repository, &format!("blobs/{digest}"), Right::Pull, doing);
        let request = Self { by_digest: true, ..request };
        if start == 0 { request } else { request.header(RANGE, format!("bytes={start}-")) }
    }

    /// Asks whether a blob is there; as somebody who is about to push it.
    pub(super) fn has_blob(repository: &str, digest: Digest) -> Self {
        let doing = format!("look for blob {digest}");
        Self::new(Method::HEAD, repository, &format!("blobs/{digest}"), Right::Push, doing)
    }

    /// Deletes a blob (end-10).
    pub(super) fn delete_blob(repository: &str, digest: Digest) -> Self {
        let doing = format!("delete blob {digest}");
        Self::new(Method::DELETE, repository, &format!("blobs/{digest}"), Right::Everything, doing)
    }

    /// Starts an upload (end-4a).
    pub(super) fn start_upload(repository: &str, digest: Digest) -> Self {
        Self::new(Method::POST, repository, "blobs/uploads/", Right::Push, format!("upload blob {digest}"))
    }

    /// Asks for a blob of another repository, or else starts an upload (end-11).
    pub(super) fn mount(repository: &str, digest: Digest, from: &str) -> Self {
        let rest = format!("blobs/uploads/?mount={digest}&from={from}");
        let doing = format!("mount blob {digest} from `{from}`");
        let mut request = Self::new(Method::POST, repository, &rest, Right::Push, doing);
        request.scopes.push(Right::Pull.scope(from));
        request
    }

    /// Asks where an upload stands (end-13).
    pub(super) fn upload_status(at: Url, repository: &str, digest: Digest) -> Self {
        Self::at(at, Method::GET, repository, format!("upload blob {digest}"))
    }

    /// Announces the bytes of a blob from `start` to its end; `start` is told only when an upload goes on, because some
    /// registries do not understand pieces (end-5). The body is given to the sender apart.
    pub(super) fn upload_piece(at: Url, repository: &str, digest: Digest, start: u64, size: u64) -> Self {
        let request = Self::at(at, Method::PATCH, repository, format!("upload blob {digest}"))
            .header(CONTENT_TYPE, "application/octet-stream");
        if start == 0 { request } else { request.header(CONTENT_RANGE, format!("{start}-{}", size - 1)) }
    }

    /// Ends an upload; `body` is the whole blob or nothing (end-6, end-4b).
    pub(super) fn finish_upload(mut at: Url, repository: &str, digest: Digest, body: Bytes) -> Self {
        at.query_pairs_mut().append_pair("digest", &digest.to_string());
        let request = Self::at(at, Method::PUT, repository, format!("upload blob {digest}"))
            .header(CONTENT_TYPE, "application/octet-stream");
        Self { body, ..request }
    }

    /// Throws an upload away.
    pub(super) fn cancel_upload(at: Url, repository: &str) -> Self {
        Self::at(at, Method::DELETE, repository, "cancel an upload".to_owned())
    }

    /// Lists tags (end-8).
    pub(super) fn tags(repository: &str) -> Self {
        Self::new(Method::GET, repository, "tags/list", Right::Pull, "list tags".to_owned())
    }

    /// Lists what refers to a manifest (end-12).
    pub(super) fn referrers(repository: &str, digest: Digest, artifact_type: Option<&str>) -> Self {
        let mut rest = format!("referrers/{digest}");
        if let Some(kind) = artifact_type {
            // The characters of media types that have a meaning in a query.
            rest.push_str(&format!(
                "?artifactType={}",
                kind.replace('%', "%25").replace('+', "%2B").replace('&', "%26")
            ));
        }
        let doing = format!("list referrers of {digest}");
        Self::new(Method::GET, repository, &rest, Right::Pull, doing).header(ACCEPT, media::OCI_INDEX)
    }

    /// The next page of a list.
    #[must_use]
    pub(super) fn page(&self, next: Url) -> Self {
        Self { target: Target::Url(next), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn accepted_manifests_are_those_that_are_read() {
        for kind in media::MANIFESTS {
            assert!(ACCEPT_MANIFESTS.contains(kind), "{kind}");
        }
    }

    #[test]
    fn the_digest_joins_what_the_location_has() {
        let digest = Digest::of("x");
        let at: Url = "http://r/v2/a/blobs/uploads/1?_state=a%3D".parse().unwrap();
        let request = Request::finish_upload(at, "a", digest, Bytes::new());
        let Target::Url(url) = request.target else { panic!("a URL") };
        assert_eq!(
            url.as_str(),
            format!("http://r/v2/a/blobs/uploads/1?_state=a%3D&digest=sha256%3A{}", digest.hex())
        );
    }

    #[test]
    fn a_mount_needs_two_rights() {
        let request = Request::mount("a", Digest::of("x"), "b/c");
        assert_eq!(request.scopes, ["repository:a:pull,push", "repository:b/c:pull"]);
    }

    #[test]
    fn only_what_goes_on_says_where() {
        let at: Url = "http://r/u".parse().unwrap();
        let piece = |start| Request::upload_piece(at.clone(), "a", Digest::of("x"), start, 10).headers;
        assert!(!piece(0).iter().any(|(name, _)| name == CONTENT_RANGE));
        assert!(piece(4).contains(&(CONTENT_RANGE, "4-9".to_owned())));
    }
}
