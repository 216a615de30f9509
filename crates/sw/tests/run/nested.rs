//! Pipelines in pipelines.

use serde_json::Value;

use crate::env::{TestEnv, ended, read_json, text};

/// Two levels of pipelines; what the innermost task does is left open.
fn nest(script: &str) -> String {
    format!(
        r#"
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {{name: inner}}
spec:
  params: [{{name: word}}]
  workspaces: [{{name: x}}]
  tasks:
  - name: deep
    taskSpec: {{steps: [{{name: s, image: i, script: '{script}'}}]}}
  - name: unwanted
    when: [{{input: a, operator: in, values: [b]}}]
    taskSpec: {{steps: [{{name: s, image: i, script: exit 1}}]}}
---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: nest}}
spec:
  params: [{{name: p, value: hel}}]
  workspaces: [{{name: w, emptyDir: {{}}}}, {{name: v, volumeClaimTemplate: {{spec: {{accessModes: [ReadWriteOnce]}}}}}}]
  pipelineSpec:
    workspaces: [{{name: v}}]
    tasks:
    - name: outer
      params: [{{name: q, value: $(params.p)lo}}]
      workspaces: [{{name: z, workspace: v}}]
      pipelineSpec:
        params: [{{name: q}}]
        workspaces: [{{name: z}}]
        tasks:
        - name: one
          taskSpec: {{steps: [{{name: s, image: i, script: 'echo $(params.q) > $(workspaces.z.path)/f'}}]}}
        - name: mid
          runAfter: [one]
          params: [{{name: word, value: $(params.q)}}]
          workspaces: [{{name: x, workspace: z}}]
          pipelineRef: {{name: inner}}
    - name: after
      runAfter: [outer]
      taskSpec: {{steps: [{{name: s, image: i, script: exit 0}}]}}
"#
    )
}

fn told(env: &TestEnv) -> String {
    let line = |e: &Value| {
        let event = &e["event"];
        format!("{} {}", text(&event["type"]), event["task"].as_str().unwrap_or("-"))
    };
    let lines: Vec<String> = env.events("nest").iter().map(line).collect();
    lines.into_iter().filter(|line| !line.starts_with("step-")).collect::<Vec<_>>().join("\n")
}

#[test]
fn params_workspaces_names_and_logs_reach_the_innermost_task() {
    let Some(env) = TestEnv::new() else { return };
    // With one job nothing may hold it but tasks that run.
    let run = nest("cat $(workspaces.x.path)/f; echo $(params.word)");
    let yaml = env.run(&run, &["--jobs", "1", "-o", "yaml"]).ok().stdout;
    let names = yaml.lines().filter_map(|l| l.strip_prefix("  name: nest")).collect::<Vec<_>>();
    assert_eq!(names, ["", "-outer", "-outer-one", "-outer-mid", "-outer-mid-deep", "-after"]);
    assert_eq!(env.ended("nest"), "True/Succeeded");
    let child = &env.finished("nest")["status"]["childReferences"][0];
    assert_eq!((text(&child["kind"]), text(&child["name"])), ("PipelineRun".into(), "nest-outer".into()));
    let mid = read_json(&env.run_file("nest", "pipelineruns/nest-outer-mid.json"));
    assert_eq!(ended(&mid), "True/Completed");
    let labels = &mid["metadata"]["labels"];
    assert_eq!(text(&labels["tekton.dev/pipeline"]), "inner");
    assert_eq!(text(&labels["tekton.dev/pipelineRun"]), "nest-outer");
    assert_eq!(env.call(&["logs", "nest", "outer/mid/deep", "s"]).ok().stdout, "hello\nhello\n");
    let all = env.call(&["logs", "nest", "outer"]).ok().stdout;
    assert_eq!(all, "==> outer/one / s <==\n==> outer/mid/deep / s <==\nhello\nhello\n");
    assert!(env.call(&["runs"]).ok().stdout.contains(" 5/6 "));
    insta::assert_snapshot!(told(&env), @"
    run-started -
    pipeline-started outer
    task-started outer/one
    task-finished outer/one
    pipeline-started outer/mid
    task-skipped outer/mid/unwanted
    task-started outer/mid/deep
    task-finished outer/mid/deep
    task-finished outer/mid
    task-finished outer
    task-started after
    task-finished after
    run-finished -
    ");
}

#[test]
fn a_failure_inside_fails_the_task_around_it() {
    let Some(env) = TestEnv::new() else { return };
    let failed = env.run(&nest("exit 3"), &[]).code(1);
    assert!(failed.stderr.contains("sw logs nest outer/mid/deep s"), "{}", failed.stderr);
    assert_eq!(env.ended("nest"), "False/Failed");
    let skipped = &env.finished("nest")["status"]["skippedTasks"][0];
    assert_eq!(
        (text(&skipped["name"]), text(&skipped["reason"])),
        ("after".into(), "PipelineRun was stopping".into())
    );
}

#[test]
fn a_timeout_outside_ends_the_tasks_inside() {
    let Some(env) = TestEnv::new() else { return };
    let run = nest("sleep 100").replacen(
        "spec:\n  params: [{name: p",
        "spec:\n  timeouts: {pipeline: 1s}\n  params: [{name: p",
        1,
    );
    env.run(&run, &[]).code(1);
    assert_eq!(env.ended("nest"), "False/PipelineRunTimeout");
    // How far it came is a matter of the machine; that it did not go on is not.
    let outer = read_json(&env.run_file("nest", "pipelineruns/nest-outer.json"));
    assert_eq!(ended(&outer), "False/Cancelled");
    env.assert_nothing_left();
}

#[test]
fn a_name_that_is_taken_is_not_run_over_another_run() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: twice}
spec:
  pipelineSpec:
    tasks:
    - name: a-b
      taskSpec: {steps: [{name: s, image: i, script: exit 0}]}
    - name: a
      runAfter: [a-b]
      pipelineSpec:
        tasks: [{name: b, taskSpec: {steps: [{name: s, image: i, script: exit 0}]}}]
"#;
    let failed = env.run(run, &[]).code(1);
    assert!(failed.stderr.contains(r#"taskruns.tekton.dev "twice-a-b" already exists"#), "{}", failed.stderr);
}
