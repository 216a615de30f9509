//! The resolver `bundles`: images in our registry, copied there by skopeo too.

use std::net::SocketAddr;
use std::process::Command;

use oci::server::Server;
use oci::{Reference, Store};
use serde_json::{Value, json};
use testkit::image::{Image, Layer, PackedLayer};
use testkit::peer;

use crate::support::{Place, fetch, fetch_with, message, task};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn annotations(kind: &str, name: &str) -> Value {
    json!({"dev.tekton.image.apiVersion": "v1", "dev.tekton.image.kind": kind, "dev.tekton.image.name": name})
}

/// Puts an image with these layers and their annotations into the store, as `tkn bundle push` makes them.
fn bundle(store: &Store, name: &str, layers: Vec<(PackedLayer, Option<Value>)>) {
    let mut image = Image::new();
    for (layer, _) in &layers {
        image = image.layer(layer.clone());
    }
    let built = image.build();
    let mut manifest: Value = serde_json::from_slice(&built.manifest).unwrap();
    for (i, (_, annotations)) in layers.into_iter().enumerate() {
        if let Some(annotations) = annotations {
            manifest["layers"][i]["annotations"] = annotations;
        }
    }
    for blob in built.blobs() {
        let digest = store.put(blob).unwrap();
        store.link_blob(name, digest).unwrap();
    }
    store.put_manifest(name, built.media_type, manifest.to_string().as_bytes(), Some("1")).unwrap();
}

fn object(file: &str, text: &str) -> PackedLayer {
    Layer::new().file(file, text).gzip()
}

/// A registry with a bundle of two objects, apart from the store of the place.
fn registry(place: &Place) -> (Store, Server) {
    let store = Store::open(place.path("registry")).unwrap();
    let layers = vec![
        (object("lint", &task("lint")), Some(annotations("task", "lint"))),
        (Layer::new().file("build", task("build")).plain(), Some(annotations("Task", "build"))),
    ];
    bundle(&store, "tasks", layers);
    let server = Server::start(store.clone(), LOOPBACK).unwrap();
    (store, server)
}

#[test]
fn objects_of_a_bundle() {
    let place = Place::new();
    let (_, server) = registry(&place);
    let image = format!("{}/tasks:1", server.addr());
    let remote = place.remote();
    let get = |name: &str, kind: &str| {
        fetch(&remote, "bundles", &[("bundle", &image), ("name", name), ("kind", kind)])
    };
    let found = get("lint", "task").unwrap();
    assert_eq!(found.text, task("lint"));
    assert_eq!(found.source.uri, format!("{}/tasks", server.addr()));
    assert_eq!(found.source.entry_point, "lint");
    assert_eq!(get("build", "").unwrap().text, task("build"), "a plain tar, and a kind in capitals");
    let missing = message(get("lint", "pipeline"));
    assert!(
        missing.contains("could not find it in the image, which holds task lint, task build"),
        "{missing}"
    );
    let digest = &found.source.digest["sha256"];
    let fixed = format!("{}/tasks@sha256:{digest}", server.addr());
    let pairs = [("bundle", &*fixed), ("name", "lint")];
    fetch(&place.remote(), "bundles", &pairs).unwrap();
    server.stop();
    assert_eq!(fetch(&place.remote(), "bundles", &pairs).unwrap().text, task("lint"), "a digest is kept");
}

#[test]
fn skopeo_copies_what_we_serve_and_it_is_still_a_bundle() {
    if !peer::has("skopeo") {
        return;
    }
    let place = Place::new();
    let (_, server) = registry(&place);
    let (from, to) =
        (format!("docker://{}/tasks:1", server.addr()), format!("docker://{}/copied:2", server.addr()));
    let skopeo = |args: &[&str]| peer::run(Command::new("skopeo").arg("--insecure-policy").args(args)).stdout;
    let seen: Value =
        serde_json::from_slice(&skopeo(&["inspect", "--raw", "--tls-verify=false", &from])).unwrap();
    assert_eq!(seen["layers"][0]["annotations"], annotations("task", "lint"));
    skopeo(&["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", &from, &to]);
    let image = format!("{}/copied:2", server.addr());
    let found = fetch(&place.remote(), "bundles", &[("bundle", &image), ("name", "lint")]).unwrap();
    assert_eq!(found.text, task("lint"));
}

#[test]
fn the_local_store_needs_no_registry() {
    let place = Place::new();
    let layers = vec![(object("lint", &task("lint")), Some(annotations("task", "lint")))];
    bundle(&place.store(), "tasks", layers);
    let pairs = [("bundle", "registry.example/tasks:1"), ("name", "lint")];
    assert_eq!(fetch(&place.offline(), "bundles", &pairs).unwrap().text, task("lint"));
    let other =
        message(fetch(&place.offline(), "bundles", &[("bundle", "registry.example/o:1"), ("name", "x")]));
    assert!(other.contains("is not on this machine, and --offline"), "{other}");
}

#[test]
fn images_that_are_no_bundles() {
    let place = Place::new();
    let store = place.store();
    bundle(&store, "bare", vec![(object("x", &task("x")), None)]);
    let no_name = json!({"dev.tekton.image.apiVersion": "v1", "dev.tekton.image.kind": "task"});
    bundle(&store, "unnamed", vec![(object("x", &task("x")), Some(no_name))]);
    bundle(&store, "empty", vec![(Layer::new().dir("d", 0o755).gzip(), Some(annotations("task", "x")))]);
    // Little when it is packed.
    let huge = "#".repeat((4 << 20) + 1);
    bundle(&store, "huge", vec![(object("x", &huge), Some(annotations("task", "x")))]);
    let garbage = PackedLayer::new("application/vnd.oci.image.layer.v1.tar", vec![7; 2048], b"");
    bundle(&store, "garbage", vec![(garbage, Some(annotations("task", "x")))]);
    let many = (0..101).map(|i| (object("x", &i.to_string()), Some(annotations("task", "other")))).collect();
    bundle(&store, "many", many);
    let told = |name: &str| {
        let image = format!("r.example/{name}:1");
        message(fetch(&place.offline(), "bundles", &[("bundle", &image), ("name", "x")]))
    };
    assert!(told("bare").contains(
        "layer 0 has no annotation dev.tekton.image.apiVersion: this image is not a Tekton bundle"
    ));
    assert!(told("unnamed").contains("no annotation dev.tekton.image.name"));
    assert!(told("empty").contains("its layer holds no file"));
    assert!(told("huge").contains("it has more than 4"), "{}", told("huge"));
    assert!(told("garbage").contains("not a well-formed tar"), "{}", told("garbage"));
    assert!(told("many").contains("more than 100 layers"));
    let malformed = message(fetch(&place.offline(), "bundles", &[("bundle", "UPPER/x y"), ("name", "x")]));
    assert!(malformed.contains("the param `bundle`"), "{malformed}");
}

#[test]
fn credentials_of_secrets_and_accounts() {
    let place = Place::new();
    let reference: Reference = "r.example/x:1".parse().unwrap();
    let missing = message(fetch(
        &place.offline(),
        "bundles",
        &[("bundle", "r.example/x:1"), ("name", "x"), ("secret", "s")],
    ));
    assert!(missing.contains("secret \"s\" not found"), "{missing}");
    let objects = "\
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {.dockerconfigjson: '{\"auths\": {\"r.example\": {\"username\": \"u\", \"password\": \"hunter2\"}}}'}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: puller}
imagePullSecrets: [{name: s}]
";
    let image = reference.to_string();
    for by in [("secret", "s"), ("serviceAccount", "puller")] {
        let told = message(fetch_with(
            &place.offline(),
            objects,
            "bundles",
            &[("bundle", &image), ("name", "x"), by],
        ));
        assert!(told.contains("--offline") && !told.contains("hunter2"), "{told}");
    }
}
