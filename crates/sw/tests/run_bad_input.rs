//! What is wrong with the input of `sw run`: a clear message, an exit code, and nothing left that a later run trusts.

#![allow(clippy::unwrap_used)]

mod env;

use std::fs;
use std::process::Command;

use env::{HOST, SW, TestEnv};

/// A run that works; used to see that a home is still good.
const FINE: &str = "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {generateName: fine-}, spec: {taskSpec: {steps: [{name: s, image: i, script: 'echo fine'}]}}}";

/// What `sw run` says about a text that it refuses before it starts anything.
#[track_caller]
fn refused(env: &TestEnv, yaml: &str, args: &[&str]) -> String {
    let before = env.runs();
    let outcome = env.run(yaml, args).code(2);
    assert_eq!(outcome.stdout, "");
    assert_eq!(env.runs(), before, "nothing was recorded");
    env.filtered(&outcome.stderr)
}

/// What `sw run` says about a run that is recorded, and refused once all its parts are put together.
#[track_caller]
fn refused_when_resolved(env: &TestEnv, yaml: &str, args: &[&str]) -> String {
    let outcome = env.run(yaml, args).code(2);
    assert_eq!(outcome.stdout, "");
    env.assert_nothing_left();
    env.run(FINE, &[]).ok();
    env.filtered(&outcome.stderr)
}

#[test]
fn unknown_fields() {
    let Some(env) = TestEnv::new() else { return };
    let said = refused(
        &env,
        "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: x}
spec:
  taskSpec:
    steps:
    - name: s
      image: i
      scirpt: echo
      env: [{name: A, valeu: b}]
",
        &[],
    );
    insta::assert_snapshot!(said, @r#"
    error[unknown-field]: unknown field "scirpt"
     --> run.yaml:9:7
      |
    9 |       scirpt: echo
      |       ^^^^^^
      |
      = help: did you mean `script`? allowed here: name, displayName, image, command, args, workingDir, envFrom, env, computeResources, volumeMounts, volumeDevices, imagePullPolicy, securityContext, script, timeout, workspaces, onError, stdoutConfig, stderrConfig, ref, params, results, when

    error[unknown-field]: unknown field "valeu"
      --> run.yaml:10:23
       |
    10 |       env: [{name: A, valeu: b}]
       |                       ^^^^^
       |
       = help: did you mean `value`? allowed here: name, value, valueFrom
    "#);
}

#[test]
fn wrong_types() {
    let Some(env) = TestEnv::new() else { return };
    let said = refused(
        &env,
        "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: x}
spec:
  timeout: soon
  retries: many
  taskSpec:
    steps: {name: s, image: i}
",
        &[],
    );
    insta::assert_snapshot!(said, @r#"
    error[wrong-value]: `soon` is not a duration; write it like 90s, 30m or 1h30m
     --> run.yaml:5:12
      |
    5 |   timeout: soon
      |            ^^^^

    error[wrong-type]: expected a number, found the string "many"
     --> run.yaml:6:12
      |
    6 |   retries: many
      |            ^^^^

    error[wrong-type]: expected a list, found a mapping
     --> run.yaml:8:12
      |
    8 |     steps: {name: s, image: i}
      |            ^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn malformed_yaml() {
    let Some(env) = TestEnv::new() else { return };
    insta::assert_snapshot!(refused(&env, "apiVersion: tekton.dev/v1\nkind: [TaskRun\nspec: {}\n", &[]), @"
    error[yaml-syntax]: this is not YAML: illegal placement of ':' indicator
     --> run.yaml:3:5
      |
    3 | spec: {}
      |     ^
    ");
    insta::assert_snapshot!(refused(&env, "just text\n", &[]), @"
    error[not-an-object]: expected an object, found a string
     --> run.yaml:1:1
      |
    1 | just text
      | ^^^^^^^^^
    ");
    insta::assert_snapshot!(refused(&env, "", &[]), @"error: the files have no PipelineRun, TaskRun, Pipeline or Task to run");
    insta::assert_snapshot!(refused(&env, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: only}\n", &[]), @"error: the files have no PipelineRun, TaskRun, Pipeline or Task to run");
    insta::assert_snapshot!(refused(&env, "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: a, name: b}\n", &[]), @"
    error[duplicate-key]: key `name` is given twice
     --> run.yaml:3:21
      |
    3 | metadata: {name: a, name: b}
      |            ----     ^^^^
      |            |
      |            first here
      |
      = help: remove one of the two
    ");
}

#[test]
fn a_cycle() {
    let Some(env) = TestEnv::new() else { return };
    let said = refused(
        &env,
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: x}
spec:
  pipelineSpec:
    tasks:
    - {name: a, runAfter: [b], taskSpec: {steps: [{image: i, script: 'true'}]}}
    - {name: b, runAfter: [a], taskSpec: {steps: [{image: i, script: 'true'}]}}
",
        &[],
    );
    insta::assert_snapshot!(said, @r#"
    error[admission]: invalid value: cycle detected; task "a" depends on "b": spec.pipelineSpec.tasks
     --> run.yaml:7:17
      |
    7 |     - {name: a, runAfter: [b], taskSpec: {steps: [{image: i, script: 'true'}]}}
      |                 ^^^^^^^^
      |
      = help: in a circle: a waits for b, b waits for a
    "#);
}

#[test]
fn missing_parts() {
    let Some(env) = TestEnv::new() else { return };
    let said = refused(
        &env,
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: x}
spec: {pipelineRef: {name: p}}
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: p}
spec:
  tasks:
  - {name: a, taskRef: {name: biuld}}
  - {name: b, taskRef: {name: somewhere-else}}
---
{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: build}, spec: {steps: [{image: i, script: 'true'}]}}
",
        &[],
    );
    insta::assert_snapshot!(said, @"
    error[missing-object]: the files have no Task called `biuld`
      --> run.yaml:11:31
       |
    11 |   - {name: a, taskRef: {name: biuld}}
       |                               ^^^^^
       |
       = help: did you mean `build`?

    error[missing-object]: the files have no Task called `somewhere-else`
      --> run.yaml:12:31
       |
    12 |   - {name: b, taskRef: {name: somewhere-else}}
       |                               ^^^^^^^^^^^^^^
       |
       = help: name the file that has it on the command line too
    ");
    let said = refused(
        &env,
        "{apiVersion: tekton.dev/v1, kind: PipelineRun, metadata: {name: x}, spec: {pipelineRef: {name: none}}}",
        &[],
    );
    insta::assert_snapshot!(said, @"
    error[missing-object]: the files have no Pipeline called `none`
     --> run.yaml:1:96
      |
    1 | {apiVersion: tekton.dev/v1, kind: PipelineRun, metadata: {name: x}, spec: {pipelineRef: {name: none}}}
      |                                                                                                ^^^^
      |
      = help: name the file that has it on the command line too
    ");
    let step = refused_when_resolved(
        &env,
        "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: x}, spec: {taskSpec: {steps: [{name: s, ref: {name: none}}]}}}",
        &[],
    );
    insta::assert_snapshot!(step, @r#"
    run x
    ✗ x         failed [TIME]  [User error] stepactions.tekton.dev "none" not found
    TaskRunResolutionFailed
    "#);
}

const PARAM: &str = "apiVersion: tekton.dev/v1
kind: Task
metadata: {name: x}
spec:
  params:
  - {name: must}
  - {name: list, type: array}
  - {name: object, type: object, properties: {k: {}}, default: {k: v}}
  steps: [{image: i, args: ['$(params.list[*])'], script: 'echo $(params.must) $(params.object.k)'}]
";

#[test]
fn params() {
    let Some(env) = TestEnv::new() else { return };
    insta::assert_snapshot!(refused(&env, PARAM, &[]), @r#"
    error[missing-param]: param `must` has no value and no default
     --> run.yaml:6:12
      |
    6 |   - {name: must}
      |            ^^^^
      |
      = help: give it one: --param must=VALUE

    error[missing-param]: param `list` has no value and no default
     --> run.yaml:7:12
      |
    7 |   - {name: list, type: array}
      |            ^^^^
      |
      = help: give it one: --param 'list=["A", "B"]'
    "#);
    insta::assert_snapshot!(refused(&env, PARAM, &["-p", "must=a", "-p", "list=[]", "-p", "lits=[]"]), @"
    error[unknown-name]: --param lits: there is no param of this name
     |
     = help: did you mean `list`?
    ");
    insta::assert_snapshot!(refused(&env, PARAM, &["-p", "must=a", "-p", "list=[\"a\", b]"]), @"error: --param list: expected value at line 1 column 7; quote JSON for your shell");
    insta::assert_snapshot!(refused(&env, PARAM, &["-p", "must"]), @"
    error: invalid value 'must' for '--param <NAME=VALUE>': write it as NAME=VALUE

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused_when_resolved(&env, PARAM, &["-p", "must=a", "-p", "list=text"]), @"
    run x-[ID]
    ✗ x-[ID]   failed [TIME]  [User error] invalid input params for task x: param types don't match the user-specified type: [list]
    TaskRunValidationFailed
    ");
}

const FOLDER: &str = "apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: x}
spec:
  workspaces: [{name: source}]
  tasks:
  - name: t
    workspaces: [{name: source}]
    taskSpec:
      workspaces: [{name: source}]
      steps: [{image: i, script: ls $(workspaces.source.path)}]
";

#[test]
fn workspaces() {
    let Some(env) = TestEnv::new() else { return };
    insta::assert_snapshot!(refused(&env, FOLDER, &[]), @"
    error[missing-workspace]: workspace `source` is not bound
     --> run.yaml:5:23
      |
    5 |   workspaces: [{name: source}]
      |                       ^^^^^^
      |
      = help: bind it to a folder: --workspace source=DIR
    ");
    insta::assert_snapshot!(refused(&env, FOLDER, &["-w", "source=not-there"]), @"error: --workspace source=not-there: No such file or directory (os error 2); give a folder that can be read");
    insta::assert_snapshot!(refused(&env, FOLDER, &["-w", "source=run.yaml"]), @"error: --workspace source=run.yaml: Not a directory (os error 20); give a folder that can be read");
    insta::assert_snapshot!(refused(&env, FOLDER, &["-w", "sauce=."]), @"
    error[missing-workspace]: workspace `source` is not bound
     --> run.yaml:5:23
      |
    5 |   workspaces: [{name: source}]
      |                       ^^^^^^
      |
      = help: bind it to a folder: --workspace source=DIR

    error[unknown-name]: --workspace sauce: there is no workspace of this name
     |
     = help: there are: source
    ");
}

#[test]
fn a_folder_that_even_root_cannot_read() {
    // Root reads everything, unless it lacks the capability: drop it.
    let Some(env) = TestEnv::for_root("it takes a capability from root") else { return };
    env.write("run.yaml", FOLDER);
    let folder = env.folder("closed");
    let set = |mode| {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o000);
    let mut command = env.outfit(Command::new("setpriv"));
    command.args([
        "--inh-caps=-all",
        "--bounding-set=-dac_override,-dac_read_search",
        SW,
        "run",
        "run.yaml",
        "-w",
        "source=closed",
    ]);
    let outcome = env.outcome(command).code(2);
    set(0o755);
    insta::assert_snapshot!(env.filtered(&outcome.stderr), @"error: --workspace source=closed: Permission denied (os error 13); give a folder that can be read");
    assert_eq!(env.runs(), Vec::<String>::new());
}

#[test]
fn files() {
    let Some(env) = TestEnv::new() else { return };
    insta::assert_snapshot!(env.call(&["run", "none.yaml"]).code(2).stderr, @"error: cannot read none.yaml: No such file or directory (os error 2)");
    insta::assert_snapshot!(env.call(&["run", "."]).code(2).stderr, @"error: the files have no PipelineRun, TaskRun, Pipeline or Task to run");
    fs::write(env.path("bytes.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    insta::assert_snapshot!(env.call(&["run", "bytes.yaml"]).code(2).stderr, @"error: cannot read bytes.yaml: stream did not contain valid UTF-8");
}

#[test]
fn a_missing_secret_and_an_image_that_nobody_has() {
    let Some(env) = TestEnv::new() else { return };
    let secret = "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: s}, spec: {taskSpec: {steps: [{name: s, image: i, envFrom: [{secretRef: {name: nope}}], script: 'true'}]}}}";
    insta::assert_snapshot!(env.filtered(&env.run(secret, &[]).code(1).stderr), @r#"
    run s
    > s         started
    ✗ s         failed [TIME]  the step "s" in TaskRun "s" failed to start. The pod errored with the message: "secret "nope" not found; add it to the files of this run."
    CreateContainerConfigError
    "#);

    let image = "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: i}, spec: {taskSpec: {steps: [{name: s, image: '127.0.0.1:1/tools/make:v1', script: 'true'}]}}}";
    env.write("run.yaml", image);
    let outcome = env.call(&["run", "run.yaml"]).code(1);
    insta::assert_snapshot!(env.filtered(&outcome.stderr), @r#"
    run i
    > i         started
    warning: 127.0.0.1:1/tools/make:v1: 127.0.0.1:1: cannot fetch manifest v1: cannot connect (http://127.0.0.1:1): Connection refused (os error 111); trying again
    warning: 127.0.0.1:1/tools/make:v1: 127.0.0.1:1: cannot fetch manifest v1: cannot connect (http://127.0.0.1:1): Connection refused (os error 111); trying again
    warning: 127.0.0.1:1/tools/make:v1: 127.0.0.1:1: cannot fetch manifest v1: cannot connect (http://127.0.0.1:1): Connection refused (os error 111); trying again
    warning: 127.0.0.1:1/tools/make:v1: 127.0.0.1:1: cannot fetch manifest v1: cannot connect (http://127.0.0.1:1): Connection refused (os error 111); trying again
    ✗ i         failed [TIME]  the step "s" in TaskRun "i" failed to pull the image "". The pod errored with the message: "cannot get the image 127.0.0.1:1/tools/make:v1: registry 127.0.0.1:1 could not be used to fetch manifest v1 (repository `tools/make`), tried 5 times; the last time: cannot connect (http://127.0.0.1:1): Connection refused (os error 111); map it with `--image 127.0.0.1:1/tools/make:v1=host` or `--image 127.0.0.1:1/tools/make:v1=OTHER`."
    TaskRunImagePullFailed
    "#);
    env.assert_nothing_left();
}

/// Runs `script` in a mount namespace of its own, `$1` being the home; what it mounts is gone afterwards.
fn with_mounts(env: &TestEnv, script: &str) -> env::Outcome {
    let mut command = env.outfit(Command::new("unshare"));
    let script = format!("set -e; {script}");
    command.args(["--mount", "sh", "-c", &script, "sh"]).arg(env.home()).env("SW", SW);
    env.outcome(command)
}

#[test]
fn a_full_disk() {
    let Some(env) = TestEnv::for_root("it mounts a small disk") else { return };
    fs::create_dir(env.home()).unwrap();
    env.write("fine.yaml", FINE);
    let fills = "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: fills}, spec: {taskSpec: {steps: [{name: s, image: i, script: 'head -c 5000000 /dev/zero > /workspace/big'}, {name: after, image: i, script: 'true'}]}}}";
    env.write("fills.yaml", fills);
    // A disk with room for a few kilobytes; a step that needs more; then no room at all; then room again.
    let outcome = with_mounts(
        &env,
        r#"
        mount -t tmpfs -o size=1m none "$1"
        run() { "$SW" run "$2" --image '*=host' || echo "code $?" >&2; }
        echo '--- a step fills it' >&2; run - fills.yaml
        echo '--- afterwards' >&2; run - fine.yaml
        dd if=/dev/zero of="$1/filler" bs=4k 2> /dev/null || true
        echo '--- no room' >&2; run - fine.yaml
        rm "$1/filler"
        echo '--- room again' >&2; run - fine.yaml
        "$SW" store check >&2
        ls "$1/runs" | wc -l
        "$SW" runs | awk '{ print $2, $3 }'
        "#,
    );
    let outcome = outcome.ok();
    insta::assert_snapshot!(env.filtered(&outcome.stderr), @r#"
    --- a step fills it
    run fills
    > fills     started
    warning: the log of fills/s is not complete: No space left on device (os error 28)
    ✗ fills     failed [TIME]  "step-s" exited with code 1: Error
        log:   sw logs fills fills s
        again: sw run fills.yaml --image '*=host'
    StepFailed
    code 1
    --- afterwards
    run fine-[ID]
    > fine-[ID]  started
    ✓ fine-[ID]  done [TIME]
    Succeeded
    --- no room
    error: cannot record the run in [HOME]/runs/fine-[ID]: No space left on device (os error 28); free space, or choose another folder with --home
    code 1
    --- room again
    run fine-[ID]
    > fine-[ID]  started
    ✓ fine-[ID]  done [TIME]
    Succeeded
    [HOME]/store: whole (0 blobs, 0 B, 0 manifests)
    "#);
    insta::assert_snapshot!(outcome.stdout, @"
    3
    STATE TASKS
    succeeded 1/1
    succeeded 1/1
    failed (StepFailed)
    ");
}

#[test]
fn a_home_that_cannot_be_written() {
    let Some(env) = TestEnv::for_root("it mounts a disk that cannot be written") else { return };
    fs::create_dir(env.home()).unwrap();
    env.write("fine.yaml", FINE);
    let outcome = with_mounts(
        &env,
        r#"
        mount -t tmpfs -o ro none "$1"
        exec "$SW" run fine.yaml --image '*=host'
        "#,
    );
    insta::assert_snapshot!(env.filtered(&outcome.code(1).stderr), @"error: cannot use [HOME]: [HOME]/store: Read-only file system (os error 30); --home or STREAMWRIGHT_HOME name another folder");

    let file = env.write("file", "");
    let outcome = env.call(&[&["--home", &file.to_string_lossy(), "run", "fine.yaml"][..], &HOST].concat());
    insta::assert_snapshot!(env.filtered(&outcome.code(1).stderr), @"error: cannot use [DIR]/file: [DIR]/file/store: Not a directory (os error 20); --home or STREAMWRIGHT_HOME name another folder");

    // A store of another program is not touched.
    env.write("foreign/store/precious", "data");
    let foreign = env.path("foreign");
    let outcome =
        env.call(&[&["--home", &foreign.to_string_lossy(), "run", "fine.yaml"][..], &HOST].concat());
    insta::assert_snapshot!(env.filtered(&outcome.code(1).stderr), @"error: cannot use [DIR]/foreign: [DIR]/foreign/store is not an image store: it holds `precious`; choose an empty or new directory; --home or STREAMWRIGHT_HOME name another folder");
    assert_eq!(env::names(&env.path("foreign/store")), ["precious"]);
}
