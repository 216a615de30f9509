//! Images come and go.

use std::net::SocketAddr;

use base::Digest;
use oci::client::{ClientError, Outcome, Platforms};
use oci::store::StoreError;
use oci::{Descriptor, Manifest, Reference, Store, media};
use serde_json::json;
use testkit::image::{Image, index};

use super::{Listener, client};
use crate::support::debian::Debian;
use crate::support::ours::Ours;
use crate::support::tools::Tools;
use crate::support::{blob, image, layer, noise, nothing_half_written, put};

macro_rules! on_both {
    ($($name:ident)*) => {
        mod debian {
            $(#[test] fn $name() {
                if let Some(registry) = super::Debian::start() {
                    super::$name(registry.addr(), false);
                }
            })*
        }
        mod ours {
            $(#[test] fn $name() {
                let registry = super::Ours::start();
                super::$name(registry.addr(), true);
                assert!(registry.store.check().unwrap().is_whole());
            })*
        }
    };
}

on_both! {
    an_image_goes_there_and_back
    an_index_goes_there_and_back
    what_is_there_is_not_sent_again
    blobs_are_mounted
    single_things
    referrers_are_found
    what_is_not_there_is_named
}

fn at(registry: SocketAddr, rest: &str) -> Reference {
    format!("{registry}/{rest}").parse().unwrap()
}

fn new_store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    (dir, store)
}

fn an_image_goes_there_and_back(registry: SocketAddr, _: bool) {
    let (_dir, store) = new_store();
    let image = image("there");
    let digest = put(&store, "local", Some("x"), &image);
    let name = at(registry, "some/where:v1");
    client().push(&store, digest, &name, &()).unwrap();

    let (_dir, other) = new_store();
    let heard = Listener::default();
    let pulled = client().pull(&name, &other, &Platforms::All, &heard).unwrap();
    assert_eq!((pulled.digest, pulled.bytes), (digest, image.manifest.clone()));
    assert_eq!(other.resolve(&name).unwrap().unwrap().digest, digest);
    for bytes in image.blobs() {
        assert!(other.read(Digest::of(bytes), 1 << 30).unwrap() == bytes);
    }
    assert_eq!(heard.outcomes(Outcome::Copied), 3);
    let large = image.layers[1].digest;
    let steps: Vec<_> =
        heard.transferred.lock().unwrap().iter().filter(|(d, ..)| *d == large).map(|s| (s.1, s.2)).collect();
    let total = image.layers[1].bytes.len() as u64;
    assert_eq!(steps.last(), Some(&(total, total)));
    assert!(steps.len() > 2 && steps.windows(2).all(|w| w[0].0 < w[1].0), "{steps:?}");
    assert!(nothing_half_written(&other));

    // By digest, without a tag.
    let (_dir, other) = new_store();
    client().pull(&name.at_digest(digest), &other, &Platforms::All, &()).unwrap();
    assert!(other.tags("some/where").unwrap().is_empty());
    assert!(other.manifest("some/where", &digest.to_string()).unwrap().is_some());
    client().push(&store, digest, &at(registry, "untagged").at_digest(digest), &()).unwrap();
    assert!(client().head(&at(registry, "untagged").at_digest(digest)).unwrap().is_some());
}

fn an_index_goes_there_and_back(registry: SocketAddr, _: bool) {
    let (_dir, store) = new_store();
    let shared = layer("shared", 10_000);
    let one = Image::new().layer(shared.clone()).build();
    let two = Image::new().platform("linux", "arm64").layer(shared).layer(layer("arm", 900)).build();
    put(&store, "local", None, &one);
    put(&store, "local", None, &two);
    let (bytes, media_type) = index(&[&one, &two]);
    let digest = store.put_manifest("local", media_type, &bytes, Some("both")).unwrap();
    let name = at(registry, "multi");
    client().push(&store, digest, &name.at_tag("both").unwrap(), &()).unwrap();

    let (_dir, all) = new_store();
    let pulled = client().pull(&name.at_tag("both").unwrap(), &all, &Platforms::All, &()).unwrap();
    assert_eq!((pulled.digest, pulled.bytes), (digest, bytes));
    assert!(all.has(two.layers[1].digest) && all.check().unwrap().is_whole());

    let (_dir, part) = new_store();
    let arm = Platforms::One("linux/arm64".parse().unwrap());
    let pulled = client().pull(&name.at_tag("both").unwrap(), &part, &arm, &()).unwrap();
    assert_eq!(pulled.digest, two.digest, "the image of the platform is given");
    assert_eq!(part.manifest("multi", "both").unwrap().unwrap().digest, digest, "the tag keeps the index");
    assert!(part.has(two.layers[1].digest) && !part.has(one.digest));
    let error = client().push(&part, digest, &at(registry, "again:x"), &()).unwrap_err();
    assert!(matches!(error, ClientError::PartOfIndex { missing, .. } if missing == one.digest), "{error}");

    let mips = Platforms::One("linux/mips64".parse().unwrap());
    let error = client().pull(&name.at_tag("both").unwrap(), &part, &mips, &()).unwrap_err().to_string();
    assert!(
        error.contains("not there for linux/mips64; it is there for linux/amd64, linux/arm64"),
        "{error}"
    );
}

fn what_is_there_is_not_sent_again(registry: SocketAddr, _: bool) {
    let (_dir, store) = new_store();
    let digest = put(&store, "local", None, &image("twice"));
    for (tag, copied) in [("v1", 3), ("v2", 0)] {
        let heard = Listener::default();
        client().push(&store, digest, &at(registry, &format!("a:{tag}")), &heard).unwrap();
        assert_eq!((heard.outcomes(Outcome::Copied), heard.outcomes(Outcome::Present)), (copied, 3 - copied));
    }
    let (_dir, other) = new_store();
    for copied in [3, 0] {
        let heard = Listener::default();
        client().pull(&at(registry, "a:v1"), &other, &Platforms::All, &heard).unwrap();
        assert_eq!(heard.outcomes(Outcome::Copied), copied);
    }
}

fn blobs_are_mounted(registry: SocketAddr, _: bool) {
    let (_dir, store) = new_store();
    let digest = put(&store, "local", None, &image("mounted"));
    client().push(&store, digest, &at(registry, "from:v1"), &()).unwrap();
    let heard = Listener::default();
    client().push_mounting(&store, digest, &at(registry, "to:v1"), Some("from"), &heard).unwrap();
    assert_eq!(heard.outcomes(Outcome::Mounted), 3);
    // From where they are not, they are sent.
    let heard = Listener::default();
    client().push_mounting(&store, digest, &at(registry, "third:v1"), Some("not/there"), &heard).unwrap();
    assert_eq!(heard.outcomes(Outcome::Copied), 3);
}

fn single_things(registry: SocketAddr, ours: bool) {
    let (_dir, store) = new_store();
    let image = image("single");
    let digest = put(&store, "local", None, &image);
    for tag in ["v1", "v2", "v3"] {
        client().push(&store, digest, &at(registry, &format!("a/b:{tag}")), &()).unwrap();
    }
    let name = at(registry, "a/b:v1");
    let client = client();
    assert_eq!(client.tags(&name).unwrap(), ["v1", "v2", "v3"]);
    let head = client.head(&name).unwrap().unwrap();
    assert_eq!(head, Descriptor::new(image.media_type, digest, image.manifest.len() as u64));
    assert_eq!(client.head(&at(registry, "a/b:none")).unwrap(), None);
    let manifest = client.manifest(&name).unwrap();
    assert_eq!((manifest.digest, &*manifest.media_type), (digest, media::OCI_MANIFEST));
    let mut bytes = Vec::new();
    client.blob(&name, &blob(&image.config), &mut bytes, &()).unwrap();
    assert_eq!(bytes, image.config);
    if ours {
        client.delete(&name).unwrap();
        assert_eq!(client.tags(&name).unwrap(), ["v2", "v3"]);
    } else {
        let error = client.delete(&name).unwrap_err().to_string();
        assert!(
            error.contains("refused to delete manifest v1"),
            "Debian's registry cannot delete a tag: {error}"
        );
    }
    client.delete(&name.at_digest(digest)).unwrap();
    assert_eq!(client.head(&at(registry, "a/b:v2")).unwrap(), None);
    assert!(matches!(client.delete(&name.at_digest(digest)), Err(ClientError::NotFound { .. })));
    client.delete_blob(&name, Digest::of(&image.config)).unwrap();
    assert!(matches!(
        client.blob(&name, &blob(&image.config), &mut bytes, &()),
        Err(ClientError::NotFound { .. })
    ));
}

/// Ours lists referrers itself; for Debian's the client keeps the list under a tag.
fn referrers_are_found(registry: SocketAddr, ours: bool) {
    let (_dir, store) = new_store();
    let subject = Image::holding("subject").build();
    let digest = put(&store, "local", None, &subject);
    let name = at(registry, "signed:v1");
    let client = client();
    client.push(&store, digest, &name, &()).unwrap();
    assert_eq!(client.referrers(&name, digest, None).unwrap(), []);
    let mut signatures = Vec::new();
    for (kind, content) in [("application/x.signature+json", "one"), ("application/x.sbom", "two")] {
        let signature = Image::holding(content)
            .manifest_field("artifactType", json!(kind))
            .manifest_field("annotations", json!({"for": content}))
            .manifest_field(
                "subject",
                json!({"mediaType": subject.media_type, "digest": digest, "size": subject.manifest.len()}),
            )
            .build();
        let pushed = put(&store, "local", None, &signature);
        client.push(&store, pushed, &name.at_digest(pushed), &()).unwrap();
        // A second time changes nothing.
        client.push(&store, pushed, &name.at_digest(pushed), &()).unwrap();
        signatures.push(pushed);
    }
    let mut all: Vec<Digest> =
        client.referrers(&name, digest, None).unwrap().iter().map(|d| d.digest).collect();
    all.sort_unstable();
    signatures.sort_unstable();
    assert_eq!(all, signatures);
    let some = client.referrers(&name, digest, Some("application/x.signature+json")).unwrap();
    assert_eq!(some.len(), 1);
    assert_eq!(some[0].annotations["for"], "one");
    let fallback = format!("sha256-{}", digest.hex());
    assert_eq!(client.tags(&name).unwrap().contains(&fallback), !ours);
}

fn what_is_not_there_is_named(registry: SocketAddr, _: bool) {
    let (_dir, store) = new_store();
    let name = at(registry, "no/such/image:v9");
    let error = client().pull(&name, &store, &Platforms::All, &()).unwrap_err();
    assert!(matches!(error, ClientError::NotFound { .. }), "{error}");
    let error = error.to_string();
    for part in [&*registry.to_string(), "no/such/image", "manifest v9"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(matches!(client().tags(&name), Err(ClientError::NotFound { .. })));
    let nowhere = Digest::of("nowhere");
    let error = client().push(&store, nowhere, &name, &()).unwrap_err();
    assert!(matches!(error, ClientError::Store(StoreError::NoBlob { .. })), "{error}");
    assert!(nothing_half_written(&store) && store.repositories().unwrap().is_empty());
}

#[test]
fn long_lists_of_tags_are_read_to_their_end() {
    let ours = Ours::start();
    put(&ours.store, "many", Some("t000"), &Image::holding("many").build());
    let digest = ours.store.tag("many", "t000").unwrap().unwrap();
    let tags: Vec<String> = (0..250).map(|i| format!("t{i:03}")).collect();
    for tag in &tags {
        ours.store.set_tag("many", tag, digest).unwrap();
    }
    // A registry that gives pages without being asked.
    let addr = ours.addr();
    let paging = crate::support::scripted::Scripted::start(move |asked| {
        let joint = if asked.path.contains('?') { "" } else { "?n=100" };
        let answer =
            crate::support::http::send(addr, &asked.method, &format!("{}{joint}", asked.path), &[], b"");
        let reply = crate::support::scripted::Reply::new(answer.status).body(answer.body.clone());
        match answer.header("link") {
            Some(link) => reply.header("Link", link),
            None => reply,
        }
    });
    assert_eq!(client().tags(&paging.reference("many")).unwrap(), tags);
}

#[test]
fn several_clients_push_and_pull_at_once() {
    let ours = Ours::start();
    let images: Vec<_> = (0..4)
        .map(|n| Image::new().layer(layer("common", 300_000)).layer(layer(&n.to_string(), 50_000)).build())
        .collect();
    std::thread::scope(|scope| {
        for (n, image) in images.iter().enumerate() {
            let ours = &ours;
            scope.spawn(move || {
                let (_dir, store) = new_store();
                let digest = put(&store, "x", None, image);
                let client = client();
                for round in 0..3 {
                    let name = ours.reference(&format!("shared:{n}-{round}"));
                    client.push(&store, digest, &name, &()).unwrap();
                    let (_dir, back) = new_store();
                    client.pull(&name, &back, &Platforms::All, &()).unwrap();
                    assert!(back.check().unwrap().is_whole());
                }
            });
        }
    });
    assert_eq!(ours.store.tags("shared").unwrap().len(), 12);
    assert!(nothing_half_written(&ours.store));
}

#[test]
fn a_damaged_blob_of_the_store_is_not_passed_on() {
    let ours = Ours::start();
    let (_dir, store) = new_store();
    let image = image("damaged");
    let digest = put(&store, "local", None, &image);
    for (n, layer) in image.layers.iter().enumerate() {
        let path = store.blob_path(layer.digest);
        let mut bytes = layer.bytes.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let error = client().push(&store, digest, &ours.reference(&format!("d{n}:v1")), &()).unwrap_err();
        assert!(matches!(error, ClientError::Store(StoreError::Damaged { .. })), "altered: {error}");
        std::fs::write(&path, &bytes[..middle]).unwrap();
        let error = client().push(&store, digest, &ours.reference(&format!("d{n}:v1")), &()).unwrap_err();
        assert!(matches!(error, ClientError::Store(StoreError::Damaged { .. })), "cut off: {error}");
        assert_eq!(ours.store.tags(&format!("d{n}")).unwrap().len(), 0);
        std::fs::write(&path, &layer.bytes).unwrap();
    }
    client().push(&store, digest, &ours.reference("d:v1"), &()).unwrap();
}

#[test]
fn a_truncated_blob_of_the_store_is_fetched_again() {
    let ours = Ours::start();
    let image = image("truncated");
    put(&ours.store, "a", Some("v1"), &image);
    let (_dir, store) = new_store();
    client().pull(&ours.reference("a:v1"), &store, &Platforms::All, &()).unwrap();
    let path = store.blob_path(image.layers[1].digest);
    std::fs::write(&path, &image.layers[1].bytes[..1000]).unwrap();
    client().pull(&ours.reference("a:v1"), &store, &Platforms::All, &()).unwrap();
    assert!(store.check().unwrap().is_whole());
}

#[test]
fn an_interruption_stops_at_once_and_leaves_nothing() {
    let ours = Ours::start();
    let image = Image::new().layer(layer("long", 30 << 20)).build();
    put(&ours.store, "a", Some("v1"), &image);
    let (_dir, store) = new_store();
    let heard = Listener { stop_after: 1 << 20, ..Listener::default() };
    let error = client().pull(&ours.reference("a:v1"), &store, &Platforms::All, &heard).unwrap_err();
    assert!(matches!(error, ClientError::Cancelled), "{error}");
    assert!(nothing_half_written(&store) && !store.has(image.layers[0].digest));

    let digest = put(&store, "a", None, &image);
    let other = Ours::start();
    let heard = Listener { stop_after: 1 << 20, ..Listener::default() };
    let error = client().push(&store, digest, &other.reference("a:v1"), &heard).unwrap_err();
    assert!(matches!(error, ClientError::Cancelled), "{error}");
    assert!(!other.store.has(image.layers[0].digest));
}

#[test]
fn skopeo_reads_what_is_pushed_and_writes_what_is_pulled() {
    if !testkit::peer::has("skopeo") {
        return;
    }
    let Some(debian) = Debian::start() else { return };
    let (tools, (_dir, store)) = (Tools::new(), new_store());
    let image = image("skopeo");
    let digest = put(&store, "local", None, &image);
    client().push(&store, digest, &debian.reference("a:v1"), &()).unwrap();
    let url = |rest: &str| format!("docker://{}/{rest}", debian.addr());
    let raw = tools.run("skopeo", &["inspect", "--tls-verify=false", "--raw", &url("a:v1")]);
    assert_eq!(raw.as_bytes(), image.manifest);
    let copy = ["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", "--format", "v2s2"];
    tools.run("skopeo", &[&copy[..], &[&url("a:v1"), &url("b:docker")]].concat());
    let pulled = client().pull(&debian.reference("b:docker"), &store, &Platforms::All, &()).unwrap();
    assert_eq!(pulled.media_type, media::DOCKER_MANIFEST);
    let Manifest::Image(manifest) = pulled.parse().unwrap() else { panic!("an image") };
    assert_eq!(manifest.layers.len(), 2);
    assert!(store.check().unwrap().is_whole());
}

#[test]
fn localhost_is_reached_by_name() {
    let ours = Ours::start();
    let (_dir, store) = new_store();
    let bytes = noise("name", 10);
    assert_eq!(bytes.len(), 10);
    let digest = put(&store, "local", None, &Image::holding("name").build());
    let name: Reference = format!("localhost:{}/a:v1", ours.addr().port()).parse().unwrap();
    client().push(&store, digest, &name, &()).unwrap();
    assert!(client().head(&name).unwrap().is_some());
}
