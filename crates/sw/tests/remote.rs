//! `sw run`, `sw graph`, `sw validate` and `sw vendor` with remote references, from the YAML to what is left of the run.

#![allow(clippy::unwrap_used)]

mod env;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use env::{HOST, TestEnv, text};
use rustix::process::Signal;

const TASK: &str = "\
apiVersion: tekton.dev/v1beta1
kind: Task
metadata: {name: greet}
spec:
  params: [{name: who, type: string}]
  results: [{name: said}]
  steps:
  - name: say
    ref: {resolver: git, params: [{name: url, value: REPO}, {name: pathInRepo, value: action.yaml}]}
    params: [{name: who, value: $(params.who)}]
  - name: tell
    image: 127.0.0.1:1/tell:1
    env: [{name: SAID, value: $(steps.say.results.said)}]
    script: printf '%s' \"$SAID\" > $(results.said.path)
";

const ACTION: &str = "\
apiVersion: tekton.dev/v1beta1
kind: StepAction
metadata: {name: say}
spec:
  params: [{name: who}]
  results: [{name: said}]
  image: 127.0.0.1:1/say:1
  env: [{name: WHO, value: $(params.who)}]
  script: printf 'hello %s' \"$WHO\" > $(step.results.said.path)
";

const RUN: &str = "\
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: remote}
spec:
  params: [{name: path, value: pipeline.yaml}]
  pipelineRef:
    resolver: git
    params:
    - {name: url, value: REPO}
    - {name: revision, value: v1}
    - {name: pathInRepo, value: $(params.path)}
";

const PIPELINE: &str = "\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: greeting}
spec:
  params: [{name: path}]
  results: [{name: said, value: $(tasks.first.results.said)}]
  tasks:
  - name: first
    taskRef: {resolver: git, params: [{name: url, value: REPO}, {name: pathInRepo, value: task.yaml}]}
    params: [{name: who, value: world}]
";

/// A repository with a pipeline, its task and that one's step action; gives its commit.
fn repository(env: &TestEnv) -> String {
    let dir = env.folder("repo");
    for (name, text) in [("pipeline.yaml", PIPELINE), ("task.yaml", TASK), ("action.yaml", ACTION)] {
        env.write(&format!("repo/{name}"), &here(env, text));
    }
    git(&dir, &["init", "--quiet", "-b", "main"]);
    git(&dir, &["add", "."]);
    git(&dir, &["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "x"]);
    git(&dir, &["tag", "v1"]);
    git(&dir, &["rev-parse", "HEAD"])
}

fn here(env: &TestEnv, text: &str) -> String {
    text.replace("REPO", env.path("repo").to_str().unwrap())
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn what_was_run_is_known_by_commit() {
    let Some(env) = TestEnv::new() else { return };
    let commit = repository(&env);
    let run = env.run(&here(&env, RUN), &[]).ok();
    assert_eq!(env.ended("remote"), "True/Succeeded");
    let status = &env.finished("remote")["status"];
    assert_eq!(text(&status["results"][0]["value"]), "hello world");
    let source = &status["provenance"]["refSource"];
    assert_eq!(text(&source["digest"]["sha1"]), commit);
    assert_eq!(text(&source["entryPoint"]), "pipeline.yaml");
    let first = &env.task_runs("remote")["first"]["status"];
    assert_eq!(text(&first["provenance"]["refSource"]["entryPoint"]), "task.yaml");
    assert_eq!(text(&first["steps"][0]["provenance"]["refSource"]["entryPoint"]), "action.yaml");
    assert!(first["steps"][1]["provenance"].is_null());
    let events = fs::read_to_string(env.home().join("runs/remote/events.jsonl")).unwrap();
    assert_eq!(events.matches(r#""type":"resolved""#).count(), 3, "each once: {events}");
    assert!(run.stderr.contains("got Pipeline greeting from git+"), "{}", run.stderr);
    // What was fetched once is enough without its repository.
    fs::rename(env.path("repo"), env.path("gone")).unwrap();
    let graph = env.call(&["graph", "--offline", "run.yaml"]);
    assert!(
        graph.stdout.contains("step say ") && graph.stdout.contains("127.0.0.1:1/say:1"),
        "{}{}",
        graph.stdout,
        graph.stderr
    );
    env.assert_nothing_left();
}

#[test]
fn a_vendored_folder_needs_nothing_else() {
    let Some(env) = TestEnv::new() else { return };
    let commit = repository(&env);
    env.write("run.yaml", &here(&env, RUN));
    env.call(&["vendor", "run.yaml", "--to", "vendored"]).ok();
    let lock = fs::read_to_string(env.path("vendored/vendor.lock")).unwrap();
    assert!(lock.contains(&commit) && lock.contains("entryPoint: task.yaml"), "{lock}");
    fs::remove_dir_all(env.path("repo")).unwrap();
    fs::remove_dir_all(env.home()).unwrap();
    let names = ["run.yaml", "pipeline-greeting.yaml", "task-greet.yaml", "stepaction-say.yaml"];
    let files: Vec<String> = names.iter().map(|name| format!("vendored/{name}")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    env.call(&[&["run", "--offline", "vendored"][..], &HOST].concat()).ok();
    assert_eq!(text(&env.finished("remote")["status"]["results"][0]["value"]), "hello world");
    env.call(&[&["validate"][..], &files].concat()).ok();
    let again = env.call(&["vendor", "run.yaml", "--to", "vendored"]).code(2);
    assert!(again.stderr.contains("is not empty"), "{}", again.stderr);
}

#[test]
fn references_are_checked_when_asked() {
    let Some(env) = TestEnv::new() else { return };
    repository(&env);
    let wrong = here(&env, RUN).replace("$(params.path)", "task.yaml");
    env.write("run.yaml", &wrong);
    env.call(&["validate", "run.yaml"]).ok();
    let found = env.call(&["validate", "--resolve", "run.yaml"]).code(2);
    assert!(found.stdout.contains("it holds a Task greet where a Pipeline is needed"), "{}", found.stdout);
    assert!(found.stdout.contains("run.yaml:6"), "{}", found.stdout);
    env.run(&wrong, &[]);
    assert_eq!(env.ended("remote"), "False/CouldntGetPipeline");
}

#[test]
fn images_are_not_fetched_offline() {
    let Some(env) = TestEnv::new() else { return };
    repository(&env);
    env.write("run.yaml", &here(&env, RUN));
    let run = env.call(&["run", "--offline", "run.yaml"]);
    assert!(
        run.stderr.contains("it is not in the store, and --offline keeps from fetching it"),
        "{}",
        run.stderr
    );
}

#[test]
fn ctrl_c_while_a_server_says_nothing() {
    let Some(env) = TestEnv::new() else { return };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x.git", silent.local_addr().unwrap());
    env.write("run.yaml", &RUN.replace("REPO", &url));
    let started = env.start(&["run", "run.yaml"]);
    // Git has connected, and waits.
    let connection = silent.accept().unwrap();
    started.signal_group(Signal::INT);
    started.end().code(130);
    drop(connection);
    assert_eq!(env.ended("remote"), "False/Cancelled");
    env.assert_nothing_left();
}

#[test]
fn images_travel_with_the_folder() {
    let Some(env) = TestEnv::new() else { return };
    repository(&env);
    env.write("run.yaml", &here(&env, RUN));
    for name in ["say", "tell"] {
        let image = testkit::image::Image::holding(name).build();
        image.write_layout(&env.path(name), &format!("127.0.0.1:1/{name}:1"));
        let line = format!("127.0.0.1:1/{name}:1 {}\n", image.digest);
        assert_eq!(env.call(&["store", "import", name]).ok().stdout, line);
    }
    // Nobody serves these names: what is known of them is what came in.
    let told = env.call(&["vendor", "run.yaml", "--to", "vendored", "--images"]).ok().stdout;
    assert!(told.contains("image 127.0.0.1:1/say:1 sha256:"), "{told}");
    fs::remove_dir_all(env.home()).unwrap();
    let back = env.call(&["store", "import", "vendored/images"]).ok().stdout;
    assert_eq!(back.lines().count(), 2, "{back}");
    env.call(&["store", "check"]).ok();
}
