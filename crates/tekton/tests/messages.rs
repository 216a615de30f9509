//! What is said about texts that do not fit, word for word.
#![allow(clippy::unwrap_used)]

use base::Source;
use tekton::decode::{Keys, decode};
use tekton::load::load;

fn refused(text: &str) -> String {
    match load(&Source::new("x.yaml", text)) {
        Ok(loaded) => format!("accepted\n{}", loaded.warnings.render(false)),
        Err(problems) => problems.render(false),
    }
}

#[test]
fn unknown_fields_are_found_all_at_once() {
    let text = "
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: x}
spec:
  steps:
  - image: ubuntu
    scrpt: 'true'
    zzz: 1
  workspace: []
";
    insta::assert_snapshot!(refused(text), @r#"
    error[unknown-field]: unknown field "scrpt"
     --> x.yaml:8:5
      |
    8 |     scrpt: 'true'
      |     ^^^^^
      |
      = help: did you mean `script`? allowed here: name, displayName, image, command, args, workingDir, envFrom, env, computeResources, volumeMounts, volumeDevices, imagePullPolicy, securityContext, script, timeout, workspaces, onError, stdoutConfig, stderrConfig, ref, params, results, when

    error[unknown-field]: unknown field "zzz"
     --> x.yaml:9:5
      |
    9 |     zzz: 1
      |     ^^^
      |
      = help: allowed here: name, displayName, image, command, args, workingDir, envFrom, env, computeResources, volumeMounts, volumeDevices, imagePullPolicy, securityContext, script, timeout, workspaces, onError, stdoutConfig, stderrConfig, ref, params, results, when

    error[unknown-field]: unknown field "workspace"
      --> x.yaml:10:3
       |
    10 |   workspace: []
       |   ^^^^^^^^^
       |
       = help: did you mean `workspaces`? allowed here: params, displayName, description, steps, volumes, stepTemplate, sidecars, workspaces, results
    "#);
}

#[test]
fn wrong_types_say_what_to_write_and_what_tekton_answers() {
    let text = "
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: x}
spec:
  params: [{name: yes}]
  steps:
  - image: 5
    args: -v
    env: [{name: A, value: 1}]
    timeout: 5
  - onError: {a: b}
    timeout: 5 minutes
";
    insta::assert_snapshot!(refused(text), @r#"
    error[wrong-type]: expected a string, found the boolean yes
     --> x.yaml:6:19
      |
    6 |   params: [{name: yes}]
      |                   ^^^
      |
      = help: write "yes"
              Tekton answers: json: cannot unmarshal bool into Go struct field ParamSpec.spec.params.name of type string

    error[wrong-type]: expected a string, found the number 5
     --> x.yaml:8:12
      |
    8 |   - image: 5
      |            ^
      |
      = help: write "5"
              Tekton answers: json: cannot unmarshal number into Go struct field Step.spec.steps.image of type string

    error[wrong-type]: expected a list, found the string "-v"
     --> x.yaml:9:11
      |
    9 |     args: -v
      |           ^^
      |
      = help: write [-v]

    error[wrong-type]: expected a string, found the number 1
      --> x.yaml:10:28
       |
    10 |     env: [{name: A, value: 1}]
       |                            ^
       |
       = help: write "1"
               Tekton answers: json: cannot unmarshal number into Go struct field EnvVar.spec.steps.env.value of type string

    error[wrong-type]: expected a string, found the number 5
      --> x.yaml:11:14
       |
    11 |     timeout: 5
       |              ^
       |
       = help: write "5"
               Tekton answers: json: cannot unmarshal number into Go value of type string

    error[wrong-type]: expected a string, found a mapping
      --> x.yaml:12:14
       |
    12 |   - onError: {a: b}
       |              ^^^^^^
       |
       = help: Tekton answers: json: cannot unmarshal object into Go struct field Step.spec.steps.onError of type string

    error[wrong-value]: `5 minutes` is not a duration; write it like 90s, 30m or 1h30m
      --> x.yaml:13:14
       |
    13 |     timeout: 5 minutes
       |              ^^^^^^^^^
    "#);
}

#[test]
fn keys_given_twice_show_both_places() {
    let text = "
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: x}
kind: Pipeline
";
    insta::assert_snapshot!(refused(text), @"
    error[duplicate-key]: key `kind` is given twice
     --> x.yaml:5:1
      |
    3 | kind: Task
      | ---- first here
    4 | metadata: {name: x}
    5 | kind: Pipeline
      | ^^^^
      |
      = help: remove one of the two
    ");
}

#[test]
fn what_v1beta1_has_differently_is_explained() {
    let text = "
apiVersion: tekton.dev/v1beta1
kind: PipelineRun
metadata: {name: x}
spec:
  pipelineRef: {name: p, bundle: r/b}
  taskRunTemplate: {}
  timeout: 1h
  timeouts: {tasks: 1h}
";
    insta::assert_snapshot!(refused(text), @r#"
    error[forbidden-field]: must not set the field(s): spec.pipelineRef.bundle
     --> x.yaml:6:26
      |
    6 |   pipelineRef: {name: p, bundle: r/b}
      |                          ^^^^^^
      |
      = help: write `resolver: bundles` with params bundle, name and kind

    error[forbidden-field]: must not set the field(s): spec.timeout
     --> x.yaml:8:3
      |
    8 |   timeout: 1h
      |   ^^^^^^^
      |
      = help: `timeouts.pipeline` says the same; keep that

    error[unknown-field]: unknown field "taskRunTemplate"
     --> x.yaml:7:3
      |
    7 |   taskRunTemplate: {}
      |   ^^^^^^^^^^^^^^^
      |
      = help: in tekton.dev/v1beta1 write `serviceAccountName` and `podTemplate`, without `taskRunTemplate`; or write apiVersion: tekton.dev/v1
    "#);
}

#[test]
fn foreign_and_old_kinds_are_noted() {
    let text = "
apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: {name: e}
---
apiVersion: tekton.dev/v1beta1
kind: ClusterTask
metadata: {name: t}
spec:
  steps: [{image: a, stdin: true}]
";
    insta::assert_snapshot!(refused(text), @"
    accepted
    warning[foreign-kind]: skipped EventListener e (triggers.tekton.dev/v1beta1): it is not used here
     --> x.yaml:3:7
      |
    3 | kind: EventListener
      |       ^^^^^^^^^^^^^

    warning[ignored-field]: `stdin` has no effect in steps: spec.steps[0].stdin
      --> x.yaml:10:22
       |
    10 |   steps: [{image: a, stdin: true}]
       |                      ^^^^^

    warning[cluster-task]: ClusterTask is read as Task
     --> x.yaml:7:7
      |
    7 | kind: ClusterTask
      |       ^^^^^^^^^^^
      |
      = help: Tekton removed it; write kind: Task, or fetch it with the cluster resolver
    ");
    insta::assert_snapshot!(refused("apiVersion: tekton.dev/v1alpha1\nkind: Task\n---\n[]\n---\nkind: Task\n"), @"
    error[unknown-version]: Task has no version tekton.dev/v1alpha1
     --> x.yaml:1:13
      |
    1 | apiVersion: tekton.dev/v1alpha1
      |             ^^^^^^^^^^^^^^^^^^^
      |
      = help: write apiVersion: tekton.dev/v1

    error[not-an-object]: expected an object, found a list
     --> x.yaml:4:1
      |
    4 | []
      | ^^

    error[not-an-object]: this object has no `apiVersion`
     --> x.yaml:6:1
      |
    6 | kind: Task
      | ^^^^^^^^^^
      |
      = help: every object begins with `apiVersion:` and `kind:`
    ");
}

#[test]
fn secrets_are_not_shown() {
    let text = "
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData:
  password: 12345
  user: [root]
";
    let said = refused(text);
    assert!(!said.contains("12345") && !said.contains("root"), "{said}");
    insta::assert_snapshot!(said, @"
    error[wrong-type]: expected a string, found a number (line 6)
     --> x.yaml:3:7
      |
    3 | kind: Secret
      |       ^^^^^^

    error[wrong-type]: expected a string, found a list (line 7)
     --> x.yaml:3:7
      |
    3 | kind: Secret
      |       ^^^^^^
    ");
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Strict {
    name: String,
    size: u8,
    mode: Mode,
    #[serde(default)]
    list: Vec<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only read")]
enum Mode {
    Fast,
    Slow { seconds: u32 },
}

fn strict(text: &str) -> String {
    let source = Source::new("s.yaml", text);
    let nodes = tekton::yaml::parse(&source).unwrap();
    match decode::<Strict>(&nodes[0], &source, Keys::Exact) {
        Ok(value) => format!("{value:?}"),
        Err(problems) => problems.render(false),
    }
}

#[test]
fn other_types_are_read_with_exact_keys() {
    insta::assert_snapshot!(strict("{name: a, size: 3, mode: fast}"), @r#"Strict { name: "a", size: 3, mode: Fast, list: [] }"#);
    insta::assert_snapshot!(strict("{name: a, size: 3, mode: {slow: {seconds: 2}}}"), @r#"Strict { name: "a", size: 3, mode: Slow { seconds: 2 }, list: [] }"#);
    insta::assert_snapshot!(strict("Name: a\nsize: 300\nmode: fats\nlist: [a, 1, null]\n"), @r#"
    error[unknown-field]: unknown field "Name"
     --> s.yaml:1:1
      |
    1 | Name: a
      | ^^^^
      |
      = help: did you mean `name`? allowed here: name, size, mode, list

    error[missing-field]: `name` is missing
     --> s.yaml:1:1
      |
    1 | Name: a
      | ^^^^^^^

    error[wrong-value]: 300 is out of range (0 to 255)
     --> s.yaml:2:7
      |
    2 | size: 300
      |       ^^^

    error[unknown-value]: unknown value `fats`
     --> s.yaml:3:7
      |
    3 | mode: fats
      |       ^^^^
      |
      = help: did you mean `fast`? allowed here: fast, slow

    error[wrong-type]: expected a string, found the number 1
     --> s.yaml:4:11
      |
    4 | list: [a, 1, null]
      |           ^
      |
      = help: write "1"

    error[wrong-type]: expected a string, found nothing
     --> s.yaml:4:14
      |
    4 | list: [a, 1, null]
      |              ^^^^
    "#);
    insta::assert_snapshot!(strict("name:\nsize: x\nmode: {slow: {second: 2}}\n"), @r#"
    error[missing-field]: `name` has no value
     --> s.yaml:1:1
      |
    1 | name:
      | ^^^^

    error[wrong-type]: expected a number, found the string "x"
     --> s.yaml:2:7
      |
    2 | size: x
      |       ^

    error[missing-field]: `seconds` is missing
     --> s.yaml:3:14
      |
    3 | mode: {slow: {second: 2}}
      |              ^^^^^^^^^^^

    error[unknown-field]: unknown field "second"
     --> s.yaml:3:15
      |
    3 | mode: {slow: {second: 2}}
      |               ^^^^^^
      |
      = help: did you mean `seconds`? allowed here: seconds
    "#);
    insta::assert_snapshot!(strict("[]"), @"
    error[wrong-type]: expected a mapping, found a list
     --> s.yaml:1:1
      |
    1 | []
      | ^^
    ");
}

#[test]
fn yaml_that_is_none_is_explained() {
    insta::assert_snapshot!(refused("a: {{x}}\n"), @"
    error[wrong-type]: a key must be a text, found a mapping
     --> x.yaml:1:5
      |
    1 | a: {{x}}
      |     ^^^
      |
      = help: quote the key; a template like {{name}} must be quoted, too
    ");
    insta::assert_snapshot!(refused("a:\n\t- b\n---\nb: [\n---\nc: *d\n"), @"
    error[yaml-syntax]: this is not YAML: tabs disallowed within this context (block indentation)
     --> x.yaml:2:2
      |
    2 |     - b
      |     ^
      |
      = help: indent with spaces; tabs are not allowed

    error[yaml-syntax]: this is not YAML: unclosed bracket '['
     --> x.yaml:4:4
      |
    4 | b: [
      |    ^

    error[unknown-alias]: alias `*d` refers to an anchor that is not defined before it
     --> x.yaml:6:4
      |
    6 | c: *d
      |    ^^
    ");
    insta::assert_snapshot!(refused("a: .inf\n? [x]\n: y\nb: !!binary aGk=\n<<: 5\nc: &d [*d]\n"), @r#"
    error[wrong-type]: `.inf` has no JSON form
     --> x.yaml:1:4
      |
    1 | a: .inf
      |    ^^^^
      |
      = help: write ".inf" for the text

    error[wrong-type]: a key must be a text, found a list
     --> x.yaml:2:3
      |
    2 | ? [x]
      |   ^^^
      |
      = help: quote the key; a template like {{name}} must be quoted, too

    error[wrong-type]: `<<` takes a mapping or a list of mappings, found a number
     --> x.yaml:5:5
      |
    5 | <<: 5
      |     ^

    error[unknown-alias]: this alias refers to the value it stands in
     --> x.yaml:6:8
      |
    6 | c: &d [*d]
      |        ^^
    "#);
}
