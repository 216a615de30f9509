//! `sw run`: guards in CEL, and the credentials of a service account, from the YAML to what steps see.

#![allow(clippy::unwrap_used)]

mod env;

use std::fs;
use std::path::Path;

use env::{HOST, TestEnv, each_runtime, text};

const GUARDED: &str = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: guarded}
spec:
  params: [{name: branch, value: release/1}]
  pipelineSpec:
    params: [{name: branch}]
    tasks:
    - name: first
      taskSpec:
        results: [{name: answer}]
        steps:
        - {name: say, image: i, script: printf yes > $(results.answer.path)}
        - {name: never, image: i, script: exit 1, when: [{cel: "1 > 2"}]}
    - name: runs
      when:
      - cel: "'$(tasks.first.results.answer)' == 'yes' && '$(params.branch)'.startsWith('release/')"
      taskSpec: {steps: [{name: s, image: i, script: "true"}]}
    - name: skipped
      when: [{cel: "['no', 'never'].exists(x, x == '$(tasks.first.results.answer)')"}]
      taskSpec: {steps: [{name: s, image: i, script: "exit 1"}]}
"#;

#[test]
fn guards_decide_what_runs() {
    let Some(env) = TestEnv::new() else { return };
    env.run(GUARDED, &[]).ok();
    assert_eq!(env.ended("guarded"), "True/Completed");
    let runs = env.task_runs("guarded");
    assert_eq!(runs.keys().collect::<Vec<_>>(), ["first", "runs"]);
    assert_eq!(text(&runs["first"]["status"]["steps"][1]["terminationReason"]), "Skipped");
    let skipped = &env.finished("guarded")["status"]["skippedTasks"][0];
    assert_eq!(text(&skipped["name"]), "skipped");
    assert_eq!(text(&skipped["reason"]), "When Expressions evaluated to false");
    env.assert_nothing_left();
}

#[test]
fn a_guard_without_a_truth_fails_the_run() {
    let Some(env) = TestEnv::new() else { return };
    env.run(&GUARDED.replace("1 > 2", "1 < 2").replace("'$(tasks.first.results.answer)' ==", "yes =="), &[]);
    assert_eq!(env.ended("guarded"), "False/CELEvaluationFailed");
    let message = text(&env.finished("guarded")["status"]["conditions"][0]["message"]);
    assert!(message.contains("there is nothing called `yes`"), "{message}");
}

#[test]
fn the_example_ends_as_on_a_cluster() {
    let Some(env) = TestEnv::new() else { return };
    let Some(fixtures) = testkit::fixtures() else {
        println!("skipped: fixtures are not here (tekton-examples)");
        return;
    };
    let example = "tekton-examples/pipelineruns/alpha/pipelinerun-with-cel-when-expressions.yaml";
    let yaml = fs::read_to_string(fixtures.join(example)).unwrap();
    env.write("example.yaml", &yaml);
    env.call(&[&["run", "example.yaml"][..], &HOST].concat()).ok();
    let condition = &env.finished(&env.runs()[0])["status"]["conditions"][0];
    assert_eq!(text(&condition["reason"]), "Completed");
    assert_eq!(text(&condition["message"]), "Tasks Completed: 4 (Failed: 0, Cancelled 0), Skipped: 8");
}

/// The scripts name the password only as a pattern, so that it is nowhere but in the secret.
const CREDENTIALS: &str = r#"
apiVersion: v1
kind: Secret
type: kubernetes.io/basic-auth
metadata:
  name: login
  annotations: {tekton.dev/git-0: https://git.example, tekton.dev/docker-0: https://registry.example}
stringData: {username: robot, password: geheim}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: builder}
secrets: [{name: login}, {name: elsewhere}]
---
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: credentials}
spec:
  serviceAccountName: builder
  taskSpec:
    results: [{name: answer}]
    steps:
    - name: root
      image: i
      script: |
        set -e
        test "$(stat -c '%a %u' "$HOME/.git-credentials" "$HOME/.docker" "$HOME/.docker/config.json")" = '600 0
        700 0
        600 0'
        test -f "$HOME/.git-credentials" && test ! -L "$HOME/.git-credentials"
        grep -q '"auth":"cm9ib3Q6Z2VoZWlt"' $HOME/.docker/config.json
        cmp $HOME/.gitconfig $(credentials.path)/.gitconfig
        touch $(credentials.path)/mine
        printf 'protocol=https\nhost=git.example\n\n' | GIT_TERMINAL_PROMPT=0 git credential fill |
          sed -n 's/^username=//p; s/^password=ge[h]eim$/and its password/p' > $(results.answer.path)
    - name: nobody
      image: i
      securityContext: {runAsUser: 65534, runAsGroup: 65534}
      env: [{name: HOME, value: /tekton/home}]
      script: |
        set -e
        test ! -e $(credentials.path)/mine
        touch $(credentials.path)/mine
        test "$(readlink $HOME/.docker/config.json)" = $(credentials.path)/.docker/config.json
        grep -q registry.example $HOME/.docker/config.json
        test ! -d $HOME/.ssh
    - name: fixed
      image: i
      securityContext: {readOnlyRootFilesystem: true}
      script: grep -q ge[h]eim $(credentials.path)/.git-credentials
"#;

#[test]
fn steps_find_the_credentials_of_their_account() {
    each_runtime(|env| {
        let outcome = env.run(CREDENTIALS, &[]).ok();
        assert_eq!(env.results("credentials")["answer"], "robot\nand its password\n");
        let warnings: Vec<_> = env.events("credentials").iter().map(ToString::to_string).collect();
        for told in ["secret elsewhere is not used", "credentials/fixed: cannot put credentials into HOME: "]
        {
            assert!(warnings.iter().any(|w| w.contains(told)), "{told}: {warnings:?}");
        }
        assert!(!(outcome.stdout + &outcome.stderr).contains("geheim"));
        env.assert_nothing_left();
        assert_nowhere(&env.home(), b"geheim");
    });
}

fn assert_nowhere(dir: &Path, secret: &[u8]) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            assert_nowhere(&path, secret);
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(secret.len()).any(|w| w == secret), "{}", path.display());
        }
    }
}
