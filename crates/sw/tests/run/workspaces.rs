//! Folders that steps share.

use std::fs;

use crate::env::{TestEnv, each_runtime, text};

#[test]
fn steps_share_a_workspace_and_a_later_run_does_not_see_it() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {generateName: shared-}
spec:
  workspaces: [{name: data, emptyDir: {}}, {name: fast, emptyDir: {medium: Memory}}]
  taskSpec:
    workspaces: [{name: data}, {name: fast, mountPath: /fast}, {name: unbound, optional: true}]
    volumes: [{name: plain}]
    stepTemplate: {volumeMounts: [{name: plain, mountPath: /plain}]}
    results: [{name: seen}]
    steps:
    - name: write
      image: i
      script: |
        touch /plain/file
        test "$(workspaces.data.path)" = /workspace/data
        test ! -e /workspace/data/file
        echo content > /workspace/data/file
        echo implicit > /workspace/other
        echo quick > $(workspaces.fast.path)/file
        grep ' /fast ' /proc/mounts | grep tmpfs
    - name: read
      image: i
      script: |
        printf '%s' "$(cat /workspace/data/file) $(cat /workspace/other) $(workspaces.data.bound)" > $(results.seen.path)
        printf ' %s' "$(workspaces.unbound.bound)[$(workspaces.unbound.path)]" >> $(results.seen.path)
        test ! -e /workspace/unbound
        test -e /plain/file
        test "$(cat /fast/file)" = quick
"#;
        for _ in 0..2 {
            env.run(run, &[]).ok();
        }
        for run in env.runs() {
            assert_eq!(env.results(&run)["seen"], "content implicit true false[]");
        }
    });
}

const FOLDER: &str = r#"
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: folder}
spec:
  workspaces: [{name: source}, {name: out}]
  results: [{name: seen}]
  steps:
  - name: s
    image: i
    script: |
      cp $(workspaces.source.path)/given $(workspaces.out.path)/copy
      if ! touch $(workspaces.source.path)/mine 2> $(results.seen.path); then exit 0; fi
      printf writable > $(results.seen.path)
"#;

#[test]
fn folders_of_this_machine_as_workspaces() {
    each_runtime(|env| {
        env.write("source/given", "content");
        let out = env.folder("out");
        let seen = || {
            let run = env.runs().pop().unwrap();
            let seen = env.results(&run)["seen"].clone();
            fs::remove_dir_all(env.run_file(&run, "")).unwrap();
            seen
        };
        env.run(FOLDER, &["--workspace", "source=source:ro", "-w", "out=out"]).ok();
        assert!(seen().contains("Read-only file system"));
        assert_eq!(fs::read_to_string(out.join("copy")).unwrap(), "content");
        assert!(!env.path("source/mine").exists());

        env.run(FOLDER, &["-w", "source=source", "-w", "out=out"]).ok();
        assert_eq!(seen(), "writable");
        assert!(env.path("source/mine").exists());
    });
}

#[test]
fn a_part_of_a_folder_is_only_shown() {
    each_runtime(|env| {
        env.write("shared/keep", "precious");
        env.write("shared/below/old", "precious");
        let run = r#"
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: part}
spec:
  workspaces: [{name: shared}]
  tasks:
  - name: t
    workspaces: [{name: w, workspace: shared, subPath: below}]
    taskSpec:
      workspaces: [{name: w}]
      steps:
      - {name: one, image: i, script: "test -e /workspace/w/old; test ! -e /workspace/w/keep; touch /workspace/w/new"}
      - {name: two, image: i, script: "test -e /workspace/w/new; exit 1"}
"#;
        env.run(run, &["-w", "shared=shared"]).code(1);
        env.assert_nothing_left();
        // The run's own folders are gone, and nothing of what was shown in them.
        for file in ["shared/keep", "shared/below/old"] {
            assert_eq!(fs::read_to_string(env.path(file)).unwrap(), "precious");
        }
        assert!(env.path("shared/below/new").exists());
    });
}

#[test]
fn a_claim_template_is_shared_by_the_tasks_of_one_run() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {generateName: claim-}
spec:
  workspaces:
  - name: shared
    volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
  pipelineSpec:
    workspaces: [{name: shared}]
    tasks:
    - name: write
      workspaces: [{name: w, workspace: shared, subPath: below/here}]
      taskSpec:
        workspaces: [{name: w}]
        steps: [{image: i, script: "test -z \"$(ls -A /workspace/w)\"; echo one > /workspace/w/file"}]
    - name: read
      runAfter: [write]
      workspaces: [{name: w, workspace: shared}]
      taskSpec:
        workspaces: [{name: w}]
        results: [{name: seen}]
        steps: [{image: i, script: "cat /workspace/w/below/here/file > $(results.seen.path)"}]
    results: [{name: seen, value: $(tasks.read.results.seen)}]
"#;
    // The second run starts from an empty claim again.
    for _ in 0..2 {
        env.run(run, &[]).ok();
    }
    for run in env.runs() {
        assert_eq!(env.results(&run)["seen"], "one\n");
    }
    env.assert_nothing_left();
}

#[test]
fn a_named_claim_keeps_its_content_between_runs() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: keep}
spec:
  workspaces: [{name: w, persistentVolumeClaim: {claimName: cache}}]
  taskSpec:
    workspaces: [{name: w}]
    results: [{name: count}]
    steps: [{image: i, script: "echo x >> $(workspaces.w.path)/log; wc -l < $(workspaces.w.path)/log > $(results.count.path)"}]
"#;
    for count in ["1", "2", "3"] {
        env.run(run, &[]).ok();
        let run = if count == "1" { "keep".to_owned() } else { format!("keep-{count}") };
        assert_eq!(env.results(&run)["count"].trim(), count, "a name that was run before gets a number");
    }
}

#[test]
fn config_maps_and_secrets_as_files() {
    each_runtime(|env| {
        let run = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a.conf: "color=blue\n", b.conf: "other"}
binaryData: {raw: AP8B}
---
apiVersion: v1
kind: Secret
metadata: {name: credentials}
data: {user: bWU=}
stringData: {password: "p4ss-as-file"}
---
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: files}
spec:
  workspaces:
  - {name: settings, configMap: {name: settings, items: [{key: a.conf, path: deep/renamed}, {key: raw, path: raw}]}}
  - {name: credentials, secret: {secretName: credentials, defaultMode: 0400}}
  taskSpec:
    workspaces: [{name: settings}, {name: credentials}]
    volumes:
    - {name: all, projected: {sources: [{configMap: {name: settings}}, {secret: {name: credentials}}]}}
    - {name: absent, configMap: {name: not-there, optional: true}}
    results: [{name: seen}]
    steps:
    - name: s
      image: i
      volumeMounts: [{name: all, mountPath: /all}, {name: absent, mountPath: /absent}]
      script: |
        set -eu
        cd $(workspaces.credentials.path)
        {
          ls $(workspaces.settings.path); cat $(workspaces.settings.path)/deep/renamed
          od -An -tx1 $(workspaces.settings.path)/raw
          stat -c '%a' user; cat user; echo
          ls /all; ls /absent | wc -l
          touch user 2>&1 || true
        } > $(results.seen.path)
        test "$(cat password)" = p4ss-as-file
"#;
        env.run(run, &[]).ok();
        insta::allow_duplicates! {
            insta::assert_snapshot!(env.results("files")["seen"], @"
            deep
            raw
            color=blue
             00 ff 01
            400
            me
            a.conf
            b.conf
            password
            raw
            user
            0
            touch: cannot touch 'user': Read-only file system
            ");
        }
    });
}

#[test]
fn a_link_left_in_a_volume_leads_nowhere() {
    each_runtime(|env| {
        env.write("outside/secret", "not for steps");
        let run = format!(
            r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: links}}
spec:
  workspaces:
  - {{name: shared, volumeClaimTemplate: {{spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}}}}}
  pipelineSpec:
    workspaces: [{{name: shared}}]
    tasks:
    - name: lay
      workspaces: [{{name: w, workspace: shared}}]
      taskSpec:
        workspaces: [{{name: w}}]
        results: [{{name: linked}}]
        steps:
        - image: i
          script: |
            ln -s {outside} /workspace/w/trap
            ln -s {outside}/secret $(results.linked.path)
    - name: follow
      runAfter: [lay]
      workspaces: [{{name: w, workspace: shared, subPath: trap}}]
      taskSpec:
        workspaces: [{{name: w}}]
        steps: [{{image: i, script: "cat /workspace/w/secret; touch /workspace/w/mark"}}]
"#,
            outside = env.path("outside").display()
        );
        env.run(&run, &[]).code(1);
        let lay = &env.task_runs("links")["lay"];
        assert_eq!(
            lay["status"]["results"],
            serde_json::Value::Null,
            "a result that is a link counts as missing"
        );
        let follow = text(&env.task_runs("links")["follow"]["status"]);
        assert!(!follow.contains("not for steps"), "{follow}");
        assert!(!env.path("outside/mark").exists());
        let log = fs::read_to_string(env.run_file("links", "logs/follow/unnamed-0.log")).unwrap_or_default();
        assert!(!log.contains("not for steps"), "{log}");
        let message = text(&env.finished("links")["status"]["conditions"][0]["message"]);
        assert!(message.contains("Failed: 1"), "{message}");
    });
}
