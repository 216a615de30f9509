//! `sw run --watch`.

use std::fs;

use rustix::process::Signal;

use crate::env::{HOST, TestEnv, wait_until};

fn task_run(script: &str) -> String {
    format!(
        "{{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {{name: w}}, spec: {{taskSpec: {{workspaces: [{{name: d}}], \
         steps: [{{name: s, image: i, script: '{script}'}}]}}}}}}"
    )
}

#[test]
fn a_change_runs_it_again_and_stops_what_is_running() {
    let Some(env) = TestEnv::new() else { return };
    env.folder("d");
    env.write("run.yaml", &task_run("echo one >> /workspace/d/out"));
    let started = env.start(&[&["run", "run.yaml", "-w", "d=d", "--watch"][..], &HOST].concat());
    let finished = |run: &str| env.run_file(run, "status.json").exists();
    wait_until("the first run is over", || finished("w"));
    // What the run itself wrote is not a change; a file of its user is.
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(env.runs(), ["w"]);
    env.write("d/mine", "");
    wait_until("a change in the folder runs it again", || finished("w-2"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    env.write("run.yaml", &task_run("echo waits >> /workspace/d/out; sleep 60"));
    let out = || fs::read_to_string(env.path("d/out")).unwrap_or_default();
    wait_until("it waits", || out().contains("waits"));
    env.write("run.yaml", "{kind: nothing}");
    wait_until("the waiting run is stopped", || finished("w-3"));
    assert_eq!(env.ended("w-3"), "False/TaskRunCancelled");
    std::thread::sleep(std::time::Duration::from_millis(600));
    env.write("run.yaml", &task_run("echo last >> /workspace/d/out"));
    wait_until("a file that was wrong is right again", || finished("w-4"));
    started.signal_group(Signal::INT);
    started.end().code(130);
    assert_eq!(out(), "one\none\nwaits\nlast\n");
    env.assert_nothing_left();
}

#[test]
fn standard_input_cannot_be_watched() {
    let Some(env) = TestEnv::new() else { return };
    let outcome = env.call(&["run", "-", "--watch"]).code(2);
    insta::assert_snapshot!(outcome.stderr, @"error: --watch cannot watch standard input; name a file");
}
