//! `sw run --only`, `--until`, `--from` and `--resume`: what runs, what does not, and where the rest comes from.

#![allow(clippy::unwrap_used)]

mod env;

use std::fs;

use env::{HOST, TestEnv, text, wait_until};
use rustix::process::Signal;
use serde_json::Value;

const CHAIN: &str = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: chain}
spec:
  workspaces:
  - {name: own, volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}
  pipelineSpec:
    workspaces: [{name: out}, {name: own}]
    results: [{name: all, value: "$(tasks.c.results.r)"}]
    tasks:
    - name: a
      workspaces: [{name: out}, {name: own}]
      taskSpec: &spec
        workspaces: [{name: out}, {name: own}]
        params: [{name: before, default: ""}]
        results: [{name: r}]
        steps:
        - name: s
          image: i
          script: |
            me=$(context.taskRun.name)
            echo "$me" >> $(workspaces.out.path)/ran
            echo "$me" >> $(workspaces.own.path)/ran
            [ "$me" != chain-c ] || until [ -e $(workspaces.out.path)/go ]; do sleep 0.01; done
            [ "$me" != chain-d ] || [ ! -e $(workspaces.out.path)/bad ]
            echo "ran $me"
            printf '%s' "$(params.before)$me " > $(results.r.path)
    - name: b
      workspaces: [{name: out}, {name: own}]
      params: [{name: before, value: "$(tasks.a.results.r)"}]
      taskSpec: *spec
    - name: c
      workspaces: [{name: out}, {name: own}]
      params: [{name: before, value: "$(tasks.b.results.r)"}]
      taskSpec: *spec
    - name: d
      runAfter: [c]
      workspaces: [{name: out}, {name: own}]
      taskSpec: *spec
    - name: e
      runAfter: [d]
      workspaces: [{name: out}, {name: own}]
      taskSpec:
        workspaces: [{name: out}, {name: own}]
        steps:
        - {name: s, image: i, script: "echo chain-e >> $(workspaces.out.path)/ran; cp $(workspaces.own.path)/ran $(workspaces.out.path)/own"}
    finally:
    - name: last
      taskSpec: {steps: [{name: s, image: i, script: "echo $(context.taskRun.name)"}]}
"#;

fn events(env: &TestEnv, run: &str, kind: &str) -> Vec<Value> {
    env.events(run).into_iter().map(|e| e["event"].clone()).filter(|e| e["type"] == kind).collect()
}

fn tasks(env: &TestEnv, run: &str, kind: &str) -> Vec<String> {
    events(env, run, kind).iter().map(|e| text(&e["task"])).collect()
}

/// What a run said, without what is not about parts.
fn shown(env: &TestEnv, stderr: &str) -> String {
    let lines = stderr.lines().filter(|line| !line.contains("a cluster refuses this run"));
    env.filtered(&lines.collect::<Vec<_>>().join("\n"))
}

fn ran(env: &TestEnv) -> Vec<String> {
    fs::read_to_string(env.path("out/ran")).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn killed_in_the_middle_a_run_goes_on_where_it_was() {
    let Some(env) = TestEnv::new() else { return };
    env.folder("out");
    env.write("run.yaml", CHAIN);
    let started = env.start(&[&["run", "run.yaml", "-w", "out=out"][..], &HOST].concat());
    wait_until("c runs", || ran(&env).contains(&"chain-c".to_owned()));
    started.signal(Signal::KILL);
    started.end();
    wait_until("the kernel has ended everything", || env.leftovers().is_empty());

    env.write("out/go", "");
    // Neither files nor images nor folders have to be said again.
    let outcome = env.call(&["run", "--resume", "chain"]).ok();
    assert_eq!(ran(&env), ["chain-a", "chain-b", "chain-c", "chain-c", "chain-d", "chain-e"]);
    assert_eq!(tasks(&env, "chain-2", "task-reused"), ["a", "b"], "{}", outcome.stderr);
    assert_eq!(tasks(&env, "chain-2", "task-started"), ["c", "d", "e", "last"]);
    assert_eq!(env.ended("chain-2"), "True/Succeeded");
    assert_eq!(env.results("chain-2")["all"], "chain-a chain-b chain-c ");
    assert_eq!(env.task_runs("chain-2").len(), 6);
    // The run's own volume is the one that a and b wrote.
    let own = fs::read_to_string(env.path("out/own")).unwrap();
    assert_eq!(own, "chain-a\nchain-b\nchain-c\nchain-c\nchain-d\n");
    assert!(!env.run_file("chain", "claims").exists() && !env.run_file("chain-2", "claims").exists());
    assert_eq!(env.call(&["logs", "chain-2", "a", "s"]).ok().stdout, "ran chain-a\n");
    insta::assert_snapshot!(shown(&env, &outcome.stderr), @"
    run chain-2, goes on with chain
    = a         kept     of run chain
    = b         kept     of run chain
    > c         started
    ✓ c         done [TIME]
    > d         started
    ✓ d         done [TIME]
    > e         started
    ✓ e         done [TIME]
    > last      started
    ✓ last      done [TIME]
    Succeeded: Tasks Completed: 6 (Failed: 0, Cancelled 0), Skipped: 0
    ");
    let again = |run: &str| env.call(&["run", "--resume", run]).code(2).stderr;
    insta::assert_snapshot!(again("last"), @"error: cannot go on with run chain-2: it succeeded, nothing is left to do; `sw run FILE` runs it anew");
    insta::assert_snapshot!(again("chain"), @"error: cannot go on with run chain: chain-2 did that already; type --resume chain-2");
    env.assert_nothing_left();
}

#[test]
fn what_a_cluster_writes_into_referenced_objects_changes_nothing() {
    let Some(env) = TestEnv::new() else { return };
    let pipeline = r#"
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: give}
spec: {results: [{name: r}], steps: [{name: s, image: i, script: "printf r > $(results.r.path)"}]}
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: p}
spec:
  tasks:
  - {name: inline, taskSpec: {results: [{name: r}], steps: [{name: s, image: i, script: "printf r > $(results.r.path)"}]}}
  - {name: referenced, taskRef: {name: give}}
  - {name: fails, runAfter: [inline, referenced], taskSpec: {steps: [{name: s, image: i, script: exit 1}]}}
"#;
    env.write("p.yaml", pipeline);
    env.call(&[&["run", "p.yaml"][..], &HOST].concat()).code(1);
    env.call(&["run", "--resume", "last"]).code(1);
    let mut runs = env.runs();
    runs.sort_by_key(String::len);
    assert_eq!(tasks(&env, &runs[1], "task-reused"), ["inline", "referenced"]);
    assert_eq!(tasks(&env, &runs[1], "task-started"), ["fails"]);
}

#[test]
fn a_failed_run_goes_on_with_what_it_began_with() {
    let Some(env) = TestEnv::new() else { return };
    env.folder("out");
    env.write("out/go", "");
    env.write("out/bad", "");
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {k: none-of-yours}}";
    let yaml = format!("{CHAIN}---\n{secret}\n");
    let failed = env.run(&yaml, &["-w", "out=out"]).code(1);
    assert!(failed.stderr.ends_with("to go on with what is not finished: sw run --resume last\n"));
    fs::remove_file(env.path("out/bad")).unwrap();
    env.folder("other");

    let wrong = |args: &[&str]| env.call(&[&["run", "--resume", "last"], args].concat()).code(2).stderr;
    insta::assert_snapshot!(wrong(&[]), @"error: run chain used secrets that are not recorded: key; give the files that have them: sw run --resume chain FILE");
    env.write("changed.yaml", &yaml.replace("echo \"ran", "echo \"really ran"));
    insta::assert_snapshot!(wrong(&["changed.yaml", "-w", "out=other", "-p", "p=1"]), @"error: run chain began with something else: PipelineRun chain (changed.yaml:2) was changed; param p had another value; workspace out was another folder. It goes on with what it began with; leave these out, or run them anew without --resume");

    env.call(&["run", "--resume", "last", "run.yaml", "-w", "out=out"]).ok();
    assert_eq!(tasks(&env, "chain-2", "task-reused"), ["a", "b", "c"]);
    assert_eq!(ran(&env).iter().filter(|task| *task == "chain-d").count(), 2);
    assert_eq!(env.ended("chain-2"), "True/Succeeded");
    let record = fs::read_to_string(env.run_file("chain", "begun.json")).unwrap();
    assert!(!record.contains("none-of-yours"));
}

#[test]
fn parts_of_a_pipeline() {
    let Some(env) = TestEnv::new() else { return };
    env.folder("out");
    env.write("out/go", "");
    let until = env.run(CHAIN, &["-w", "out=out", "--until", "b"]).ok();
    assert_eq!(tasks(&env, "chain", "task-finished"), ["a", "b"]);
    insta::assert_snapshot!(shown(&env, &until.stderr), @"
    run chain
    - 4 tasks   left out c, d, e, last
    > a         started
    ✓ a         done [TIME]
    > b         started
    ✓ b         done [TIME]
    Succeeded: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0
    ");
    let status = &env.finished("chain")["status"];
    assert_eq!(status["skippedTasks"], Value::Null, "left out is not skipped");

    let wrong = |args: &[&str]| env.run(CHAIN, &[&["-w", "out=out"], args].concat()).code(2).stderr;
    insta::assert_snapshot!(wrong(&["--only", "c"]), @"error: task `c` needs the result `r` of `b`; take it from an earlier run that has it with --from RUN (or --from last), or run all that `c` needs: --until c");
    insta::assert_snapshot!(wrong(&["--only", "lst"]), @"error: the pipeline has no task `lst`; did you mean `last`?");
    assert_eq!(env.runs(), ["chain"], "what cannot be run leaves no record");

    let only = env.run(CHAIN, &["-w", "out=out", "--only", "c,e", "--from", "last"]).ok();
    insta::assert_snapshot!(shown(&env, &only.stderr), @"
    run chain-2
    - 4 tasks   left out a, b, d, last; their results come from chain
    warning: workspace own is made for this run and begins empty: nothing is in it of what the tasks that are left out write; a folder keeps it between runs: --workspace own=DIR
    > c         started
    ✓ c         done [TIME]
    > e         started
    ✓ e         done [TIME]
    Succeeded: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0
    ");
    assert_eq!(tasks(&env, "chain-2", "task-finished"), ["c", "e"]);
    assert_eq!(env.results("chain-2")["all"], "chain-a chain-b chain-c ");
    env.assert_nothing_left();
}
