//! Tags, repositories, referrers (end-8, end-12, and Docker's catalogue).

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use base::Digest;

use super::error::{Code, Refusal};
use super::query::{argument, escape};
use super::{FILTERS_APPLIED, Registry, blocking, content};
use crate::manifest::Index;
use crate::media::OCI_INDEX;

pub(super) async fn tags(
    registry: Arc<Registry>,
    repository: String,
    request: Request,
) -> Result<Response, Refusal> {
    let page = Page::of(request.uri())?;
    let name = repository.clone();
    let tags = blocking(move || {
        if !registry.store.has_repository(&name)? {
            return Err(Refusal::new(Code::NameUnknown, format!("there is no repository `{name}`")));
        }
        Ok(registry.store.tags(&name)?)
    })
    .await?;
    let (tags, next) = page.cut(tags, &format!("/v2/{repository}/tags/list"));
    Ok((next, Json(serde_json::json!({ "name": repository, "tags": tags }))).into_response())
}

pub(super) async fn catalog(registry: Arc<Registry>, request: Request) -> Result<Response, Refusal> {
    let page = Page::of(request.uri())?;
    let repositories = blocking(move || Ok(registry.store.repositories()?)).await?;
    let (repositories, next) = page.cut(repositories, "/v2/_catalog");
    Ok((next, Json(serde_json::json!({ "repositories": repositories }))).into_response())
}

pub(super) async fn referrers(
    registry: Arc<Registry>,
    repository: String,
    digest: Digest,
    request: Request,
) -> Result<Response, Refusal> {
    let filter = argument(request.uri(), "artifactType").filter(|filter| !filter.is_empty());
    let filtered = filter.is_some();
    let manifests =
        blocking(move || Ok(registry.store.referrers(&repository, digest, filter.as_deref())?)).await?;
    let index = Index {
        schema_version: 2,
        media_type: Some(OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests,
        subject: None,
        annotations: std::collections::BTreeMap::new(),
    };
    let mut response = Json(index).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(OCI_INDEX));
    if filtered {
        response.headers_mut().insert(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}

/// Which part of a sorted list is wanted: at most `n` entries after `last`.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    count: Option<usize>,
    after: Option<String>,
}

impl Page {
    fn of(uri: &Uri) -> Result<Self, Refusal> {
        let count = argument(uri, "n")
            .map(|n| n.parse())
            .transpose()
            .map_err(|_| Refusal::new(Code::PaginationNumberInvalid, "n must be a number of entries"))?;
        Ok(Self { count, after: argument(uri, "last").filter(|last| !last.is_empty()) })
    }

    /// The wanted entries, and the `Link` to the next ones when there are any (RFC 8288).
    fn cut(
        self,
        sorted: Vec<String>,
        path: &str,
    ) -> (Vec<String>, Option<[(header::HeaderName, HeaderValue); 1]>) {
        let start = self.after.map_or(0, |after| sorted.partition_point(|entry| *entry <= after));
        let mut entries = sorted;
        entries.drain(..start);
        let Some(count) = self.count.filter(|count| *count < entries.len()) else { return (entries, None) };
        entries.truncate(count);
        // An empty page has no last entry to go on from (the specification wants n=0 to be empty, without a link).
        let next = entries.last().and_then(|last| {
            let link = format!("<{path}?n={count}&last={}>; rel=\"next\"", escape(last));
            content::value(link).map(|link| [(header::LINK, link)])
        });
        (entries, next)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cut(query: &str) -> (Vec<String>, Option<String>) {
        let page = Page::of(&format!("/x?{query}").parse().unwrap()).unwrap();
        let (entries, next) = page.cut(["1", "2", "3", "a"].map(String::from).into(), "/x");
        (entries, next.map(|[(_, value)]| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn pages_follow_one_another() {
        assert_eq!(cut(""), (vec!["1".into(), "2".into(), "3".into(), "a".into()], None));
        assert_eq!(cut("n=2"), (vec!["1".into(), "2".into()], Some("</x?n=2&last=2>; rel=\"next\"".into())));
        assert_eq!(cut("n=2&last=2"), (vec!["3".into(), "a".into()], None));
        assert_eq!(cut("last=25"), (vec!["3".into(), "a".into()], None));
        assert_eq!(cut("n=0"), (vec![], None));
        assert_eq!(cut("n=9&last=zz"), (vec![], None));
        assert_eq!(Page::of(&"/x?n=-1".parse().unwrap()).unwrap_err().code, Code::PaginationNumberInvalid);
    }
}
