//! How the cluster is configured that a run is for.

use crate::env::TestEnv;

const TASK: &str = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run}
spec:
  taskSpec:
    workspaces: [{name: scratch}]
    results: [{name: long}]
    steps:
    - name: fill
      image: i
      script: |
        touch $(workspaces.scratch.path)/file
        head -c 5000 /dev/zero | tr '\0' x > $(results.long.path)
"#;

const BINDING: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: config-defaults}
data: {default-task-run-workspace-binding: 'emptyDir: {}'}
---";

#[test]
fn a_default_binding_stands_in_for_a_missing_one() {
    let Some(env) = TestEnv::new() else { return };
    let refused = env.run(TASK, &[]).code(2);
    assert!(refused.stderr.contains("workspace `scratch` is not bound"), "{}", refused.stderr);
    env.run(&format!("{BINDING}{TASK}"), &[]).ok();
}

#[test]
fn results_too_large_for_a_cluster_give_one_warning_and_a_green_run() {
    let Some(env) = TestEnv::new() else { return };
    let flags = |results: &str| {
        format!(
            "{BINDING}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: feature-flags}}\ndata: {{results-from: {results}}}\n---{TASK}"
        )
    };
    let warning = "a cluster takes 4096 from each of the 3 containers of this pod";
    let told = env.run(&flags("termination-message"), &[]).ok().stderr;
    assert_eq!(told.matches(warning).count(), 1, "{told}");
    let told = env.run(&flags("sidecar-logs, max-result-size: '8192'"), &[]).ok().stderr;
    assert!(!told.contains("takes"), "{told}");
}

#[test]
fn flags_decide_what_is_let_in() {
    let Some(env) = TestEnv::new() else { return };
    let flags = "
apiVersion: v1
kind: ConfigMap
metadata: {name: feature-flags}
data: {enable-api-fields: stable, max-result-size: huge}
---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec: {pipelineSpec: {tasks: [{name: t, onError: continue, taskSpec: {steps: [{image: i, script: 'true'}]}}]}}
";
    let told = env.run(flags, &[]).code(2).stderr;
    assert!(told.contains("feature flag max-result-size is `huge`"), "{told}");
    let told = env.run(&flags.replace(", max-result-size: huge", ""), &[]).code(2).stderr;
    assert!(told.contains("OnError requires \"enable-api-fields\" feature gate"), "{told}");
}
