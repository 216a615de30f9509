//! The knobs of rebuilding: what is built, kept, or set on another base, and what is said about it.

#![allow(clippy::unwrap_used)]

mod env;
mod tiny;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
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
