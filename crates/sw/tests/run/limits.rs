//! What a step cannot do to the machine: too much memory, too many processes, too much output.

use std::fs;

use crate::env::{TestEnv, each_runtime};

/// Whether control groups with limits can be had here; says so when not.
fn has_limits() -> bool {
    let can = engine::limits::Controllers::here();
    let missing = [can.cpu, can.memory, can.processes].into_iter().find_map(Result::err);
    if let Some(why) = &missing {
        println!("skipped: {why}");
    }
    missing.is_none() && TestEnv::for_root("control groups take root").is_some()
}

#[test]
fn limits_reach_the_control_group_and_too_much_memory_ends_the_step() {
    if !has_limits() {
        return;
    }
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: memory}
spec:
  stepSpecs:
  - {name: greedy, computeResources: {limits: {memory: 32Mi}}}
  taskSpec:
    results: [{name: cpu}, {name: processes}]
    stepTemplate: {computeResources: {limits: {cpu: 500m, ephemeral-storage: 1Gi}, requests: {memory: 900Ti}}}
    steps:
    - name: see
      image: i
      script: |
        # Version 1 names the controller, version 2 does not.
        value() {
          v1=$(sed -n "s,^[0-9]*:$1:,,p" /proc/self/cgroup)
          v2=$(sed -n 's,^0::,,p' /proc/self/cgroup)
          cat "/sys/fs/cgroup/$1$v1/$2" 2>/dev/null || cut -d' ' -f1 "/sys/fs/cgroup$v2/$3"
        }
        value cpu cpu.cfs_quota_us cpu.max > $(results.cpu.path)
        value pids pids.max pids.max > $(results.processes.path)
    - name: goes-on
      image: i
      onError: continue
      computeResources: {limits: {memory: 32Mi}}
      script: head -c 100M /dev/zero | tail > /dev/null
    - name: greedy
      image: i
      computeResources: {limits: {memory: 2Gi}}
      script: head -c 100M /dev/zero | tail > /dev/null
"#;
        let outcome = env.run(run, &["--max-processes", "77"]).code(1);
        let finished = env.finished("memory");
        let status = &finished["status"];
        assert_eq!(env.results("memory")["cpu"].trim(), "50000");
        assert_eq!(env.results("memory")["processes"].trim(), "77");
        assert_eq!(env.ended("memory"), "False/StepOOM");
        assert_eq!(status["conditions"][0]["message"], r#""step-greedy" exited with code 137: OOMKilled"#);
        let steps = &status["steps"];
        assert_eq!(steps[1]["terminationReason"], "Continued");
        assert_eq!(steps[1]["terminated"]["exitCode"], 137);
        assert_eq!(steps[2]["terminationReason"], "OOMKilled");
        assert_eq!(steps[2]["terminated"]["reason"], "OOMKilled");
        assert!(outcome.stderr.contains("for want of memory; its limit is 32.0 MiB"), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
        env.assert_nothing_left();
    });
}

#[test]
fn a_fork_bomb_meets_its_limit_and_ends_with_its_step() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: bomb}
spec:
  taskSpec:
    steps:
    - name: bomb
      image: i
      timeout: 1s
      script: |
        bomb() { bomb | bomb & }
        bomb 2>/dev/null
        while :; do sleep 1 || :; done
"#;
        env.run(run, &["--max-processes", "60"]).code(1);
        // Its shell cannot fork either, and some give up then, before the time is over.
        let reason = crate::env::text(&env.finished("bomb")["status"]["steps"][0]["terminationReason"]);
        assert!(["TimeoutExceeded", "Error"].contains(&reason.as_str()), "{reason}");
        env.assert_nothing_left();
    });
}

#[test]
fn too_many_processes_are_refused_and_the_log_says_so() {
    if !has_limits() {
        return;
    }
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: many}
spec:
  taskSpec:
    steps:
    - name: s
      image: i
      script: for i in $(seq 60); do sleep 60 & done
"#;
        env.run(run, &["--max-processes", "40"]).code(1);
        let log = fs::read_to_string(env.run_file("many", "logs/many/s.log")).unwrap();
        assert!(log.contains("this step may have 40 processes"), "{log}");
        env.run(run, &["--max-processes", "0"]).ok();
    });
}

#[test]
fn a_flood_keeps_its_beginning_and_its_end() {
    each_runtime(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: flood}
spec:
  taskSpec:
    steps:
    - name: lines
      image: i
      script: echo begin; yes 0123456789 | head -c 50000000; echo; echo end
    - name: one-line
      image: i
      script: head -c 5000000 /dev/zero; printf end
    - name: binary
      image: i
      script: head -c 1000000 /dev/urandom; printf end
    - name: closed
      image: i
      script: exec >&- 2>&-; sleep 0.05
    - name: left-behind
      image: i
      script: setsid sleep 1000 & echo started
    - name: endless
      image: i
      timeout: 3s
      script: "yes"
"#;
        env.run(run, &["--max-log", "400Ki"]).code(1);
        let file = |step: &str| fs::read(env.run_file("flood", &format!("logs/flood/{step}.log"))).unwrap();
        let lines = String::from_utf8(file("lines")).unwrap();
        assert!(lines.starts_with("begin\n0123456789\n"), "{}", &lines[..40]);
        assert!(lines.ends_with("\nend\n"), "{}", &lines[lines.len() - 40..]);
        let notices: Vec<&str> = lines.lines().filter(|l| l.contains("were not kept")).collect();
        assert_eq!(notices.len(), 1);
        for step in ["lines", "one-line", "binary", "endless"] {
            let log = file(step);
            assert!((200 << 10..=401 << 10).contains(&log.len()), "{step}: {} bytes", log.len());
            assert!(step == "endless" || log.ends_with(b"end") || log.ends_with(b"end\n"), "{step}");
        }
        assert_eq!(env.call(&["logs", "flood", "flood", "lines"]).ok().stdout, lines);
        assert_eq!(file("left-behind"), b"started\n");
        assert_eq!(fs::read_dir(env.run_file("flood", "logs/flood")).unwrap().count(), 6);
        env.assert_nothing_left();
    });
}

#[test]
fn sizes_of_logs_are_checked() {
    let Some(env) = TestEnv::new() else { return };
    let outcome = env.run("", &["--max-log", "10"]).code(2);
    assert!(outcome.stderr.contains("write a size of at least 4Ki"), "{}", outcome.stderr);
}
