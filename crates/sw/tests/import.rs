//! `sw import`, and what becomes of a stream whose components say what they start from.

#![allow(clippy::unwrap_used)]

mod published;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use testkit::peer;

fn sw(home: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sw"));
    let Output { status, stdout, stderr } =
        command.args(args).env("STREAMWRIGHT_HOME", home).env("NO_COLOR", "1").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn build_data_and_payload_pipeline_are_imported_once_and_then_left_alone() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("art");
    let data = fixtures.join("ocp-build-data-4.22");
    let args = ["import", "art", data.to_str().unwrap(), "--to", to.to_str().unwrap()];
    let (code, stdout, stderr) = sw(dir.path(), &args);
    assert_eq!((code, stdout.lines().count()), (0, 3), "{stderr}");
    let report = fs::read_to_string(to.join("REPORT.md")).unwrap();
    assert!(report.contains("187 images of the payload"), "{report}");
    let head = |stream: &Path| {
        let text = fs::read_to_string(stream.join("stream.yaml")).unwrap();
        text.lines().find(|line| line.starts_with("platforms:")).map(str::to_owned)
    };
    let both = Some("platforms: [linux/amd64, linux/arm64]".to_owned());
    let all = Some("platforms: [linux/amd64, linux/arm64, linux/ppc64le, linux/s390x]".to_owned());
    assert_eq!((head(&to.join("ocp")), head(&to.join("okd"))), (all, both.clone()));
    let (code, stdout, stderr) =
        sw(dir.path(), &["stream", "show", "-o", "yaml", to.join("okd").to_str().unwrap()]);
    assert!(
        code == 0 && stdout.contains("\nplatforms:\n  - linux/amd64\n  - linux/arm64\nrelease"),
        "{stderr}{stdout}"
    );
    let (code, stdout, stderr) = sw(dir.path(), &["bases", to.join("okd").to_str().unwrap(), "-o", "json"]);
    assert_eq!(code, 0, "{stderr}");
    let rows: Value = serde_json::from_str(&stdout).unwrap();
    let etcd: Vec<&Value> =
        rows.as_array().unwrap().iter().filter(|row| row["component"] == "etcd").collect();
    assert_eq!(etcd.len(), 2);
    assert_eq!(etcd[0]["meansComponent"], "openshift-enterprise-base-rhel9-minimal");
    assert_eq!(etcd[0]["entry"], "openshift-enterprise-base-rhel9-minimal");
    let at = etcd[0]["at"].as_str().unwrap();
    assert!(at.contains("stream.yaml:"), "{at}");

    fs::write(to.join("ocp/stream.yaml"), "mine now").unwrap();
    let (code, _, stderr) = sw(dir.path(), &args);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("is there already"), "{stderr}");
    assert_eq!(fs::read_to_string(to.join("ocp/stream.yaml")).unwrap(), "mine now");

    let to = dir.path().join("pipeline");
    let data = fixtures.join("okd-payload-pipeline");
    let (code, stdout, stderr) = sw(
        dir.path(),
        &["import", "okd-payload-pipeline", data.to_str().unwrap(), "--to", to.to_str().unwrap()],
    );
    assert_eq!((code, stdout.lines().count()), (0, 5), "{stderr}");
    let report = fs::read_to_string(to.join("REPORT.md")).unwrap();
    assert!(report.contains("188 BuildConfigs became components"), "{report}");
    let scos = fs::read_to_string(to.join("okd-scos/stream.yaml")).unwrap();
    assert!(scos.contains("component: machine-config-operator\n      args:\n        TAGS: scos"), "{scos}");
    let (code, stdout, stderr) =
        sw(dir.path(), &["stream", "show", "-o", "yaml", to.join("okd-scos").to_str().unwrap()]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("TAGS: scos"));
    let streams = ["okd", "okd-fcos", "okd-fcos-multiarch", "okd-scos"];
    assert_eq!(streams.map(|stream| head(&to.join(stream))), [None, None, both, None]);
    assert!(
        report.contains("`okd-fcos-multiarch` is for linux/amd64, linux/arm64: the parameter"),
        "{report}"
    );
}

#[test]
fn an_import_is_for_the_platforms_that_are_asked_for() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("art");
    let data = fixtures.join("ocp-build-data-4.22");
    let import = |platforms: &str| {
        let (data, to) = (data.to_str().unwrap(), to.to_str().unwrap());
        sw(dir.path(), &["import", "art", data, "--to", to, "--platforms", platforms])
    };
    let (code, _, stderr) = import("arm64");
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("write one of linux/amd64, linux/arm64, linux/ppc64le, linux/s390x"), "{stderr}");
    let (code, _, stderr) = import("linux/arm64");
    assert_eq!(code, 0, "{stderr}");
    let okd = to.join("okd");
    let (code, stdout, stderr) = sw(dir.path(), &["bases", okd.to_str().unwrap(), "-o", "json"]);
    assert_eq!(code, 0, "{stderr}");
    let rows: Value = serde_json::from_str(&stdout).unwrap();
    let of =
        |component: &str| rows.as_array().unwrap().iter().filter(|row| row["component"] == component).count();
    assert_eq!((of("etcd"), of("vsphere-csi-driver")), (2, 0));
    assert!(
        rows.as_array().unwrap().iter().all(|row| row["platforms"] == serde_json::json!(["linux/arm64"]))
    );
    let report = fs::read_to_string(to.join("REPORT.md")).unwrap();
    assert!(
        report.contains("ose-vmware-vsphere-csi-driver is built for none of the platforms of `okd`"),
        "{report}"
    );
}

#[test]
fn a_release_that_is_a_list_is_a_stream_for_its_platforms() {
    let dir = tempfile::tempdir().unwrap();
    let store = oci::Store::open(dir.path().join("store")).unwrap();
    let import = |cpus: &[&str], to: &str| {
        let tags: [(&str, &[&str]); 3] =
            [("cluster-version-operator", cpus), ("etcd", cpus), ("vsphere", &cpus[..1])];
        let at = published::release(&store, "registry.example", cpus, &tags);
        let to = dir.path().join(to);
        let (code, _, stderr) = sw(dir.path(), &["import", "payload", &at, "--to", to.to_str().unwrap()]);
        assert_eq!(code, 0, "{stderr}");
        let read = |file: &str| fs::read_to_string(to.join(file)).unwrap();
        (read("published/stream.yaml"), read("REPORT.md"))
    };
    let (stream, report) = import(&["amd64", "riscv64", "arm64"], "list");
    assert!(stream.contains("\nplatforms: [linux/amd64, linux/arm64]\n"), "{stream}");
    assert!(
        report.contains(
            "a list for linux/amd64, linux/arm64, and so is the stream. No stream can be for linux/riscv64."
        ),
        "{report}"
    );
    let vsphere = stream.split("\"vsphere\":\n").nth(1).unwrap();
    assert!(vsphere.starts_with("    platforms: [linux/amd64]\n    source: {image: "), "{stream}");
    assert_eq!(stream.matches("platforms").count(), 2, "{stream}");
    let (stream, report) = import(&["arm64"], "arm");
    assert!(stream.contains("\nplatforms: [linux/arm64]\n"), "{stream}");
    assert!(report.contains("The release is for linux/arm64 alone"), "{report}");
    let (stream, report) = import(&["amd64"], "amd");
    assert!(!stream.contains("platforms"), "{stream}");
    assert!(report.contains("The release is for linux/amd64 alone"), "{report}");

    // An overlay on it is for all of them, too.
    let tags: [(&str, &[&str]); 1] = [("cluster-version-operator", &["amd64", "arm64"])];
    let at = published::release(&store, "registry.example", &["amd64", "arm64"], &tags);
    let mine = dir.path().join("mine");
    let (code, _, stderr) = sw(dir.path(), &["branch", &at, "mine", "--to", mine.to_str().unwrap()]);
    assert_eq!(code, 0, "{stderr}");
    let (code, stdout, stderr) = sw(dir.path(), &["plan", "--offline", mine.to_str().unwrap()]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("1 component for linux/amd64, linux/arm64"), "{stdout}");
}

#[test]
fn what_is_no_build_data_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().to_str().unwrap();
    let (code, _, stderr) = sw(dir.path(), &["import", "art", at, "--to", at]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("no checkout of ocp-build-data"), "{stderr}");
    let (code, _, stderr) = sw(dir.path(), &["import", "payload", "quay.io/okd/release:4", "--to", at]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("may mean another release tomorrow"), "{stderr}");
}

const STREAM: &str = r#"apiVersion: streamwright.dev/v1alpha1
kind: Stream
name: small
version: 0.1.0
repository: localhost:5757/small
releaseBase: operator
bases:
  golang: {image: "quay.io/x/go@sha256:0000000000000000000000000000000000000000000000000000000000000001"}
  base: {image: "quay.io/x/base@sha256:0000000000000000000000000000000000000000000000000000000000000002"}
components:
  operator:
    source: {git: {url: REPOSITORY, ref: main}}
    containerfile: Dockerfile
    from: [golang, base]
    edits:
      - match: RUN make
        with: RUN make all
"#;

#[test]
fn a_plan_needs_no_source_of_what_says_its_bases() {
    if !peer::has("git") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let repository = dir.path().join("repository");
    fs::create_dir(&repository).unwrap();
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        peer::run(Command::new("git").args(identity).args(args).current_dir(&repository));
    };
    let private = "FROM registry.ci.example/go:1 AS build\nRUN make\nFROM registry.ci.example/base:9\n";
    fs::write(repository.join("Dockerfile"), private).unwrap();
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    let stream = dir.path().join("small");
    fs::create_dir(&stream).unwrap();
    let write = |text: &str| fs::write(stream.join("stream.yaml"), text).unwrap();
    let text = STREAM.replace("REPOSITORY", repository.to_str().unwrap());
    write(&text);
    let at = stream.to_str().unwrap();

    let (code, _, stderr) = sw(&home, &["lock", at]);
    assert_eq!(code, 0, "{stderr}");
    // The lock has the commit: the repository is needed no more for a plan.
    let away = dir.path().join("away");
    fs::rename(&repository, &away).unwrap();
    let (code, stdout, stderr) = sw(&home, &["plan", at, "-o", "json"]);
    assert_eq!(code, 0, "{stderr}");
    let plan: Value = serde_json::from_str(&stdout).unwrap();
    let inputs = plan["components"][0]["inputs"].clone();
    assert!(!home.join("checkouts").exists(), "nothing was fetched");
    fs::rename(&away, &repository).unwrap();

    // With the source, the names are written into the Containerfile; so the private ones need no entry.
    let (code, stdout, stderr) = sw(&home, &["bases", at, "--fetch", "-o", "json"]);
    assert_eq!(code, 0, "{stderr}");
    let rows: Value = serde_json::from_str(&stdout).unwrap();
    let names: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["base", "golang"]);
    assert!(rows[0]["at"].as_str().unwrap().ends_with("Dockerfile:3"), "{rows}");

    // Another text, another key; the same commit.
    write(&text.replace("RUN make all", "RUN make most"));
    let (_, stdout, _) = sw(&home, &["plan", at, "-o", "json"]);
    let plan: Value = serde_json::from_str(&stdout).unwrap();
    assert_ne!(plan["components"][0]["inputs"], inputs);

    for (from, to, said, place) in [
        ("[golang, base]", "[base]", "`from` has 1 names, and Dockerfile starts from 2", "stream.yaml:14"),
        ("match: RUN make", "match: RUN mike", "Dockerfile does not say `RUN mike`", "stream.yaml:16"),
        ("[golang, base]", "[golang, bas]", "NOTHING SAYS WHAT IT IS", "Dockerfile:3"),
    ] {
        write(&text.replace(from, to));
        let (code, stdout, stderr) = sw(&home, &["bases", at, "--fetch"]);
        let all = stdout + &stderr;
        assert!(code == 2 && all.contains(said) && all.contains(place), "{code} {all}");
    }
    // Without the source, the name in the stream file is what cannot be resolved.
    let (code, stdout, stderr) = sw(&home, &["bases", at]);
    assert!(code == 2 && stdout.contains("stream.yaml:14"), "{code} {stdout}{stderr}");
    let (code, _, stderr) = sw(&home, &["plan", at]);
    assert!(code == 2 && stderr.contains("nothing says what from bas is"), "{code} {stderr}");
}
