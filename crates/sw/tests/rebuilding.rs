//! The knobs of rebuilding: what is built, kept, or set on another base, and what is said about it.

#![allow(clippy::unwrap_used)]

mod env;
mod tiny;

use std::fs;
use std::path::{Path, PathBuf};

use base::Digest;
use oci::server::Server;
use serde_json::Value;
use testkit::image::{Image, Layer, index};
use tiny::{Printed, Tiny, can_build};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn accepted(printed: &Printed) {
    assert_eq!(printed.code, Some(0), "{}\n{}", printed.stderr, printed.stdout);
    assert!(printed.stdout.contains("Verdict: accepted"), "{}", printed.stdout);
}

/// The image that the last build of a stream has of a component.
fn image(tiny: &Tiny, stream: &str, component: &str) -> String {
    let record = env::read_json(&tiny.home().join("builds").join(stream).join("last.json"));
    env::text(&record["platforms"]["linux/amd64"]["images"][component])
}

/// What a plan does with each component, by name, with the reasons and what holds it back.
fn fates(tiny: &Tiny, args: &[&str]) -> Vec<String> {
    let printed = tiny.sw(&[&["plan", "-o", "json"], args].concat());
    let plan: Value = serde_json::from_str(&printed.stdout).unwrap_or_else(|e| panic!("{e}: {printed:?}"));
    let mut all: Vec<String> = plan["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let codes =
                one["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap());
            let codes: Vec<&str> =
                codes.filter(|code| !["up-to-date", "found-elsewhere"].contains(code)).collect();
            let held_back = one["heldBack"].as_str().map(|knob| format!(" ({knob})")).unwrap_or_default();
            let (name, action) = (env::text(&one["component"]), env::text(&one["action"]));
            format!("{name} {action} {}{held_back}", codes.join(" ")).trim_end().to_owned()
        })
        .collect();
    all.sort();
    all
}

/// An overlay on the tiny stream that replaces its base, with more lines.
fn other_base(tiny: &Tiny, rest: &str) -> PathBuf {
    let dir = tiny.stream().with_file_name("edge");
    let base = dir.join("components/base");
    fs::create_dir_all(&base).unwrap();
    fs::write(base.join("Containerfile"), "FROM scratch\n").unwrap();
    fs::write(base.join("content"), "another base\n").unwrap();
    let stream = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: edge\nrepository: localhost:5757/edge\nfrom: {{path: ../tiny}}\n\
         {rest}operations:\n  - replace: {{component: base, source: {{path: components/base}}}}\n"
    );
    fs::write(dir.join("stream.yaml"), stream).unwrap();
    dir
}

#[test]
fn a_stream_that_rebuilds_less_keeps_images_and_says_so() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    accepted(&tiny.build());
    let (stream, app) = (tiny.stream(), image(&tiny, "tiny", "app"));
    let stream = text(&stream);
    tiny.content("base", "another base\n");
    assert_eq!(fates(&tiny, &[stream])[0], "app maybe base-rebuilt");
    let held_back = [
        "app reuse base-rebuilt (rebuild: local)",
        "base build source-changed",
        "tool reuse base-rebuilt (rebuild: local)",
    ];
    assert_eq!(fates(&tiny, &[stream, "--rebuild", "local"]), held_back);
    let built = tiny.sw(&["build", stream, "--rebuild", "local"]);
    accepted(&built);
    let marks = Tiny::marks(&built);
    for expected in ["base done", "app cached", "tool cached"] {
        assert!(marks.iter().any(|mark| mark == expected), "{expected}: {marks:?}");
    }
    assert_eq!(image(&tiny, "tiny", "app"), app);

    // It is remembered what it stands on, for every plan that comes.
    let local = fates(&tiny, &[stream, "--rebuild", "local"]);
    assert_eq!(local[0], "app reuse base-changed (rebuild: local)");
    let shown = tiny.sw(&["plan", stream, "--rebuild", "local"]);
    assert!(shown.stdout.contains("3 reused (2 held back)"), "{}", shown.stdout);
    let why = tiny.sw(&["why", "app", stream, "--rebuild", "local"]);
    assert!(why.stdout.contains("held back by `rebuild: local`"), "{}", why.stdout);
    // The base is itself what changed, so that `direct` builds.
    for policy in ["direct", "transitive"] {
        assert_eq!(fates(&tiny, &[stream, "--rebuild", policy])[0], "app build base-changed", "{policy}");
    }
    accepted(&tiny.build());
    assert_ne!(image(&tiny, "tiny", "app"), app);
    // Switching builds nothing.
    tiny.edit("releaseBase:", "rebuild: local\nreleaseBase:");
    for policy in ["local", "direct", "transitive"] {
        assert_eq!(
            fates(&tiny, &[stream, "--rebuild", policy]),
            ["app reuse", "base reuse", "tool reuse"],
            "{policy}"
        );
    }
    assert_eq!(tiny.sw(&["store", "check"]).code, Some(0));
}

#[test]
fn what_an_overlay_inherits_is_kept_or_built_as_it_says() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    accepted(&tiny.build());
    let edge = other_base(&tiny, "rebuildInherited: none\n");
    let edge = text(&edge);
    let kept = "app reuse base-rebuilt (rebuildInherited: none)";
    assert_eq!(fates(&tiny, &[edge])[0], kept);
    let built = tiny.sw(&["build", edge]);
    accepted(&built);
    assert_eq!(image(&tiny, "edge", "app"), image(&tiny, "tiny", "app"));
    assert_ne!(image(&tiny, "edge", "base"), image(&tiny, "tiny", "base"));
    // The parent is followed.
    tiny.content("app", "newer app\n");
    accepted(&tiny.build());
    assert_eq!(fates(&tiny, &[edge])[0], "app reuse base-changed (rebuildInherited: none)");
    accepted(&tiny.sw(&["build", edge]));
    assert_eq!(image(&tiny, "edge", "app"), image(&tiny, "tiny", "app"));

    // As if there were no other repositories: what is here was never built on the base that is here.
    let all = fates(&tiny, &[edge, "--rebuild-inherited", "all"]);
    assert_eq!(all, ["app build base-changed", "base reuse", "tool build base-changed"]);
    let refused = tiny.sw(&["plan", text(&tiny.stream()), "--rebuild-inherited", "all"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("`tiny` is not from another stream"), "{refused:?}");
    assert_eq!(tiny.sw(&["store", "check"]).code, Some(0));
}

#[test]
fn everything_inherited_is_built_here_when_that_is_asked_for() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    accepted(&tiny.build());
    let edge = other_base(&tiny, "rebuildInherited: all\n");
    let edge_text = text(&edge);
    let plain = fs::read_to_string(edge.join("stream.yaml")).unwrap();
    fs::write(edge.join("stream.yaml"), plain.split("operations:").next().unwrap()).unwrap();
    assert_eq!(
        fates(&tiny, &[edge_text, "--rebuild-inherited", "affected"]),
        ["app reuse", "base reuse", "tool reuse"]
    );
    assert_eq!(
        fates(&tiny, &[edge_text]),
        ["app build never-built", "base build never-built", "tool build never-built"]
    );
    let built = tiny.sw(&["build", edge_text]);
    accepted(&built);
    let marks = Tiny::marks(&built);
    for expected in ["base done", "app done", "tool done"] {
        assert!(marks.iter().any(|mark| mark == expected), "{expected}: {marks:?}");
    }
}

#[test]
fn a_task_that_cannot_hold_back_is_named() {
    let tiny = Tiny::new();
    let task = tiny.stream().join("tasks/tiny-image.yaml");
    let yaml = fs::read_to_string(&task).unwrap();
    let yaml = yaml.replace("    - {name: rebuild, type: string, default: transitive}\n", "");
    fs::write(&task, yaml.replace("        - --rebuild=$(params.rebuild)\n", "")).unwrap();
    let stream = tiny.stream();
    assert_eq!(tiny.sw(&["render", text(&stream)]).code, Some(0));
    let refused = tiny.sw(&["render", text(&stream), "--rebuild", "local"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for expected in
        ["cannot-hold-back", "its task `tiny-image` has no parameter `rebuild`", "tiny-image.yaml:"]
    {
        assert!(refused.stderr.contains(expected), "{expected}: {}", refused.stderr);
    }
    let wrong = tiny.sw(&["plan", text(&stream), "--rebuild", "never"]);
    assert!(wrong.stderr.contains("`never` is none of transitive, direct, local"), "{wrong:?}");
}

/// The tiny stream with a base that may be exchanged, and this label on it, built.
fn with_exchangeable_base() -> Tiny {
    let tiny = Tiny::new();
    tiny.edit("releaseBase:", "layerRebase: [tiny/base]\nreleaseBase:");
    tiny.edit(
        "{path: components/base}",
        "{path: components/base}\n    labels: {streamwright.dev/abi: \"1\"}",
    );
    accepted(&tiny.build());
    // Each image has its file of its own.
    for component in ["app", "tool"] {
        assert_eq!(layers(&tiny, component).len(), 2);
    }
    tiny
}

/// The configuration of a component's image.
fn config(tiny: &Tiny, component: &str) -> Value {
    let store = oci::Store::open(tiny.home().join("store")).unwrap();
    let digest = image(tiny, "tiny", component).parse().unwrap();
    let oci::Manifest::Image(image) = store.manifest_by_digest(digest).unwrap().unwrap().parse().unwrap()
    else {
        panic!("an index")
    };
    serde_json::from_slice(&store.read(image.config.digest, 1 << 20).unwrap()).unwrap()
}

fn layers(tiny: &Tiny, component: &str) -> Vec<String> {
    let config = config(tiny, component);
    config["rootfs"]["diff_ids"].as_array().unwrap().iter().map(env::text).collect()
}

#[test]
fn a_new_base_is_set_under_images_without_building_them() {
    if !can_build() {
        return;
    }
    let tiny = with_exchangeable_base();
    // The tiny images all have their content in one file; these get another one.
    let task = tiny.stream().join("tasks/tiny-image.yaml");
    let yaml = fs::read_to_string(&task).unwrap();
    let apart = yaml.replace(
        "-cf layer.tar content\n",
        "--transform=\"s/content/${REPOSITORY##*\\/}/\" -cf layer.tar content\n",
    );
    assert_ne!(yaml, apart);
    fs::write(&task, apart).unwrap();
    tiny.edit("  app:\n    task: tiny-test\n    images: {image: app}\n  tool:\n    task: tiny-test\n    images: {image: tool}\n    blocking: false\n", "");
    tiny.edit("tests:\n", "");
    accepted(&tiny.build());
    let built = ["app", "tool"].map(|component| (image(&tiny, "tiny", component), layers(&tiny, component)));
    let old_base = image(&tiny, "tiny", "base");

    tiny.content("base", "another base\n");
    let stream = tiny.stream();
    assert_eq!(fates(&tiny, &[text(&stream)])[0], "app maybe base-rebuilt");
    let run = tiny.build();
    accepted(&run);
    let marks = Tiny::marks(&run);
    for expected in ["base done", "app cached", "tool cached"] {
        assert!(marks.iter().any(|mark| mark == expected), "{expected}: {marks:?}");
    }
    assert!(run.stderr.contains("rebased, not built: app, tool"), "{}", run.stderr);
    let base = layers(&tiny, "base");
    for (component, (old, before)) in ["app", "tool"].iter().zip(&built) {
        assert_eq!(layers(&tiny, component), [&base[..], &before[1..]].concat(), "{component}");
        // It says itself where it is from, and so does `sw why`.
        let history = config(&tiny, component)["history"].as_array().unwrap().last().unwrap().clone();
        let new_base = image(&tiny, "tiny", "base");
        assert_eq!(history["comment"], format!("image {old}, base {old_base} to {new_base}"));
        let why = tiny.sw(&["why", component, text(&stream)]);
        assert!(why.stdout.contains(&format!("rebased, not built: image {old}")), "{}", why.stdout);
    }
    assert_eq!(fates(&tiny, &[text(&stream)]), ["app reuse", "base reuse", "tool reuse"]);

    // Again: from what was built, not from what was rebased. Somebody built the base already, so that the plan knows.
    tiny.content("base", "a third base\n");
    tiny.edit("Rebase: [tiny/base]", "Rebase: [\"tiny/*\"]");
    let other = tiny.sw(&["build", text(&stream), "--rebuild", "local"]);
    accepted(&other);
    let planned = tiny.sw(&["plan", text(&stream)]);
    assert!(planned.stdout.contains("app        rebase  base-changed: tiny/base"), "{}", planned.stdout);
    assert!(planned.stdout.contains("2 to rebase, 1 reused"), "{}", planned.stdout);
    let again = tiny.build();
    accepted(&again);
    assert!(again.stderr.contains("rebased, not built: app, tool"), "{}", again.stderr);
    let comment = config(&tiny, "app")["history"].as_array().unwrap().last().unwrap()["comment"].clone();
    assert!(
        env::text(&comment).starts_with(&format!("image {}, base {old_base} to", built[0].0)),
        "{comment}"
    );
    assert_eq!(tiny.sw(&["store", "check"]).code, Some(0));
}

#[test]
fn a_base_that_does_not_fit_is_built_on() {
    if !can_build() {
        return;
    }
    let tiny = with_exchangeable_base();
    let stream = tiny.stream();
    let app = image(&tiny, "tiny", "app");
    // All images have the same file, which the bases differ in: only the run can see that.
    tiny.content("base", "another base\n");
    let run = tiny.build();
    accepted(&run);
    assert!(Tiny::marks(&run).contains(&"app done".to_owned()), "{}", run.stderr);
    assert_ne!(image(&tiny, "tiny", "app"), app);
    let record = env::read_json(&tiny.home().join("builds/tiny/last.json"));
    let log = tiny.sw(&["logs", &env::text(&record["release"]["run"]), "app"]);
    let said =
        "not set on the new tiny/base: the bases differ in /content, which a layer of the image has too";
    assert!(log.stdout.contains(said), "{}", log.stdout);

    // Another promise: the plan can see that, once the base is there.
    tiny.edit("abi: \"1\"", "abi: \"2\"");
    accepted(&tiny.sw(&["build", text(&stream), "--rebuild", "local"]));
    assert_eq!(fates(&tiny, &[text(&stream)])[0], "app build base-changed not-rebased");
    let planned = tiny.sw(&["plan", text(&stream)]);
    let why = "not-rebased: the label streamwright.dev/abi is `1` in the old base and `2` in the new one";
    assert!(planned.stdout.contains(why), "{}", planned.stdout);
    let run = tiny.build();
    accepted(&run);
    assert!(Tiny::marks(&run).contains(&"app done".to_owned()), "{}", run.stderr);
}

/// Lets the tag of the base from outside mean a list of an image for each platform, which hold this; gives the list and its member for
/// amd64.
fn push_list(store: &oci::Store, [amd64, arm64]: [&str; 2]) -> (Digest, Digest) {
    let image = |architecture, content| {
        let layer = Layer::new().file("base", content).gzip();
        let image = Image::new()
            .label("streamwright.dev/abi", "1")
            .platform("linux", architecture)
            .layer(layer)
            .build();
        for blob in image.blobs() {
            store.put(blob).unwrap();
        }
        store.put_manifest("up/base", image.media_type, &image.manifest, None).unwrap();
        image
    };
    let images = [image("amd64", amd64), image("arm64", arm64)];
    let (bytes, media_type) = index(&images.each_ref());
    (store.put_manifest("up/base", media_type, &bytes, Some("1")).unwrap(), images[0].digest)
}

#[test]
fn of_a_base_that_is_a_list_the_member_is_exchanged() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    let upstream = oci::Store::open(tiny.home().with_file_name("upstream")).unwrap();
    let server = Server::start(upstream.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
    let base = format!("{}/up/base:1", server.addr());
    tiny.edit("releaseBase:", "layerRebase: [up/base]\nreleaseBase:");
    tiny.edit("bases:\n", &format!("bases:\n  up/base: {{image: \"{base}\"}}\n"));
    fs::write(tiny.stream().join("components/app/Containerfile"), "FROM up/base\n").unwrap();
    let (first, member) = push_list(&upstream, ["one", "eins"]);
    accepted(&tiny.build());
    let (stream, built) = (tiny.stream(), image(&tiny, "tiny", "app"));
    let stream = text(&stream);
    let uses = |list: Digest| {
        let record = env::read_json(&tiny.home().join("builds/tiny/last.json"));
        let used =
            env::text(&record["platforms"]["linux/amd64"]["components"]["app"]["uses"]["up/base"]["image"]);
        assert_eq!(used, list.to_string());
    };
    uses(first);

    // Another image for another platform.
    let (second, same) = push_list(&upstream, ["one", "zwei"]);
    assert!(first != second && member == same);
    assert_eq!(tiny.sw(&["update", stream]).code, Some(0));
    assert_eq!(fates(&tiny, &[stream])[0], "app rebase external-image-changed");
    let run = tiny.build();
    accepted(&run);
    assert!(Tiny::marks(&run).contains(&"app cached".to_owned()), "{}", run.stderr);
    assert!(!run.stderr.contains("rebased, not built"), "{}", run.stderr);
    assert_eq!(image(&tiny, "tiny", "app"), built);
    uses(second);
    assert_eq!(fates(&tiny, &[stream]), ["app reuse", "base reuse", "tool reuse"]);

    let (third, newer) = push_list(&upstream, ["two", "zwei"]);
    assert_eq!(tiny.sw(&["update", stream]).code, Some(0));
    let run = tiny.build();
    accepted(&run);
    assert!(run.stderr.contains("rebased, not built: app"), "{}", run.stderr);
    uses(third);
    // What it stands on are the images; the lists are what the stream says.
    let provenance = format!("image {built}, base {member} to {newer}");
    let history = config(&tiny, "app")["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(history["comment"], provenance);
    let why = tiny.sw(&["why", "app", stream]);
    assert!(why.stdout.contains(&format!("rebased, not built: {provenance}")), "{}", why.stdout);

    // What was rebased stays too.
    let rebased = image(&tiny, "tiny", "app");
    push_list(&upstream, ["two", "drei"]);
    assert_eq!(tiny.sw(&["update", stream]).code, Some(0));
    accepted(&tiny.build());
    assert_eq!(image(&tiny, "tiny", "app"), rebased);
    assert_eq!(tiny.sw(&["store", "check"]).code, Some(0));
}
