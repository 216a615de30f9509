//! What every registry does: each test is proven on Debian's registry and holds for ours.

use std::net::SocketAddr;

use base::Digest;
use oci::media;
use testkit::image::{BuiltImage, Image};

use crate::support::debian::Debian;
use crate::support::http::{Answer, send, send_chunked};
use crate::support::ours::Ours;
use crate::support::{layer, noise};

macro_rules! on_both {
    ($($name:ident)*) => {
        mod debian {
            $(#[test] fn $name() {
                if let Some(registry) = super::Debian::start() {
                    super::$name(registry.addr());
                }
            })*
        }
        mod ours {
            $(#[test] fn $name() {
                let registry = super::Ours::start();
                super::$name(registry.addr());
                assert!(registry.store.check().unwrap().is_whole());
            })*
        }
    };
}

on_both! {
    the_ping_says_which_api
    a_blob_comes_in_one_stream
    a_blob_comes_with_the_last_request
    a_wrong_digest_is_refused
    an_upload_tells_where_it_stands
    an_upload_is_cancelled
    a_blob_is_mounted
    ranges_of_a_blob
    manifests_stay_as_they_are
    manifests_with_something_missing_are_refused
    tags_are_listed
    repositories_come_in_pages
    manifests_and_blobs_are_deleted
    what_is_not_there
    names_that_break_the_grammar
}

/// Debian's registry gives a manifest only to those who say that they know its type.
pub fn get(at: SocketAddr, path: &str) -> Answer {
    let accept = media::MANIFESTS.join(", ");
    send(at, "GET", path, &[("Accept", &accept)], b"")
}

/// Uploads a blob as most clients do: POST, PATCH, PUT.
pub fn upload(at: SocketAddr, repository: &str, bytes: &[u8]) -> Digest {
    let digest = Digest::of(bytes);
    let started = send(at, "POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"");
    assert_eq!(started.status, 202, "{started:?}");
    let sent = send(at, "PATCH", &started.location(), &[("Content-Type", "application/octet-stream")], bytes);
    assert_eq!(sent.status, 202, "{sent:?}");
    let finished = finish(at, &sent.location(), digest, b"");
    assert_eq!(finished.status, 201, "{finished:?}");
    digest
}

pub fn finish(at: SocketAddr, location: &str, digest: Digest, rest: &[u8]) -> Answer {
    let join = if location.contains('?') { '&' } else { '?' };
    send(at, "PUT", &format!("{location}{join}digest={digest}"), &[], rest)
}

pub fn put_manifest(
    at: SocketAddr,
    repository: &str,
    selector: &str,
    media_type: &str,
    bytes: &[u8],
) -> Answer {
    let path = format!("/v2/{repository}/manifests/{selector}");
    send(at, "PUT", &path, &[("Content-Type", media_type)], bytes)
}

/// Uploads a whole image under a tag.
pub fn push(at: SocketAddr, repository: &str, tag: &str, image: &BuiltImage) {
    for blob in image.blobs() {
        upload(at, repository, blob);
    }
    let stored = put_manifest(at, repository, tag, image.media_type, &image.manifest);
    assert_eq!(stored.status, 201, "{stored:?}");
    assert_eq!(stored.header("docker-content-digest"), Some(&*image.digest.to_string()));
}

fn the_ping_says_which_api(at: SocketAddr) {
    let ping = get(at, "/v2/");
    assert_eq!((ping.status, ping.header("docker-distribution-api-version")), (200, Some("registry/2.0")));
    assert_eq!(get(at, "/v2/unknown-end-point").status, 404);
}

fn a_blob_comes_in_one_stream(at: SocketAddr) {
    let bytes = noise("stream", 300_000);
    let started = send(at, "POST", "/v2/a/b/blobs/uploads/", &[], b"");
    assert_eq!(started.status, 202);
    assert!(started.header("docker-upload-uuid").is_some());
    let pieces: Vec<&[u8]> = bytes.chunks(70_000).collect();
    let sent = send_chunked(at, "PATCH", &started.location(), &[], &pieces);
    assert_eq!((sent.status, sent.header("range")), (202, Some("0-299999")), "{sent:?}");
    let digest = Digest::of(&bytes);
    let finished = finish(at, &sent.location(), digest, b"");
    assert_eq!(finished.status, 201, "{finished:?}");
    assert_eq!(finished.header("docker-content-digest"), Some(&*digest.to_string()));
    assert_eq!(finished.location(), format!("/v2/a/b/blobs/{digest}"));

    let blob = get(at, &finished.location());
    assert_eq!((blob.status, blob.body == bytes), (200, true));
    assert_eq!(blob.header("docker-content-digest"), Some(&*digest.to_string()));
    let head = send(at, "HEAD", &finished.location(), &[], b"");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("300000"), 0));
}

fn a_blob_comes_with_the_last_request(at: SocketAddr) {
    let bytes = noise("put", 100_000);
    let started = send(at, "POST", "/v2/a/blobs/uploads/", &[], b"");
    let finished = finish(at, &started.location(), Digest::of(&bytes), &bytes);
    assert_eq!(finished.status, 201, "{finished:?}");
    assert_eq!(get(at, &finished.location()).body, bytes);
    // Half before, half with it.
    let started = send(at, "POST", "/v2/a/blobs/uploads/", &[], b"");
    let bytes = noise("half", 100_000);
    let sent = send(at, "PATCH", &started.location(), &[], &bytes[..60_000]);
    let finished = finish(at, &sent.location(), Digest::of(&bytes), &bytes[60_000..]);
    assert_eq!(finished.status, 201, "{finished:?}");
    assert_eq!(get(at, &finished.location()).body, bytes);
}

fn a_wrong_digest_is_refused(at: SocketAddr) {
    let started = send(at, "POST", "/v2/a/blobs/uploads/", &[], b"");
    let wrong = Digest::of("something else");
    let refused = finish(at, &started.location(), wrong, b"content");
    assert_eq!((refused.status, &*refused.code()), (400, "DIGEST_INVALID"));
    assert_eq!(get(at, &format!("/v2/a/blobs/{wrong}")).status, 404);
    assert_eq!(get(at, &format!("/v2/a/blobs/{}", Digest::of("content"))).status, 404);
    let started = send(at, "POST", "/v2/a/blobs/uploads/", &[], b"");
    let refused = send(at, "PUT", &started.location(), &[], b"");
    assert_eq!((refused.status, &*refused.code()), (400, "DIGEST_INVALID"), "no digest at all");
}

fn an_upload_tells_where_it_stands(at: SocketAddr) {
    let started = send(at, "POST", "/v2/a/blobs/uploads/", &[], b"");
    assert_eq!(started.header("range"), Some("0-0"));
    let sent = send(at, "PATCH", &started.location(), &[], b"0123456789");
    let status = get(at, &sent.location());
    assert_eq!((status.status, status.header("range")), (204, Some("0-9")), "{status:?}");
    let more = send(at, "PATCH", &status.location(), &[], b"abc");
    assert_eq!(more.header("range"), Some("0-12"));
    let digest = Digest::of("0123456789abc");
    assert_eq!(finish(at, &more.location(), digest, b"").status, 201);
    assert_eq!(get(at, &more.location()).status, 404, "a finished upload is gone");
}

fn an_upload_is_cancelled(at: SocketAddr) {
    let started = send(at, "POST", "/v2/a/blobs/uploads/", &[], b"");
    let sent = send(at, "PATCH", &started.location(), &[], b"abc");
    assert_eq!(send(at, "DELETE", &sent.location(), &[], b"").status, 204);
    for (method, body) in [("GET", &b""[..]), ("PATCH", b"abc"), ("DELETE", b"")] {
        let gone = send(at, method, &sent.location(), &[], body);
        assert_eq!((gone.status, &*gone.code()), (404, "BLOB_UPLOAD_UNKNOWN"), "{method}");
    }
}

fn a_blob_is_mounted(at: SocketAddr) {
    let digest = upload(at, "from/here", b"shared");
    let mount =
        |from| send(at, "POST", &format!("/v2/to/blobs/uploads/?mount={digest}&from={from}"), &[], b"");
    let nowhere = mount("not/there");
    assert_eq!(nowhere.status, 202, "an ordinary upload starts: {nowhere:?}");
    assert_eq!(get(at, &format!("/v2/to/blobs/{digest}")).status, 404);
    let mounted = mount("from/here");
    assert_eq!((mounted.status, mounted.location()), (201, format!("/v2/to/blobs/{digest}")));
    assert_eq!(get(at, &format!("/v2/to/blobs/{digest}")).body, b"shared");
    assert_eq!(finish(at, &nowhere.location(), digest, b"shared").status, 201);
}

fn ranges_of_a_blob(at: SocketAddr) {
    let bytes = noise("range", 2_000_000);
    let path = format!("/v2/a/blobs/{}", upload(at, "a", &bytes));
    for (range, start, end) in [
        ("0-0", 0, 1),
        ("5-99", 5, 100),
        ("1999990-", 1_999_990, 2_000_000),
        ("-10", 1_999_990, 2_000_000),
        ("700000-1900000", 700_000, 1_900_001),
    ] {
        let part = send(at, "GET", &path, &[("Range", &format!("bytes={range}"))], b"");
        assert_eq!(part.status, 206, "{range}");
        assert!(part.body == bytes[start..end], "{range}");
        assert_eq!(part.header("content-range"), Some(&*format!("bytes {start}-{}/2000000", end - 1)));
    }
    let beyond = send(at, "GET", &path, &[("Range", "bytes=2000000-")], b"");
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */2000000")));
    let etag = send(at, "HEAD", &path, &[], b"").header("etag").unwrap().to_owned();
    assert_eq!(send(at, "GET", &path, &[("If-None-Match", &etag)], b"").status, 304);
}

fn manifests_stay_as_they_are(at: SocketAddr) {
    let image = Image::new()
        .layer(layer("m", 2000))
        .manifest_field("annotations", serde_json::json!({"b": "1", "a": "2"}))
        .build();
    push(at, "a/b", "v1", &image);
    // The same image for Docker, with white space that a re-serialising registry would lose.
    let docker = format!(
        "{{\n \"schemaVersion\": 2, \"mediaType\": \"{}\",\n  \"config\": {{\"mediaType\": \"{}\", \"digest\": \"{}\", \"size\": {}}},\n \"layers\": [] }}\n",
        media::DOCKER_MANIFEST,
        media::DOCKER_CONFIG,
        Digest::of(&image.config),
        image.config.len()
    );
    assert_eq!(put_manifest(at, "a/b", "docker", media::DOCKER_MANIFEST, docker.as_bytes()).status, 201);
    for (tag, media_type, bytes) in [
        ("v1", media::OCI_MANIFEST, image.manifest.as_slice()),
        ("docker", media::DOCKER_MANIFEST, docker.as_bytes()),
    ] {
        let digest = Digest::of(bytes).to_string();
        for selector in [tag, &digest] {
            for method in ["GET", "HEAD"] {
                let path = format!("/v2/a/b/manifests/{selector}");
                let found = send(at, method, &path, &[("Accept", media_type)], b"");
                assert_eq!(
                    (found.status, found.header("content-type")),
                    (200, Some(media_type)),
                    "{method} {path}"
                );
                assert_eq!(found.header("docker-content-digest"), Some(&*digest));
                assert_eq!(found.header("content-length"), Some(&*bytes.len().to_string()));
                assert!(method == "HEAD" || found.body == bytes);
            }
        }
    }
}

fn manifests_with_something_missing_are_refused(at: SocketAddr) {
    let image = Image::holding("missing").build();
    let refused = put_manifest(at, "a", "v1", image.media_type, &image.manifest);
    assert_eq!(refused.code(), "MANIFEST_BLOB_UNKNOWN", "{refused:?}");
    for blob in image.blobs() {
        upload(at, "a", blob);
    }
    let refused = put_manifest(at, "a", &Digest::of("other").to_string(), image.media_type, &image.manifest);
    assert_eq!((refused.status, &*refused.code()), (400, "DIGEST_INVALID"));
    for broken in ["", "{\"schemaVersion\": 2", "not json"] {
        let refused = put_manifest(at, "a", "v1", image.media_type, broken.as_bytes());
        assert_eq!((refused.status, &*refused.code()), (400, "MANIFEST_INVALID"), "{broken}: {refused:?}");
    }
    assert_eq!(get(at, "/v2/a/manifests/v1").status, 404);
    assert_eq!(
        put_manifest(at, "a", &image.digest.to_string(), image.media_type, &image.manifest).status,
        201
    );
    assert_eq!(get(at, &format!("/v2/a/manifests/{}", image.digest)).status, 200);
}

fn tags_are_listed(at: SocketAddr) {
    let image = Image::holding("tags").build();
    for tag in ["b", "10", "a", "9", "B"] {
        push(at, "a", tag, &image);
    }
    let list = get(at, "/v2/a/tags/list").json();
    // Debian's registry gives them in the order of the folder.
    let mut tags: Vec<&str> = list["tags"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    tags.sort_unstable();
    assert_eq!((list["name"].as_str(), tags), (Some("a"), vec!["10", "9", "B", "a", "b"]));
    let unknown = get(at, "/v2/unknown/tags/list");
    assert_eq!((unknown.status, &*unknown.code()), (404, "NAME_UNKNOWN"));
}

fn repositories_come_in_pages(at: SocketAddr) {
    let image = Image::holding("catalog").build();
    for repository in ["c", "a/b", "a/c", "b"] {
        push(at, repository, "v1", &image);
    }
    let list = get(at, "/v2/_catalog");
    assert_eq!(list.json(), serde_json::json!({"repositories": ["a/b", "a/c", "b", "c"]}));
    let (mut path, mut found, mut pages) = ("/v2/_catalog?n=3".to_owned(), Vec::new(), 0);
    loop {
        let page = get(at, &path);
        found.extend(
            page.json()["repositories"].as_array().unwrap().iter().map(|r| r.as_str().unwrap().to_owned()),
        );
        pages += 1;
        let Some(link) = page.header("link") else { break };
        assert!(link.ends_with("; rel=\"next\""), "{link}");
        path = link[1..link.find('>').unwrap()].to_owned();
    }
    assert_eq!((found, pages), (vec!["a/b".into(), "a/c".into(), "b".into(), "c".into()], 2));
}

fn manifests_and_blobs_are_deleted(at: SocketAddr) {
    let image = Image::holding("delete").build();
    push(at, "a", "v1", &image);
    push(at, "a", "v2", &image);
    push(at, "b", "v1", &image);
    let path = format!("/v2/a/manifests/{}", image.digest);
    assert_eq!(send(at, "DELETE", &path, &[], b"").status, 202);
    assert_eq!(send(at, "DELETE", &path, &[], b"").status, 404);
    for gone in [&*path, "/v2/a/manifests/v1", "/v2/a/manifests/v2"] {
        let answer = get(at, gone);
        assert_eq!((answer.status, &*answer.code()), (404, "MANIFEST_UNKNOWN"), "{gone}");
    }
    let blob = format!("/v2/a/blobs/{}", image.layers[0].digest);
    assert_eq!(send(at, "DELETE", &blob, &[], b"").status, 202);
    let gone = get(at, &blob);
    assert_eq!((gone.status, &*gone.code()), (404, "BLOB_UNKNOWN"));
    assert_eq!(send(at, "DELETE", &blob, &[], b"").status, 404);
    assert_eq!(get(at, "/v2/b/manifests/v1").body, image.manifest, "the other repository keeps it");
    assert_eq!(get(at, &format!("/v2/b/blobs/{}", image.layers[0].digest)).body, image.layers[0].bytes);
}

fn what_is_not_there(at: SocketAddr) {
    upload(at, "a", b"blob");
    let nowhere = Digest::of("nowhere");
    for (method, path, code) in [
        ("GET", "/v2/a/manifests/v1".to_owned(), "MANIFEST_UNKNOWN"),
        ("GET", format!("/v2/a/manifests/{nowhere}"), "MANIFEST_UNKNOWN"),
        ("GET", format!("/v2/a/blobs/{nowhere}"), "BLOB_UNKNOWN"),
        ("DELETE", format!("/v2/a/blobs/{nowhere}"), "BLOB_UNKNOWN"),
        ("DELETE", format!("/v2/a/manifests/{nowhere}"), "MANIFEST_UNKNOWN"),
        ("GET", format!("/v2/b/blobs/{}", Digest::of("blob")), "BLOB_UNKNOWN"),
    ] {
        let answer = send(at, method, &path, &[], b"");
        assert_eq!((answer.status, &*answer.code()), (404, code), "{method} {path}");
    }
    let head = send(at, "HEAD", &format!("/v2/a/blobs/{nowhere}"), &[], b"");
    assert_eq!((head.status, head.body.len()), (404, 0));
}

fn names_that_break_the_grammar(at: SocketAddr) {
    // Nothing of these may become a file: not found or refused, and the registry lives on.
    for path in [
        "/v2/../../etc/manifests/passwd",
        "/v2/a/../b/manifests/x",
        "/v2/%2e%2e/%2e%2e/etc/blobs/uploads/",
        "/v2/A/manifests/x",
        "/v2/a/manifests/../../x",
        "/v2/a/manifests/%2e%2e%2fx",
        "/v2/a/blobs/sha256:../../../../etc/passwd",
        "/v2/a/blobs/sha256:xyz",
        "/v2/a/blobs/uploads/../../../x",
        "/v2/a%00b/manifests/x",
    ] {
        for method in ["GET", "DELETE", "PUT"] {
            let status = send(at, method, path, &[], b"").status;
            assert!((300..500).contains(&status), "{method} {path}: {status}");
        }
    }
    assert_eq!(get(at, "/v2/").status, 200);
}
