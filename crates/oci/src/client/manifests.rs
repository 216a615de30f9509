//! Single manifests, tags, deletion.

use base::Digest;
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, LINK};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::Client;
use super::error::ClientError;
use super::progress::Progress;
use super::request::Request;
use super::send::{Answer, Failure};
use crate::manifest::{Descriptor, MANIFEST_LIMIT, Manifest};
use crate::reference::Reference;
use crate::store::StoredManifest;

pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// A list with more pages is a loop.
const MOST_PAGES: usize = 10_000;

/// A small answer, whole.
pub(super) struct Small {
    pub(super) bytes: Vec<u8>,
    pub(super) headers: HeaderMap,
    pub(super) next: Option<Url>,
}

impl Small {
    pub(super) fn header(&self, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[derive(Deserialize)]
struct TagList {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Client {
    /// The manifest of a reference, byte for byte, checked against the reference's digest or the one that the registry gives.
    ///
    /// # Errors
    /// When there is none, it is no manifest, it is too large, or the registry gives wrong content.
    pub fn manifest(&self, reference: &Reference) -> Result<StoredManifest, ClientError> {
        self.manifest_heard(reference, &())
    }

    pub(super) fn manifest_heard(
        &self,
        reference: &Reference,
        progress: &dyn Progress,
    ) -> Result<StoredManifest, ClientError> {
        let request = Request::manifest(Method::GET, reference.repository(), &reference.selector());
        let answer = self.whole(reference, &request, progress)?;
        let digest = Digest::of(&answer.bytes);
        let promised = answer.header(CONTENT_DIGEST).and_then(|text| text.parse::<Digest>().ok());
        if let Some(expected) = reference.digest().or(promised).filter(|expected| *expected != digest) {
            return Err(ClientError::WrongContent {
                registry: reference.registry().to_owned(),
                repository: reference.repository().to_owned(),
                expected,
                found: format!("it has digest {digest}"),
            });
        }
        let invalid = |source| ClientError::Manifest { reference: reference.to_string(), source };
        let declared = answer.header(CONTENT_TYPE).unwrap_or_default();
        let declared = declared.split(';').next().unwrap_or_default().trim();
        let media_type = match declared {
            // Some servers know only that it is JSON, or nothing.
            "" | "application/json" | "text/plain" | "application/octet-stream" => {
                Manifest::detect_type(&answer.bytes).map_err(invalid)?
            }
            declared => declared.to_owned(),
        };
        Manifest::parse(&media_type, &answer.bytes).map_err(invalid)?;
        Ok(StoredManifest { digest, media_type, bytes: answer.bytes })
    }

    /// Digest, type and size of a manifest without fetching it; `None` when there is none.
    ///
    /// # Errors
    /// When the registry does not answer, or not as it should.
    pub fn head(&self, reference: &Reference) -> Result<Option<Descriptor>, ClientError> {
        let request = Request::manifest(Method::HEAD, reference.repository(), &reference.selector());
        let Some(answer) = self.sender.find(reference.registry(), &request, &())? else { return Ok(None) };
        let digest = answer.header(CONTENT_DIGEST).and_then(|text| text.parse().ok()).or(reference.digest());
        let size = answer.header(CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let media_type = answer.header(CONTENT_TYPE).unwrap_or_default();
        match (digest, size) {
            (Some(digest), Some(size)) if !media_type.is_empty() => {
                Ok(Some(Descriptor::new(media_type, digest, size)))
            }
            // Old registries tell nothing in advance.
            _ => {
                let stored = self.manifest(reference)?;
                Ok(Some(Descriptor::new(stored.media_type, stored.digest, stored.bytes.len() as u64)))
            }
        }
    }

    /// Stores a manifest under the reference's tag or digest. Blobs and children must be there before.
    ///
    /// When it has a subject and the registry keeps no list of referrers, the list is kept under a tag, as the specification
    /// tells clients ("Pushing Manifests with Subject").
    ///
    /// # Errors
    /// When the registry refuses it, or stores something else.
    pub fn put_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Digest, ClientError> {
        self.put_manifest_heard(reference, media_type, bytes, &())
    }

    pub(super) fn put_manifest_heard(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: &[u8],
        progress: &dyn Progress,
    ) -> Result<Digest, ClientError> {
        let digest = Digest::of(bytes);
        let manifest = Manifest::parse(media_type, bytes)
            .map_err(|source| ClientError::Manifest { reference: reference.to_string(), source })?;
        let selector = reference.tag().map_or_else(
            || reference.digest().map_or_else(|| reference.selector(), |digest| digest.to_string()),
            str::to_owned,
        );
        let body = Bytes::copy_from_slice(bytes);
        let request = Request::put_manifest(reference.repository(), &selector, media_type, body);
        let answer = self.sender.send(reference.registry(), &request, progress)?;
        let stored = answer.header(CONTENT_DIGEST).and_then(|text| text.parse::<Digest>().ok());
        if let Some(stored) = stored.filter(|stored| *stored != digest) {
            return Err(protocol(reference, &request, format!("it stored {stored} instead of {digest}")));
        }
        if let Some(subject) = manifest.subject()
            && answer.header(OCI_SUBJECT).is_none()
        {
            let referrer = Descriptor {
                artifact_type: manifest.artifact_type().map(str::to_owned),
                annotations: manifest.annotations().clone(),
                ..Descriptor::of(media_type, bytes)
            };
            self.tag_referrer(reference, subject.digest, referrer)?;
        }
        Ok(digest)
    }

    /// Deletes what the reference selects: a manifest with all its tags when it has a digest, else only the tag, which not every
    /// registry can do.
    ///
    /// # Errors
    /// When there is no such manifest or tag, or the registry does not allow it.
    pub fn delete(&self, reference: &Reference) -> Result<(), ClientError> {
        let request = Request::delete_manifest(reference.repository(), &reference.selector());
        self.sender.send(reference.registry(), &request, &()).map(drop)
    }

    /// Takes a blob out of the repository.
    ///
    /// # Errors
    /// When it is not there, or the registry does not allow it.
    pub fn delete_blob(&self, reference: &Reference, digest: Digest) -> Result<(), ClientError> {
        let request = Request::delete_blob(reference.repository(), digest);
        self.sender.send(reference.registry(), &request, &()).map(drop)
    }

    /// All tags of the reference's repository, as the registry orders them.
    ///
    /// # Errors
    /// When there is no such repository, or the registry does not answer as it should.
    pub fn tags(&self, reference: &Reference) -> Result<Vec<String>, ClientError> {
        let mut tags = Vec::new();
        self.pages(reference, &Request::tags(reference.repository()), |page, wrong| {
            let list: TagList = serde_json::from_slice(&page.bytes).map_err(|e| wrong(e.to_string()))?;
            tags.extend(list.tags.unwrap_or_default());
            Ok(())
        })?;
        Ok(tags)
    }

    /// Gives every page of a list to `take`.
    pub(super) fn pages(
        &self,
        reference: &Reference,
        first: &Request,
        mut take: impl FnMut(&Small, &dyn Fn(String) -> ClientError) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let mut request = first.clone();
        for _ in 0..MOST_PAGES {
            let page = self.whole(reference, &request, &())?;
            take(&page, &|reason| protocol(reference, first, reason))?;
            match page.next {
                None => return Ok(()),
                Some(next) => request = request.page(next),
            }
        }
        Err(protocol(reference, first, format!("the list does not end after {MOST_PAGES} pages")))
    }

    /// Sends, and reads the whole answer, which may not be larger than a manifest.
    pub(super) fn whole(
        &self,
        reference: &Reference,
        request: &Request,
        progress: &dyn Progress,
    ) -> Result<Small, ClientError> {
        self.sender.retrying(reference.registry(), request, progress, || {
            let mut answer = self.sender.once(reference.registry(), request, None)?;
            let next = next_page(&answer);
            let headers = answer.response.headers().clone();
            let limit = usize::try_from(MANIFEST_LIMIT).unwrap_or(usize::MAX);
            let bytes = answer.response.read(limit)?;
            if bytes.len() > limit {
                let reason = "the answer has more than 4 MiB".to_owned();
                return Err(Failure::Final(protocol(reference, request, reason)));
            }
            Ok(Small { bytes, headers, next })
        })
    }
}

/// The `Link` with `rel="next"` (RFC 8288), on the same registry.
fn next_page(answer: &Answer) -> Option<Url> {
    let link = answer.header(LINK)?;
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    if !parameters.replace(['"', ' '], "").contains("rel=next") {
        return None;
    }
    answer.registry.resolve(answer.response.url(), target).filter(|url| answer.registry.owns(url))
}

fn protocol(reference: &Reference, request: &Request, reason: String) -> ClientError {
    ClientError::Protocol {
        registry: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
        doing: request.doing.clone(),
        reason,
    }
}
