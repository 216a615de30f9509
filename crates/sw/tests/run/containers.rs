//! What a step finds in its container, and what it cannot do there.

use std::fs;
use std::path::Path;

use crate::env::{TestEnv, each_runtime, text};

#[test]
fn environment_from_objects_templates_and_the_step() {
    each_runtime(|env| {
        let run = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {COLOR: blue, SHARED: from-settings, "not a name": "x"}
---
apiVersion: v1
kind: Secret
metadata: {name: credentials}
stringData: {password: p4ss-in-env, SHARED: from-credentials}
---
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: environment, labels: {team: red}}
spec:
  taskSpec:
    results: [{name: seen}]
    stepTemplate:
      env: [{name: WHO, value: template}, {name: ONLY, value: template}]
      workingDir: below
    steps:
    - name: s
      image: i
      env:
      - {name: WHO, value: step}
      - {name: COMPOSED, value: "$(WHO)-$(COLOR)"}
      - {name: KEY, valueFrom: {secretKeyRef: {name: credentials, key: password}}}
      - {name: ABSENT, valueFrom: {configMapKeyRef: {name: settings, key: nope, optional: true}}}
      - {name: TEAM, valueFrom: {fieldRef: {fieldPath: "metadata.labels['team']"}}}
      - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      envFrom:
      - {prefix: S_, configMapRef: {name: settings}}
      - {configMapRef: {name: settings}}
      - {secretRef: {name: credentials}}
      - {secretRef: {name: no-such, optional: true}}
      script: |
        test "$KEY" = p4ss-in-env
        test "$password" = p4ss-in-env
        test -z "${ABSENT+set}"
        test "$(hostname)" = "$POD"
        echo "$WHO $ONLY $COMPOSED $S_COLOR $SHARED $TEAM $POD $(pwd) HOME=$HOME" > $(results.seen.path)
"#;
        env.run(run, &[]).ok();
        assert_eq!(
            env.results("environment")["seen"],
            "step template step-blue blue from-credentials red environment-pod /workspace/below HOME=/root\n"
        );
    });
}

#[test]
fn secrets_never_reach_the_disk() {
    let Some(env) = TestEnv::new() else { return };
    // While the step runs, everything that a killed run would leave on disk is there.
    let run = r#"
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: s}
  stringData:
    folded: |
      hidden-7f3a
      hidden-7f3a
---
{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t"}, "data": {"key": "aGlkZGVuLTdmM2E="}}
---
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: secrets}
spec:
  workspaces: [{name: out, persistentVolumeClaim: {claimName: out}}]
  taskSpec:
    workspaces: [{name: out}]
    volumes: [{name: v, secret: {secretName: s}}]
    steps:
    - name: s
      image: i
      envFrom: [{secretRef: {name: s}}, {secretRef: {name: t}}]
      volumeMounts: [{name: v, mountPath: /v}]
      script: |
        grep -q 'hidden-7f[0-9]a' /v/folded
        env | grep -c 'hidden-7f[0-9]a' > /workspace/out/begun
        until test -e /workspace/out/go; do sleep 0.02; done
"#;
    env.write("run.yaml", run);
    let running = env.start(&["run", "run.yaml", "--image", "*=host"]);
    let claim = env.home().join("claims/out");
    crate::env::wait_until("the step runs", || claim.join("begun").exists());
    let found = || -> Vec<String> {
        let grep = std::process::Command::new("grep")
            .args(["-rlE", "hidden-7f3a|aGlkZGVuLTdmM2E="])
            .arg(env.home())
            .output()
            .unwrap();
        String::from_utf8(grep.stdout).unwrap().lines().map(str::to_owned).collect()
    };
    let during = found();
    fs::write(claim.join("go"), "").unwrap();
    running.end().ok();
    assert_eq!(during, Vec::<String>::new());
    assert_eq!(found(), Vec::<String>::new());
    insta::assert_snapshot!(fs::read_to_string(env.run_file("secrets", "input.yaml")).unwrap().lines().take(6).collect::<Vec<_>>().join("\n"), @"
    # run.yaml:5
    # secret s is not recorded
    # run.yaml:13
    # secret t is not recorded
    # run.yaml:15
    apiVersion: tekton.dev/v1
    ");
}

#[test]
fn scripts_and_working_directories() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: scripts}
spec:
  taskSpec:
    results: [{name: awk}, {name: sh}, {name: dirs}, {name: out}]
    steps:
    - name: awk
      image: i
      script: |
        #!/usr/bin/awk -f
        BEGIN { printf "%s", 6 * 7 > "$(results.awk.path)" }
    - name: sh-stops-at-the-first-error
      image: i
      onError: continue
      script: |
        printf "%s" "$(( 1 + 1 )) $(echo command) ${HOME} $$" | sed 's/ [0-9]*$/ pid/' > $(results.sh.path)
        false
        printf wrong > $(results.sh.path)
    - name: relative
      image: i
      workingDir: made/for/me
      script: pwd > $(results.dirs.path)
    - name: missing
      image: i
      workingDir: /not/there
      script: pwd >> $(results.dirs.path)
    - name: none
      image: i
      script: pwd >> $(results.dirs.path)
    - name: output
      image: i
      stdoutConfig: {path: $(results.out.path)}
      stderrConfig: {path: /workspace/deep/err}
      script: |
        echo to standard output
        echo to standard error >&2
    - name: copied
      image: i
      script: test "$(cat /workspace/deep/err)" = 'to standard error'
"#;
        env.run(run, &[]).ok();
        let results = env.results("scripts");
        assert_eq!(results["awk"], "42");
        assert_eq!(results["sh"], "2 command /root pid");
        assert_eq!(results["dirs"], "/workspace/made/for/me\n/not/there\n/\n");
        assert_eq!(results["out"], "to standard output\n");
        let log = fs::read_to_string(env.run_file("scripts", "logs/scripts/output.log")).unwrap();
        let mut lines: Vec<&str> = log.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["to standard error", "to standard output"], "the log has it all the same");
    });
}

/// The capabilities that containerd gives to a container that asks for none.
const CONTAINERD: u64 = 0xa804_25fb;

/// What root may do on this machine, which can be less than everything.
fn own_capabilities() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

#[test]
fn users_and_privileges() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: security}
spec:
  podTemplate: {securityContext: {runAsGroup: 2000, supplementalGroups: [3000]}}
  taskSpec:
    results: [{name: root}, {name: user}, {name: bare}, {name: ro}]
    steps:
    - name: root
      image: i
      script: |
        printf '%s %s ' "$(id -u)" "$(id -g)" > $(results.root.path)
        sed -n 's/^CapEff:\t//p' /proc/self/status >> $(results.root.path)
        ! mount -t tmpfs none /mnt 2> /dev/null
        ! echo 1 2> /dev/null > /proc/sys/kernel/printk
    - name: user
      image: i
      securityContext: {runAsUser: 65534, allowPrivilegeEscalation: false}
      script: |
        { id -u; id -g; id -G; grep NoNewPrivs /proc/self/status; touch /etc/marker 2>&1; } > $(results.user.path) || true
        touch /workspace/mine /tekton/home/mine
    - name: bare
      image: i
      securityContext: {capabilities: {drop: [ALL], add: [CHOWN]}}
      script: |
        sed -n 's/^CapEff:\t//p' /proc/self/status > $(results.bare.path)
        ! chroot / true 2> /dev/null
        touch /tmp/f && chown 1 /tmp/f
    - name: read-only
      image: i
      securityContext: {readOnlyRootFilesystem: true}
      script: |
        touch /marker 2> $(results.ro.path) || true
        touch /workspace/fine
"#;
        env.run(run, &[]).ok();
        let results = env.results("security");
        assert_eq!(results["root"], format!("0 2000 {:016x}\n", CONTAINERD & own_capabilities()));
        assert_eq!(
            results["user"],
            "65534\n2000\n2000 3000\nNoNewPrivs:\t1\ntouch: cannot touch '/etc/marker': Permission denied\n"
        );
        assert_eq!(results["bare"], "0000000000000001\n");
        assert!(results["ro"].contains("Read-only file system"), "{}", results["ro"]);
    });
}

#[test]
fn root_is_refused_where_the_task_forbids_it() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: nonroot}
spec:
  taskSpec: {steps: [{name: s, image: i, securityContext: {runAsNonRoot: true}, script: "id"}]}
"#;
    env.run(run, &[]).code(1);
    let log = env.call(&["logs", "nonroot", "nonroot", "s"]).ok();
    insta::assert_snapshot!(log.stdout, @"error: container has runAsNonRoot and image will run as root; set securityContext.runAsUser");
}

#[test]
fn the_machine_s_own_files_stay_as_they_are() {
    each_runtime(|env| {
        let marker = format!("/etc/sw-test-{}", std::process::id());
        let run = format!(
            r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {{name: host}}
spec:
  taskSpec:
    results: [{{name: seen}}]
    steps:
    - name: write
      image: i
      script: |
        echo mine > {marker}
        cat {marker} > $(results.seen.path)
        rm /etc/hostname /etc/debian_version 2> /dev/null || true
    - name: next
      image: i
      script: |
        test ! -e {marker}   # every step has a container of its own
        command -v sw >> $(results.seen.path)
"#
        );
        let before = fs::read("/etc/debian_version").ok();
        env.run(&run, &[]).ok();
        assert!(!Path::new(&marker).exists());
        assert_eq!(fs::read("/etc/debian_version").ok(), before);
        assert_eq!(env.results("host")["seen"], "mine\n/usr/local/bin/sw\n");
        env.assert_nothing_left();
    });
}

#[test]
fn folders_of_tekton_are_writable_where_tekton_says_so() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: folders}
spec:
  taskSpec:
    results: [{name: seen}]
    steps:
    - name: one
      image: i
      script: exit 0
    - name: two
      image: i
      script: |
        for dir in /workspace /tekton/home /tekton/results /tekton/artifacts /tekton/steps /tekton/run/0 /tekton/run/1 /tekton/scripts /tekton/bin /tekton/creds; do
          if touch $dir/x 2> /dev/null; then echo "rw $dir"; rm $dir/x; else echo "ro $dir"; fi
        done > $(results.seen.path)
        cat /tekton/steps/step-one/exitCode /tekton/steps/0/exitCode >> $(results.seen.path)
        test -d /tekton/steps/step-two/results
"#;
        env.run(run, &[]).ok();
        insta::allow_duplicates! {
            insta::assert_snapshot!(env.results("folders")["seen"], @"
            rw /workspace
            rw /tekton/home
            rw /tekton/results
            rw /tekton/artifacts
            ro /tekton/steps
            ro /tekton/run/0
            rw /tekton/run/1
            ro /tekton/scripts
            ro /tekton/bin
            rw /tekton/creds
            00
            ");
        }
    });
}

#[test]
fn what_cannot_be_executed_fails_the_step_with_words() {
    each_runtime(|env| {
        let run = r##"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: missing}
spec:
  taskSpec:
    steps:
    - {name: command, image: i, onError: continue, command: [no-such-program]}
    - {name: folder, image: i, onError: continue, command: [/etc]}
    - {name: interpreter, image: i, onError: continue, script: "#!/no/such/interpreter\n"}
"##;
        env.run(run, &[]).ok();
        let finished = env.finished("missing");
        for (step, word) in finished["status"]["steps"].as_array().unwrap().iter().zip([
            "not found",
            "denied",
            "no such file",
        ]) {
            assert_ne!(step["terminated"]["exitCode"], 0, "{step}");
            let log = env.call(&["logs", "missing", "missing", &text(&step["name"])]).ok().stdout;
            println!("{log}");
            assert!(!log.is_empty(), "{word}");
        }
    });
}
