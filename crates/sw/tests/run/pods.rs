//! What a run says about its pods: names, network, devices, tokens; and what of it has no meaning here.

use crate::env::{TestEnv, each_runtime};

#[test]
fn names_network_devices_and_tokens() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: pod, annotations: {experimental.tekton.dev/execution-mode: hermetic}}
spec:
  podTemplate:
    hostAliases: [{ip: 192.0.2.8, hostnames: [db, db.local]}]
    dnsPolicy: None
    dnsConfig: {nameservers: [192.0.2.1], options: [{name: ndots, value: "2"}]}
    nodeSelector: {a: b}
    tolerations: [{key: x}]
    priorityClassName: high
    runtimeClassName: kata
    hostUsers: false
  taskSpec:
    volumes:
    - name: token
      projected: {sources: [{serviceAccountToken: {path: t, audience: vault, expirationSeconds: 600}}]}
    steps:
    - name: plain
      image: i
      volumeMounts: [{name: token, mountPath: /token}]
      computeResources: {limits: {example.com/gpu: "1"}}
      script: |
        grep -q '^192.0.2.8.db.db.local$' /etc/hosts
        test "$(getent hosts pod-pod)"
        test "$(cat /etc/resolv.conf)" = "nameserver 192.0.2.1
        options ndots:2"
        test $TEKTON_HERMETIC = 1
        test "$(ls /sys/class/net >/dev/null; sed 1,2d /proc/net/dev | tr -d ' ' | cut -d: -f1)" = lo
        python3 -c 'import socket
        s = socket.create_server(("127.0.0.1", 0)); socket.create_connection(s.getsockname(), 5)'
        cut -d. -f2 /token/t | tr _- /+ | sed 's/$/==/' | base64 -di | grep -q '"aud":."vault"'
        echo added >> /etc/hosts
        ls /dev > /workspace/plain
    - name: privileged
      image: i
      securityContext: {privileged: true}
      script: |
        grep -q added /etc/hosts
        ls /dev > /workspace/privileged
        test $(wc -l < /workspace/privileged) -ge $(wc -l < /workspace/plain)
        test ! -e /dev/fuse -o $(stat -c %t /dev/fuse) = a
"#;
        let told = env.run(run, &[]).ok().stderr;
        assert!(told.contains("pod/step-plain: example.com/gpu is asked for"), "{told}");
        let hosts = std::fs::read_to_string("/etc/hosts").unwrap();
        assert!(!hosts.contains("added"), "the machine's own file");
    });
}

#[test]
fn a_pod_that_cannot_be_made_says_why() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: pod}
spec:
  podTemplate: {hostAliases: [{ip: nowhere, hostnames: [db]}]}
  taskSpec: {steps: [{name: s, image: i, script: exit 0}]}
"#;
    env.run(run, &[]).code(1);
    let condition = &env.finished("pod")["status"]["conditions"][0];
    assert_eq!(condition["reason"], "PodCreationFailed");
    assert_eq!(condition["message"], r#"podTemplate.hostAliases: "nowhere" is not an IP address"#);
}

#[test]
fn what_has_no_meaning_here_is_said_before_the_run() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: odd}
spec:
  managedBy: example.com/other
  debug: {breakpoints: {onFailure: enabled, beforeSteps: [s]}}
  stepSpecs: [{name: s, computeResources: {requests: {memory: 1Mi}}}]
  taskSpec: {steps: [{name: s, image: i, script: exit 0}]}
"#;
    let told = env.run(run, &[]).ok().stderr;
    for part in ["run.yaml:6:14", "managed by example.com/other", "breakpoints have no effect here"] {
        assert!(told.contains(part), "{told}");
    }
    let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: custom}
spec:
  pipelineSpec:
    tasks:
    - {name: first, taskSpec: {steps: [{name: s, image: i, script: exit 0}]}}
    - {name: second, taskRef: {apiVersion: example.dev/v1, kind: Wait, name: w}}
    - {name: third, pipelineSpec: {tasks: [{name: in, taskSpec: {apiVersion: example.dev/v1, kind: Loop, spec: {}}}]}}
"#;
    let told = env.run(run, &[]).code(2).stderr;
    for part in
        ["run.yaml:9:", "Wait of example.dev/v1 is a custom task", "run.yaml:10:", "Loop of example.dev/v1"]
    {
        assert!(told.contains(part), "{told}");
    }
    let pending = run.replacen("spec:\n", "spec:\n  status: PipelineRunPending\n", 1);
    let told = env.run(&pending, &[]).code(2).stderr;
    assert!(told.contains("remove the field to run it now"), "{told}");
    assert_eq!(env.runs(), ["odd"]);
}

#[test]
fn a_task_run_that_is_cancelled_already_does_not_start() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: over}
spec:
  status: TaskRunCancelled
  statusMessage: Not today.
  retries: 2
  taskSpec: {steps: [{name: s, image: i, script: exit 0}]}
"#;
    env.run(run, &[]).code(130);
    let status = &env.finished("over")["status"];
    assert_eq!(status["conditions"][0]["message"], "TaskRun \"over\" was cancelled. Not today.");
    assert!(status["steps"].is_null() && status["retriesStatus"].is_null(), "{status}");
}

#[test]
fn an_image_that_must_not_be_pulled_is_not() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: never}
spec:
  taskSpec: {steps: [{name: s, image: "127.0.0.1:1/absent:v1", imagePullPolicy: Never, script: exit 0}]}
"#;
    env.write("never.yaml", run);
    let told = env.call(&["run", "never.yaml"]).code(1).stderr;
    assert!(told.contains("it is not in the local store, and imagePullPolicy is Never"), "{told}");
    assert_eq!(env.ended("never"), "False/TaskRunImagePullFailed");
}
