//! Artifacts of steps and tasks, and what a step cannot make the engine read or write by them.

use serde_json::json;

use crate::env::TestEnv;

#[test]
fn artifacts_are_passed_on_and_shown() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: parts}
spec:
  pipelineSpec:
    tasks:
    - name: make
      taskSpec:
        steps:
        - name: first
          image: i
          script: |
            printf '{"outputs": [{"name": "image", "buildOutput": true, "values": [{"uri": "a"}]}]}' > $(step.artifacts.path)
            printf '{"inputs": [{"name": "src", "values": [{"uri": "s"}]}], "by": "me"}' > $(artifacts.path)
        - name: second
          image: i
          env: [{name: IMAGE, value: $(steps.first.outputs.image)}]
          script: |
            test "$IMAGE" = '[{"uri":"a"}]' -a '$(steps.first.outputs.image)' = "$IMAGE"
            printf '{"outputs": [{"name": "image", "values": [{"uri": "a"}, {"uri": "b"}]}]}' > $(artifacts.path)
    - name: "use"
      runAfter: [make]
      taskSpec:
        results: [{name: seen}]
        steps:
        - name: s
          image: i
          script: printf %s '$(tasks.make.outputs) $(tasks.make.outputs.image) $(tasks.make.inputs.src)' > $(results.seen.path)
    results: [{name: seen, value: $(tasks.use.results.seen)}]
"#;
    env.run(run, &[]).ok();
    let image = r#"[{"uri":"a"},{"uri":"b"}]"#;
    assert_eq!(env.results("parts")["seen"], format!(r#"{image} {image} [{{"uri":"s"}}]"#));
    let status = &env.task_runs("parts")["make"]["status"];
    let values = json!([{"uri": "a"}, {"uri": "b"}]);
    assert_eq!(
        status["artifacts"],
        json!({
            "inputs": [{"name": "src", "values": [{"uri": "s"}]}],
            "outputs": [{"name": "image", "buildOutput": true, "values": values}],
        })
    );
    let first = json!([{"name": "image", "buildOutput": true, "values": [{"uri": "a"}]}]);
    assert_eq!(status["steps"][0]["outputs"], first);
    assert!(status["steps"][1]["outputs"].is_null());
}

#[test]
fn what_is_no_artifact_is_told_and_not_passed_on() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: bad}
spec:
  taskSpec: {steps: [{name: s, image: i, script: 'echo "{" > $(step.artifacts.path)'}]}
"#;
    let told = env.run(run, &[]).ok().stderr;
    assert!(told.contains("bad/s: its artifacts are not used: provenance.json: EOF while parsing"), "{told}");
    assert!(env.finished("bad")["status"]["artifacts"].is_null());
}

#[test]
fn links_in_the_place_of_folders_lead_nowhere() {
    let Some(env) = TestEnv::new() else { return };
    let (secret, victim) = (env.write("outside/r", "secret"), env.path("outside/victim"));
    env.write("outside/provenance.json", r#"{"outputs": [{"name": "secret"}]}"#);
    let run = format!(
        r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {{name: links}}
spec:
  taskSpec:
    steps:
    - name: s
      image: i
      results: [{{name: r}}]
      script: |
        cd /tekton/run/0/status
        rm -r results artifacts
        ln -s {outside} results
        ln -s {outside} artifacts
        ln -s {victim} exitCode
"#,
        outside = secret.parent().unwrap().display(),
        victim = victim.display()
    );
    env.run(&run, &[]).ok();
    let step = &env.finished("links")["status"]["steps"][0];
    assert!(step["results"].is_null() && step["outputs"].is_null(), "{step}");
    assert!(!victim.exists());
}
