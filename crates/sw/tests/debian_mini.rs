//! The demo stream end to end, twice: the same lock gives the same digests. Then its overlays, and a branch of its release.

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
    overlays_build_only_what_they_change(&second_home, &stream);
    a_branch_of_the_release_builds_one_image(&second_home, dir.path());
    let check = sw(&second_home, &["store", "check"]);
    assert_eq!(check.code, Some(0), "{}", check.stdout);
}

/// What is known of the last build of a stream.
fn record(home: &Path, stream: &str) -> serde_json::Value {
    let text = std::fs::read(home.join("builds").join(stream).join("last.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn accepted(built: &Printed) {
    assert_eq!(built.code, Some(0), "{}\n{}", built.stderr, built.stdout);
    assert!(built.stdout.contains("Verdict: accepted"), "{}", built.stdout);
}

fn overlays_build_only_what_they_change(home: &Path, parent: &Path) {
    for (name, found, built, changed) in
        [("debian-edge", 9, 0, &[][..]), ("debian-hpc", 10, 2, &["cli", "haproxy-router"])]
    {
        let stream = parent.with_file_name(name);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../streams").join(name), &stream);
        // Downloads are kept to spare the mirror.
        let cache = |stream: &str| home.join("builds").join(stream).join("volume/cache");
        std::fs::create_dir_all(cache(name).parent().unwrap()).unwrap();
        copy(&cache("debian-mini"), &cache(name));
        accepted(&sw(home, &["build", stream.to_str().unwrap()]));
        let (below, own) = (record(home, "debian-mini"), record(home, name));
        assert_eq!(own["lastRun"], serde_json::json!({"found": found, "built": built}), "{name}");
        let images = own["platforms"]["linux/amd64"]["images"].as_object().unwrap();
        let differ: Vec<&str> = images
            .iter()
            .filter(|(c, image)| below["platforms"]["linux/amd64"]["images"][*c] != **image)
            .map(|(c, _)| &**c)
            .collect();
        assert_eq!(differ, changed, "{name}");
    }
}

/// From a published release to one's own, with one image made with buildah on top of the published one.
fn a_branch_of_the_release_builds_one_image(home: &Path, dir: &Path) {
    let below = record(home, "debian-mini");
    let published = below["release"]["pullSpec"].as_str().unwrap();
    let (source, mine) = (dir.join("my-cli"), dir.join("mine"));
    std::fs::create_dir(&source).unwrap();
    let cli = below["platforms"]["linux/amd64"]["images"]["cli"].as_str().unwrap();
    std::fs::write(
        source.join("Containerfile"),
        format!("FROM localhost:5757/debian-mini/cli@{cli}\nCOPY motd /etc/motd\n"),
    )
    .unwrap();
    std::fs::write(source.join("motd"), "Mind the quota.\n").unwrap();
    let replace = format!("cli={}", source.display());
    let branch =
        sw(home, &["branch", published, "mine", "--to", mine.to_str().unwrap(), "--replace", &replace]);
    assert_eq!(branch.code, Some(0), "{}", branch.stderr);
    let plan = sw(home, &["plan", mine.to_str().unwrap()]);
    assert!(plan.stdout.contains("11 components: 1 to build, 10 reused"), "{}", plan.stdout);
    accepted(&sw(home, &["build", mine.to_str().unwrap()]));
    let specs = |release: &serde_json::Value| -> Vec<String> {
        let shown = sw(
            home,
            &["release", "info", release["release"]["pullSpec"].as_str().unwrap(), "-o", "pullspec"],
        );
        shown.stdout.lines().map(str::to_owned).collect()
    };
    let (before, after) = (specs(&below), specs(&record(home, "mine")));
    let new: Vec<&String> = after.iter().filter(|spec| !before.contains(spec)).collect();
    assert!(new.len() == 1 && new[0].starts_with("localhost:5757/mine/cli@"), "{new:?}");
    assert_eq!(after.len(), before.len());
}
