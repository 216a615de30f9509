//! `sw build` on the smallest stream: what is built again and what is not, verdicts, exit codes.

#![allow(clippy::unwrap_used)]

mod tiny;

use tiny::{Tiny, can_build};

#[test]
fn a_release_is_built_once_and_then_only_what_changed() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    let first = tiny.build();
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stdout.contains("Verdict: accepted"), "{}", first.stdout);
    assert_eq!(Tiny::marks(&first).iter().filter(|m| m.ends_with("done")).count(), 7, "{}", first.stderr);

    let second = tiny.build();
    assert_eq!(second.code, Some(0));
    assert!(second.stderr.contains("nothing changed since run tiny-"), "{}", second.stderr);
    assert_eq!(Tiny::marks(&second), [""; 0]);
    let release = |text: &str| text.lines().find(|l| l.starts_with("Digest:")).unwrap().to_owned();
    assert_eq!(release(&first.stdout), release(&second.stdout));

    tiny.content("app", "changed\n");
    let plan = tiny.sw(&["plan", tiny.stream().to_str().unwrap()]);
    let why: Vec<&str> = plan.stdout.lines().filter(|l| l.contains("source-changed")).collect();
    assert!(why.len() == 1 && why[0].starts_with("app"), "{}", plan.stdout);
    let third = tiny.build();
    let marks = Tiny::marks(&third);
    for expected in ["base cached", "tool cached", "app done", "assemble done"] {
        assert!(marks.iter().any(|m| m == expected), "{expected}: {marks:?}");
    }
    assert_ne!(release(&first.stdout), release(&third.stdout));
}

#[test]
fn what_is_there_is_found_without_a_container_and_just_as_the_step_would() {
    if !can_build() {
        return;
    }
    // Whose images are exchanged gets a container for every question: nobody knows what that image would do.
    let mut told = Vec::new();
    for exchanged in [&[][..], &["--image", "ghcr.io/streamwright/sw:*=host"]] {
        let tiny = Tiny::new();
        assert_eq!(tiny.build().code, Some(0));
        tiny.content("app", "changed\n");
        let stream = tiny.stream();
        let again = [&["build", stream.to_str().unwrap()][..], exchanged].concat();
        let built = tiny.sw(&again);
        assert_eq!(built.code, Some(0), "{built:?}");
        let run = built.stderr.lines().find_map(|line| line.strip_prefix("run ")).unwrap();
        let dir = tiny.home().join("runs").join(run).join("taskruns");
        let task = |name: &str| -> serde_json::Value {
            let file = dir.join(format!("{run}-{name}.json"));
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
        };
        let knew = |name: &str| {
            let annotations = task(name)["metadata"]["annotations"].clone();
            annotations["streamwright.dev/foreknown"].as_str().map(str::to_owned)
        };
        let at_once = exchanged.is_empty().then(|| "sw cache lookup".to_owned());
        assert_eq!([knew("base"), knew("tool"), knew("app")], [at_once.clone(), at_once, None]);
        let mut results = task("base")["status"]["results"].clone();
        // The registry listens somewhere else each time.
        results.as_array_mut().unwrap().retain(|result| result["name"] != "image");
        told.push((results, tiny.sw(&["logs", "last", "base", "key"]).stdout));
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].1.contains(" is there: sha256:"), "{told:?}");
}

#[test]
fn a_base_that_comes_out_the_same_stops_there() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    assert_eq!(tiny.build().code, Some(0));
    tiny.content("base", "# a remark changes the source and not the image\nbase\n");
    let same = tiny.build();
    assert_eq!(same.code, Some(0));
    let marks = Tiny::marks(&same);
    assert!(marks.contains(&"base done".into()) && marks.contains(&"app cached".into()), "{marks:?}");
    assert!(
        same.stderr.contains("base was rebuilt and came out as before: app, tool not rebuilt"),
        "{}",
        same.stderr
    );

    tiny.content("base", "another base\n");
    let marks = Tiny::marks(&tiny.build());
    for expected in ["base done", "app done", "tool done"] {
        assert!(marks.iter().any(|m| m == expected), "{expected}: {marks:?}");
    }
}

#[test]
fn a_failing_blocking_test_rejects_and_the_release_can_be_inspected() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    tiny.content("app", "broken\n");
    let rejected = tiny.build();
    assert_eq!(rejected.code, Some(3), "{rejected:?}");
    assert!(rejected.stderr.contains("✗ test-app"), "{}", rejected.stderr);
    let shown = tiny.sw(&["release", "info", "last"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(shown.stdout.contains("Verdict: rejected"), "{}", shown.stdout);
    assert!(shown.stdout.contains("app: failed: 1 of 1 cases failed"), "{}", shown.stdout);
    // A rejected release is tried again, not taken for the answer.
    assert_eq!(tiny.build().code, Some(3));

    tiny.content("app", "app\n");
    tiny.content("tool", "broken\n");
    let informing = tiny.build();
    assert_eq!(informing.code, Some(0), "only an informing test fails: {informing:?}");
    assert!(informing.stdout.contains("Verdict: accepted"), "{}", informing.stdout);
}

#[test]
fn the_same_lock_gives_the_same_digests_in_another_home() {
    if !can_build() {
        return;
    }
    let digests = |tiny: &Tiny| {
        assert_eq!(tiny.build().code, Some(0));
        tiny.sw(&["release", "info", "last"])
            .stdout
            .lines()
            .filter(|l| l.contains("sha256:"))
            .take(5)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (one, two) = (Tiny::new(), Tiny::new());
    assert_eq!(digests(&one), digests(&two));
}

#[test]
fn a_failed_component_leaves_no_release_and_the_rest_is_kept() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    std::fs::remove_file(tiny.stream().join("components/app/content")).unwrap();
    let failed = tiny.build();
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.stderr.contains("no release"), "{}", failed.stderr);
    for (task, reason) in [("assemble", "PipelineRun was stopping"), ("verdict", "Results were missing")] {
        let shown = failed.stderr.lines().any(|l| l.starts_with(&format!("- {task}")) && l.ends_with(reason));
        assert!(shown, "{task}: {}", failed.stderr);
    }
    assert!(failed.stderr.contains("log:   sw logs tiny-"), "{}", failed.stderr);
    assert_eq!(tiny.sw(&["release", "info", "last"]).code, Some(2));
    tiny.content("app", "app\n");
    let marks = Tiny::marks(&tiny.build());
    assert!(marks.contains(&"base cached".into()), "what was finished is not built again: {marks:?}");
}

#[test]
fn events_are_json_lines() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    let printed = tiny.sw(&["build", tiny.stream().to_str().unwrap(), "-o", "json"]);
    let lines: Vec<serde_json::Value> =
        printed.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let (events, last) = lines.split_at(lines.len() - 1);
    assert!(events.iter().enumerate().all(|(i, e)| e["seq"] == i as u64 + 1), "{}", printed.stdout);
    assert_eq!(last[0]["accepted"], true);
}

#[test]
fn what_is_wrong_is_said_before_anything_runs() {
    let cases = [
        ("kind: Stream\n", "kind: Stream\ncomponentz: {}\n", "did you mean `components`"),
        ("releaseBase: base", "releaseBase: bass", "did you mean `base`"),
        ("version: 1.0.0", "version: one", "version"),
        ("images: {image: app}", "images: {image: ap}", "did you mean `app`"),
        (
            "task: tiny-test\n    images: {image: tool}",
            "task: tiny-tast\n    images: {image: tool}",
            "tiny-t",
        ),
        ("  tiny/base: {component: base}", "  tiny/bas: {component: base}", "tiny/base"),
        ("source: {path: components/tool}", "source: {path: ../tool}", ".."),
        ("source: {path: components/tool}", "source: {path: components/tool}\n    tag: app", "app"),
    ];
    for (from, to, expected) in cases {
        let tiny = Tiny::new();
        tiny.edit(from, to);
        let plan = tiny.sw(&["plan", tiny.stream().to_str().unwrap()]);
        assert_eq!(plan.code, Some(2), "{to}: {plan:?}");
        assert!(plan.stderr.contains(expected), "{to}: {}", plan.stderr);
        assert!(
            plan.stderr.contains("stream.yaml:") || plan.stderr.contains("Containerfile:"),
            "no place: {}",
            plan.stderr
        );
        assert!(!tiny.home().join("runs").exists(), "something was started");
    }
}
