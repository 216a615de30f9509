//! What the specification 1.1 asks and Debian's registry does not have yet.

use base::Digest;
use oci::media;
use serde_json::json;
use testkit::image::Image;

use super::protocol::{finish, get, push, put_manifest, upload};
use crate::support::http::send;
use crate::support::ours::Ours;

#[test]
fn a_blob_comes_with_the_first_request() {
    let ours = Ours::start();
    let path = |digest| format!("/v2/a/blobs/uploads/?digest={digest}");
    let right = send(ours.addr(), "POST", &path(Digest::of("content")), &[], b"content");
    assert_eq!((right.status, right.location()), (201, format!("/v2/a/blobs/{}", Digest::of("content"))));
    assert_eq!(get(ours.addr(), &right.location()).body, b"content");
    let wrong = send(ours.addr(), "POST", &path(Digest::of("x")), &[], b"content");
    assert_eq!((wrong.status, &*wrong.code()), (400, "DIGEST_INVALID"));
    let nonsense = send(ours.addr(), "POST", "/v2/a/blobs/uploads/?digest=md5:12", &[], b"content");
    assert_eq!((nonsense.status, &*nonsense.code()), (400, "DIGEST_INVALID"));
    let uploads = ours.store.dir().join("repositories/a/_uploads");
    assert_eq!(std::fs::read_dir(uploads).unwrap().count(), 0, "refused uploads leave nothing");
}

#[test]
fn chunks_must_follow_one_another() {
    let ours = Ours::start();
    let at = ours.addr();
    let started = send(at, "POST", "/v2/a/blobs/uploads/", &[], b"");
    let chunk = |location: &str, range: &str, bytes: &[u8]| {
        send(at, "PATCH", location, &[("Content-Range", range)], bytes)
    };
    let refused = chunk(&started.location(), "5-9", b"fghij");
    assert_eq!((refused.status, refused.header("range")), (416, Some("0-0")));
    let first = chunk(&started.location(), "0-4", b"abcde");
    assert_eq!((first.status, first.header("range")), (202, Some("0-4")));
    for range in ["0-4", "6-10", "4-8"] {
        let refused = chunk(&first.location(), range, b"fghij");
        assert_eq!((refused.status, refused.header("range")), (416, Some("0-4")), "{range}");
        assert_eq!(refused.location(), first.location(), "{range}");
    }
    let refused = chunk(&first.location(), "5-20", b"fghij");
    assert_eq!((refused.status, &*refused.code()), (400, "SIZE_INVALID"));
    assert_eq!(chunk(&first.location(), "five to nine", b"fghij").status, 400);
    let second = chunk(&first.location(), "5-9", b"fghij");
    assert_eq!((second.status, second.header("range")), (202, Some("0-9")));
    // The last chunk may come with the end.
    let digest = Digest::of("abcdefghijk");
    let path = format!("{}?digest={digest}", second.location());
    assert_eq!(send(at, "PUT", &path, &[("Content-Range", "9-9")], b"k").status, 416);
    assert_eq!(send(at, "PUT", &path, &[("Content-Range", "10-10")], b"k").status, 201);
    assert_eq!(get(at, &format!("/v2/a/blobs/{digest}")).body, b"abcdefghijk");
}

#[test]
fn a_blob_is_mounted_from_anywhere() {
    let ours = Ours::start();
    let digest = upload(ours.addr(), "from", b"shared");
    let mounted = send(ours.addr(), "POST", &format!("/v2/to/blobs/uploads/?mount={digest}"), &[], b"");
    assert_eq!(mounted.status, 201);
    let unknown = Digest::of("unknown");
    let upload =
        send(ours.addr(), "POST", &format!("/v2/to/blobs/uploads/?mount={unknown}&from=../x"), &[], b"");
    assert_eq!(upload.status, 202);
    assert_eq!(finish(ours.addr(), &upload.location(), unknown, b"unknown").status, 201);
}

#[test]
fn referrers_are_listed() {
    let ours = Ours::start();
    let at = ours.addr();
    let subject = Image::holding("subject").build();
    let empty = get(at, &format!("/v2/a/referrers/{}", subject.digest));
    assert_eq!(
        (empty.status, empty.header("content-type"), &empty.json()["manifests"]),
        (200, Some(media::OCI_INDEX), &json!([]))
    );
    push(at, "a", "v1", &subject);
    upload(at, "a", b"{}");
    let artifact = |kind: &str, note: &str| {
        json!({
            "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "artifactType": kind,
            "config": {"mediaType": media::OCI_EMPTY, "digest": Digest::of("{}"), "size": 2}, "layers": [],
            "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.manifest.len()},
            "annotations": {"note": note},
        })
        .to_string()
    };
    let (signature, bill) =
        (artifact("application/x.signature+json", "s"), artifact("application/x.sbom", "b"));
    for document in [&signature, &bill] {
        let digest = Digest::of(document).to_string();
        let stored = put_manifest(at, "a", &digest, media::OCI_MANIFEST, document.as_bytes());
        assert_eq!((stored.status, stored.header("oci-subject")), (201, Some(&*subject.digest.to_string())));
    }
    let all = get(at, &format!("/v2/a/referrers/{}", subject.digest));
    assert_eq!(all.json()["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(all.header("oci-filters-applied"), None);
    for escaped in ["application/x.signature%2Bjson", "application/x.signature+json"] {
        let some = get(at, &format!("/v2/a/referrers/{}?artifactType={escaped}", subject.digest));
        assert_eq!(some.header("oci-filters-applied"), Some("artifactType"));
        assert_eq!(
            some.json()["manifests"],
            json!([{
                "mediaType": media::OCI_MANIFEST, "digest": Digest::of(&signature), "size": signature.len(),
                "annotations": {"note": "s"}, "artifactType": "application/x.signature+json",
            }])
        );
    }
    let path = format!("/v2/a/manifests/{}", Digest::of(&signature));
    assert_eq!(send(at, "DELETE", &path, &[], b"").status, 202);
    let rest = get(at, &format!("/v2/a/referrers/{}", subject.digest)).json();
    assert_eq!(rest["manifests"].as_array().unwrap().len(), 1);
    let nonsense = get(at, "/v2/a/referrers/nonsense");
    assert_eq!((nonsense.status, &*nonsense.code()), (400, "DIGEST_INVALID"));
}

#[test]
fn an_index_needs_its_children() {
    let ours = Ours::start();
    let at = ours.addr();
    let (one, two) = (Image::holding("1").build(), Image::holding("2").platform("linux", "arm64").build());
    let (index, media_type) = testkit::image::index(&[&one, &two]);
    push(at, "a", "one", &one);
    let refused = put_manifest(at, "a", "both", media_type, &index);
    assert_eq!((refused.status, &*refused.code()), (404, "MANIFEST_BLOB_UNKNOWN"));
    push(at, "a", "two", &two);
    assert_eq!(put_manifest(at, "a", "both", media_type, &index).status, 201);
    assert_eq!(get(at, "/v2/a/manifests/both").body, index);
}

#[test]
fn tags_come_in_pages() {
    let ours = Ours::start();
    let at = ours.addr();
    let image = Image::holding("pages").build();
    for tag in ["b", "10", "a", "9", "B"] {
        push(at, "x/y", tag, &image);
    }
    let page = |query: &str| {
        let page = get(at, &format!("/v2/x/y/tags/list?{query}"));
        (page.json()["tags"].clone(), page.header("link").map(str::to_owned))
    };
    assert_eq!(
        page("n=2"),
        (json!(["10", "9"]), Some("</v2/x/y/tags/list?n=2&last=9>; rel=\"next\"".into()))
    );
    assert_eq!(
        page("n=2&last=9"),
        (json!(["B", "a"]), Some("</v2/x/y/tags/list?n=2&last=a>; rel=\"next\"".into()))
    );
    assert_eq!(page("n=2&last=a"), (json!(["b"]), None));
    assert_eq!(page("n=5"), (json!(["10", "9", "B", "a", "b"]), None));
    assert_eq!(page("n=0"), (json!([]), None));
    assert_eq!(page("last=A"), (json!(["B", "a", "b"]), None));
    let refused = get(at, "/v2/x/y/tags/list?n=many");
    assert_eq!((refused.status, &*refused.code()), (400, "PAGINATION_NUMBER_INVALID"));
}

#[test]
fn a_tag_is_deleted_alone() {
    let ours = Ours::start();
    let at = ours.addr();
    let image = Image::holding("untag").build();
    push(at, "a", "v1", &image);
    push(at, "a", "v2", &image);
    assert_eq!(send(at, "DELETE", "/v2/a/manifests/v1", &[], b"").status, 202);
    assert_eq!(get(at, "/v2/a/manifests/v1").status, 404);
    assert_eq!(get(at, "/v2/a/manifests/v2").status, 200);
    assert_eq!(get(at, "/v2/a/tags/list").json()["tags"], json!(["v2"]));
    assert_eq!(send(at, "DELETE", "/v2/a/manifests/v1", &[], b"").status, 404);
    assert_eq!(send(at, "DELETE", "/v2/a/manifests/v2", &[], b"").status, 202);
    assert_eq!(get(at, "/v2/a/tags/list").json()["tags"], json!([]), "the manifest is there without a tag");
}

#[test]
fn manifests_that_are_none_are_refused() {
    let ours = Ours::start();
    for (media_type, broken) in [
        (media::OCI_MANIFEST, "{}".to_owned()),
        (media::OCI_MANIFEST, "[1]".to_owned()),
        (media::OCI_MANIFEST, json!({"schemaVersion": 1, "config": {}}).to_string()),
        (
            media::OCI_MANIFEST,
            json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": []}).to_string(),
        ),
        (media::OCI_INDEX, json!({"schemaVersion": 2, "manifests": [], "layers": []}).to_string()),
        ("application/vnd.docker.distribution.manifest.v1+json", json!({"schemaVersion": 1}).to_string()),
    ] {
        let refused = put_manifest(ours.addr(), "a", "v1", media_type, broken.as_bytes());
        assert_eq!((refused.status, &*refused.code()), (400, "MANIFEST_INVALID"), "{broken}");
    }
    assert!(ours.store.repositories().unwrap().is_empty());
}

#[test]
fn an_unsatisfiable_range_has_a_small_answer() {
    let ours = Ours::start();
    let path = format!("/v2/a/blobs/{}", upload(ours.addr(), "a", b"0123456789"));
    let refused = send(ours.addr(), "GET", &path, &[("Range", "bytes=10-")], b"");
    assert_eq!((refused.status, refused.header("content-range")), (416, Some("bytes */10")));
    assert_eq!(refused.header("content-length"), Some(&*refused.body.len().to_string()));
}

#[test]
fn refusals_have_a_code_and_a_message() {
    let ours = Ours::start();
    let at = ours.addr();
    let digest = Digest::of("x");
    let id = "0".repeat(32);
    for (method, path, status, code) in [
        ("GET", "/v2/Upper/tags/list".to_owned(), 400, "NAME_INVALID"),
        ("GET", format!("/v2/{}/tags/list", "a".repeat(256)), 400, "NAME_INVALID"),
        ("PUT", "/v2/a/manifests/.tag".to_owned(), 400, "MANIFEST_INVALID"),
        ("GET", "/v2/a/manifests/.tag".to_owned(), 404, "MANIFEST_UNKNOWN"),
        ("GET", "/v2/a/blobs/md5:123".to_owned(), 400, "DIGEST_INVALID"),
        ("PATCH", format!("/v2/a/blobs/uploads/{id}"), 404, "BLOB_UPLOAD_UNKNOWN"),
        ("PUT", format!("/v2/a/blobs/uploads/{id}?digest={digest}"), 404, "BLOB_UPLOAD_UNKNOWN"),
        ("GET", "/v2/a/blobs/uploads/short".to_owned(), 404, "BLOB_UPLOAD_UNKNOWN"),
        ("POST", format!("/v2/a/blobs/{digest}"), 405, "UNSUPPORTED"),
        ("PUT", "/v2/".to_owned(), 405, "UNSUPPORTED"),
    ] {
        let refused = send(at, method, &path, &[], b"");
        assert_eq!((refused.status, &*refused.code()), (status, code), "{method} {path}");
        assert!(!refused.json()["errors"][0]["message"].as_str().unwrap().is_empty());
        assert_eq!(refused.header("docker-distribution-api-version"), Some("registry/2.0"));
    }
}
