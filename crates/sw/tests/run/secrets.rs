//! Values of secrets are hidden in all that is shown.

use std::fs;

use crate::env::TestEnv;

const LEAKY: &str = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: leaky}
spec:
  pipelineSpec:
    results: [{name: leaked, value: "$(tasks.tell.results.leaked)"}]
    tasks:
    - name: tell
      taskSpec:
        results: [{name: leaked}]
        steps:
        - name: s
          image: i
          env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: token}}}]
          script: |
            printf '%s' "it is ${TOKEN%%-*}"
            sleep 0.05
            echo "-${TOKEN#*-}, twice: $TOKEN"
            printf '%s' "$TOKEN" | base64
            printf '%s' "$TOKEN" > $(results.leaked.path)
    - name: use
      params: [{name: p, value: "$(tasks.tell.results.leaked)"}]
      taskSpec:
        params: [{name: p}]
        steps: [{name: s, image: i, script: '[ "$(params.p)" = opensesame-12345 ]'}]
---
{apiVersion: v1, kind: Secret, metadata: {name: token}, stringData: {token: opensesame-12345}}
"#;

#[test]
fn secrets_are_stars_wherever_they_are_shown() {
    let Some(env) = TestEnv::new() else { return };
    let outcome = env.run(LEAKY, &["--logs"]).ok();
    assert_eq!(outcome.stdout, "leaked: ***\n");
    assert!(outcome.stderr.contains("tell/s| it is ***, twice: ***\n"), "{}", outcome.stderr);
    let log = fs::read_to_string(env.run_file("leaky", "logs/tell/s.log")).unwrap();
    assert_eq!(log.lines().next(), Some("it is ***, twice: ***"));
    let json = env.run(LEAKY, &["-o", "json"]).ok();
    let yaml = env.run(LEAKY, &["-o", "yaml"]).ok();
    let journal = fs::read_to_string(env.run_file("leaky", "events.jsonl")).unwrap();
    for shown in [outcome.stderr, log, json.stdout, yaml.stdout, journal] {
        assert!(!shown.contains("opensesame") && !shown.contains("b3BlbnNlc2FtZS0xMjM0N"), "{shown}");
    }
    // The next task got the true value, and it is in the record from which a run goes on.
    assert_eq!(env.results("leaky")["leaked"], "opensesame-12345");
}
