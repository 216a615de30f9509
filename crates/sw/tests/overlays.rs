//! Streams that are other streams with a small difference: built, and refused.

#![allow(clippy::unwrap_used)]

mod env;
mod tiny;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use base::Digest;
use rustix::process::Signal;
use serde_json::Value;
use tiny::{Printed, Tiny, can_build};

use env::TestEnv;

/// Writes a stream file beside the tiny stream, and gives its folder.
fn overlay(tiny: &Tiny, name: &str, rest: &str) -> PathBuf {
    let dir = tiny.stream().with_file_name(name);
    fs::create_dir_all(&dir).unwrap();
    let text = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: {name}\nrepository: localhost:5757/{name}\n{rest}"
    );
    fs::write(dir.join("stream.yaml"), text).unwrap();
    dir
}

/// Writes the source of a component.
fn component(dir: &Path, containerfile: &str, content: &str) {
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("Containerfile"), containerfile).unwrap();
    fs::write(dir.join("content"), content).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What was built last of a stream.
fn record(tiny: &Tiny, stream: &str) -> Value {
    env::read_json(&tiny.home().join("builds").join(stream).join("last.json"))
}

/// The pull specs of a release's images, by tag.
fn images(tiny: &Tiny, release: &Value) -> Vec<(String, String)> {
    let shown = tiny.sw(&["release", "info", release.as_str().unwrap(), "-o", "json"]);
    let info: Value = serde_json::from_str(&shown.stdout).unwrap_or_else(|e| panic!("{e}: {shown:?}"));
    let tags = info["references"]["spec"]["tags"].as_array().unwrap();
    tags.iter().map(|tag| (env::text(&tag["name"]), env::text(&tag["from"]["name"]))).collect()
}

/// The components that a plan builds.
fn to_build(tiny: &Tiny, stream: &Path) -> Vec<String> {
    let plan = tiny.sw(&["plan", text(stream), "-o", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap_or_else(|e| panic!("{e}: {plan:?}"));
    let all = plan["components"].as_array().unwrap().iter();
    all.filter(|c| c["action"] != "reuse").map(|c| env::text(&c["component"])).collect()
}

fn accepted(printed: &Printed) {
    assert_eq!(printed.code, Some(0), "{}\n{}", printed.stderr, printed.stdout);
    assert!(printed.stdout.contains("Verdict: accepted"), "{}", printed.stdout);
}

#[test]
fn an_overlay_builds_what_it_changes_and_finds_the_rest() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    accepted(&tiny.build());
    let edge = overlay(
        &tiny,
        "edge",
        "from: {path: ../tiny}\noperations:\n  - replace: {component: app, source: {path: components/app}}\n",
    );
    component(&edge.join("components/app"), "FROM tiny/base\n", "another app\n");
    assert_eq!(to_build(&tiny, &edge), ["app"]);
    let built = tiny.sw(&["build", text(&edge)]);
    accepted(&built);
    let marks = Tiny::marks(&built);
    for expected in ["base cached", "tool cached", "app done"] {
        assert!(marks.iter().any(|mark| mark == expected), "{expected}: {marks:?}");
    }
    let digest = |(tag, spec): (String, String)| (tag, spec.split_once('@').unwrap().1.to_owned());
    let of = |stream: &str| -> Vec<(String, String)> {
        images(&tiny, &record(&tiny, stream)["release"]["pullSpec"]).into_iter().map(digest).collect()
    };
    let (parent, child) = (of("tiny"), of("edge"));
    let same: Vec<&str> = parent.iter().filter(|image| child.contains(image)).map(|i| &*i.0).collect();
    assert_eq!(same, ["base", "tool"]);
    // The copies are the stream's own: it can be published without its parent.
    assert!(tiny.home().join("store/repositories/edge/tool/_tags").is_dir());
    assert_eq!(record(&tiny, "edge")["lastRun"], serde_json::json!({"found": 2, "built": 1}));

    // What changes below changes here, and is built once.
    tiny.content("tool", "another tool\n");
    assert_eq!(to_build(&tiny, &edge), ["tool"]);
    accepted(&tiny.build());
    assert_eq!(to_build(&tiny, &edge), [""; 0]);
    assert!(Tiny::marks(&tiny.sw(&["build", text(&edge)])).contains(&"tool cached".to_owned()));
    assert_eq!(tiny.sw(&["store", "check"]).code, Some(0));
}

/// A branch of the tiny stream's release that replaces `app`.
fn branched(tiny: &Tiny) -> PathBuf {
    let release = env::text(&record(tiny, "tiny")["release"]["pullSpec"]);
    let base = env::text(&record(tiny, "tiny")["platforms"]["linux/amd64"]["images"]["base"]);
    let source = tiny.stream().with_file_name("my-app");
    component(&source, &format!("FROM localhost:5757/tiny/base@{base}\n"), "my app\n");
    let mine = tiny.stream().with_file_name("mine");
    let replace = format!("app={}", text(&source));
    let branch =
        tiny.sw(&["branch", &release, "mine", "--to", text(&mine), "--replace", &replace, "--why", "a try"]);
    assert_eq!(branch.code, Some(0), "{branch:?}");
    // A release does not say how its images are built; here it is not the default task.
    let task = fs::read_to_string(tiny.stream().join("tasks/tiny-image.yaml")).unwrap();
    fs::create_dir_all(mine.join("tasks")).unwrap();
    fs::write(mine.join("tasks/containerfile.yaml"), task.replace("name: tiny-image", "name: containerfile"))
        .unwrap();
    mine
}

#[test]
fn a_published_release_with_one_component_replaced_is_a_release_again() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    accepted(&tiny.build());
    let mine = branched(&tiny);
    assert_eq!(to_build(&tiny, &mine), ["app"]);
    let built = tiny.sw(&["build", text(&mine)]);
    accepted(&built);
    let marks = Tiny::marks(&built);
    assert!(marks.contains(&"app done".to_owned()), "{marks:?}");
    assert!(!marks.iter().any(|mark| mark.starts_with("tool") || mark.starts_with("base")), "{marks:?}");
    let before = images(&tiny, &record(&tiny, "tiny")["release"]["pullSpec"]);
    let after = images(&tiny, &record(&tiny, "mine")["release"]["pullSpec"]);
    let differ: Vec<&str> = after.iter().filter(|image| !before.contains(image)).map(|i| &*i.0).collect();
    assert_eq!((after.len(), differ), (3, vec!["app"]), "the others keep their published pull specs");
    let again = tiny.sw(&["build", text(&mine)]);
    assert!(again.stderr.contains("nothing changed"), "{}", again.stderr);
}

#[test]
fn an_image_that_is_gone_is_named_before_anything_runs() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    accepted(&tiny.build());
    let mine = branched(&tiny);
    let tool: Digest =
        env::text(&record(&tiny, "tiny")["platforms"]["linux/amd64"]["images"]["tool"]).parse().unwrap();
    fs::remove_file(tiny.home().join("store/blobs/sha256").join(tool.hex())).unwrap();
    let refused = tiny.sw(&["build", text(&mine)]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let said = &refused.stderr;
    assert!(said.contains(&format!("`tool` is the image localhost:5757/tiny/tool@{tool}")), "{said}");
    assert!(said.contains("mine/stream.yaml:") && said.contains("replace: {component: tool"), "{said}");
    assert_eq!(fs::read_dir(tiny.home().join("runs")).unwrap().count(), 1, "nothing was started");
}

#[test]
fn old_builds_are_pruned_and_what_the_last_release_uses_is_not() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    accepted(&tiny.build());
    let first = record(&tiny, "tiny");
    tiny.content("app", "changed\n");
    accepted(&tiny.build());
    let app = env::text(&first["platforms"]["linux/amd64"]["images"]["app"]);
    let planned = tiny.sw(&["cache", "prune", "--keep-last", "1", "--dry-run"]);
    assert!(planned.stdout.contains(&format!("image tiny/app@{app}")), "{planned:?}");
    // The old app, the old release, what was said about it, and the run.
    assert!(planned.stdout.contains("would remove 3 images"), "{}", planned.stdout);
    assert_eq!(fs::read_dir(tiny.home().join("runs")).unwrap().count(), 2);
    let pruned = tiny.sw(&["cache", "prune", "--keep-last", "1", "-o", "json"]);
    let pruned: Value = serde_json::from_str(&pruned.stdout).unwrap_or_else(|e| panic!("{e}: {pruned:?}"));
    assert_eq!(pruned["images"].as_array().unwrap().len(), 3);
    assert_eq!(pruned["runs"], serde_json::json!([env::text(&first["release"]["run"])]));
    assert_eq!(tiny.sw(&["store", "check"]).code, Some(0));
    assert!(tiny.build().stderr.contains("nothing changed"));
    // Keeping nothing keeps the last release.
    let rest = tiny.sw(&["cache", "prune", "--keep-last", "0"]);
    assert!(rest.stdout.starts_with("removed 0 images"), "{rest:?}");
    let stats = tiny.sw(&["cache", "stats", "-o", "json"]);
    let stats: Value = serde_json::from_str(&stats.stdout).unwrap_or_else(|e| panic!("{e}: {stats:?}"));
    let row = &stats["streams"][0];
    assert_eq!((&row["stream"], &row["keys"]), (&"tiny".into(), &3.into()), "{stats}");
}

#[test]
fn what_can_be_had_again_is_pruned_by_days() {
    let tiny = Tiny::new();
    let (resolved, patched) = (tiny.home().join("resolved"), tiny.home().join("patched"));
    for folder in ["old", "new"] {
        fs::create_dir_all(patched.join(folder)).unwrap();
        fs::write(patched.join(folder).join("file"), "x").unwrap();
    }
    fs::create_dir_all(&resolved).unwrap();
    fs::write(resolved.join("old.json"), "{}").unwrap();
    fs::write(resolved.join("new.json"), "{}").unwrap();
    let month_ago = SystemTime::now() - Duration::from_secs(31 * 24 * 3600);
    for old in [patched.join("old"), resolved.join("old.json")] {
        fs::File::open(old).unwrap().set_modified(month_ago).unwrap();
    }
    let said = |args: &[&str]| tiny.sw(&[&["cache", "prune"], args].concat()).stdout;
    assert!(said(&["--dry-run"]).contains("1 patched sources, 1 remote definitions"));
    assert!(said(&["--keep", "60"]).contains("0 patched sources, 0 remote definitions"));
    assert!(said(&[]).contains("1 patched sources, 1 remote definitions"));
    let names = |dir: &Path| fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!((names(&patched), names(&resolved)), (vec!["new".into()], vec!["new.json".into()]));
}

/// A registry on this machine that has every tag and every manifest, and gives another one than it promises.
fn liar() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = Vec::new();
            let mut piece = [0; 1024];
            while !asked.ends_with(b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(n) if n > 0 => asked.extend_from_slice(&piece[..n]),
                    _ => break,
                }
            }
            let body = r#"{"schemaVersion":2,"manifests":[]}"#;
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\nDocker-Content-Digest: {}\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                Digest::of("promised"),
                body.len(),
                if asked.starts_with(b"HEAD") { "" } else { body }
            );
        }
    });
    address
}

#[test]
fn a_registry_that_lies_about_a_digest_is_not_believed() {
    let tiny = Tiny::new();
    let (liar, digest) = (liar(), Digest::of("promised"));
    let to = tiny.stream().with_file_name("mine");
    let release = format!("{liar}/okd/release@{digest}");
    let branch = tiny.sw(&["branch", &release, "mine", "--to", text(&to)]);
    assert_eq!(branch.code, Some(2), "{branch:?}");
    assert!(branch.stderr.contains("gave wrong content") && branch.stderr.contains(&liar), "{branch:?}");
    assert!(branch.stderr.contains("mine/stream.yaml:") && !to.exists(), "{branch:?}");

    // As a cache, it is as good as none.
    let store = oci::Store::open(tiny.home().join("store")).unwrap();
    let server = oci::server::Server::start(store, "127.0.0.1:0".parse().unwrap()).unwrap();
    let (own, inputs) = (format!("{}/tiny/app", server.addr()), Digest::of("inputs").to_string());
    let lookup =
        ["cache", "lookup", "--repository", &own, "--inputs", &inputs, "--also", &format!("{liar}/x")];
    let lookup = tiny.sw(&lookup);
    assert_eq!(lookup.code, Some(0), "{lookup:?}");
    assert!(lookup.stdout.contains("is not there: it must be built"), "{lookup:?}");
    assert!(lookup.stderr.contains("gave wrong content"), "{lookup:?}");
}

#[test]
fn a_build_of_somebody_else_is_copied() {
    let tiny = Tiny::new();
    let [(theirs, their_registry), (ours, our_registry)] = ["theirs", "ours"].map(|name| {
        let store = oci::Store::open(tiny.stream().with_file_name(name)).unwrap();
        let server = oci::server::Server::start(store.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
        (store, server)
    });
    let image = testkit::image::Image::holding("app").build();
    for blob in image.blobs() {
        theirs.put(blob).unwrap();
    }
    theirs.put_manifest("their/stream/app", image.media_type, &image.manifest, None).unwrap();
    let (own, inputs) = (format!("{}/tiny/app", our_registry.addr()), Digest::of("inputs").to_string());
    let elsewhere = format!("{}/their/stream", their_registry.addr());
    let lookup = || {
        let args = ["cache", "lookup", "--repository", &own, "--inputs", &inputs, "--also", &elsewhere];
        let printed = tiny.sw(&args);
        assert_eq!(printed.code, Some(0), "{printed:?}");
        printed.stdout
    };
    let said = lookup();
    let key = said.split_whitespace().next().unwrap();
    assert!(said.contains("is not there: it must be built"), "{said}");
    theirs.set_tag("their/stream/app", key, image.digest).unwrap();
    assert!(lookup().contains(&format!("taken from {elsewhere}/app")));
    assert_eq!(ours.tag("tiny/app", key).unwrap(), Some(image.digest));
    assert!(ours.check().unwrap().is_whole());
    assert!(!lookup().contains("taken from"), "the second time it is one's own");
}

#[test]
fn a_git_server_that_says_nothing_can_be_left_with_ctrl_c() {
    let Some(env) = TestEnv::new() else { return };
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/stream.git", server.local_addr().unwrap());
    env.write(
        "mine/stream.yaml",
        &format!(
            "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: mine\nrepository: localhost:5757/mine\n\
             from: {{git: {{url: \"{url}\", ref: main}}}}\n"
        ),
    );
    let plan = env.start(&["plan", "mine"]);
    // Git is asking now, and waits.
    let (_asking, _) = server.accept().unwrap();
    let begun = Instant::now();
    plan.signal_group(Signal::INT);
    assert_ne!(plan.end().code, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited for the server");
}

#[test]
fn findings_are_warnings_unless_they_are_waived_and_errors_when_that_is_asked() {
    let tiny = Tiny::new();
    let gate = "  - changeGate: {test: app, blocking: false, expires: \"2026-01-31\"}\n";
    let edge = overlay(&tiny, "edge", &format!("from: {{path: ../tiny}}\noperations:\n{gate}"));
    let warned = tiny.sw(&["plan", text(&edge)]);
    assert_eq!(warned.code, Some(0), "{warned:?}");
    let said = "warning[expired]: `changeGate` of `app` was meant until 2026-01-31";
    assert!(warned.stderr.contains(said) && warned.stderr.contains("edge/stream.yaml:7"), "{warned:?}");
    for command in ["plan", "build"] {
        let refused = tiny.sw(&[command, text(&edge), "--strict"]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("error[expired]"), "{refused:?}");
    }
    let waive = "  - waive: {code: expired, component: app, why: The runners are still slow.}\n";
    overlay(&tiny, "edge", &format!("from: {{path: ../tiny}}\noperations:\n{gate}{waive}"));
    let plan = tiny.sw(&["plan", text(&edge), "--strict", "-o", "json"]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(plan.stderr.contains("1 finding is waived"), "{plan:?}");
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let findings = &plan["findings"];
    assert_eq!(findings["open"], serde_json::json!([]));
    assert_eq!(findings["waived"][0]["why"], "The runners are still slow.");
    let shown = tiny.sw(&["stream", "show", text(&edge)]);
    let line = shown.stdout.lines().find(|line| line.contains("code: expired")).unwrap();
    assert!(line.contains("edge/stream.yaml:8"), "{line}");
}

#[test]
fn wrong_overlays_are_refused_with_their_line() {
    let tiny = Tiny::new();
    let a = overlay(&tiny, "a", "from: {path: ../b}\n");
    overlay(&tiny, "b", "from: {path: ../a}\n");
    let round = tiny.sw(&["plan", text(&a)]);
    assert_eq!(round.code, Some(2), "{round:?}");
    assert!(round.stderr.contains("the stream is from itself"), "{}", round.stderr);
    assert!(round.stderr.contains("stream.yaml:5"), "{}", round.stderr);

    let patching = overlay(
        &tiny,
        "patching",
        "from: {path: ../tiny}\noperations:\n  - patch:\n      component: app\n      files: [out.patch]\n",
    );
    let escape = "--- a/../../out\n+++ b/../../out\n@@ -0,0 +1 @@\n+x\n";
    fs::write(patching.join("out.patch"), escape).unwrap();
    let refused = tiny.sw(&["plan", text(&patching)]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for expected in ["leads out of the source of `app`", "patching/stream.yaml:9", "out.patch"] {
        assert!(refused.stderr.contains(expected), "{expected}: {}", refused.stderr);
    }
}

#[test]
fn a_branch_that_fails_leaves_nothing_in_a_folder_that_was_there() {
    let tiny = Tiny::new();
    let (parent, dir) = (tiny.stream(), tiny.stream().with_file_name("mine"));
    fs::create_dir_all(dir.join("patches")).unwrap();
    fs::write(dir.join("notes"), "mine\n").unwrap();
    fs::write(dir.join("patches/app.patch"), "an older one\n").unwrap();
    let source = tiny.stream().with_file_name("my-app");
    component(&source, "FROM tiny/base\n", "my app\n");
    let patch = tiny.stream().with_file_name("new.patch");
    fs::write(&patch, "--- a/content\n+++ b/content\n").unwrap();
    let (replace, patched) = (format!("app={}", text(&source)), format!("tool={}", text(&patch)));
    let branch = |extra: &[&str]| {
        let given = ["branch", text(&parent), "mine", "--to", text(&dir), "--replace", &replace];
        tiny.sw(&[&given[..], &["--patch", &patched], extra].concat())
    };
    let files = || {
        let mut names: Vec<String> = walk(&dir);
        names.sort();
        names
    };
    let before = files();
    // A component that does not exist, found when everything was written.
    let refused = branch(&["--remove", "etcdd"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("etcdd"), "{refused:?}");
    assert_eq!(files(), before);
    // Another patch of the same name is not written over.
    let other = tiny.stream().with_file_name("app.patch");
    fs::write(&other, "a newer one\n").unwrap();
    let refused = branch(&["--patch", &format!("base={}", text(&other))]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("patches/app.patch is there already"), "{refused:?}");
    assert_eq!(files(), before);
    assert_eq!(fs::read_to_string(dir.join("patches/app.patch")).unwrap(), "an older one\n");
}

/// All files and folders below a folder.
fn walk(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        found.push(text(&path).to_owned());
        if path.is_dir() {
            found.extend(walk(&path));
        }
    }
    found
}
