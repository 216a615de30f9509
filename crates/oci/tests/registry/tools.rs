//! The tools that people use against our server: skopeo, buildah, podman.

use std::fs;

use base::Digest;
use oci::{Manifest, media};
use serde_json::Value;
use testkit::image::{BuiltImage, Image, index};
use testkit::peer::has;

use crate::support::ours::Ours;
use crate::support::tools::Tools;
use crate::support::{image, layer, put};

fn docker(ours: &Ours, rest: &str) -> String {
    format!("docker://{}/{rest}", ours.addr())
}

fn skopeo(tools: &Tools, arguments: &[&str]) -> String {
    tools.run("skopeo", arguments)
}

const NO_TLS: [&str; 2] = ["--src-tls-verify=false", "--dest-tls-verify=false"];

fn copy(tools: &Tools, more: &[&str], from: &str, to: &str) -> String {
    skopeo(tools, &[&["copy", "--quiet"], &NO_TLS[..], more, &[from, to]].concat())
}

fn layout(tools: &Tools, image: &BuiltImage) -> String {
    let dir = tools.path(image.digest.short());
    image.write_layout(&dir, "x");
    format!("oci:{}:x", dir.display())
}

#[test]
fn skopeo_pushes_and_pulls_the_same_bytes() {
    if !has("skopeo") {
        return;
    }
    let (ours, tools) = (Ours::start(), Tools::new());
    let image = image("skopeo");
    copy(&tools, &[], &layout(&tools, &image), &docker(&ours, "a/b:v1"));
    let stored = ours.store.manifest("a/b", "v1").unwrap().unwrap();
    assert_eq!((stored.digest, stored.bytes.as_slice()), (image.digest, image.manifest.as_slice()));
    let raw = skopeo(&tools, &["inspect", "--tls-verify=false", "--raw", &docker(&ours, "a/b:v1")]);
    assert_eq!(raw.as_bytes(), image.manifest);
    let back = tools.path("back");
    copy(&tools, &[], &docker(&ours, "a/b:v1"), &format!("oci:{}:x", back.display()));
    for blob in image.blobs() {
        let path = back.join("blobs/sha256").join(Digest::of(blob).hex());
        assert!(fs::read(path).unwrap() == blob);
    }
    let inspected: Value =
        serde_json::from_str(&skopeo(&tools, &["inspect", "--tls-verify=false", &docker(&ours, "a/b:v1")]))
            .unwrap();
    assert_eq!(inspected["Digest"], image.digest.to_string());
    assert_eq!(inspected["Layers"].as_array().unwrap().len(), 2);
    assert!(ours.store.check().unwrap().is_whole());
}

#[test]
fn skopeo_converts_between_the_families() {
    if !has("skopeo") {
        return;
    }
    let (ours, tools) = (Ours::start(), Tools::new());
    copy(&tools, &["--format", "v2s2"], &layout(&tools, &image("formats")), &docker(&ours, "a:docker"));
    let docker_manifest = ours.store.manifest("a", "docker").unwrap().unwrap();
    assert_eq!(docker_manifest.media_type, media::DOCKER_MANIFEST);
    let Manifest::Image(parsed) = docker_manifest.parse().unwrap() else { panic!("an image") };
    assert!(parsed.layers.iter().all(|l| l.media_type == media::DOCKER_LAYER_GZIP), "{parsed:?}");
    copy(&tools, &["--format", "oci"], &docker(&ours, "a:docker"), &docker(&ours, "b:oci"));
    assert_eq!(ours.store.manifest("b", "oci").unwrap().unwrap().media_type, media::OCI_MANIFEST);
    let dir = tools.path("dir");
    copy(&tools, &[], &docker(&ours, "a:docker"), &format!("dir:{}", dir.display()));
    assert_eq!(fs::read(dir.join("manifest.json")).unwrap(), docker_manifest.bytes);
}

#[test]
fn skopeo_lists_and_deletes() {
    if !has("skopeo") {
        return;
    }
    let (ours, tools) = (Ours::start(), Tools::new());
    put(&ours.store, "a", Some("v1"), &Image::holding("1").build());
    put(&ours.store, "a", Some("v2"), &Image::holding("2").build());
    let tags = || -> Value {
        let list = skopeo(&tools, &["list-tags", "--tls-verify=false", &docker(&ours, "a")]);
        serde_json::from_str::<Value>(&list).unwrap()["Tags"].clone()
    };
    assert_eq!(tags(), serde_json::json!(["v1", "v2"]));
    skopeo(&tools, &["delete", "--tls-verify=false", &docker(&ours, "a:v1")]);
    assert_eq!(tags(), serde_json::json!(["v2"]));
    let missing =
        tools.command("skopeo", &["inspect", "--tls-verify=false", &docker(&ours, "a:v1")]).output().unwrap();
    let words = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(!missing.status.success() && words.contains("manifest unknown"), "{words}");
}

#[test]
fn skopeo_copies_indexes_and_syncs() {
    if !has("skopeo") {
        return;
    }
    let (ours, tools) = (Ours::start(), Tools::new());
    let (one, two) =
        (image("amd64"), Image::new().platform("linux", "arm64").layer(layer("arm", 5000)).build());
    put(&ours.store, "a", None, &one);
    put(&ours.store, "a", None, &two);
    let (bytes, media_type) = index(&[&one, &two]);
    ours.store.put_manifest("a", media_type, &bytes, Some("both")).unwrap();
    copy(&tools, &["--all"], &docker(&ours, "a:both"), &docker(&ours, "copy/of/a:both"));
    assert_eq!(ours.store.manifest("copy/of/a", "both").unwrap().unwrap().bytes, bytes);
    assert!(ours.store.manifest("copy/of/a", &two.digest.to_string()).unwrap().is_some());
    copy(&tools, &["--override-arch", "arm64"], &docker(&ours, "a:both"), &docker(&ours, "arm:latest"));
    assert_eq!(ours.store.manifest("arm", "latest").unwrap().unwrap().digest, two.digest);
    // Docker's list in the place of OCI's index.
    copy(&tools, &["--all", "--format", "v2s2"], &docker(&ours, "a:both"), &docker(&ours, "docker:both"));
    assert_eq!(ours.store.manifest("docker", "both").unwrap().unwrap().media_type, media::DOCKER_LIST);

    let dir = tools.path("synced");
    let from = format!("{}/arm", ours.addr());
    let to = dir.display().to_string();
    skopeo(&tools, &[&["sync"], &NO_TLS[..], &["--src", "docker", "--dest", "dir", &from, &to]].concat());
    assert!(dir.join("arm:latest/manifest.json").exists());
    let prefix = format!("{}/synced", ours.addr());
    skopeo(&tools, &[&["sync"], &NO_TLS[..], &["--src", "dir", "--dest", "docker", &to, &prefix]].concat());
    assert_eq!(ours.store.tags("synced/arm").unwrap(), ["latest"]);
    assert!(ours.store.check().unwrap().is_whole());
}

#[test]
fn buildah_builds_pushes_and_pulls() {
    if !has("buildah") {
        return;
    }
    let (ours, tools) = (Ours::start(), Tools::new());
    let base = image("base");
    put(&ours.store, "base", Some("v1"), &base);
    let name = format!("{}/base:v1", ours.addr());
    fs::write(
        tools.path("Containerfile"),
        format!("FROM {name}\nLABEL made=here\nCOPY Containerfile /where\n"),
    )
    .unwrap();
    let target = format!("{}/built/by/buildah:v1", ours.addr());
    tools.run("buildah", &["build", "--tls-verify=false", "--quiet", "-t", &target, "."]);
    tools.run("buildah", &["push", "--tls-verify=false", "--quiet", &target]);
    let pushed = ours.store.manifest("built/by/buildah", "v1").unwrap().unwrap();
    let Manifest::Image(manifest) = pushed.parse().unwrap() else { panic!("an image") };
    assert_eq!(manifest.layers.len(), 3);
    let config = String::from_utf8(ours.store.read(manifest.config.digest, 1 << 20).unwrap()).unwrap();
    assert!(config.contains(r#""made":"here""#), "{config}");
    tools.run(
        "buildah",
        &[
            "push",
            "--tls-verify=false",
            "--quiet",
            "--format",
            "docker",
            &target,
            &docker(&ours, "built:docker"),
        ],
    );
    assert_eq!(ours.store.manifest("built", "docker").unwrap().unwrap().media_type, media::DOCKER_MANIFEST);
    tools.run("buildah", &["rmi", "--all", "--force"]);
    let pulled = tools.run("buildah", &["pull", "--tls-verify=false", "--quiet", &target]);
    assert_eq!(pulled.trim(), manifest.config.digest.hex());
    assert!(ours.store.check().unwrap().is_whole());
}

#[test]
fn podman_pulls_and_pushes() {
    if !has("podman") {
        return;
    }
    let (ours, tools) = (Ours::start(), Tools::new());
    let image = image("podman");
    put(&ours.store, "from/us", Some("v1"), &image);
    let name = format!("{}/from/us:v1", ours.addr());
    let pulled = tools.run("podman", &["pull", "--tls-verify=false", "--quiet", &name]);
    assert_eq!(pulled.trim(), Digest::of(&image.config).hex());
    let target = format!("{}/to/us:v2", ours.addr());
    tools.run("podman", &["push", "--tls-verify=false", "--quiet", &name, &target]);
    let pushed = ours.store.manifest("to/us", "v2").unwrap().unwrap();
    let Manifest::Image(manifest) = pushed.parse().unwrap() else { panic!("an image") };
    assert_eq!(manifest.config.digest, Digest::of(&image.config));
    let by_digest = format!("{}/to/us@{}", ours.addr(), pushed.digest);
    assert_eq!(
        tools.run("podman", &["pull", "--tls-verify=false", "--quiet", &by_digest]).trim(),
        manifest.config.digest.hex()
    );
    assert!(ours.store.check().unwrap().is_whole());
}
