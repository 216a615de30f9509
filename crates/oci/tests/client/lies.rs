//! Registries that lie, or are damaged: nothing of what they give is kept.

use base::Digest;
use oci::client::{ClientError, Platforms};
use oci::{Store, media};
use serde_json::json;
use testkit::image::{BuiltImage, Image};

use super::client;
use crate::support::scripted::{Asked, Reply, Scripted};
use crate::support::{image, nothing_half_written};

fn new_store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    (dir, store)
}

/// An honest registry with one image, but for the answers that `lie` gives.
fn registry(image: BuiltImage, lie: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |asked| {
        if let Some(reply) = lie(asked) {
            return reply;
        }
        if asked.path == "/v2/" {
            return Reply::new(200).body("{}");
        }
        if asked.path.contains("/manifests/") {
            return Reply::new(200)
                .header("Content-Type", image.media_type)
                .header("Docker-Content-Digest", image.digest)
                .body(image.manifest.clone());
        }
        let blob = image.blobs().into_iter().find(|b| asked.path.ends_with(&Digest::of(b).to_string()));
        blob.map_or(Reply::new(404), |bytes| Reply::new(200).body(bytes))
    })
}

/// Pulls what must not come, and gives the words about it.
fn refused(server: &Scripted, reference: &str) -> ClientError {
    let (_dir, store) = new_store();
    let error = client().pull(&server.reference(reference), &store, &Platforms::All, &()).unwrap_err();
    assert!(nothing_half_written(&store), "{error}");
    assert!(store.repositories().unwrap().is_empty() && store.tags("a").unwrap().is_empty(), "{error}");
    error
}

#[test]
fn an_honest_one_is_believed() {
    let image = image("honest");
    let (_dir, store) = new_store();
    let server = registry(image.clone(), |_| None);
    client().pull(&server.reference("a:v1"), &store, &Platforms::All, &()).unwrap();
    assert_eq!(store.tag("a", "v1").unwrap(), Some(image.digest));
}

#[test]
fn other_bytes_of_the_same_length() {
    let image = image("altered");
    let (digest, mut bytes) = (image.layers[1].digest, image.layers[1].bytes.clone());
    bytes[1000] ^= 1;
    let server = registry(image, move |asked| {
        asked.path.ends_with(&digest.to_string()).then(|| Reply::new(200).body(bytes.clone()))
    });
    let error = refused(&server, "a:v1");
    assert!(matches!(error, ClientError::WrongContent { expected, .. } if expected == digest), "{error}");
    assert!(error.to_string().contains("nothing was stored"), "{error}");
}

#[test]
fn too_many_and_too_few_bytes() {
    for cut in [true, false] {
        let image = image("length");
        let (digest, mut bytes) = (image.layers[0].digest, image.layers[0].bytes.clone());
        if cut {
            bytes.truncate(100);
        } else {
            bytes.extend([0; 100]);
        }
        let server = registry(image, move |asked| {
            asked.path.ends_with(&digest.to_string()).then(|| Reply::new(200).body(bytes.clone()))
        });
        let error = refused(&server, "a:v1");
        assert!(matches!(error, ClientError::WrongContent { expected, .. } if expected == digest), "{error}");
    }
}

#[test]
fn bytes_without_end() {
    let image = image("endless");
    let digest = image.layers[0].digest;
    // 20 MB where 3 kB were announced by the manifest, without a length.
    let server = registry(image, move |asked| {
        asked.path.ends_with(&digest.to_string()).then(|| {
            let mut chunk = format!("{:x}\r\n", 20_000_000).into_bytes();
            chunk.resize(chunk.len() + 20_000_000, b'x');
            chunk.extend(b"\r\n0\r\n\r\n");
            Reply::new(200).header("Transfer-Encoding", "chunked").body(chunk)
        })
    });
    let error = refused(&server, "a:v1").to_string();
    assert!(error.contains("it has more than"), "{error}");
}

#[test]
fn another_manifest_than_the_digest_says() {
    let (wanted, given) = (Image::holding("wanted").build(), Image::holding("given").build());
    let server = registry(given.clone(), move |asked| {
        asked
            .path
            .contains("/manifests/")
            .then(|| Reply::new(200).header("Content-Type", given.media_type).body(given.manifest.clone()))
    });
    let error = refused(&server, &format!("a@{}", wanted.digest));
    assert!(
        matches!(error, ClientError::WrongContent { expected, .. } if expected == wanted.digest),
        "{error}"
    );
}

#[test]
fn another_manifest_than_the_header_says() {
    let image = Image::holding("header").build();
    let (media_type, manifest) = (image.media_type, image.manifest.clone());
    let server = registry(image, move |asked| {
        asked.path.contains("/manifests/").then(|| {
            Reply::new(200)
                .header("Content-Type", media_type)
                .header("Docker-Content-Digest", Digest::of("other"))
                .body(manifest.clone())
        })
    });
    assert!(matches!(refused(&server, "a:v1"), ClientError::WrongContent { .. }));
}

#[test]
fn things_that_are_no_manifest() {
    for (media_type, body) in [
        (media::OCI_MANIFEST, "{}".to_owned()),
        (media::OCI_MANIFEST, "not json".to_owned()),
        ("text/html", "<p>log in here</p>".to_owned()),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", "{\"schemaVersion\":1}".to_owned()),
        (media::OCI_INDEX, json!({"schemaVersion": 2, "manifests": [], "layers": []}).to_string()),
        (media::OCI_MANIFEST, format!("{{\"schemaVersion\":2,\"x\":\"{}\"}}", "x".repeat(5 << 20))),
    ] {
        let reply = Reply::new(200).header("Content-Type", media_type).body(body.clone());
        let server = registry(Image::new().build(), move |asked| {
            asked.path.contains("/manifests/").then(|| reply.clone())
        });
        let error = refused(&server, "a:v1");
        assert!(
            matches!(error, ClientError::Manifest { .. } | ClientError::Protocol { .. }),
            "{media_type} {}: {error}",
            &body[..body.len().min(40)]
        );
    }
}

#[test]
fn an_index_that_holds_itself_many_times_over() {
    // Every level is another index, deeper than any real one.
    let mut levels: Vec<Vec<u8>> = vec![
        json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": []}).to_string().into_bytes(),
    ];
    for _ in 0..8 {
        let child = levels.last().unwrap();
        let descriptor =
            json!({"mediaType": media::OCI_INDEX, "digest": Digest::of(child), "size": child.len()});
        levels.push(
            json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [descriptor]})
                .to_string()
                .into_bytes(),
        );
    }
    let server = registry(Image::new().build(), move |asked| {
        asked.path.contains("/manifests/").then(|| {
            let bytes =
                levels.iter().find(|l| asked.path.ends_with(&Digest::of(l).to_string())).or(levels.last());
            Reply::new(200).header("Content-Type", media::OCI_INDEX).body(bytes.unwrap().clone())
        })
    });
    let error = refused(&server, "a:v1").to_string();
    assert!(error.contains("nested more than"), "{error}");
}

#[test]
fn the_wrong_part_after_a_break() {
    let image = image("range");
    let (digest, bytes) = (image.layers[1].digest, image.layers[1].bytes.clone());
    let server = registry(image, move |asked| {
        if !asked.path.ends_with(&digest.to_string()) {
            return None;
        }
        Some(match asked.header("range") {
            // The first answer breaks off in the middle.
            None => Reply::new(200).header("Content-Length", bytes.len()).body(&bytes[..1_000_000]),
            Some(_) => Reply::new(206)
                .header("Content-Range", format!("bytes 2000000-{}/{}", bytes.len() - 1, bytes.len()))
                .body(&bytes[2_000_000..]),
        })
    });
    let error = refused(&server, "a:v1");
    assert!(matches!(error, ClientError::WrongContent { .. }), "{error}");
}

#[test]
fn a_registry_that_ignores_ranges_is_no_liar() {
    let image = image("no ranges");
    let (digest, bytes) = (image.layers[1].digest, image.layers[1].bytes.clone());
    let first = std::sync::atomic::AtomicBool::new(true);
    let server = registry(image, move |asked| {
        if !asked.path.ends_with(&digest.to_string()) {
            return None;
        }
        let end =
            if first.swap(false, std::sync::atomic::Ordering::SeqCst) { 1_000_000 } else { bytes.len() };
        Some(Reply::new(200).header("Content-Length", bytes.len()).body(&bytes[..end]))
    });
    let (_dir, store) = new_store();
    client().pull(&server.reference("a:v1"), &store, &Platforms::All, &()).unwrap();
    assert!(store.check().unwrap().is_whole() && store.has(digest));
}

#[test]
fn an_upload_location_that_leads_nowhere() {
    for location in [None, Some("file:///etc/passwd"), Some("http://[")] {
        let server = Scripted::start(move |asked| match (&*asked.method, &*asked.path) {
            ("HEAD", _) => Reply::new(404),
            ("POST", _) => match location {
                Some(location) => Reply::new(202).header("Location", location),
                None => Reply::new(202),
            },
            _ => Reply::new(200),
        });
        let (_dir, store) = new_store();
        let digest = crate::support::put(&store, "x", None, &Image::holding("location").build());
        let error = client().push(&store, digest, &server.reference("a:v1"), &()).unwrap_err();
        let answered = matches!(error, ClientError::Protocol { .. } | ClientError::GaveUp { .. });
        assert!(answered, "{location:?}: {error}");
    }
}
