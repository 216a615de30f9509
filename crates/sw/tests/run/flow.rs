//! What runs, in which order, and what does not.

use std::fmt::Write as _;

use serde_json::Value;

use crate::env::{TestEnv, each_runtime, results, text};

/// `type task[/step]` of the events, without those of single steps unless wanted.
fn told(env: &TestEnv, run: &str) -> Vec<String> {
    let of = |e: &Value| {
        let event = &e["event"];
        format!("{} {}", text(&event["type"]), event["task"].as_str().unwrap_or_default())
            .trim_end()
            .to_owned()
    };
    env.events(run).iter().filter(|e| !text(&e["event"]["type"]).starts_with("step-")).map(of).collect()
}

#[test]
fn guards_of_tasks_and_steps() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: guards}
spec:
  pipelineSpec:
    tasks:
    - name: decide
      taskSpec:
        results: [{name: color}]
        steps: [{name: s, image: i, script: "printf blue > $(results.color.path)"}]
    - name: wanted
      when: [{input: $(tasks.decide.results.color), operator: in, values: [blue, green]}]
      taskSpec:
        results: [{name: r, value: $(steps.second.results.x)}]
        steps:
        - name: first
          image: i
          results: [{name: go}]
          script: printf no > $(step.results.go.path)
        - name: skipped
          image: i
          when: [{input: $(steps.first.results.go), operator: in, values: ["yes"]}]
          script: exit 1
        - name: second
          image: i
          results: [{name: x}]
          when: [{input: $(steps.first.results.go), operator: notin, values: ["yes"]}]
          script: |
            printf ran > $(step.results.x.path)
            test "$(cat $(steps.step-skipped.exitCode.path))" = 0
    - name: unwanted
      when: [{input: $(tasks.decide.results.color), operator: notin, values: [blue]}]
      taskSpec: {steps: [{name: s, image: i, script: exit 1}]}
    - name: ordered-after-skipped
      runAfter: [unwanted]
      taskSpec: {steps: [{name: s, image: i, script: exit 0}]}
    results: [{name: r, value: $(tasks.wanted.results.r)}]
"#;
    env.run(run, &["--jobs", "1"]).ok();
    assert_eq!(env.ended("guards"), "True/Completed");
    assert_eq!(env.results("guards")["r"], "ran");
    let steps: Vec<String> = env.task_runs("guards")["wanted"]["status"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| format!("{} {}", text(&s["name"]), text(&s["terminationReason"])))
        .collect();
    assert_eq!(steps, ["first Completed", "skipped Skipped", "second Completed"]);
    insta::assert_snapshot!(told(&env, "guards").join("\n"), @"
    run-started
    task-started decide
    task-finished decide
    task-skipped unwanted
    task-started wanted
    task-finished wanted
    task-started ordered-after-skipped
    task-finished ordered-after-skipped
    run-finished
    ");
}

#[test]
fn finally_tasks_see_how_the_others_ended() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: ends}
spec:
  pipelineSpec:
    tasks:
    - {name: good, taskSpec: {results: [{name: r}], steps: [{name: s, image: i, script: "printf value > $(results.r.path)"}]}}
    - {name: bad, runAfter: [good], taskSpec: {steps: [{name: s, image: i, script: "echo the reason; exit 7"}]}}
    - {name: never, runAfter: [bad], taskSpec: {steps: [{name: s, image: i, script: "exit 0"}]}}
    finally:
    - name: report
      params:
      - {name: all, value: "$(tasks.good.status) $(tasks.bad.status) $(tasks.never.status) $(tasks.status) $(tasks.bad.reason)"}
      - {name: r, value: $(tasks.good.results.r)}
      taskSpec:
        params: [{name: all}, {name: r}]
        results: [{name: seen}]
        steps: [{name: s, image: i, script: "printf '%s' '$(params.all) $(params.r)' > $(results.seen.path)"}]
    results: [{name: seen, value: $(finally.report.results.seen)}]
"#;
        let outcome = env.run(run, &[]).code(1);
        assert_eq!(env.results("ends")["seen"], "Succeeded Failed None Failed StepFailed value");
        insta::allow_duplicates! {
            insta::assert_snapshot!(env.filtered(&outcome.stderr), @r#"
            run ends
            > good      started
            ✓ good      done [TIME]
            > bad       started
            ✗ bad       failed [TIME]  "step-s" exited with code 7: Error
                | the reason
                log:   sw logs ends bad s
                again: sw run run.yaml --image '*=host'
            - never     skipped  PipelineRun was stopping
            > report    started
            ✓ report    done [TIME]
            Failed: Tasks Completed: 3 (Failed: 1, Cancelled 0), Skipped: 1
            to go on with what is not finished: sw run --resume last
            "#);
            insta::assert_snapshot!(outcome.stdout, @"seen: Succeeded Failed None Failed StepFailed value");
        }
    });
}

#[test]
fn retries_start_afresh_and_count() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: again}
spec:
  workspaces: [{name: kept, volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}]
  pipelineSpec:
    workspaces: [{name: kept}]
    tasks:
    - name: flaky
      retries: 2
      workspaces: [{name: kept}]
      taskSpec:
        workspaces: [{name: kept}]
        results: [{name: r}]
        steps:
        - name: s
          image: i
          script: |
            echo attempt $(context.task.retry-count)
            test ! -e /workspace/file && touch /workspace/file
            echo x >> $(workspaces.kept.path)/log
            wc -l < $(workspaces.kept.path)/log > $(results.r.path)
            test $(context.task.retry-count) = 2
    results: [{name: r, value: $(tasks.flaky.results.r)}]
"#;
    env.run(run, &[]).ok();
    assert_eq!(env.results("again")["r"], "3\n");
    let flaky = &env.task_runs("again")["flaky"];
    assert_eq!(flaky["status"]["retriesStatus"].as_array().unwrap().len(), 2);
    insta::assert_snapshot!(told(&env, "again").join("\n"), @"
    run-started
    task-started flaky
    task-retried flaky
    task-started flaky
    task-retried flaky
    task-started flaky
    task-finished flaky
    run-finished
    ");
    // Every attempt has its log.
    let logs = env.call(&["logs", "again", "flaky"]).ok().stdout;
    insta::assert_snapshot!(logs, @"
    ==> flaky / s <==
    attempt 0
    ==> flaky / s, attempt 2 <==
    attempt 1
    ==> flaky / s, attempt 3 <==
    attempt 2
    ");
    assert_eq!(env.call(&["logs", "again", "flaky", "s"]).ok().stdout, logs);
}

#[test]
fn a_step_that_may_fail() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: may-fail}
spec:
  taskSpec:
    results: [{name: code}]
    steps:
    - {name: fails, image: i, onError: continue, script: exit 42}
    - {name: reads, image: i, script: "cat $(steps.step-fails.exitCode.path) > $(results.code.path)"}
    - {name: killed, image: i, onError: continue, script: "kill -9 $$"}
"#;
        env.run(run, &[]).ok();
        assert_eq!(env.results("may-fail")["code"], "42");
        let steps = &env.finished("may-fail")["status"]["steps"];
        assert_eq!(steps[0]["terminationReason"], "Continued");
        assert_eq!(steps[0]["terminated"]["exitCode"], 42);
        assert_eq!(
            steps[2]["terminationReason"], "Completed",
            "the first process of a container cannot kill itself"
        );
    });
}

/// Two tasks, each waiting until the other one has begun.
const MEETING: &str = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: meeting}
spec:
  timeouts: {pipeline: 30s}
  workspaces: [{name: w, volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}]
  pipelineSpec:
    workspaces: [{name: w}]
    tasks:
    - {name: a, workspaces: [{name: w}], taskRef: {name: meet}, params: [{name: me, value: a}, {name: other, value: b}]}
    - {name: b, workspaces: [{name: w}], taskRef: {name: meet}, params: [{name: me, value: b}, {name: other, value: a}]}
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: meet}
spec:
  params: [{name: me}, {name: other}]
  workspaces: [{name: w}]
  steps:
  - name: s
    image: i
    script: |
      cd $(workspaces.w.path); touch $(params.me)
      until test -e $(params.other); do sleep 0.02; done
"#;

#[test]
fn tasks_run_at_the_same_time() {
    let Some(env) = TestEnv::new() else { return };
    env.run(MEETING, &["--jobs", "2"]).ok();
}

#[test]
fn one_job_runs_one_task_at_a_time() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: queue}
spec:
  pipelineSpec:
    tasks:
    - {name: a, taskSpec: {steps: [{name: s, image: i, script: "sleep 0.05"}]}}
    - {name: b, taskSpec: {steps: [{name: s, image: i, script: "sleep 0.05"}]}}
    - {name: c, taskSpec: {steps: [{name: s, image: i, script: "sleep 0.05"}]}}
"#;
    env.run(run, &["-j", "1"]).ok();
    assert_eq!(
        told(&env, "queue"),
        [
            "run-started",
            "task-started a",
            "task-finished a",
            "task-started b",
            "task-finished b",
            "task-started c",
            "task-finished c",
            "run-finished"
        ]
    );
}

#[test]
fn a_hundred_tasks_at_once() {
    let Some(env) = TestEnv::new() else { return };
    let mut run = "
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: hundred}
spec:
  pipelineSpec:
    tasks:
"
    .to_owned();
    for i in 0..100 {
        let spec = format!(
            "{{results: [{{name: r}}], steps: [{{name: s, image: i, script: 'echo line {i}; printf {i} > $(results.r.path)'}}]}}"
        );
        writeln!(run, "    - {{name: task-{i}, taskSpec: {spec}}}").unwrap();
    }
    env.run(&run, &["--jobs", "100"]).ok();
    let all = env.task_runs("hundred");
    assert_eq!(all.len(), 100);
    for i in 0..100 {
        assert_eq!(results(&all[&format!("task-{i}")])["r"], i.to_string());
        let log = env.run_file("hundred", &format!("logs/task-{i}/s.log"));
        assert_eq!(std::fs::read_to_string(log).unwrap(), format!("line {i}\n"));
    }
    env.assert_nothing_left();
}

#[test]
fn fifty_steps_in_order() {
    let Some(env) = TestEnv::new() else { return };
    let mut run = "
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: fifty}
spec:
  taskSpec:
    results: [{name: order}]
    steps:
"
    .to_owned();
    for i in 0..50 {
        writeln!(
            run,
            "    - {{name: step-{i}, image: i, script: 'printf \"{i} \" >> $(results.order.path)'}}"
        )
        .unwrap();
    }
    env.run(&run, &[]).ok();
    let expected: String = (0..50).map(|i| format!("{i} ")).collect();
    assert_eq!(env.results("fifty")["order"], expected);
}

#[test]
fn a_matrix_runs_every_combination() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: matrix}
spec:
  pipelineSpec:
    tasks:
    - name: build
      matrix: {params: [{name: os, value: [fcos, scos]}, {name: arch, value: [amd64, arm64]}]}
      taskSpec:
        params: [{name: os}, {name: arch}]
        results: [{name: r}]
        steps: [{name: s, image: i, script: "printf '$(params.os)/$(params.arch)' | tee $(results.r.path)"}]
    - name: sum
      params: [{name: all, value: ["$(tasks.build.results.r[*])"]}]
      taskSpec:
        params: [{name: all, type: array}]
        results: [{name: r}]
        steps: [{name: s, image: i, args: ["$(params.all[*])"], script: "printf '%s ' \"$@\" > $(results.r.path)"}]
    results: [{name: r, value: $(tasks.sum.results.r)}]
"#;
    env.run(run, &[]).ok();
    assert_eq!(env.results("matrix")["r"], "fcos/amd64 scos/amd64 fcos/arm64 scos/arm64 ");
    // Each child has its log, told apart by its number.
    assert_eq!(env.call(&["logs", "matrix", "build-2", "s"]).ok().stdout, "fcos/arm64");
}

/// A name of 63 characters, the longest there is, in a place with a long path: sockets of runtimes have short names only.
#[test]
fn long_names() {
    each_runtime(|env| {
        let name = "n".repeat(63);
        let step = "s".repeat(50);
        let run = format!(
            "
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {{name: {name}}}
spec:
  taskSpec:
    sidecars: [{{name: {step}, image: i, script: 'sleep 60', readinessProbe: {{exec: {{command: ['true']}}}}}}]
    steps: [{{name: {step}, image: i, script: 'echo long'}}]
"
        );
        env.run(&run, &[]).ok();
        assert_eq!(env.call(&["logs", &name, &name, &step]).ok().stdout, "long\n");
    });
}
