//! The demo stream end to end, twice: the same lock gives the same digests.

#![allow(clippy::unwrap_used)]

mod tiny;

use std::path::Path;
use std::process::Command;

use testkit::peer;
use tiny::Printed;

/// `sw` with a home of its own.
fn sw(home: &Path, args: &[&str]) -> Printed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sw"));
    command.args(args).env("STREAMWRIGHT_HOME", home).env("NO_COLOR", "1").output().unwrap().into()
}

fn copy(from: &Path, to: &Path) {
    peer::run(Command::new("cp").arg("-a").arg(from).arg(to));
}

#[test]
fn the_demo_stream_is_accepted_and_reproducible() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: building images needs root");
        return;
    }
    if !["mmdebstrap", "buildah", "skopeo"].into_iter().all(peer::has) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../streams/debian-mini");
    let stream = dir.path().join("debian-mini");
    copy(&shipped, &stream);
    // A lock that lies around from an earlier build would test yesterday's packages.
    let _ = std::fs::remove_file(stream.join("stream.lock"));

    let first_home = dir.path().join("first");
    let first = sw(&first_home, &["build", stream.to_str().unwrap()]);
    assert_eq!(first.code, Some(0), "{}\n{}", first.stderr, first.stdout);
    assert!(first.stdout.contains("Verdict: accepted"), "{}", first.stdout);
    for test in ["etcd", "haproxy", "prometheus", "registry"] {
        let passed = first.stdout.lines().any(|l| l.trim().starts_with(test) && l.contains("passed"));
        assert!(passed, "{test} is not among the passed tests: {}", first.stdout);
    }
    let operators = sw(&first_home, &["release", "info", "last", "-o", "json"]);
    let info: serde_json::Value = serde_json::from_str(&operators.stdout).unwrap();
    let tags: Vec<&str> = info["references"]["spec"]["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        tags,
        [
            "cli",
            "cluster-version-operator",
            "container-networking-plugins",
            "docker-registry",
            "etcd",
            "haproxy-router",
            "keepalived-ipfailover",
            "pod",
            "prometheus",
            "prometheus-alertmanager",
            "prometheus-node-exporter",
        ]
    );

    let unchanged = sw(&first_home, &["build", stream.to_str().unwrap()]);
    assert!(unchanged.stderr.contains("nothing changed"), "{}", unchanged.stderr);

    // Another home, another registry port, another day: the same digests. Downloads are kept to spare the mirror.
    let second_home = dir.path().join("second");
    let volume = Path::new("builds/debian-mini/volume");
    std::fs::create_dir_all(second_home.join(volume)).unwrap();
    copy(&first_home.join(volume).join("cache"), &second_home.join(volume).join("cache"));
    let second = sw(&second_home, &["build", stream.to_str().unwrap()]);
    assert_eq!(second.code, Some(0), "{}\n{}", second.stderr, second.stdout);
    let digests = |home: &Path| sw(home, &["release", "info", "last", "-o", "pullspec"]).stdout;
    assert_eq!(digests(&first_home), digests(&second_home));
    let release = |printed: &Printed| {
        printed.stdout.lines().find(|l| l.starts_with("Digest:")).map(str::to_owned).unwrap()
    };
    assert_eq!(release(&first), release(&second));
    let check = sw(&second_home, &["store", "check"]);
    assert_eq!(check.code, Some(0), "{}", check.stdout);
}
