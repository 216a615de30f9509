//! What runs beside the steps.

use std::fs;
use std::net::TcpListener;

use crate::env::{TestEnv, each_runtime, text};

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn steps_wait_for_sidecars_and_sidecars_end_with_them() {
    each_runtime(|env| {
        let out = env.folder("out");
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: beside}
spec:
  workspaces: [{name: out, persistentVolumeClaim: {claimName: folder-out}}]
  taskSpec:
    workspaces: [{name: out}]
    results: [{name: seen}]
    sidecars:
    - name: polite
      image: i
      readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}
      script: |
        trap 'echo stopped > /workspace/out/polite; exit 3' TERM
        sleep 0.3; touch /tmp/ready /workspace/out/ready
        while true; do sleep 0.02; done
    - name: deaf
      image: i
      script: "trap '' TERM; while true; do sleep 0.02; done"
    steps:
    - name: s
      image: i
      script: |
        test -e /workspace/out/ready
        test ! -e /tmp/ready   # files are not shared, only the network
        printf seen > $(results.seen.path)
"#;
        env.run(run, &["-w", "out=out"]).ok();
        assert_eq!(env.results("beside")["seen"], "seen");
        assert_eq!(fs::read_to_string(out.join("polite")).unwrap(), "stopped\n");
        let sidecars = &env.finished("beside")["status"]["sidecars"];
        let ends: Vec<String> = sidecars
            .as_array()
            .unwrap()
            .iter()
            .map(|s| {
                format!("{} {} {}", text(&s["name"]), text(&s["container"]), text(&s["terminated"]["reason"]))
            })
            .collect();
        assert_eq!(ends, ["polite sidecar-polite Completed", "deaf sidecar-deaf Completed"]);
        env.assert_nothing_left();
    });
}

#[test]
fn probes_of_ports_and_pages() {
    each_runtime(|env| {
        let port = free_port();
        // A server that every machine with these tests has: our own registry.
        let run = format!(
            r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {{name: probes}}
spec:
  taskSpec:
    results: [{{name: answer}}]
    sidecars:
    - name: tcp
      image: i
      ports: [{{name: web, containerPort: {port}}}]
      readinessProbe: {{tcpSocket: {{port: web}}}}
      script: "sleep 0.3; exec sw --home /tmp/home registry serve --listen 127.0.0.1:{port}"
    - name: http
      image: i
      startupProbe: {{httpGet: {{path: /v2/, port: {port}}}}}
      script: sleep 60
    steps:
    - name: s
      image: i
      script: |
        #!/bin/bash
        exec 3<> /dev/tcp/127.0.0.1/{port}
        printf 'GET /v2/ HTTP/1.0\r\n\r\n' >&3
        head -n 1 <&3 > $(results.answer.path)
"#
        );
        env.run(&run, &[]).ok();
        assert!(env.results("probes")["answer"].contains("200 OK"), "{:?}", env.results("probes"));
        env.assert_nothing_left();
    });
}

#[test]
fn a_sidecar_that_fails_by_itself_does_not_fail_the_task() {
    let Some(env) = TestEnv::new() else { return };
    let run = |name: &str, step: &str| {
        format!(
            r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {{name: {name}}}
spec:
  taskSpec:
    sidecars: [{{name: weak, image: i, script: "echo cannot; exit 4", readinessProbe: {{exec: {{command: ["false"]}}}}}}]
    steps: [{{name: s, image: i, script: "{step}"}}]
"#
        )
    };
    env.run(&run("fine", "exit 0"), &[]).ok();
    assert_eq!(env.ended("fine"), "True/Succeeded");
    env.run(&run("broken", "sleep 0.2; exit 1"), &[]).code(1);
    assert_eq!(env.ended("broken"), "False/SidecarFailed");
    // Its log is there like a step's.
    assert_eq!(env.call(&["logs", "broken", "broken", "weak"]).ok().stdout, "cannot\n");
}

#[test]
fn a_sidecar_that_never_gets_ready_ends_with_the_task_s_time() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: never}
spec:
  timeout: 5s
  taskSpec:
    sidecars: [{name: slow, image: i, script: "sleep 60", readinessProbe: {exec: {command: ["false"]}}}]
    steps: [{name: s, image: i, script: "exit 0"}]
"#;
    let outcome = env.run(run, &[]).code(1);
    assert_eq!(env.ended("never"), "False/TaskRunTimeout");
    insta::assert_snapshot!(env.filtered(&outcome.stderr), @r#"
    run never
    > never     started
    warning: never: sidecar slow is not ready: false ended with exit status: 1
    ✗ never     failed [TIME]  TaskRun "never" failed to finish within "5s"
    TaskRunTimeout
    "#);
    env.assert_nothing_left();
}
