//! `sw trigger`: what an event would run, shown, printed and run.

#![allow(clippy::unwrap_used)]

mod env;

use std::process::Command;

use env::{HOST, TestEnv};
use serde_json::Value;

const PUSH: &str = r#"{"ref": "refs/heads/main", "before": "1", "after": "2222222222222222222222222222222222222222",
  "repository": {"node_id": "R", "full_name": "acme/widgets", "html_url": "https://github.com/acme/widgets"},
  "commits": [{"added": ["docs/a.md"], "removed": [], "modified": []}]}"#;

const RUNS: &str = r#"apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: build
  annotations:
    pipelinesascode.tekton.dev/on-event: "[push]"
    pipelinesascode.tekton.dev/on-target-branch: "[main]"
    pipelinesascode.tekton.dev/task: ".tekton/more/say.yaml"
spec:
  params: [{name: text, value: "{{ repo_name }} at {{ revision }}"}]
  pipelineSpec:
    params: [{name: text}]
    tasks:
    - {name: say, taskRef: {name: say}, params: [{name: text, value: $(params.text)}]}
---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: docs
  annotations:
    pipelinesascode.tekton.dev/on-cel-expression: event == "push" && "src/*".pathChanged()
spec: {pipelineSpec: {tasks: [{name: say, taskRef: {name: say}}]}}
"#;

const SAY: &str = r#"apiVersion: tekton.dev/v1
kind: Task
metadata: {name: say}
spec:
  params: [{name: text}]
  results: [{name: said}]
  steps:
  - {name: say, image: any, script: "printf '%s' '$(params.text)' > $(results.said.path)"}
"#;

/// A repository with a folder `.tekton`, and an event.
fn repository() -> Option<TestEnv> {
    let env = TestEnv::new()?;
    env.write(".tekton/runs.yaml", RUNS);
    env.write(".tekton/more/say.yaml", SAY);
    env.write("push.json", PUSH);
    Some(env)
}

#[test]
fn what_matches_is_shown_printed_and_run() {
    let Some(env) = repository() else { return };
    let shown = env.call(&["trigger", "push.json"]).ok();
    assert_eq!(
        shown.stdout,
        "✓ build (on-event: push is \"push\"; on-target-branch: main is \"refs/heads/main\")  .tekton/runs.yaml:1\n\
         ✗ docs: on-cel-expression: event == \"push\" && \"src/*\".pathChanged() is false (event is \"push\")  .tekton/runs.yaml:16\n\
         1 of 2 match\n"
    );
    let json = env.call(&["trigger", "push.json", "-o", "json"]).ok();
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["candidates"][1]["reasons"][0]["holds"], false);

    let printed = env.call(&["trigger", "push.json", "-o", "yaml"]).ok();
    env.write("printed.yaml", &printed.stdout);
    env.call(&[&["run", "printed.yaml"][..], &HOST].concat()).ok();
    env.call(&[&["trigger", "push.json", "--run"][..], &HOST].concat()).ok();
    let runs = env.runs();
    assert_eq!(runs.len(), 2, "{runs:?}");
    for run in runs {
        let said = &env.task_runs(&run)["say"];
        assert_eq!(env::results(said)["said"], "widgets at 2222222222222222222222222222222222222222");
    }
}

#[test]
fn a_kustomization_is_built_first() {
    let Some(env) = repository() else { return };
    env.write("over/runs.yaml", RUNS);
    env.write("over/kustomization.yaml", "resources: [runs.yaml]\nnamePrefix: mine-\n");
    let shown = env.call(&["trigger", "push.json", "-k", "over"]).ok().stdout;
    assert!(shown.starts_with("✓ mine-build (") && shown.ends_with("1 of 2 match\n"), "{shown}");
    env.call(&["trigger", "push.json", "-k", "nowhere"]).code(2);
}

#[test]
fn files_that_changed_come_from_git_or_a_file() {
    let Some(env) = repository() else { return };
    if !testkit::peer::has("git") {
        return;
    }
    let git = |args: &[&str]| {
        let mut command = env.outfit(Command::new("git"));
        command
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "-c",
                "init.defaultBranch=main",
                "-C",
                "repo",
            ])
            .args(args);
        env.outcome(command).ok();
    };
    env.write("repo/docs/old name", "text that is moved\n");
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    env.write("repo/src/new.go", "x");
    git(&["mv", "docs/old name", "docs/new name"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "two"]);
    env.write("changed", "src/a.go\n");
    for given in [&["--git", "repo", "HEAD~1..HEAD"][..], &["--changed-files", "changed"]] {
        let shown = env.call(&[&["trigger", "push.json"], given].concat()).ok().stdout;
        assert!(shown.contains("2 of 2 match"), "{shown}");
    }
    let range = env.call(&["trigger", "push.json", "--git", "repo", "HEAD"]).code(2);
    assert!(range.stderr.contains("write the commits as BASE..HEAD"), "{}", range.stderr);
    env.call(&["trigger", "push.json", "--git", "repo", "nope..HEAD"]).code(2);
}

#[test]
fn wrong_input_is_told_and_nothing_runs() {
    let Some(env) = repository() else { return };
    let told = |args: &[&str], code: i32, message: &str| {
        let outcome = env.call(&[&["trigger"], args].concat()).code(code);
        assert!(
            format!("{}{}", outcome.stderr, outcome.stdout).contains(message),
            "{}{}",
            outcome.stderr,
            outcome.stdout
        );
    };
    env.write("other.json", &PUSH.replace("heads/main", "heads/other"));
    told(&["other.json", "--run"], 1, "0 of 2 match");
    env.write("unclear.json", "{}");
    told(&["unclear.json"], 2, "say what it is with a header");
    told(&["none.json"], 2, "cannot read none.json");
    told(&["push.json", "--set", "branch=x"], 2, "--set branch: it is none of target_branch");
    told(&["push.json", "-H", "x"], 2, "write it as 'NAME: VALUE'");
    env.write(".tekton/bad.yaml", &RUNS.replace("event == \"push\"", "event =="));
    told(&["push.json", "--run"], 2, ".tekton/bad.yaml:21:51");
    env.write(".tekton/bad.yaml", &RUNS.replace(".tekton/more/say.yaml", "../outside.yaml"));
    told(&["push.json"], 2, "an annotation names ../outside.yaml, which cannot be read");
    let evil = PUSH.replace("acme/widgets\"", "acme/w\\\"}, {name: x\"");
    env.write("evil.json", &evil);
    told(&["evil.json", ".tekton/runs.yaml", ".tekton/more", "--run"], 2, "does not stay a text here");
    assert_eq!(env.runs().len(), 0);
}
