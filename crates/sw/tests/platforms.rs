//! Streams for several platforms: one build, one release, with real buildah and skopeo.

#![allow(clippy::unwrap_used)]

mod env;
mod tiny;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oci::Store;
use oci::server::Server;
use serde_json::Value;
use testkit::peer;
use tiny::{Printed, Tiny, can_build};

const STREAM: &str = "\
apiVersion: streamwright.dev/v1alpha1
kind: Stream
name: both
version: 1.0.0
repository: localhost:5757/both
platforms: [linux/amd64, linux/arm64]
releaseBase: version-operator
bases:
  both/base: {component: base}
components:
  base:
    payload: false
    source: {path: components/base}
  version-operator:
    source: {path: components/version-operator}
  app:
    source: {path: components/app}
    labels: {io.openshift.release.operator: \"true\"}
  driver:
    source: {path: components/driver}
    platforms: [linux/amd64]
waivers:
  - {code: arch-parity, component: driver, why: The hardware is only there.}
";

/// Nothing runs while these are built, so any machine builds them for any platform.
const FILES: [(&str, &str); 8] = [
    ("base/Containerfile", "FROM scratch\nARG TARGETARCH\nLABEL base=$TARGETARCH\nCOPY content /base\n"),
    ("base/content", "base\n"),
    ("version-operator/Containerfile", "FROM both/base\nCOPY Containerfile /version-operator\n"),
    ("app/Containerfile", "FROM both/base\nCOPY content /app\nCOPY manifests /manifests\n"),
    ("app/content", "app\n"),
    (
        "app/manifests/app.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app, namespace: openshift-app}\ndata: {image: \"example/app:1\"}\n",
    ),
    (
        "app/manifests/image-references",
        "kind: ImageStream\napiVersion: image.openshift.io/v1\nspec:\n  tags:\n    - name: app\n      from: {kind: DockerImage, name: \"example/app:1\"}\n",
    ),
    ("driver/Containerfile", "FROM scratch\nCOPY Containerfile /driver\n"),
];

/// A place with the stream; none where it cannot be built.
fn both() -> Option<(Tiny, PathBuf)> {
    if !can_build() || !peer::has("buildah") || !peer::has("skopeo") {
        return None;
    }
    let tiny = Tiny::new();
    let dir = tiny.stream().with_file_name("both");
    for (name, text) in FILES {
        let path = dir.join("components").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(dir.join("stream.yaml"), STREAM).unwrap();
    Some((tiny, dir))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn accepted(printed: &Printed) {
    assert_eq!(printed.code, Some(0), "{}\n{}", printed.stderr, printed.stdout);
    assert!(printed.stdout.contains("Verdict: accepted"), "{}", printed.stdout);
}

/// The release that was built last of a stream, by digest.
fn release(tiny: &Tiny, stream: &str) -> String {
    let record = env::read_json(&tiny.home().join("builds").join(stream).join("last.json"));
    env::text(&record["release"]["pullSpec"])
}

/// The images of a release on a platform, by tag.
fn images(tiny: &Tiny, release: &str, platform: &str) -> Vec<(String, String)> {
    let shown = tiny.sw(&["release", "info", release, "--platform", platform, "-o", "json"]);
    let info: Value = serde_json::from_str(&shown.stdout).unwrap_or_else(|e| panic!("{e}: {shown:?}"));
    let tags = info["references"]["spec"]["tags"].as_array().unwrap();
    tags.iter().map(|tag| (env::text(&tag["name"]), env::text(&tag["from"]["name"]))).collect()
}

/// What skopeo reads of an image in the store of `tiny`, which a registry serves.
struct Skopeo {
    registry: Server,
}

impl Skopeo {
    fn new(tiny: &Tiny) -> Self {
        let store = Store::open(tiny.home().join("store")).unwrap();
        Self { registry: Server::start(store, "127.0.0.1:0".parse().unwrap()).unwrap() }
    }

    fn inspect(&self, image: &str, global: &[&str], options: &[&str]) -> Value {
        let here = image.replacen("localhost:5757", &self.registry.addr().to_string(), 1);
        let mut command = Command::new("skopeo");
        command
            .args(global)
            .args(["inspect", "--tls-verify=false"])
            .args(options)
            .arg(format!("docker://{here}"));
        serde_json::from_slice(&peer::run(&mut command).stdout).unwrap()
    }

    /// The platforms of a list.
    fn platforms(&self, image: &str) -> Vec<String> {
        let list = self.inspect(image, &[], &["--raw"]);
        let members = list["manifests"].as_array().unwrap_or_else(|| panic!("{image} is no list: {list}"));
        let platform = |member: &Value| {
            format!(
                "{}/{}",
                env::text(&member["platform"]["os"]),
                env::text(&member["platform"]["architecture"])
            )
        };
        members.iter().map(platform).collect()
    }
}

#[test]
fn one_build_makes_one_release_for_all_platforms() {
    let Some((tiny, stream)) = both() else { return };
    let built = tiny.sw(&["build", text(&stream)]);
    accepted(&built);
    let mut marks = Tiny::marks(&built);
    marks.sort();
    assert_eq!(
        marks,
        [
            "app-amd64 done",
            "app-arm64 done",
            "assemble done",
            "base-amd64 done",
            "base-arm64 done",
            "driver-amd64 done",
            "verdict done",
            "version-operator-amd64 done",
            "version-operator-arm64 done",
        ]
    );
    let release = release(&tiny, "both");
    let skopeo = Skopeo::new(&tiny);
    assert_eq!(skopeo.platforms(&release), ["linux/amd64", "linux/arm64"]);
    let tags = |platform| -> Vec<String> {
        images(&tiny, &release, platform).into_iter().map(|(tag, _)| tag).collect()
    };
    assert_eq!(tags("linux/amd64"), ["app", "driver", "version-operator"]);
    assert_eq!(tags("linux/arm64"), ["app", "version-operator"]);
    for (tag, image) in images(&tiny, &release, "linux/amd64") {
        let platforms = skopeo.platforms(&image);
        let expected = if tag == "driver" { &["linux/amd64"][..] } else { &["linux/amd64", "linux/arm64"] };
        assert_eq!(platforms, expected, "{tag}");
    }
    // What stands below each is of its own platform: no base of another one got in.
    let (_, app) = images(&tiny, &release, "linux/arm64").remove(0);
    for architecture in ["amd64", "arm64"] {
        let image = skopeo.inspect(&app, &["--override-arch", architecture], &[]);
        assert_eq!(image["Architecture"], architecture);
        assert_eq!(image["Labels"]["base"], architecture);
        let payload = skopeo.inspect(&release, &["--override-arch", architecture], &[]);
        assert_eq!(payload["Architecture"], architecture);
        assert_eq!(payload["Labels"]["base"], Value::Null, "a release has its own labels only");
    }
}

#[test]
fn an_operator_has_all_its_images_where_one_of_them_stands_in() {
    let Some((tiny, stream)) = both() else { return };
    // The operator names the driver, on every platform.
    let manifests = stream.join("components/app/manifests");
    for (file, from, to) in [
        ("app.yaml", "example/app:1\"}", "example/app:1\", driver: \"example/driver:1\"}"),
        (
            "image-references",
            "    - name: app\n",
            "    - name: driver\n      from: {kind: DockerImage, name: \"example/driver:1\"}\n    - name: app\n",
        ),
    ] {
        let text = fs::read_to_string(manifests.join(file)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(manifests.join(file), text.replace(from, to)).unwrap();
    }
    let refused = tiny.sw(&["build", text(&stream)]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("driver"), "{}", refused.stderr);
    let (start, _) = STREAM.split_once("waivers:").unwrap();
    fs::write(stream.join("stream.yaml"), format!("{start}    standIn: base\n")).unwrap();
    let built = tiny.sw(&["build", text(&stream)]);
    accepted(&built);
    assert!(!built.stderr.contains("arch-parity"), "{}", built.stderr);
    let done: Vec<String> = Tiny::marks(&built).into_iter().filter(|mark| mark.ends_with("done")).collect();
    assert_eq!(done, ["assemble done", "verdict done"]);
    let release = release(&tiny, "both");
    let skopeo = Skopeo::new(&tiny);
    let of = |platform: &str| {
        images(&tiny, &release, platform).into_iter().find(|(tag, _)| tag == "driver").unwrap().1
    };
    assert_eq!(of("linux/amd64"), of("linux/arm64"));
    assert_eq!(skopeo.platforms(&of("linux/arm64")), ["linux/amd64", "linux/arm64"]);
    // Only the base has the label.
    for (architecture, base) in [("amd64", Value::Null), ("arm64", "arm64".into())] {
        let image = skopeo.inspect(&of("linux/arm64"), &["--override-arch", architecture], &[]);
        assert_eq!((&image["Architecture"], &image["Labels"]["base"]), (&architecture.into(), &base));
    }
}

#[test]
fn the_same_stream_is_the_same_release_everywhere_and_is_built_once() {
    let Some((tiny, stream)) = both() else { return };
    accepted(&tiny.sw(&["build", text(&stream)]));
    let again = tiny.sw(&["build", text(&stream)]);
    accepted(&again);
    assert!(again.stderr.contains("nothing changed since run"), "{}", again.stderr);
    // Another home, another port of the registry.
    let (other, copy) = both().unwrap();
    fs::copy(stream.join("stream.lock"), copy.join("stream.lock")).unwrap();
    accepted(&other.sw(&["build", text(&copy)]));
    assert_eq!(release(&tiny, "both"), release(&other, "both"));
    // What all platforms of the release need stays, and nothing of it is built again.
    let pruned = tiny.sw(&["cache", "prune", "--keep-last", "0"]);
    assert_eq!(pruned.code, Some(0), "{}", pruned.stderr);
    let skopeo = Skopeo::new(&tiny);
    for platform in ["linux/amd64", "linux/arm64"] {
        for (_, image) in images(&tiny, &release(&tiny, "both"), platform) {
            let architecture = platform.trim_start_matches("linux/");
            assert_eq!(skopeo.inspect(&image, &["--override-arch", architecture], &[])["Os"], "linux");
        }
    }
    drop(skopeo);
    // One platform's part is built anew when only that differs.
    let path = stream.join("stream.yaml");
    let changed = STREAM.replace(
        "    source: {path: components/driver}",
        "    source: {path: components/driver}\n    args: {A: b}",
    );
    fs::write(&path, changed).unwrap();
    fs::write(
        stream.join("components/driver/Containerfile"),
        "FROM scratch\nARG A\nLABEL a=$A\nCOPY Containerfile /driver\n",
    )
    .unwrap();
    let built = tiny.sw(&["build", text(&stream)]);
    accepted(&built);
    let done: Vec<String> = Tiny::marks(&built).into_iter().filter(|mark| mark.ends_with("done")).collect();
    assert_eq!(done, ["driver-amd64 done", "assemble done", "verdict done"]);
}

#[test]
fn a_release_for_several_platforms_is_a_parent() {
    let Some((tiny, stream)) = both() else { return };
    accepted(&tiny.sw(&["build", text(&stream)]));
    let parent = release(&tiny, "both");
    let child = stream.with_file_name("child");
    let source = child.join("app");
    fs::create_dir_all(&source).unwrap();
    for (name, text) in FILES {
        if let Some(name) = name.strip_prefix("app/") {
            let path = source.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.replace("FROM both/base\n", "FROM scratch\n")).unwrap();
        }
    }
    let text_of_child = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: child\nrepository: localhost:5757/child\nversion: 1.0.1\n\
         from: {{payload: \"{parent}\"}}\noperations:\n  - replace: {{component: app, source: {{path: app}}}}\n"
    );
    fs::write(child.join("stream.yaml"), text_of_child).unwrap();
    let built = tiny.sw(&["build", text(&child)]);
    accepted(&built);
    let mut done: Vec<String> =
        Tiny::marks(&built).into_iter().filter(|mark| mark.ends_with("done")).collect();
    done.sort();
    assert_eq!(done, ["app-amd64 done", "app-arm64 done", "assemble done", "verdict done"]);
    let digests = |of: &str, platform| -> Vec<(String, String)> {
        let digest = |spec: String| spec.split_once('@').unwrap().1.to_owned();
        images(&tiny, of, platform).into_iter().map(|(tag, spec)| (tag, digest(spec))).collect()
    };
    for platform in ["linux/amd64", "linux/arm64"] {
        let (before, now) = (digests(&parent, platform), digests(&release(&tiny, "child"), platform));
        let same: Vec<&str> =
            now.iter().filter(|tag| before.contains(tag)).map(|(tag, _)| tag.as_str()).collect();
        let expected: Vec<&str> =
            before.iter().map(|(tag, _)| tag.as_str()).filter(|tag| *tag != "app").collect();
        assert_eq!(same, expected, "{platform}");
    }
}

/// The platforms that this machine runs no programs for.
fn foreign() -> Option<&'static str> {
    let own = oci::Platform::host().architecture;
    let emulated = engine::local::processor::emulated();
    let other = ["s390x", "ppc64le", "arm64", "amd64"]
        .into_iter()
        .find(|name| *name != own && !emulated.contains(name));
    if other.is_none() {
        println!("skipped: this machine emulates every other processor");
    }
    other
}

#[test]
fn what_needs_another_processor_is_refused_before_anything_runs() {
    let Some((tiny, stream)) = both() else { return };
    let Some(other) = foreign() else { return };
    let tests = "tests:\n  app: {task: look, images: {image: app}}\n  release: {task: read, images: {image: app}}\nwaivers:";
    let edited = STREAM.replace("linux/arm64", &format!("linux/{other}")).replace("waivers:", tests);
    fs::write(stream.join("stream.yaml"), &edited).unwrap();
    fs::write(stream.join("components/app/Containerfile"), "FROM both/base\nRUN true\n").unwrap();
    fs::create_dir_all(stream.join("tasks")).unwrap();
    for (name, image) in [("look", "$(params.image)"), ("read", "ghcr.io/streamwright/toolbox:0.1")] {
        let task = format!(
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec:\n  params: [{{name: image, type: string}}]\n  \
             steps: [{{name: s, image: \"{image}\", script: \"true\"}}]\n"
        );
        fs::write(stream.join("tasks").join(format!("{name}.yaml")), task).unwrap();
    }
    let refused = tiny.sw(&["build", text(&stream)]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let shown = refused.stderr.replace(text(&stream), "STREAM").replace(other, "OTHER");
    let shown = shown.split_once("error[").unwrap().1;
    insta::assert_snapshot!(format!("error[{shown}"), @"
    error[foreign-platform]: this machine cannot run what builds for linux/OTHER: app
      --> STREAM/stream.yaml:16:3
       |
    16 |   app:
       |   ^^^
       |
       = help: install an emulator that the kernel knows (qemu-user-static; `sw doctor` says whether it is found), or run the pipeline of `sw render` in a cluster with nodes for linux/OTHER; or name images that are there (`source: {images: {linux/OTHER: …}}`), or in `caches` where a machine of that processor pushes its builds

    error[foreign-platform]: this machine cannot run the images that are tested on linux/OTHER: app
      --> STREAM/stream.yaml:23:3
       |
    23 |   app: {task: look, images: {image: app}}
       |   ^^^
       |
       = help: install an emulator that the kernel knows (qemu-user-static; `sw doctor` says whether it is found), or run the pipeline of `sw render` in a cluster with nodes for linux/OTHER; or leave them out there: `platforms` of a test
    ");
    assert!(!tiny.home().join("runs").exists(), "something ran");
    // Somebody who only tries a stream wants it for the machine at hand.
    let own = oci::Platform::host().architecture;
    let only = edited
        .replace(&format!("linux/{own}, "), "")
        .replace(&format!("linux/{own}"), &format!("linux/{other}"));
    fs::write(stream.join("stream.yaml"), only).unwrap();
    let refused = tiny.sw(&["build", text(&stream)]);
    let advice = format!(
        "= help: build it for this machine, `platforms: [linux/{own}]` in the stream or in an overlay on it; or "
    );
    assert!(refused.stderr.contains(&advice), "{}", refused.stderr);
}

/// A program for each processor that only ends is the `RUN`; so it is the emulator that is tried, not a distribution.
#[test]
fn an_emulator_builds_what_runs() {
    let Some((tiny, stream)) = both() else { return };
    let emulated = engine::local::processor::emulated();
    let Some(other) = emulated.first() else {
        println!("skipped: no emulator is here (qemu-user-static)");
        return;
    };
    let own = oci::Platform::host().architecture;
    fs::write(stream.join("stream.yaml"), STREAM.replace("amd64", &own).replace("arm64", other)).unwrap();
    for name in [&own, *other] {
        let program = engine::local::processor::that_ends(name).unwrap();
        let path = stream.join("components/base").join(format!("ends-{name}"));
        fs::write(&path, program).unwrap();
    }
    let file = "FROM scratch\nARG TARGETARCH\nLABEL base=$TARGETARCH\nCOPY --chmod=0755 ends-$TARGETARCH /ends\nRUN [\"/ends\"]\n";
    fs::write(stream.join("components/base/Containerfile"), file).unwrap();
    accepted(&tiny.sw(&["build", text(&stream)]));
}
