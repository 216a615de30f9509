//! The bytes and texts of the reference program (`payload-golden`: what `oc adm release new` wrote and `info` printed for the
//! synthetic images of its `mk.py`), made again.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use base::Digest;
use flate2::{Compression, write::GzEncoder};
use oci::manifest::Descriptor;
use oci::media;
use oci::reference::Reference;
use release::payload::assemble::{Component, ReleaseImage, Request, assemble};
use release::payload::content::RawManifest;
use release::payload::info::{ImageColumn, ListBy, ReleaseInfo};
use release::payload::memory::Memory;
use release::payload::release_layer::compress;
use release::payload::release_manifest::docker_manifest;
use serde_json::{Value, json};

/// All that the reference program wrote. What matters most is also in this repository, in `tests/golden`.
fn fixtures() -> Option<PathBuf> {
    testkit::fixtures().map(|dir| dir.join("payload-golden"))
}

/// Digest of the uncompressed layer that the reference program wrote.
const LAYER: &str = "sha256:005cf1f450ee57593453c3cb67d27d6e141da3e07ebcaaabd1468ea3c70a5b77";
/// Digest of the release image that the reference program wrote.
const RELEASE: &str = "sha256:827afdc3ebe9fb1c4cc91629d1bbacaea998fde3bb87595c8ff9d9c6b50b3ea4";

fn text(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap()
}

/// `mktar` of `push.py`: Python's `tarfile`, USTAR, with directories before their files, filled to 10,240 bytes.
fn python_tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut entry = |name: &str, kind: u8, mode: u32, content: &[u8]| {
        let mut header = [0; 512];
        let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
        put(0, name.as_bytes());
        put(
            100,
            format!("{mode:07o}\0{:07o}\0{:07o}\0{:011o}\0{:011o}\0", 0, 0, content.len(), 1_700_000_000)
                .as_bytes(),
        );
        put(148, b"        ");
        put(156, &[kind]);
        put(257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    };
    let mut made = Vec::new();
    for (name, content) in files {
        for (slash, _) in name.match_indices('/') {
            let dir = name[..=slash].to_owned();
            if !made.contains(&dir) {
                entry(&dir, b'5', 0o755, b"");
                made.push(dir);
            }
        }
        entry(name, b'0', 0o644, content);
    }
    out.resize((out.len() + 1024).next_multiple_of(10_240), 0);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Path and content.
type Files = Vec<(&'static str, Vec<u8>)>;

/// The components of `mk.py`: files of the upper layer, and labels. Files that no test looks at are left out.
fn components() -> Vec<(&'static str, Files, BTreeMap<String, String>)> {
    let labels = |name: &str, commit: char, more: &[(&str, &str)]| -> BTreeMap<String, String> {
        let source = format!("https://github.com/example/{name}");
        let commit = commit.to_string().repeat(40);
        let own = [
            ("io.openshift.build.commit.id", commit.as_str()),
            ("io.openshift.build.commit.ref", "main"),
            ("io.openshift.build.source-location", &source),
        ];
        own.iter().chain(more).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let operator = ("io.openshift.release.operator", "true");
    let versions = "io.openshift.build.versions";
    let names = "io.openshift.build.version-display-names";
    let kubectl = (versions, "kubectl=1.35.2");
    vec![
        (
            "cluster-version-operator",
            vec![
                ("usr/bin/cluster-version-operator", b"cvo amd64".to_vec()),
                (
                    "manifests/0000_00_cluster-version-operator_00_namespace.yaml",
                    include_bytes!("golden/cvo-namespace.yaml").to_vec(),
                ),
            ],
            labels("cvo", 'c', &[]),
        ),
        (
            "foo-operator",
            vec![
                ("usr/bin/foo-operator", b"foo".to_vec()),
                ("manifests/00_ns.yaml", include_bytes!("golden/00_ns.yaml").to_vec()),
                ("manifests/10_deploy.yaml", include_bytes!("golden/10_deploy.yaml").to_vec()),
                (
                    "manifests/0000_30_foo-operator_99_extra.json",
                    br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","namespace":"foo"}}"#
                        .to_vec(),
                ),
                ("manifests/README.md", b"hello 0.0.1-snapshot quay.io/openshift/origin-foo\n".to_vec()),
                ("manifests/image-references", include_bytes!("golden/image-references").to_vec()),
            ],
            labels("foo-operator", 'a', &[operator]),
        ),
        (
            "foo",
            vec![],
            labels("foo", 'b', &[(versions, "kubernetes=1.35.2"), (names, "kubernetes=Kubernetes")]),
        ),
        (
            "bar-operator",
            vec![
                ("manifests/bar.yaml", include_bytes!("golden/bar.yaml").to_vec()),
                ("manifests/sub/ignored.yaml", b"x".to_vec()),
            ],
            labels("bar", 'd', &[operator]),
        ),
        ("unreferenced", vec![("x", b"y".to_vec())], labels("unref", 'e', &[])),
        (
            "stream-coreos",
            vec![("os", b"os".to_vec())],
            labels(
                "os",
                'f',
                &[(versions, "machine-os=9.0.20260101-0"), (names, "machine-os=CentOS Stream CoreOS")],
            ),
        ),
        ("cli", vec![], labels("oc", '1', &[kubectl])),
        ("cli-artifacts", vec![], labels("oc", '1', &[kubectl])),
        ("installer", vec![], labels("installer", '2', &[])),
        ("installer-artifacts", vec![], labels("installer", '2', &[])),
        ("cloud-credential-operator", vec![], labels("cco", '3', &[])),
    ]
}

/// The release that was made with the reference program. Its other arguments: `--name`, `--previous`, `--metadata`, and
/// `--include` for all that no operator references.
fn request(components: Vec<Component>) -> Request {
    let mut request = Request::new("4.99.0-okd.1", "2026-11-22T09:24:44Z".parse().unwrap(), components);
    request.previous = vec!["4.98.0".to_owned(), "4.97.1".to_owned()];
    let Value::Object(facts) = json!({"url": "https://example.com/x", "description": ""}) else { panic!() };
    request.metadata = facts;
    request.options.include = [
        "stream-coreos",
        "cli",
        "cli-artifacts",
        "installer",
        "installer-artifacts",
        "cloud-credential-operator",
    ]
    .map(str::to_owned)
    .into();
    request
}

/// Pull specs of the reference release, by component.
fn pull_specs() -> BTreeMap<&'static str, &'static str> {
    include_str!("golden/pull-specs.txt").lines().filter_map(|line| line.split_once(' ')).collect()
}

fn assert_same_archive(release: &ReleaseImage) {
    if let Some(dir) = fixtures() {
        let expected = std::fs::read(dir.join("release-layer.tar")).unwrap();
        for (i, (found, expected)) in release.archive.chunks(512).zip(expected.chunks(512)).enumerate() {
            assert_eq!(String::from_utf8_lossy(found), String::from_utf8_lossy(expected), "block {i}");
        }
    }
    assert_eq!(Digest::of(&release.archive).to_string(), LAYER);
}

/// The configuration, whose only fact that depends on compression is the sum of the layers' sizes.
fn assert_same_config(release: &ReleaseImage) {
    let size: u64 = release.layers.iter().map(|l| l.size).sum();
    let config = String::from_utf8(release.config.clone()).unwrap();
    let config = config.replace(&format!("\"size\":{size},"), "\"size\":2438,");
    assert_eq!(config, include_str!("golden/release-config.json"));
}

/// The synthetic images, made here. Their gzip bytes and so their digests differ from those in the release, which keeps the
/// original pull specs.
fn synthetic() -> (Memory, Request) {
    let memory = Memory::new();
    let base = python_tar(&[("bin/sh", b"#!fake".to_vec()), ("etc/os-release", b"ID=test\n".to_vec())]);
    let specs = pull_specs();
    let mut list = Vec::new();
    for (tag, files, labels) in components() {
        let upper = python_tar(&files);
        let tars = [&base, &upper];
        let layers: Vec<Descriptor> =
            tars.iter().map(|tar| memory.add_blob(media::DOCKER_LAYER_GZIP, gzip(tar))).collect();
        let diff_ids: Vec<String> = tars.iter().map(|tar| Digest::of(tar).to_string()).collect();
        let config = json!({
            "created": "2026-01-02T03:04:05.123456789Z", "architecture": "amd64", "os": "linux",
            "config": {"Env": ["PATH=/usr/bin", "BUILD_VERSION=v4.99.0"],
                       "Entrypoint": ["/usr/bin/cluster-version-operator"], "Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created": "2026-01-02T03:04:05.123456789Z", "created_by": "test"}], "author": "tester",
        });
        let config = memory.add_blob(media::DOCKER_CONFIG, config.to_string().into_bytes());
        let bytes = docker_manifest(&config, &layers);
        let at: Reference = "127.0.0.1:15990/okd/content".parse().unwrap();
        let at = at.at_digest(Digest::of(&bytes));
        memory.add_manifest(&at, RawManifest { media_type: media::DOCKER_MANIFEST.to_owned(), bytes });
        list.push(Component::new(tag, at).pulled_from(specs[tag]));
    }
    let request = request(list);
    (memory, request)
}

#[test]
fn layer_and_configuration_are_those_of_the_reference_program() {
    let (memory, mut request) = synthetic();
    let refused = assemble(&request, &memory).unwrap_err().to_string();
    assert!(refused.starts_with("one or more input images failed content verification"), "{refused}");
    request.options.skip_verification = true;
    let release = assemble(&request, &memory).unwrap();
    assert_same_archive(&release);
    assert_same_config(&release);
    let again = assemble(&request, &memory).unwrap();
    assert_eq!((again.manifest, again.layer), (release.manifest, release.layer), "not reproducible");
    let missed: Vec<String> =
        release.warnings.0.iter().filter(|w| w.code == "unreplaced-image").map(ToString::to_string).collect();
    assert_eq!(
        missed,
        [
            "0000_50_foo-operator_10_deploy.yaml:14:134: image `quay.io/openshift/origin-foo` was not replaced by its pull spec",
            "0000_50_foo-operator_10_deploy.yaml:18:132: image `quay.io/openshift/origin-foo:b` was not replaced by its pull spec",
        ]
    );
}

/// What `oc adm release info` printed. Ours has another digest, as the layer is compressed in another way.
#[test]
fn the_release_is_shown_as_the_reference_program_shows_it() {
    let (memory, mut request) = synthetic();
    request.options.skip_verification = true;
    let release = assemble(&request, &memory).unwrap();
    let at = "127.0.0.1:15990/okd/release:4.99.0-okd.1".parse().unwrap();
    release.store(&memory, &memory, &at).unwrap();
    let text = ReleaseInfo::read(&memory, &at).unwrap().to_text(ImageColumn::Digest);
    let text = text.replace(&release.digest().to_string(), RELEASE);
    assert_eq!(text, include_str!("golden/info-default.txt"));
}

/// The original images, made by the original programs: everything but our own gzip bytes is the same, digests included.
#[test]
fn the_manifest_is_that_of_the_reference_program() {
    let Some(dir) = fixtures() else { return };
    if !testkit::peer::has("python3") {
        return;
    }
    const DUMP: &str = r"
import json, os, sys
sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True; out = sys.argv[2]
import push
def keep(repository, content):
    digest = push.dg(content)
    open(os.path.join(out, digest), 'wb').write(content)
    return digest
def request(method, url, data=None, h={}):
    if method == 'PUT': keep('', data)
push.blob, push.req = keep, request
import mk
json.dump({name: image[0] for name, image in mk.build().items()}, sys.stdout)
";
    let out = tempfile::tempdir().unwrap();
    let made = testkit::peer::run(Command::new("python3").args(["-c", DUMP]).arg(&dir).arg(out.path()));
    let digests: BTreeMap<String, Digest> = serde_json::from_slice(&made.stdout).unwrap();
    let specs = pull_specs();
    if specs.iter().any(|(tag, spec)| !spec.ends_with(&digests[*tag].to_string())) {
        println!("skipped: this Python compresses in another way than the one that made the fixture");
        return;
    }
    let memory = Memory::new();
    let repository: Reference = "127.0.0.1:15990/okd/content".parse().unwrap();
    for file in std::fs::read_dir(out.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let digest = memory.add_blob("", bytes.clone()).digest;
        let manifest = RawManifest { media_type: media::DOCKER_MANIFEST.to_owned(), bytes };
        memory.add_manifest(&repository.at_digest(digest), manifest);
    }
    let list = specs.iter().map(|(tag, spec)| Component::new(*tag, spec.parse().unwrap())).collect();
    let release = assemble(&request(list), &memory).unwrap();
    assert_same_archive(&release);
    assert_same_config(&release);

    let expected: oci::manifest::ImageManifest =
        serde_json::from_str(&text(&dir, "release-manifest.json")).unwrap();
    assert_eq!(release.layers[..2], expected.layers[..2]);
    let manifest = String::from_utf8(release.manifest.clone()).unwrap();
    let pointer = |d: &Descriptor| format!("\"digest\": \"{}\",\n         \"size\": {}", d.digest, d.size);
    let manifest = manifest.replace(&pointer(&release.layers[2]), &pointer(&expected.layers[2]));
    let config = Descriptor::of(media::DOCKER_CONFIG, &release.config);
    let inner = |d: &Descriptor| format!("\"digest\": \"{}\",\n      \"size\": {}", d.digest, d.size);
    assert_eq!(
        manifest.replace(&inner(&config), &inner(&expected.config)),
        text(&dir, "release-manifest.json")
    );
}

/// What the reference program printed for its release. Ours has another digest, as the layer is compressed in another way.
#[test]
fn texts_are_those_of_the_reference_program() {
    let Some(dir) = fixtures() else { return };
    let memory = Memory::new();
    let archive = std::fs::read(dir.join("release-layer.tar")).unwrap();
    let layer = memory.add_blob(media::DOCKER_LAYER_GZIP, compress(&archive));
    let config = memory.add_blob(media::DOCKER_CONFIG, text(&dir, "release-config.json").into_bytes());
    let bytes = docker_manifest(&config, &[layer]);
    let digest = Digest::of(&bytes);
    let at: Reference = "127.0.0.1:15990/okd/release:4.99.0-okd.1".parse().unwrap();
    memory.add_manifest(&at, RawManifest { media_type: media::DOCKER_MANIFEST.to_owned(), bytes });
    let info = ReleaseInfo::read(&memory, &at).unwrap();
    assert_eq!(Digest::of(text(&dir, "release-manifest.json")).to_string(), RELEASE);
    let same = |found: String, name: &str| {
        let found = found.replace(&digest.to_string(), RELEASE);
        assert_eq!(found, text(&dir, name), "{name}");
    };
    same(info.to_text(ImageColumn::Digest), "info-default.txt");
    same(info.to_text(ImageColumn::PullSpec), "info-pullspecs.txt");
    same(info.to_text(ImageColumn::Commit), "info-commits.txt");
    same(info.to_text(ImageColumn::CommitUrl), "info-commit-urls.txt");
    same(info.to_json(), "info-o-json.txt");
    same(info.to_list(ListBy::Name), "info-o-name.txt");
    same(info.to_list(ListBy::Digest), "info-o-digest.txt");
    same(info.to_list(ListBy::PullSpec), "info-o-pullspec.txt");
    assert_eq!(
        info.image_for("foo"),
        Some(
            "127.0.0.1:15990/okd/content@sha256:53faeedd82a124dad4b4aced823434411cdb422e51cb280faed86841de0fc919"
        )
    );
    assert_eq!(info.image_for("nope"), None);
}
