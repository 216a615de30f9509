//! Timeouts, signals, exit codes.

use std::fs;
use std::process::Stdio;

use rustix::process::Signal;

use crate::env::{HOST, Started, TestEnv, each_runtime, ended, text, wait_until};

#[test]
fn the_time_of_a_step_a_task_and_a_pipeline() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: slow}
spec:
  pipelineSpec:
    tasks:
    - name: step
      onError: continue
      taskSpec:
        steps:
        - {name: s, image: i, timeout: 300ms, script: "sleep 60"}
        - {name: after, image: i, script: "exit 0"}
    # Long enough for its container to start on a busy machine.
    - {name: task, onError: continue, timeout: 4s, taskSpec: {steps: [{name: s, image: i, script: "sleep 60"}]}}
"#;
        env.run(run, &["--jobs", "4"]).ok();
        let runs = env.task_runs("slow");
        let message = |task: &str| text(&runs[task]["status"]["conditions"][0]["message"]);
        let steps = |task: &str| -> Vec<String> {
            let steps = runs[task]["status"]["steps"].as_array().unwrap().iter();
            steps
                .map(|s| format!("{} {}", text(&s["terminationReason"]), s["terminated"]["exitCode"]))
                .collect()
        };
        assert_eq!(ended(&runs["step"]), "False/FailureIgnored");
        assert_eq!(
            message("step"),
            r#""step-s" exited because the step exceeded the specified timeout limit"#
        );
        assert_eq!(steps("step"), ["TimeoutExceeded 1", "Skipped 1"]);
        assert_eq!(ended(&runs["task"]), "False/TaskRunTimeout");
        assert_eq!(message("task"), r#"TaskRun "slow-task" failed to finish within "4s""#);
        assert_eq!(steps("task"), ["TaskRunTimeout 1"]);
        let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: late}
spec:
  timeouts: {pipeline: 60s, tasks: 2500ms}
  pipelineSpec:
    tasks:
    - {name: tasks, taskSpec: {steps: [{name: s, image: i, script: "sleep 60"}]}}
    finally:
    - {name: last, taskSpec: {steps: [{name: s, image: i, script: "exit 0"}]}}
"#;
        env.run(run, &[]).code(1);
        let runs = env.task_runs("late");
        assert_eq!(ended(&runs["tasks"]), "False/TaskRunCancelled");
        assert_eq!(ended(&runs["last"]), "True/Succeeded", "finally runs after the tasks' time");
        assert_eq!(env.ended("late"), "False/PipelineRunTimeout");
        assert_eq!(
            text(&env.finished("late")["status"]["conditions"][0]["message"]),
            r#"PipelineRun "late" failed due to tasks failed to finish within "2.5s""#
        );
        env.assert_nothing_left();
    });
}

/// A step that says when it runs, leaves a process in the background, and ends in order when told to.
const WAITS: &str = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: waits}
spec:
  pipelineSpec:
    workspaces: [{name: out}]
    tasks:
    - name: waits
      workspaces: [{name: out}]
      taskSpec:
        workspaces: [{name: out}]
        sidecars: [{name: beside, image: i, script: "sleep 3600"}]
        steps:
        - name: s
          image: i
          script: |
            trap 'touch $(workspaces.out.path)/stopped; exit 0' TERM
            sleep 3600 &
            touch $(workspaces.out.path)/begun
            while true; do sleep 0.02; done
    - {name: next, runAfter: [waits], taskSpec: {steps: [{name: s, image: i, script: "exit 0"}]}}
    finally:
    - {name: last, taskSpec: {steps: [{name: s, image: i, script: "exit 0"}]}}
"#;

/// Starts a run and waits until its step runs.
fn begin(env: &TestEnv, yaml: &str) -> Started {
    env.write("run.yaml", yaml);
    env.folder("out");
    let started = env.start(&[&["run", "run.yaml", "-w", "out=out"][..], &HOST].concat());
    wait_until("the step runs", || env.path("out/begun").exists());
    assert!(env.leftovers().len() >= 4, "engine, step and sidecar are seen: {:?}", env.leftovers());
    started
}

#[test]
fn ctrl_c_stops_the_run_in_order() {
    each_runtime(|env| {
        let started = begin(env, WAITS);
        started.signal_group(Signal::INT);
        let outcome = started.end().code(130);
        assert!(env.path("out/stopped").exists(), "the step was asked before it was killed");
        assert_eq!(env.ended("waits"), "False/Cancelled");
        assert_eq!(ended(&env.task_runs("waits")["waits"]), "False/TaskRunCancelled");
        env.assert_nothing_left();
        insta::allow_duplicates! {
            insta::assert_snapshot!(env.filtered(&outcome.stderr), @r#"
            run waits
            > waits     started
            stopping; press Ctrl-C again to end at once
            ✗ waits     failed [TIME]  TaskRun "waits-waits" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has been cancelled.
                log:   sw logs waits waits s
                again: sw run run.yaml -w 'out=out' --image '*=host'
            Cancelled: PipelineRun "waits" was cancelled
            to go on with what is not finished: sw run --resume last
            "#);
        }
    });
}

#[test]
fn sigterm_to_the_process_stops_the_run_too() {
    let Some(env) = TestEnv::new() else { return };
    let started = begin(&env, WAITS);
    started.signal(Signal::TERM);
    started.end().code(130);
    assert!(env.path("out/stopped").exists());
    assert_eq!(env.ended("waits"), "False/Cancelled");
    env.assert_nothing_left();
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let Some(env) = TestEnv::new() else { return };
    let deaf =
        WAITS.replace("touch $(workspaces.out.path)/stopped; exit 0", "touch $(workspaces.out.path)/stopped");
    let started = begin(&env, &deaf);
    started.signal_group(Signal::INT);
    wait_until("the step is asked", || env.path("out/stopped").exists());
    started.signal_group(Signal::INT);
    started.end().code(130);
    assert!(!env.run_file("waits", "status.json").exists(), "the run was not ended in order");
    wait_until("nothing is left over", || env.leftovers().is_empty());
    // The next run removes what this one could not.
    assert!(env.run_file("waits", "scratch").exists());
    env.run("{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: next}, spec: {taskSpec: {steps: [{name: s, image: i, script: 'exit 0'}]}}}", &[]).ok();
    env.assert_nothing_left();
    let runs = env.call(&["runs"]).ok();
    let states: Vec<&str> = runs.stdout.lines().filter_map(|l| l.split_whitespace().nth(1)).collect();
    assert_eq!(states, ["STATE", "succeeded", "interrupted"]);
}

#[test]
fn ctrl_c_while_the_input_is_awaited() {
    let Some(env) = TestEnv::new() else { return };
    let mut command = env.sw();
    // Nobody writes to it, nobody closes it.
    command.args(["run", "-"]).stdin(Stdio::piped());
    let started = TestEnv::start_command(command);
    let children = format!("/proc/{0}/task/{0}/children", started.pid().as_raw_nonzero());
    wait_until("the engine's process is there", || !fs::read_to_string(&children).unwrap().is_empty());
    started.signal_group(Signal::INT);
    started.end().code(130);
}

#[test]
fn ctrl_c_while_an_image_is_fetched() {
    let Some(env) = TestEnv::new() else { return };
    let run = "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: fetch}, spec: {taskSpec: {steps: [{name: s, image: '127.0.0.1:1/x:1', script: 'exit 0'}]}}}";
    env.write("run.yaml", run);
    let started = env.start(&["run", "run.yaml"]);
    let journal = env.run_file("fetch", "events.jsonl");
    wait_until("it tries again", || {
        fs::read_to_string(&journal).unwrap_or_default().contains("trying again")
    });
    started.signal_group(Signal::INT);
    started.end().code(130);
    assert_eq!(env.ended("fetch"), "False/TaskRunCancelled");
}

#[test]
fn exit_codes() {
    let Some(env) = TestEnv::new() else { return };
    let task = |name: &str, script: &str| {
        format!(
            "{{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {{name: {name}}}, spec: {{taskSpec: {{steps: [{{name: s, image: i, script: {script}}}]}}}}}}\n"
        )
    };
    env.run(&task("good", "exit 0"), &[]).code(0);
    env.run(&task("bad", "exit 3"), &[]).code(1);

    let both = format!("{}---\n{}", task("one", "exit 0"), task("two", "exit 0"));
    let outcome = env.run(&both, &[]).code(2);
    insta::assert_snapshot!(outcome.stderr, @"error: the files have several of kind run: one, two; say which with --name NAME");
    env.run(&both, &["--name", "two"]).code(0);
    let outcome = env.run(&both, &["--name", "twoo"]).code(2);
    insta::assert_snapshot!(outcome.stderr, @"error: the files have no run called `twoo`, but: one, two");
    assert_eq!(env.runs(), ["bad", "good", "two"]);
}
