//! What others make of the images that are written here.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::Command;

use release::payload::assemble::assemble;
use support::{Images, MAP, export, output, write_dir};

fn release(images: &mut Images) -> release::payload::assemble::ReleaseImage {
    images.operator("foo-operator", &[("manifests/10_map.yaml", MAP)]);
    assemble(&images.request(), &images.memory).unwrap()
}

#[test]
fn skopeo_and_umoci_take_a_release_on_an_oci_base() {
    if !testkit::peer::has("skopeo") || !testkit::peer::has("umoci") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut images = Images::with_base();
    let release = release(&mut images);
    let image = export(&images, &release, dir.path());

    let source = format!("dir:{}", image.display());
    let inspected = testkit::peer::run(Command::new("skopeo").args(["inspect", "--no-tags", &source]));
    let inspected: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(inspected["Digest"], release.digest().to_string());
    assert_eq!(inspected["Labels"]["io.openshift.release"], "4.9.9");
    assert_eq!(inspected["Layers"].as_array().unwrap().len(), 3);

    // Copying verifies every digest and diff id.
    let layout = dir.path().join("layout");
    let target = format!("oci:{}:release", layout.display());
    testkit::peer::run(Command::new("skopeo").args(["--insecure-policy", "copy", "-q", &source, &target]));
    let unpacked = dir.path().join("unpacked");
    testkit::peer::run(
        Command::new("umoci")
            .args(["unpack", "--rootless", "--image"])
            .arg(format!("{}:release", layout.display()))
            .arg(&unpacked),
    );
    let root = unpacked.join("rootfs");
    assert_eq!(std::fs::read_to_string(root.join("content")).unwrap(), "coreutils");
    for file in &release.files {
        let found = std::fs::read(root.join("release-manifests").join(&file.name)).unwrap();
        assert_eq!(found, file.bytes, "{}", file.name);
    }
}

/// Why layer types are normalised: what the reference program writes on an OCI base is refused.
#[test]
fn skopeo_refuses_a_manifest_that_mixes_both_families() {
    if !testkit::peer::has("skopeo") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut images = Images::with_base();
    let release = release(&mut images);
    let image = export(&images, &release, dir.path());
    let manifest = std::fs::read_to_string(image.join("manifest.json")).unwrap();
    let mixed = manifest.replacen(oci::media::DOCKER_LAYER_GZIP, oci::media::OCI_LAYER_GZIP, 1);
    let mixed_dir = dir.path().join("mixed");
    let stored = "reg.example/stream/release:4.9.9".parse().unwrap();
    write_dir(&mixed_dir, mixed.as_bytes(), &images.memory, &stored);
    let copy = |from: &std::path::Path| {
        let target = dir.path().join("copied");
        output(
            Command::new("skopeo")
                .args(["--insecure-policy", "copy", "-q", "--format", "oci"])
                .args([format!("dir:{}", from.display()), format!("oci:{}:x", target.display())]),
        )
    };
    let (taken, message) = copy(&mixed_dir);
    assert!(!taken && message.contains("unsupported docker v2s2 media type"), "{message}");
    let (taken, message) = copy(&image);
    assert!(taken, "{message}");
}

#[test]
fn a_store_takes_a_release_and_gives_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = oci::store::Store::open(dir.path()).unwrap();
    let mut images = Images::with_base();
    let release = release(&mut images);
    let target = "127.0.0.1:5000/stream/release".parse().unwrap();
    let stored = release.store(&images.memory, &store, &target).unwrap();
    assert_eq!(stored.digest(), Some(release.digest()));
    let tagged = target.at_tag("4.9.9").unwrap();
    let info = release::payload::info::ReleaseInfo::read(&store, &tagged).unwrap();
    assert_eq!(info.digest, release.digest());
    assert_eq!(info.manifests["0000_50_foo-operator_10_map.yaml"], MAP.as_bytes());
    // Once more: everything is there already.
    assert_eq!(release.store(&images.memory, &store, &target).unwrap(), stored);
}

/// Content that only a registry has comes into the store on the way; content that the store has is not asked for.
#[test]
fn what_the_store_lacks_is_fetched_from_the_registry() {
    use oci::client::{Client, ClientConfig};
    use release::payload::assemble::Request;
    use release::payload::registry::Fetching;

    let dir = tempfile::tempdir().unwrap();
    let remote = oci::store::Store::open(dir.path().join("remote")).unwrap();
    let local = oci::store::Store::open(dir.path().join("local")).unwrap();
    let server = oci::server::Server::start(remote.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();

    let mut images = Images::with_base();
    images.operator("foo-operator", &[("manifests/10_map.yaml", MAP)]);
    let name = format!("{}/stream/content", server.addr());
    let components = images.copied(&remote, |_| name.clone());
    let client = Client::new(ClientConfig::default());
    let content = Fetching::new(&local, &client, &());
    let created = "2026-11-22T09:24:44Z".parse().unwrap();
    let request = Request::new("4.9.9", created, components);
    let release = assemble(&request, &content).unwrap();
    let stored = release.store(&content, &local, &format!("{name}-release").parse().unwrap()).unwrap();
    let info = release::payload::info::ReleaseInfo::read(&local, &stored).unwrap();
    assert_eq!(info.manifests.len(), 1);

    server.stop();
    let again = assemble(&request, &content).map(|again| again.digest());
    assert!(again.is_err(), "manifests were not stored, and nobody answers");
    let message = again.unwrap_err().to_string();
    assert!(message.contains("the store does not have it"), "{message}");
}

#[test]
fn a_store_lists_the_verdict_as_a_referrer_of_the_release() {
    use release::verdict::{self, Document, Evidence, Outcome, Release, ReportFile, Status};

    let dir = tempfile::tempdir().unwrap();
    let store = oci::store::Store::open(dir.path()).unwrap();
    let mut images = Images::with_base();
    let release = release(&mut images);
    let stored = release.store(&images.memory, &store, &"127.0.0.1:5000/s/release".parse().unwrap()).unwrap();
    let subject = Release { name: "4.9.9".to_owned(), digest: release.digest() };
    let judged = "2026-11-22T10:00:00Z".parse().unwrap();
    let document = Document::new(subject, judged, vec![Outcome::new("etcd", true, Status::Failed)]);
    let report = ReportFile { name: "etcd/junit.xml".to_owned(), bytes: b"<testsuites/>".to_vec() };
    let evidence = Evidence::new(&document, &release.descriptor(), &[report]);
    let artifact = evidence.store(&store, &stored).unwrap();

    let found = store.referrers("s/release", release.digest(), Some(verdict::MEDIA_TYPE)).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].digest, evidence.digest());
    assert_eq!(found[0].artifact_type.as_deref(), Some(verdict::MEDIA_TYPE));
    let read = verdict::evidence::read(&store, &artifact).unwrap();
    assert_eq!(read, document);
    assert_eq!(read.excuses[0].test, "etcd");
}
