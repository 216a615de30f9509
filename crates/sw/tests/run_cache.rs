//! `sw run --cache`: what is not run again, and that every changed input runs.

#![allow(clippy::unwrap_used)]

mod env;

use std::fs;
use std::path::Path;

use env::{TestEnv, text};
use oci::Store;
use testkit::image::{Image, Layer};

/// An image with a shell in it, taken from this machine; gives its name by digest.
fn shell(env: &TestEnv, label: &str) -> Option<String> {
    let ldd = std::process::Command::new("ldd").arg("/bin/sh").output().ok()?;
    let text = String::from_utf8(ldd.stdout).ok()?;
    let mut layer = Layer::new().program("bin/sh", fs::read("/bin/sh").ok()?);
    for path in text.split_whitespace().filter(|word| word.starts_with('/')) {
        layer = layer.program(&path[1..], fs::read(path).ok()?);
    }
    let image = Image::new().layer(layer.gzip()).label("label", label).build();
    let store = Store::open(env.home().join("store")).unwrap();
    for blob in image.blobs() {
        store.put(blob).unwrap();
    }
    store.put_manifest("tiny/shell", image.media_type, &image.manifest, None).unwrap();
    Some(format!("tiny.test/shell@{}", image.digest))
}

const PIPELINE: &str = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {generateName: cached-}
spec:
  params: [{name: word, value: WORD}]
  workspaces:
  - {name: own, volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}
  pipelineSpec:
    params: [{name: word}]
    workspaces: [{name: own}]
    results: [{name: said, value: "$(tasks.second.results.said)"}]
    tasks:
    - name: first
      workspaces: [{name: own}]
      taskSpec:
        workspaces: [{name: own}]
        results: [{name: said}]
        steps:
        - name: s
          image: IMAGE
          env:
          - {name: SETTING, valueFrom: {configMapKeyRef: {name: settings, key: a}}}
          - {name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: a}}}
          script: |
            cd "$(workspaces.own.path)"
            echo "$(params.word) $SETTING" > file
            printf '%s' "first said $(params.word)" > $(results.said.path)
            echo printed
    - name: second
      runAfter: [first]
      workspaces: [{name: own}]
      taskSpec:
        workspaces: [{name: own}]
        results: [{name: said}]
        steps:
        - {name: s, image: IMAGE, script: 'read all < $(workspaces.own.path)/file; printf "%s" "$all" > $(results.said.path)'}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: SETTING}}
---
{apiVersion: v1, kind: Secret, metadata: {name: token}, stringData: {a: SECRET}}
"#;

/// What became of each task, and the pipeline's result.
fn run(env: &TestEnv, image: &str, changes: &[(&str, &str)]) -> (Vec<String>, String) {
    let mut yaml = PIPELINE.replace("IMAGE", image);
    let defaults = [("WORD", "hello"), ("SETTING}", "one}"), ("SECRET", "hidden-one")];
    for (from, to) in changes.iter().chain(&defaults) {
        yaml = yaml.replace(from, to);
    }
    env.write("run.yaml", &yaml);
    let outcome = env.call(&["run", "run.yaml", "--cache", "-o", "json"]).ok();
    let events = outcome.json_lines();
    let ends = events.iter().map(|e| &e["event"]).filter_map(|e| match e["type"].as_str()? {
        "step-started" => Some(format!("{} ran", text(&e["task"]))),
        "task-reused" => Some(format!("{} cached", text(&e["task"]))),
        "task-not-cached" => Some(format!("{} not cached: {}", text(&e["task"]), text(&e["reason"]))),
        _ => None,
    });
    let ends = ends.collect();
    let run = text(&events[0]["event"]["run"]);
    (ends, env.results(&run).remove("said").unwrap_or_default())
}

fn contains(dir: &Path, needle: &[u8]) -> bool {
    fs::read_dir(dir).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            contains(&path, needle)
        } else {
            fs::read(path).unwrap().windows(needle.len()).any(|w| w == needle)
        }
    })
}

#[test]
fn the_same_is_not_run_again_and_anything_else_is() {
    let Some(env) = TestEnv::new() else { return };
    let Some(image) = shell(&env, "one") else {
        println!("skipped: the shell of this machine cannot be put into an image");
        return;
    };
    let ran = vec!["first ran".to_owned(), "second ran".to_owned()];
    let cached = vec!["first cached".to_owned(), "second cached".to_owned()];
    assert_eq!(run(&env, &image, &[]), (ran.clone(), "hello one".to_owned()));
    // Another run with another name, and a volume of its own that begins empty: the file is put there again.
    assert_eq!(run(&env, &image, &[]), (cached.clone(), "hello one".to_owned()));

    // A task that gives the same as before ends the work there.
    let first_only = vec!["first ran".to_owned(), "second cached".to_owned()];
    assert_eq!(run(&env, &image, &[("SECRET", "hidden-two")]).0, first_only);
    assert_eq!(run(&env, &image, &[("echo printed", "echo other")]).0, first_only);
    assert_eq!(run(&env, &image, &[("WORD", "bye")]), (ran.clone(), "bye one".to_owned()));
    assert_eq!(run(&env, &image, &[("SETTING}", "two}")]), (ran.clone(), "hello two".to_owned()));
    let other = shell(&env, "two").unwrap();
    assert_eq!(run(&env, &other, &[]).0, ran);
    // What uses the run's name is never the same.
    assert_eq!(run(&env, &image, &[("echo printed", "echo $(context.taskRun.name)")]).0, first_only);
    assert_eq!(run(&env, &image, &[("echo printed", "echo $(context.taskRun.name)")]).0, first_only);
    assert_eq!(run(&env, &image, &[]), (cached, "hello one".to_owned()));

    let newest = env.call(&["runs", "-n", "1", "-o", "json"]).ok().json_lines();
    let newest = text(&newest[0]["run"]);
    assert_eq!(env.call(&["logs", &newest, "first"]).ok().stdout, "==> first / s <==\nprinted\n");
    let first = &env.task_runs(&newest)["first"];
    assert!(first["metadata"]["annotations"]["streamwright.dev/cached"].is_string());
    assert_eq!(first["status"]["steps"][0]["terminationReason"], "Completed");
    assert!(!contains(&env.home().join("steps"), b"hidden-one"));

    assert!(env.call(&["cache", "steps"]).ok().stdout.starts_with("12 tasks, "));
    env.call(&["cache", "steps", "--prune"]).ok();
    assert_eq!(run(&env, &image, &[]).0, ran);
    env.assert_nothing_left();
}

#[test]
fn what_cannot_be_cached_says_why() {
    let Some(env) = TestEnv::new() else { return };
    let yaml = r#"{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: here}, spec: {taskSpec: {steps: [{name: s, image: i, script: "true"}]}}}"#;
    let outcome = env.run(yaml, &["--cache"]).ok();
    insta::assert_snapshot!(env.filtered(&outcome.stderr), @"
    run here
    > here      started
    - here      not cached: step s runs in this machine's own file system, which nobody can digest
    ✓ here      done [TIME]
    Succeeded
    ");
}
