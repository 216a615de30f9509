//! The rules of `release new`, one by one, through the whole assembly.
#![allow(clippy::unwrap_used)]

mod support;

use base::Digest;
use oci::media;
use oci::reference::Reference;
use release::payload::assemble::{Base, ReleaseImage, Request, assemble};
use release::payload::content::{RawManifest, Writable};
use release::payload::info::{ImageColumn, ReleaseInfo};
use release::payload::memory::Memory;
use serde_json::Value;
use support::{Images, MAP, REPOSITORY, at, base_image, image_references};
use testkit::image::{Image, Layer, PackedLayer};

fn assembled(images: &Images) -> ReleaseImage {
    assemble(&images.request(), &images.memory).unwrap()
}

fn refusal(images: &Images) -> String {
    refusal_of(&images.request(), &images.memory)
}

fn refusal_of(request: &Request, memory: &Memory) -> String {
    assemble(request, memory).unwrap_err().to_string()
}

fn file_names(release: &ReleaseImage) -> Vec<&str> {
    release.files[2..].iter().map(|f| f.name.as_str()).collect()
}

fn tags(release: &ReleaseImage) -> Vec<&str> {
    release.references.tags.iter().map(|t| t.name.as_str()).collect()
}

fn codes(release: &ReleaseImage) -> Vec<&str> {
    release.warnings.0.iter().map(|w| w.code).collect()
}

/// One operator `o` beside the base.
fn operator(files: &[(&str, &str)], labels: &[(&str, &str)]) -> Images {
    let mut images = Images::with_base();
    images.labelled_operator("o", files, labels);
    images
}

#[test]
fn the_refusals_of_the_reference_program() {
    let manifest = |content: &str| operator(&[("manifests/a.yaml", content)], &[]);
    let with_references = |entries: &[(&str, &str)]| {
        operator(
            &[("manifests/a.yaml", MAP), ("manifests/image-references", &image_references(entries))],
            &[],
        )
    };
    let version = "io.openshift.build.versions";
    for (images, message) in [
        (
            with_references(&[("nope", "quay.io/a/b")]),
            "operator `o` contained an invalid image-references file: no input image tag named `nope`",
        ),
        (
            manifest(&format!("{MAP}data: {{v: 0.0.1-snapshot-zzz}}\n")),
            "o/a.yaml: unknown version reference `zzz`",
        ),
        (
            manifest(&format!("{MAP}data: {{v: 0.0.1-snapshot-}}\n")),
            "o/a.yaml: empty version references are not allowed",
        ),
        (
            operator(&[("manifests/a.yaml", MAP)], &[(version, "weird=1.0.0")]),
            "tag `o` references a component version `weird` which is not in the allowed list",
        ),
        (
            operator(&[("manifests/a.yaml", MAP)], &[(version, "kubernetes=v1")]),
            "tag `o` has an invalid io.openshift.build.versions or io.openshift.build.version-display-names label: the version pair `kubernetes=v1` must have a valid semantic version",
        ),
        (manifest("a: [1\n"), "o/a.yaml:"),
        (manifest("- a\n"), "o/a.yaml:1:1: not a valid YAML/JSON object, got: - a"),
        (
            manifest("a: b\n"),
            "o/a.yaml:1:1: manifests must contain Kubernetes API objects with 'kind' and 'apiVersion' set",
        ),
        (
            with_references(&[("o", "quay.io/a/b"), ("cluster-version-operator", "quay.io/a/b")]),
            "operator `o` contained an invalid image-references file: the source repository `quay.io/a/b` was defined more than once (for `o` and `cluster-version-operator`)",
        ),
        (
            operator(&[("manifests/image-references", "kind: Foo\napiVersion: v1\n")], &[]),
            "operator `o` contained an invalid image-references file: unrecognized image-references in release payload",
        ),
    ] {
        let found = refusal(&images);
        assert!(found.starts_with(message), "{found}\nexpected: {message}");
    }
}

#[test]
fn conflicting_and_repeated_versions() {
    let kubernetes = |a: &str, b: &str, used: &str| {
        let references = image_references(&[("k1", "quay.io/a/b"), ("k2", "quay.io/a/c")]);
        let mut images = operator(
            &[
                ("manifests/a.yaml", &format!("{MAP}data: {{v: {used}}}\n")),
                ("manifests/image-references", &references),
            ],
            &[],
        );
        for (tag, version) in [("k1", a), ("k2", b)] {
            images.add(
                tag,
                Image::holding(tag).label("io.openshift.build.versions", &format!("kubernetes={version}")),
            );
        }
        images
    };
    assert!(refusal(&kubernetes("1.0.0", "1.0.1", "x")).starts_with(
        "operator `o` contained an invalid image-references file: input image stream has multiple versions defined for version kubernetes: k2 defines 1.0.1 but was already set to 1.0.0 on k1"
    ));
    assert!(refusal(&kubernetes("1.0.0", "1.0.0", "0.0.1-snapshot-kubernetes")).starts_with(
        "o/a.yaml: the version for `kubernetes` is inconsistent across the referenced images: k1, k2"
    ));
    assert_eq!(tags(&assembled(&kubernetes("1.0.0", "1.0.0", "0.0.1-snapshot"))).len(), 4);
}

#[test]
fn what_only_a_cluster_would_refuse_is_refused_here() {
    let second = format!("{MAP}---\na: b\n");
    let twice = format!("{MAP}---\n{MAP}");
    let images = operator(
        &[("manifests/a.yaml", &second), ("manifests/b.yaml", &twice), ("manifests/c.yaml", "x")],
        &[],
    );
    let message = refusal(&images);
    assert_eq!(
        message.lines().collect::<Vec<_>>(),
        [
            "o/a.yaml:5:1: document 2 has no `kind`",
            "o/b.yaml:5:1: ConfigMap `a` is defined twice in one file",
            "o/c.yaml:1:1: not a valid YAML/JSON object, got: x",
        ],
        "all findings at once"
    );
    let mut request = images.request();
    request.options.skip_manifest_check = true;
    assert_eq!(file_names(&assemble(&request, &images.memory).unwrap()).len(), 3);
}

#[test]
fn the_request_itself_is_checked() {
    let images = operator(&[("manifests/a.yaml", MAP)], &[]);
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = images.request();
        change(&mut request);
        refusal_of(&request, &images.memory)
    };
    assert!(with(&|r| r.name = "abc".into()).starts_with("the release name must be a semantic version"));
    assert!(with(&|r| r.previous = vec!["1".into()]).starts_with("`1` is not a valid semantic version"));
    assert!(with(&|r| r.components.clear()).starts_with("no component images defined"));
    assert!(
        with(&|r| r.options.exclude = ["o".into(), "cluster-version-operator".into()].into())
            .starts_with("no component")
    );
    assert!(with(&|r| r.components.push(r.components[0].clone())).contains("given twice"));
    assert!(with(&|r| r.components[1].tag = "../o".into()).contains("is not a component name"));
    assert!(with(&|r| r.components[1].pull_spec = "quay.io/a/b:latest".into()).starts_with(
        "image-references should only contain pointers to images by digest: `quay.io/a/b:latest` of component `o`"
    ));
    assert!(with(&|r| r.base = Base::Tag("nope".into())).starts_with(
        "the base image tag `nope` could not be found in the input, cannot build a release image"
    ));
    let missing = at(Digest::of("missing"));
    assert!(with(&|r| r.components[1].read_from = missing.clone()).starts_with(&format!(
        "cannot read the image of component `o` ({missing}): {missing} is not in memory"
    )));
    assert!(with(&|r| r.base = Base::Image(missing.clone())).starts_with("cannot read the base image"));
}

#[test]
fn an_image_that_is_not_what_the_pull_spec_names() {
    let mut images = operator(&[("manifests/a.yaml", MAP)], &[]);
    let other = format!("{REPOSITORY}@{}", Digest::of("other"));
    images.components[1].pull_spec.clone_from(&other);
    assert!(refusal(&images).starts_with(
        "one or more input images failed content verification and may have been tampered with: component `o` should be"
    ));
    let mut request = images.request();
    request.options.skip_verification = true;
    let release = assemble(&request, &images.memory).unwrap();
    assert_eq!(release.references.tag("o").unwrap().pull_spec(), Some(other.as_str()));
    assert!(codes(&release).contains(&"content-verification"));
}

#[test]
fn files_of_all_operators_get_their_own_names() {
    let mut images = Images::with_base();
    for (i, tag) in ["o1", "o2", "o3"].iter().enumerate() {
        let map = MAP.replace("name: a", &format!("name: a{i}"));
        images.operator(
            tag,
            &[("manifests/0000_10_x_a.yaml", &map), ("manifests/sub/x.yaml", "-"), ("manifests/z.sh", "#")],
        );
    }
    let release = assembled(&images);
    assert_eq!(
        file_names(&release),
        [
            "0000_10_x_a.yaml",
            "0000_50_o1_z.sh",
            "0000_10_x_a_2.yaml",
            "0000_50_o2_z.sh",
            "0000_10_x_a_3.yaml",
            "0000_50_o3_z.sh"
        ]
    );
}

#[test]
fn manifests_in_lower_layers_do_not_count_and_that_is_said() {
    let mut images = Images::with_base();
    let image = Image::new()
        .layer(Layer::new().file("manifests/a.yaml", MAP).gzip())
        .layer(Layer::new().file("x", "y").gzip())
        .label("io.openshift.release.operator", "true");
    images.add("o", image);
    let release = assembled(&images);
    assert_eq!(file_names(&release), Vec::<&str>::new());
    assert_eq!(tags(&release), ["cluster-version-operator", "o"], "an operator stays");
    assert_eq!(codes(&release), ["component", "no-operators"]);
    assert!(release.warnings.0[0].message.contains("manifests in lower layers do not count"));
}

#[test]
fn links_are_not_followed_and_that_is_said() {
    let mut images = Images::with_base();
    let layer = Layer::new().file("manifests/a.yaml", MAP).symlink("manifests/b.yaml", "/etc/passwd");
    images.add("o", Image::new().layer(layer.gzip()).label("io.openshift.release.operator", "yes"));
    let release = assembled(&images);
    assert_eq!(file_names(&release), ["0000_50_o_a.yaml"]);
    assert!(release.warnings.0[0].message.contains("links in /manifests are not followed: b.yaml"));
}

#[test]
fn tags_that_nothing_needs_are_dropped() {
    let references = image_references(&[("used", "quay.io/a/used")]);
    let mut images = operator(&[("manifests/a.yaml", MAP), ("manifests/image-references", &references)], &[]);
    for tag in ["used", "unused", "wanted"] {
        images.add(tag, Image::holding(tag));
    }
    let kept = |change: &dyn Fn(&mut Request)| -> Vec<String> {
        let mut request = images.request();
        change(&mut request);
        tags(&assemble(&request, &images.memory).unwrap()).into_iter().map(str::to_owned).collect()
    };
    let base = "cluster-version-operator";
    assert_eq!(kept(&|_| {}), [base, "o", "used"]);
    assert_eq!(
        kept(&|r| r.options.include = ["wanted".into(), "nothing".into()].into()),
        [base, "o", "used", "wanted"]
    );
    assert_eq!(kept(&|r| r.options.keep_unreferenced = true), [base, "o", "unused", "used", "wanted"]);
    let excluded = |r: &mut Request| {
        r.options.exclude = ["wanted".into()].into();
        r.options.include = ["wanted".into()].into();
    };
    assert_eq!(kept(&excluded), [base, "o", "used"], "excluding wins");
}

#[test]
fn missing_images_can_be_allowed() {
    let references = image_references(&[("nope", "quay.io/a/b")]);
    let map = format!("{MAP}data: {{i: \"quay.io/a/b:x\"}}\n");
    let images = operator(&[("manifests/a.yaml", &map), ("manifests/image-references", &references)], &[]);
    let mut request = images.request();
    request.options.allow_missing_images = true;
    let release = assemble(&request, &images.memory).unwrap();
    assert_eq!(release.files[2].bytes, map.as_bytes());
}

#[test]
fn labels_become_annotations() {
    let mut images = Images::with_base();
    images.add(
        "a",
        Image::holding("a")
            .label("io.openshift.build.source-location", "https://x/?a=1&b=<c>")
            .label("io.openshift.build.versions", "kernel=6.1.0"),
    );
    images.components[1].annotations.insert("own".to_owned(), "kept".to_owned());
    images.components[1].annotations.insert("io.openshift.build.commit.id".to_owned(), "replaced".to_owned());
    let mut request = images.request();
    request.options.keep_unreferenced = true;
    request.annotations.insert("release.openshift.io/from-release".to_owned(), "x".to_owned());
    let release = assemble(&request, &images.memory).unwrap();
    let text = String::from_utf8(release.files[0].bytes.clone()).unwrap();
    assert!(text.contains("https://x/?a=1\\u0026b=\\u003cc\\u003e"), "{text}");
    assert!(text.contains("\"release.openshift.io/from-release\": \"x\""), "{text}");
    let annotations = release.references.tag("a").unwrap().annotations.clone().unwrap();
    let pairs: Vec<String> = annotations.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        pairs,
        [
            "io.openshift.build.commit.id=",
            "io.openshift.build.commit.ref=",
            "io.openshift.build.source-location=https://x/?a=1&b=<c>",
            "io.openshift.build.version-display-names=",
            "io.openshift.build.versions=kernel=6.1.0",
            "own=kept"
        ]
    );
}

#[test]
fn names_of_versions_can_be_allowed() {
    let images = operator(&[("manifests/a.yaml", MAP)], &[("io.openshift.build.versions", "etcd=3.5.0")]);
    let mut request = images.request();
    request.options.allowed_versions = ["etcd".to_owned()].into();
    let release = assemble(&request, &images.memory).unwrap();
    let target: Reference = "reg.example/stream/release:x".parse().unwrap();
    let stored = release.store(&images.memory, &images.memory, &target).unwrap();
    let info = ReleaseInfo::read(&images.memory, &stored).unwrap();
    assert!(info.to_text(ImageColumn::default()).contains("\nComponent Versions:\n  etcd 3.5.0 \n"));
}

#[test]
fn the_newest_file_gives_the_time_of_the_lists() {
    let mut images = Images::with_base();
    let layer = Layer::new()
        .pax(&[("mtime", b"1700000100.9")])
        .file("manifests/a.yaml", MAP)
        .file("manifests/README", "");
    images.add("o", Image::new().layer(layer.gzip()).label("io.openshift.release.operator", "true"));
    let times: Vec<i64> = assembled(&images).files.iter().map(|f| f.modified).collect();
    assert_eq!(
        times,
        [1_700_000_100, 1_700_000_100, 1_700_000_000, 1_700_000_101],
        "lists are cut, files rounded"
    );
    let empty = assembled(&Images::with_base());
    assert_eq!(empty.files.iter().map(|f| f.modified).collect::<Vec<_>>(), [0, 0], "without operators");
}

#[test]
fn layers_of_an_oci_base_get_docker_types() {
    let release = assembled(&operator(&[("manifests/a.yaml", MAP)], &[]));
    let types: Vec<&str> = release.layers.iter().map(|l| l.media_type.as_str()).collect();
    assert_eq!(types, [media::DOCKER_LAYER_GZIP; 3]);
    let config: Value = serde_json::from_slice(&release.config).unwrap();
    assert_eq!(config["config"]["Entrypoint"][0], "/usr/bin/cluster-version-operator");
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 3);

    let mut zstd = Images::default();
    let layer = Layer::new().file("a", "b");
    let packed = PackedLayer::new(media::OCI_LAYER_ZSTD, b"\x28\xb5\x2f\xfd".to_vec(), &layer.tar());
    zstd.add("cluster-version-operator", Image::new().layer(packed));
    assert!(refusal(&zstd).contains("push the base image again with gzip layers"));
}

#[test]
fn a_base_may_be_another_image() {
    let mut images = operator(&[("manifests/a.yaml", MAP)], &[]);
    let built = base_image().env("OTHER=1").build();
    support::push(&images.memory, &built);
    images.components.remove(0);
    let mut request = images.request();
    request.base = Base::Image(at(built.digest));
    let release = assemble(&request, &images.memory).unwrap();
    assert_eq!(tags(&release), ["o"]);
    let config: Value = serde_json::from_slice(&release.config).unwrap();
    assert_eq!(
        config["config"]["Labels"]["io.openshift.release.base-image-digest"],
        built.digest.to_string()
    );
}

#[test]
fn lists_stay_lists_in_the_payload_and_give_one_platform_here() {
    let mut images = Images::with_base();
    let layer = |name: &str| Layer::new().file(&format!("manifests/{name}.yaml"), MAP).gzip();
    let image = |architecture: &str| {
        let image = Image::new().layer(layer(architecture)).platform("linux", architecture);
        image.label("io.openshift.release.operator", "true").build()
    };
    let (arm, amd) = (image("arm64"), image("amd64"));
    let (bytes, media_type) = testkit::image::index(&[&arm, &amd]);
    for built in [&arm, &amd] {
        support::push(&images.memory, built);
    }
    let list = at(Digest::of(&bytes));
    images.memory.add_manifest(&list, RawManifest { media_type: media_type.to_owned(), bytes });
    images.components.push(release::payload::assemble::Component::new("o", list.clone()));
    let release = assembled(&images);
    assert_eq!(file_names(&release), ["0000_50_o_amd64.yaml"]);
    assert_eq!(release.references.tag("o").unwrap().pull_spec(), Some(list.to_string().as_str()));

    let mut request = images.request();
    request.base = Base::Tag("o".to_owned());
    request.platform = "linux/arm64".parse().unwrap();
    let release = assemble(&request, &images.memory).unwrap();
    assert_eq!(file_names(&release), ["0000_50_o_arm64.yaml"]);
    let config: Value = serde_json::from_slice(&release.config).unwrap();
    assert_eq!(config["architecture"], "arm64");
    assert_eq!(
        config["config"]["Labels"]["io.openshift.release.base-image-digest"],
        arm.digest.to_string(),
        "the image, not the list"
    );
    request.platform = "linux/s390x".parse().unwrap();
    assert!(
        refusal_of(&request, &images.memory)
            .contains("has no image for linux/s390x (it has: linux/arm64, linux/amd64)")
    );
}

#[test]
fn a_release_is_stored_under_its_name_and_read_again() {
    let images = operator(&[("manifests/a.yaml", MAP), ("manifests/README.md", "v 0.0.1-snapshot\n")], &[]);
    let mut request = images.request();
    request.name = "4.9.9-okd.1+build.7".to_owned();
    request.previous = vec!["4.9.8".to_owned()];
    let release = assemble(&request, &images.memory).unwrap();
    assert_eq!(release.files[3].bytes, MAP.as_bytes());
    assert_eq!(release.files[2].bytes, b"v 4.9.9-okd.1\n", "versions in manifests have no build metadata");
    let to = Memory::new();
    let target: Reference = "reg.example/stream/release".parse().unwrap();
    let stored = release.store(&images.memory, &to, &target).unwrap();
    assert_eq!(stored, target.at_digest(release.digest()));
    let info = ReleaseInfo::read(&to, &target.at_tag("4.9.9-okd.1_build.7").unwrap()).unwrap();
    assert_eq!(info.name(), "4.9.9-okd.1+build.7");
    assert_eq!(info.digest, release.digest());
    assert_eq!(info.references, release.references);
    assert_eq!(info.metadata.as_ref(), Some(&release.metadata));
    assert_eq!(info.manifests.keys().collect::<Vec<_>>(), ["0000_50_o_a.yaml"]);
    assert_eq!(info.other_files, ["0000_50_o_README.md"]);
    for layer in &release.layers {
        assert!(to.has_blob(&target, layer).unwrap());
    }

    let dir = tempfile::tempdir().unwrap();
    release.write_files(&dir.path().join("out")).unwrap();
    let written = std::fs::read(dir.path().join("out/image-references")).unwrap();
    assert_eq!(written, release.references.to_json());
}

#[test]
fn images_that_are_no_releases_are_named() {
    let images = operator(&[("manifests/a.yaml", MAP)], &[]);
    let image = images.components[1].read_from.clone();
    let message = ReleaseInfo::read(&images.memory, &image).unwrap_err().to_string();
    assert!(message.starts_with("release image did not contain an image-references file"), "{message}");
    let read = |files: &[(&str, &str)]| {
        let mut images = Images::default();
        let layer = files.iter().fold(Layer::new(), |layer, (name, content)| layer.file(name, content));
        let digest = images.add("r", Image::new().layer(layer.gzip()));
        ReleaseInfo::read(&images.memory, &at(digest))
    };
    let stream = image_references(&[]);
    assert!(read(&[("release-manifests/image-references", &stream)]).is_ok(), "metadata may be missing");
    let message = |files: &[(&str, &str)]| read(files).unwrap_err().to_string();
    assert!(message(&[("./release-manifests/image-references", &stream)]).contains("did not contain"));
    assert!(
        message(&[("release-manifests/image-references", "x")])
            .starts_with("release image could not be read: ")
    );
    assert!(
        message(&[
            ("release-manifests/image-references", &stream),
            ("release-manifests/release-metadata", "{")
        ])
        .starts_with("release image could not be read: invalid release metadata: ")
    );
}

#[test]
fn a_release_without_metadata_shows_what_there_is() {
    let mut images = Images::default();
    let stream = image_references(&[("a", "quay.io/a/b:latest"), ("b", "quay.io/a/b@sha256:0")]);
    let layer = Layer::new().file("release-manifests/image-references", stream).gzip();
    let digest = images.add("r", Image::new().layer(layer));
    let info = ReleaseInfo::read(&images.memory, &at(digest)).unwrap();
    let text = info.to_text(ImageColumn::Digest);
    assert!(text.contains("Pull From: ") && !text.contains("Release Metadata"), "{text}");
    assert!(text.contains("  a    quay.io/a/b:latest\n"), "{text}");
    let json: Value = serde_json::from_str(&info.to_json()).unwrap();
    assert_eq!(
        (&json["metadata"], &json["displayVersions"], &json["warnings"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[test]
fn disagreeing_images_are_a_warning_in_info() {
    let mut images = Images::with_base();
    for (tag, version) in [("k1", "1.0.0"), ("k2", "1.0.1"), ("tests", "1.0.0")] {
        let versions = format!("kubernetes={version},machine-os={version},kubectl={version}");
        images.add(tag, Image::holding(tag).label("io.openshift.build.versions", &versions));
    }
    let mut request = images.request();
    request.options.keep_unreferenced = true;
    let release = assemble(&request, &images.memory).unwrap();
    let stored =
        release.store(&images.memory, &images.memory, &"reg.example/s/r:1".parse().unwrap()).unwrap();
    let info = ReleaseInfo::read(&images.memory, &stored).unwrap();
    assert_eq!(
        info.warnings,
        ["multiple versions or display names reported for the following component(s): kubernetes"]
    );
    assert!(!info.versions.contains_key("kubectl"), "counts from the command line images only");
    let text = info.to_text(ImageColumn::Digest);
    assert!(text.ends_with("\n\nWarnings:\n* multiple versions or display names reported for the following component(s): kubernetes\n\n"));
}
