//! Which end point a request's path means (distribution specification 1.1, "Endpoints").
//!
//! Repository names contain slashes, so the fixed words are looked for from the end of the path.

use base::Digest;

use super::error::{Code, Refusal};
use crate::reference::{check_repository, check_tag};

/// An end point of the API with its checked arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// `/v2/` (end-1)
    Ping,
    /// `/v2/_catalog` (Docker's)
    Catalog,
    /// `/v2/NAME/tags/list` (end-8)
    Tags { repository: String },
    /// `/v2/NAME/manifests/TAG|DIGEST` (end-3, end-7, end-9)
    Manifest { repository: String, selector: Selector },
    /// `/v2/NAME/blobs/DIGEST` (end-2, end-10)
    Blob { repository: String, digest: Digest },
    /// `/v2/NAME/blobs/uploads/` (end-4, end-11)
    Uploads { repository: String },
    /// `/v2/NAME/blobs/uploads/ID` (end-5, end-6, end-13)
    Upload { repository: String, id: String },
    /// `/v2/NAME/referrers/DIGEST` (end-12)
    Referrers { repository: String, digest: Digest },
}

/// What names a manifest within a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selector {
    Tag(String),
    Digest(Digest),
}

impl Route {
    /// From the path of a request, still percent-encoded; `None` when it is no path of this API.
    ///
    /// # Errors
    /// When the path has the shape of an end point, but its name, tag or digest breaks the grammar.
    pub(super) fn parse(path: &str) -> Result<Option<Self>, Refusal> {
        let Some(path) = percent_decode(path) else { return Ok(None) };
        if path == "/v2" {
            return Ok(Some(Self::Ping));
        }
        let Some(rest) = path.strip_prefix("/v2/") else { return Ok(None) };
        match rest {
            "" => return Ok(Some(Self::Ping)),
            "_catalog" => return Ok(Some(Self::Catalog)),
            _ => {}
        }
        let segments: Vec<&str> = rest.split('/').collect();
        let Some((name, call)) = split(&segments) else { return Ok(None) };
        let repository = name.join("/");
        check_repository(&repository).map_err(|reason| Refusal::new(Code::NameInvalid, reason))?;
        Ok(Some(match call {
            Call::Tags => Self::Tags { repository },
            Call::Manifest(text) => Self::Manifest { repository, selector: Selector::parse(text)? },
            Call::Blob(text) => Self::Blob { repository, digest: digest(text)? },
            Call::Uploads => Self::Uploads { repository },
            Call::Upload(id) => Self::Upload { repository, id: id.to_owned() },
            Call::Referrers(text) => Self::Referrers { repository, digest: digest(text)? },
        }))
    }
}

impl Selector {
    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains(':') {
            return digest(text).map(Self::Digest);
        }
        // No such manifest can exist, so reading it is simply "unknown"; writing it is refused by the same answer.
        check_tag(text).map_err(|reason| Refusal::new(Code::ManifestUnknown, reason))?;
        Ok(Self::Tag(text.to_owned()))
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => write!(f, "{digest}"),
        }
    }
}

/// Reads a digest from a path or a query.
pub(super) fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|e: base::digest::InvalidDigest| Refusal::new(Code::DigestInvalid, e.to_string()))
}

enum Call<'a> {
    Tags,
    Manifest(&'a str),
    Blob(&'a str),
    Uploads,
    Upload(&'a str),
    Referrers(&'a str),
}

/// The repository's segments and the call; the name has at least one segment.
fn split<'s, 'a>(segments: &'s [&'a str]) -> Option<(&'s [&'a str], Call<'a>)> {
    match segments {
        [name @ .., "blobs", "uploads", ""] | [name @ .., "blobs", "uploads"] if !name.is_empty() => {
            Some((name, Call::Uploads))
        }
        [name @ .., "blobs", "uploads", id] if !name.is_empty() => Some((name, Call::Upload(id))),
        [name @ .., "tags", "list"] if !name.is_empty() => Some((name, Call::Tags)),
        [name @ .., "manifests", selector] if !name.is_empty() => Some((name, Call::Manifest(selector))),
        [name @ .., "blobs", digest] if !name.is_empty() => Some((name, Call::Blob(digest))),
        [name @ .., "referrers", digest] if !name.is_empty() => Some((name, Call::Referrers(digest))),
        _ => None,
    }
}

/// Resolves `%XX`; `None` when the result is not UTF-8 or an escape is broken.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let [high, low, after @ ..] = rest else { return None };
            let hex = |b: u8| char::from(b).to_digit(16);
            bytes.push(u8::try_from(hex(*high)? * 16 + hex(*low)?).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn route(path: &str) -> Option<Route> {
        Route::parse(path).unwrap()
    }

    #[test]
    fn names_may_look_like_end_points() {
        assert_eq!(route("/v2/"), Some(Route::Ping));
        assert_eq!(route("/v2/a/tags/list"), Some(Route::Tags { repository: "a".into() }));
        assert_eq!(route("/v2/tags/tags/list"), Some(Route::Tags { repository: "tags".into() }));
        assert_eq!(
            route("/v2/a/blobs/uploads/manifests/v1"),
            Some(Route::Manifest {
                repository: "a/blobs/uploads".into(),
                selector: Selector::Tag("v1".into())
            })
        );
        assert_eq!(route("/v2/a/b/blobs/uploads/"), Some(Route::Uploads { repository: "a/b".into() }));
        assert_eq!(
            route("/v2/a/blobs/uploads/1234"),
            Some(Route::Upload { repository: "a".into(), id: "1234".into() })
        );
    }

    #[test]
    fn digests_may_be_percent_encoded() {
        let digest = Digest::of("x");
        for path in [format!("/v2/a/blobs/{digest}"), format!("/v2/a/blobs/sha256%3A{}", digest.hex())] {
            assert_eq!(route(&path), Some(Route::Blob { repository: "a".into(), digest }), "{path}");
        }
    }

    #[test]
    fn what_breaks_the_grammar_never_becomes_a_route() {
        for (path, code) in [
            ("/v2/../etc/manifests/x", Code::NameInvalid),
            ("/v2/a/%2e%2e/b/manifests/x", Code::NameInvalid),
            ("/v2/A/manifests/x", Code::NameInvalid),
            ("/v2/a//b/manifests/x", Code::NameInvalid),
            ("/v2/a/manifests/.x", Code::ManifestUnknown),
            ("/v2/a/manifests/sha256:12", Code::DigestInvalid),
            ("/v2/a/blobs/..", Code::DigestInvalid),
            ("/v2/a/referrers/nonsense", Code::DigestInvalid),
        ] {
            assert_eq!(Route::parse(path).unwrap_err().code, code, "{path}");
        }
        for path in
            ["/", "/v1/", "/v2/a", "/v2/manifests/x", "/v2/a/tags", "/v2/%ff/tags/list", "/v2/%2/tags/list"]
        {
            assert_eq!(route(path), None, "{path}");
        }
    }
}
