//! The errors that users meet most (specification §3.2), word for word, beyond the recorded ones.
#![allow(clippy::unwrap_used)]

use base::Source;
use tekton::load::load;
use tekton::validate::{Features, validate, validate_with};

/// One line for each finding: severity and message.
fn said(kind: &str, spec: &str) -> String {
    said_with(kind, spec, &Features::all())
}

fn said_with(kind: &str, spec: &str, features: &Features) -> String {
    let version = if kind == "StepAction" { "v1beta1" } else { "v1" };
    let indented: String = spec.trim_matches('\n').lines().map(|l| format!("  {l}\n")).collect();
    let text =
        format!("apiVersion: tekton.dev/{version}\nkind: {kind}\nmetadata: {{name: x}}\nspec:\n{indented}");
    let source = Source::new("x.yaml", text);
    let loaded = load(&source).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let found = validate_with(&loaded.documents[0], features);
    let line = |d: &base::Diagnostic| format!("{:?} {}: {}", d.severity, d.location().unwrap(), d.message);
    found.0.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_cycle_is_shown_with_the_way_around() {
    let text = "
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: x}
spec:
  tasks:
  - {name: a, runAfter: [c], taskRef: {name: t}}
  - {name: b, taskRef: {name: t}, params: [{name: p, value: $(tasks.a.results.r)}]}
  - {name: c, runAfter: [b], taskRef: {name: t}}
";
    let source = Source::new("x.yaml", text);
    let document = load(&source).unwrap().documents.remove(0);
    insta::assert_snapshot!(validate(&document).render(false), @r#"
    error[admission]: invalid value: cycle detected; task "a" depends on "c": spec.tasks
     --> x.yaml:7:15
      |
    7 |   - {name: a, runAfter: [c], taskRef: {name: t}}
      |               ^^^^^^^^
      |
      = help: in a circle: a waits for c, c waits for b, b waits for a
    "#);
}

#[test]
fn a_wrong_reference_is_marked_in_its_script() {
    let text = "
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: x}
spec:
  params: [{name: target}]
  steps:
  - image: i
    script: |
      set -e
      echo $(params.target)
      make $(params.taget)
";
    let source = Source::new("x.yaml", text);
    let document = load(&source).unwrap().documents.remove(0);
    insta::assert_snapshot!(validate(&document).render(false), @r#"
    error[admission]: non-existent variable in "set -e\necho $(params.target)\nmake $(params.taget)\n": spec.steps[0].script
      --> x.yaml:12:12
       |
    12 |       make $(params.taget)
       |            ^^^^^^^^^^^^^^^
       |
       = help: `taget` is not declared; did you mean `target`?
    "#);
}

#[test]
fn names_of_objects() {
    let name = |name: &str| {
        let text = format!(
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec: {{steps: [{{image: i}}]}}\n"
        );
        let document = load(&Source::new("x", text)).unwrap().documents.remove(0);
        validate(&document).to_string()
    };
    insta::assert_snapshot!(name("Bad_Name"), @r#"x:3:18: invalid resource name "Bad_Name": must be a valid DNS label: metadata.name"#);
    insta::assert_snapshot!(name(&"a".repeat(64)), @"x:3:18: Invalid resource name: length must be no more than 63 characters: metadata.name");
    assert_eq!(name("fine-name.v1"), "");
}

#[test]
fn tasks() {
    insta::assert_snapshot!(said("Task", r#"
params:
- {name: a, type: array}
- {name: o, type: object, properties: {k: {}}}
- {name: none, type: object}
- {name: 1st}
- {name: e, enum: [x, x], default: y}
volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]
workspaces:
- {name: w}
- {name: w, mountPath: /w/}
- {name: other, mountPath: /w}
- {name: third, mountPath: /mnt}
results:
- {name: fine, value: $(steps.one.results.r)}
- {name: gone, value: $(steps.two.results.r)}
- {name: bad, value: $(params.a)}
- {name: obj, type: object}
sidecars:
- {name: tekton-log-results, image: i}
- {script: x, command: [ls]}
steps:
- name: one
  image: $(steps.zero.results.r)
  workspaces: [{name: nowhere}]
  volumeMounts: [{name: tekton-internal-x, mountPath: /mnt}]
  script: echo $(params.o) $(params.o.k) $(params.o.x) $(steps.zero.results.r)
- image: i
  timeout: -1s
  args: ["$(params.a[*])", "$(params.a[0])", "x $(params.a)"]
  env: [{name: A, value: $(params.a)}]
  workingDir: $(context.taskRun.nme)
  script: cat $(results.missing.path)
- ref: {name: action}
  image: i
  args: [x]
- {image: i, params: [{name: x, value: y}]}
- script: x
  when: [{input: x}, {}, {cel: "true", input: x}]
"#), @r#"
Error x.yaml:5:3: The format of following array and string variable names is invalid: [1st]: spec.params
Error x.yaml:8:5: missing field(s): spec.none.properties
Error x.yaml:10:5: parameter enum value x appears more than once: spec.params[e]
Error x.yaml:10:5: param default value true not in the enum list: spec.params[e]
Error x.yaml:11:45: multiple volumes with same name "v": spec.volumes[1].name
Error x.yaml:14:12: workspace name "w" must be unique: spec.workspaces[1].name
Error x.yaml:15:30: workspace mount path "/w" must be unique: spec.workspaces[2].mountpath
Error x.yaml:16:30: workspace mount path "/mnt" must be unique: spec.workspaces[3].mountpath
Warning x.yaml:19:25: result gone forwards a result of step two, which is not in the task: spec.results[1].value
Error x.yaml:20:24: Could not extract step name and result name. Expected value to look like $(steps.<stepName>.results.<resultName>) but got "$(params.a)": spec.results[2].bad.value
Error x.yaml:21:5: missing field(s): spec.results[3].obj.properties
Error x.yaml:23:12: Invalid: cannot use reserved sidecar name tekton-log-results : spec.sidecars[0].name
Error x.yaml:24:5: missing field(s): spec.sidecars[1].image
Error x.yaml:24:14: script cannot be used with command: spec.sidecars[1].script
Error x.yaml:27:12: stepResult substitutions are only allowed in env, command and args. Found usage in: spec.steps[0].image
Error x.yaml:28:25: undefined workspace "nowhere": spec.steps[0].workspaces[0].name
Error x.yaml:29:27: volumeMount name "tekton-internal-x" cannot start with "tekton-internal-": spec.steps[0].volumeMounts[0].name
Error x.yaml:30:13: stepResult substitutions are only allowed in env, command and args. Found usage in: spec.steps[0].script
Error x.yaml:30:18: variable type invalid in "echo $(params.o) $(params.o.k) $(params.o.x) $(steps.zero.results.r)": spec.steps[0].script
Error x.yaml:30:44: non-existent variable in "echo $(params.o) $(params.o.k) $(params.o.x) $(steps.zero.results.r)": spec.steps[0].script
Error x.yaml:32:14: invalid value: -1s: spec.steps[1].negative timeout
Error x.yaml:33:51: variable is not properly isolated in "x $(params.a)": spec.steps[1].args[2]
Error x.yaml:34:28: variable type invalid in "$(params.a)": spec.steps[1].env[A]
Error x.yaml:35:17: non-existent variable in "$(context.taskRun.nme)": spec.steps[1].workingDir
Error x.yaml:36:17: non-existent variable in "cat $(results.missing.path)": spec.steps[1].script
Error x.yaml:38:12: image cannot be used with Ref: spec.steps[2].image
Error x.yaml:39:5: args cannot be used with Ref: spec.steps[2].args
Error x.yaml:40:16: params cannot be used without Ref: spec.steps[3].params
Error x.yaml:41:5: missing field(s): spec.steps[4].Image
Error x.yaml:42:12: invalid value: operator "" is not recognized. valid operators: in,notin: spec.steps[4].when[0]
Error x.yaml:42:24: missing field(s): spec.steps[4].when[1]
Error x.yaml:42:28: cel and input+operator+values cannot be set in one WhenExpression: {x  [] true}
"#);
}

#[test]
fn step_actions() {
    insta::assert_snapshot!(said("StepAction", r#"
params: [{name: p}, {name: a, type: array}]
command: [$(params.nope)]
script: echo
env: [{name: A, value: $(params.a)}]
volumeMounts: [{name: plain, mountPath: /x}, {name: $(params.p), mountPath: /y}]
results: [{name: -r}]
"#), @r#"
Error x.yaml:4:1: missing field(s): spec.Image
Error x.yaml:6:13: non-existent variable in "$(params.nope)": spec.command[0]
Error x.yaml:7:11: script cannot be used with command: spec.script
Error x.yaml:8:26: variable type invalid in "$(params.a)": spec.env[A]
Error x.yaml:9:25: invalid value: plain: spec.volumeMounts[0].name
Error x.yaml:10:20: invalid key name "-r": spec.results[0].name
"#);
}

#[test]
fn pipelines() {
    insta::assert_snapshot!(said("Pipeline", r#"
params: [{name: s}, {name: a, type: array}, {name: o, properties: {k: {}}}, {name: d, type: array, default: x}, {name: s}]
workspaces: [{name: w}, {name: w}, {name: ''}]
tasks:
- name: one
  taskRef: {name: t}
  params:
  - {name: p, value: $(params.nope)}
  - {name: p, value: $(params.a)}
  - {name: q, value: '$(params.a[*])'}
  - {name: r, value: ['x $(params.a[*])']}
  - {name: u, value: $(params.o.x)}
  - {name: shell, value: $(HOSTNAME)}
  workspaces: [{name: x, workspace: nowhere}, {name: x, workspace: w}]
- name: two
  taskSpec:
    params: [{name: own}]
    results: [{name: out}]
    steps: [{image: i, script: echo $(params.own) $(params.s) $(params.other)}]
- name: three
  onError: stop
  taskRef: {name: t}
  params: [{name: p, value: $(tasks.two.results.put)}]
  when: [{input: $(tasks.two.status), operator: in, values: [Succeeded]}]
- name: four
  taskRef: {name: t, kind: ClusterTask}
- name: five
  taskRef: {name: t, kind: Wait}
- name: six
  taskSpec: {kind: Task, steps: [{image: i}]}
finally:
- name: f
  taskRef: {name: t}
  params:
  - {name: p, value: $(tasks.nobody.status)}
  - {name: q, value: $(tasks.status) $(tasks.one.reason)}
  - {name: r, value: $(tasks.g.results.x)}
  - {name: s, value: $(tasks.nobody.results.x)}
- {name: g, taskRef: {name: 'no good'}, params: [{name: p, value: $(context.pipelineRun.nme)}]}
results:
- {name: text, value: just text}
- {name: param, value: $(params.s)}
- {name: good, value: 'a $(tasks.two.results.out) $(finally.f.results.x)'}
"#), @r#"
Error x.yaml:5:111: "array" type does not match default value's type: "string": spec.finally.params.d.default.type, spec.finally.params.d.type, spec.tasks.params.d.default.type, spec.tasks.params.d.type
Error x.yaml:5:115: parameter appears more than once: spec.finally.params[s], spec.tasks.params[s]
Error x.yaml:6:27: invalid value: workspace with name "w" appears more than once: spec.workspaces[1]
Error x.yaml:6:38: invalid value: workspace 2 has empty name: spec.workspaces[2]
Error x.yaml:12:14: parameter names must be unique, the parameter "p" is also defined at: spec.tasks[0].params[1].name
Error x.yaml:12:24: non-existent variable in "$(params.nope)": spec.tasks[0].params[p]
Error x.yaml:12:24: variable type invalid in "$(params.a)": spec.tasks[0].params[p]
Error x.yaml:14:28: variable is not properly isolated in "x $(params.a[*])": spec.tasks[0].params[r].value[0]
Error x.yaml:15:24: non-existent variable in "$(params.o.x)": spec.tasks[0].params[u]
Error x.yaml:16:28: invalid value: invalid variable reference "$(HOSTNAME)", must start with a valid prefix: params, tasks, finally, context, workspaces, or results; if you meant a shell variable, use ${HOSTNAME} instead: spec.tasks[0].params[shell].value
Error x.yaml:17:18: invalid value: pipeline task "one" expects workspace with name "nowhere" but none exists in pipeline spec: spec.tasks[0].workspaces[0]
Error x.yaml:17:49: workspace name "x" must be unique: spec.tasks[0].workspaces[1]
Error x.yaml:22:65: non-existent variable in "echo $(params.own) $(params.s) $(params.other)": spec.tasks[1].steps[0].script
Error x.yaml:24:14: invalid value: stop: spec.tasks[2].OnError
Warning x.yaml:26:31: invalid result reference in pipeline task "three": "put" is not a named result returned by pipeline task "two": spec.tasks[2].params[p].value
Error x.yaml:27:12: invalid value: pipeline tasks can not refer to execution status of any other pipeline task or aggregate status of tasks: spec.tasks[2].when[0]
Warning x.yaml:29:5: invalid value: custom task ref must specify apiVersion: spec.tasks[3].taskRef.apiVersion
Error x.yaml:31:5: invalid value: custom task ref must specify apiVersion: spec.tasks[4].taskRef.apiVersion
Error x.yaml:33:22: taskSpec.kind cannot be specified when using taskSpec.steps: spec.tasks[5].taskSpec.kind
Error x.yaml:38:24: invalid value: pipeline task nobody is not defined in the pipeline: spec.finally[0].params[p].value
Error x.yaml:40:24: invalid value: invalid task result reference, final task has task result reference from a final task g: spec.finally[0].params[r].value
Error x.yaml:41:24: invalid value: invalid task result reference, final task has task result reference from a task nobody which is not defined in the pipeline: spec.finally[0].params[s].value
Error x.yaml:42:31: invalid value: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'): spec.finally[1].taskRef.name
Error x.yaml:42:69: non-existent variable in "$(context.pipelineRun.nme)": spec.finally.value
Error x.yaml:44:25: invalid value: expected pipeline results to be task result expressions but no expressions were found: spec.results[0].value
Error x.yaml:44:25: invalid value: expected pipeline results to be task result expressions but an invalid expressions was found: spec.results[0].value
Error x.yaml:44:25: invalid value: referencing a nonexistent task: spec.results[0].value
Error x.yaml:45:26: invalid value: expected pipeline results to be task result expressions but an invalid expressions was found: spec.results[1].value
"#);
    insta::assert_snapshot!(said("Pipeline", "{}"), @"Error x.yaml:4:1: expected at least one, got none: spec.description, spec.params, spec.resources, spec.tasks, spec.workspaces");
    insta::assert_snapshot!(said("Pipeline", "finally: [{name: f, taskRef: {name: t}}]"), @"Error x.yaml:5:3: invalid value: spec.tasks is empty but spec.finally has 1 tasks: spec.finally");
}

#[test]
fn matrices() {
    insta::assert_snapshot!(said("Pipeline", r#"
tasks:
- name: many
  taskSpec: {results: [{name: s}, {name: a, type: array}], steps: [{image: i}]}
  matrix:
    params:
    - {name: x, value: [1, '2', '3']}
    - {name: w, value: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16', '17']}
    - {name: z, value: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16', '17']}
    - {name: z, value: ['1']}
- name: user
  taskRef: {name: t}
  params:
  - {name: one, value: $(tasks.many.results.s)}
  - {name: all, value: '$(tasks.many.results.s[*])'}
  - {name: lists, value: '$(tasks.many.results.a[*])'}
"#), @r#"
Warning x.yaml:10:9: parameters of type array only are allowed, but param "x" has type "string" in pipelineTask "many": spec.tasks[0].matrix.params[x]
Error x.yaml:13:16: parameter names must be unique, the parameter "z" is also defined at: spec.tasks[0].matrix.params[3].name
Error x.yaml:17:26: A matrixed pipelineTask can only be consumed in aggregate using [*] notation, but is currently set to tasks.many.results.s
Error x.yaml:19:28: invalid value: Matrixed PipelineTasks emitting results must have an underlying type string, but result a has type array in pipelineTask
"#);
}

#[test]
fn too_many_combinations() {
    let list = |n: usize| (0..n).map(|i| format!("a{i}")).collect::<Vec<_>>().join(", ");
    let spec = |include: &str| {
        let lists = format!("{{name: a, value: [{}]}}, {{name: b, value: [{}]}}", list(16), list(16));
        format!(
            "tasks: [{{name: t, taskRef: {{name: t}}, matrix: {{params: [{lists}], include: [{include}]}}}}]"
        )
    };
    assert_eq!(said("Pipeline", &spec("")), "");
    assert_eq!(said("Pipeline", &spec("{params: [{name: a, value: a0}, {name: c, value: d}]}")), "");
    insta::assert_snapshot!(said("Pipeline", &spec("{params: [{name: a, value: new}]}")), @"Error x.yaml:5:41: expected 0 <= 257 <= 256: spec.tasks[0].matrix");
}

#[test]
fn task_runs() {
    insta::assert_snapshot!(said("TaskRun", r#"
taskRef: {name: t, resolver: git, params: [{name: url, value: x}, {name: URL, value: y}]}
params: [{name: a, value: x}, {name: a, value: y}]
status: Stopped
retries: -1
timeout: -5m
debug: {breakpoints: {onFailure: sometimes}}
stepSpecs: [{name: s, computeResources: {limits: {cpu: 1}}}, {name: s}]
computeResources: {limits: {cpu: 2}}
workspaces:
- {name: none}
- {name: two, emptyDir: {}, secret: {secretName: s}}
- {name: claim, persistentVolumeClaim: {}}
- {name: claim, configMap: {name: c}}
- {}
"#), @"
Error x.yaml:5:19: expected exactly one, got both: spec.taskRef.name, spec.taskRef.params
Error x.yaml:5:19: invalid value: invalid URI for request: spec.taskRef.name
Error x.yaml:5:76: expected exactly one, got both: spec.taskRef[URL].name
Error x.yaml:6:40: expected exactly one, got both: spec.params[a].name
Error x.yaml:7:11: invalid value: Stopped should be TaskRunCancelled or TaskRunPending: spec.status
Error x.yaml:8:12: invalid value: -1 should be >= 0: spec.retries
Error x.yaml:9:12: invalid value: -5m0s should be >= 0: spec.timeout
Error x.yaml:10:36: invalid value: sometimes is not a valid onFailure breakpoint value, onFailure breakpoint is only allowed to be set as enabled: spec.debug.breakpoints.onFailure
Error x.yaml:11:3: expected exactly one, got both: spec.computeResources, spec.stepSpecs.resources
Error x.yaml:11:71: expected exactly one, got both: spec.stepSpecs[1].name
Error x.yaml:14:5: expected exactly one, got neither: spec.workspaces[0].configmap, spec.workspaces[0].emptydir, spec.workspaces[0].persistentvolumeclaim, spec.workspaces[0].secret, spec.workspaces[0].volumeclaimtemplate
Error x.yaml:15:5: expected exactly one, got both: spec.workspaces[1].configmap, spec.workspaces[1].emptydir, spec.workspaces[1].persistentvolumeclaim, spec.workspaces[1].secret, spec.workspaces[1].volumeclaimtemplate
Error x.yaml:16:19: missing field(s): spec.workspaces[2].persistentvolumeclaim.claimname
Error x.yaml:17:12: expected exactly one, got both: spec.workspaces[3].name
Error x.yaml:18:5: missing field(s): spec.workspaces[4]
");
    insta::assert_snapshot!(said("TaskRun", "statusMessage: x"), @"
    Error x.yaml:4:1: expected exactly one, got neither: spec.taskRef, spec.taskSpec
    Error x.yaml:5:18: invalid value: statusMessage should not be set if status is not set, but it is currently set to x: spec.statusMessage
    ");
    insta::assert_snapshot!(said("TaskRun", r#"
params: [{name: given, value: x}, {name: obj, value: {k: v}}]
taskSpec:
  params: [{name: declared}, {name: obj, type: object}]
  steps: [{image: i, script: '$(params.given) $(params.declared) $(params.obj.k) $(params.neither)'}]
"#), @r#"
Error x.yaml:7:32: missing field(s): spec.obj.properties
Error x.yaml:8:84: non-existent variable in "$(params.given) $(params.declared) $(params.obj.k) $(params.neither)": spec.steps[0].script
"#);
}

#[test]
fn pipeline_runs() {
    insta::assert_snapshot!(said("PipelineRun", r#"
pipelineSpec:
  tasks: [{name: t, taskSpec: {steps: [{image: i, script: $(params.p) $(params.q)}]}, params: [{name: q, value: z}]}]
params: [{name: p, value: $(tasks.t.results.r)}]
status: Stop
timeouts: {pipeline: 1h, tasks: 2h, finally: -1s}
taskRunSpecs: [{pipelineTaskName: t, timeout: 3h}, {pipelineTaskName: u}]
workspaces: [{name: w, emptyDir: {}}, {name: w, emptyDir: {}}]
"#), @r#"
Error x.yaml:7:29: invalid value: cannot use result expressions in [tasks.t.results.r] as PipelineRun parameter values: spec.params[p].value
Error x.yaml:8:11: invalid value: Stop should be Cancelled, CancelledRunFinally, StoppedRunFinally or PipelineRunPending: spec.status
Error x.yaml:9:35: invalid value: 2h0m0s should be <= pipeline duration: spec.timeouts.tasks
Error x.yaml:9:35: invalid value: 2h0m0s + -1s should be <= pipeline duration: spec.timeouts.finally, spec.timeouts.tasks
Error x.yaml:9:48: invalid value: -1s should be >= 0: spec.timeouts.finally
Error x.yaml:10:49: invalid value: 3h0m0s should be <= pipeline tasks duration 2h0m0s: spec.taskRunSpecs[t].timeout
Warning x.yaml:10:73: pipelineRun's taskrunSpecs defined wrong taskName: "u", does not exist in Pipeline: spec.taskRunSpecs[1].pipelineTaskName
Error x.yaml:11:48: workspace "w" provided by pipelinerun more than once, at index 0 and 1: spec.workspaces[1].name
"#);
    insta::assert_snapshot!(said("PipelineRun", "{pipelineRef: {name: p}, timeouts: {pipeline: '0', tasks: 50m, finally: 20m}}"), @"Error x.yaml:5:61: invalid value: 50m0s + 20m0s should be <= pipeline duration: spec.timeouts.finally, spec.timeouts.tasks");
    insta::assert_snapshot!(said("PipelineRun", "{pipelineRef: {}, timeouts: {tasks: '0'}}"), @"
    Error x.yaml:5:4: missing field(s): spec.pipelineRef.name
    Error x.yaml:5:39: invalid value: 0s (no timeout) should be <= pipeline duration: spec.timeouts.tasks
    ");
}

#[test]
fn features_that_a_cluster_has_not_turned_on() {
    let spec = r#"
params: [{name: p, enum: [a]}]
tasks:
- name: t
  taskSpec:
    steps:
    - {image: i, stdoutConfig: {path: /x}}
    - {image: i, script: cat $(step.artifacts.path)}
  when: [{cel: "'a' == 'a'"}]
  onError: continue
- {name: m, taskRef: {resolver: git, params: [{name: url, value: x}]}, matrix: {params: [{name: x, value: [a]}]}}
- {name: p, pipelineRef: {name: q}}
- {name: u, taskRef: {name: 'https://x/y'}}
"#;
    insta::assert_snapshot!(said_with("Pipeline", spec, &Features::all()), @"Error x.yaml:16:15: missing field(s): spec.tasks[3].taskRef.resolver");
    insta::assert_snapshot!(said_with("Pipeline", spec, &Features::stock()), @r#"
    Error x.yaml:5:12: feature flag `enable-param-enum` should be set to true to use Enum: spec.finally.params[p], spec.tasks.params[p]
    Error x.yaml:10:20: step stdout stream support requires "enable-api-fields" feature gate to be "alpha" but it is "beta": spec.tasks[0].taskSpec.steps[0].stdoutconfig
    Error x.yaml:11:9: feature flag enable-artifacts should be set to true to use artifacts feature.
    Error x.yaml:12:12: feature flag enable-cel-in-whenexpression should be set to true to use CEL: 'a' == 'a' in WhenExpression: spec.tasks[0].when[0]
    Error x.yaml:15:15: pipelineRef requires "enable-api-fields" feature gate to be "alpha" but it is "beta": spec.tasks[2].pipelineRef
    Error x.yaml:16:15: feature flag enable-concise-resolver-syntax should be set to true to use concise resolver syntax: spec.tasks[3].taskRef
    Error x.yaml:16:15: missing field(s): spec.tasks[3].taskRef.resolver
    "#);
    let stable = Features {
        level: tekton::validate::features::Level::Stable,
        no_inline_spec: ["pipeline".to_owned()].into(),
        ..Features::stock()
    };
    insta::assert_snapshot!(said_with("Pipeline", spec, &stable), @r#"
    Error x.yaml:5:12: feature flag `enable-param-enum` should be set to true to use Enum: spec.finally.params[p], spec.tasks.params[p]
    Error x.yaml:8:5: must not set the field(s): spec.tasks[0].taskSpec
    Error x.yaml:10:20: step stdout stream support requires "enable-api-fields" feature gate to be "alpha" but it is "stable": spec.tasks[0].taskSpec.steps[0].stdoutconfig
    Error x.yaml:11:9: feature flag enable-artifacts should be set to true to use artifacts feature.
    Error x.yaml:12:12: feature flag enable-cel-in-whenexpression should be set to true to use CEL: 'a' == 'a' in WhenExpression: spec.tasks[0].when[0]
    Error x.yaml:13:14: OnError requires "enable-api-fields" feature gate to be "alpha" or "beta" but it is "stable": spec.tasks[0].onError
    Error x.yaml:14:5: matrix requires "enable-api-fields" feature gate to be "alpha" or "beta" but it is "stable": spec.tasks[1]
    Error x.yaml:14:35: resolver requires "enable-api-fields" feature gate to be "alpha" or "beta" but it is "stable": spec.tasks[1].taskRef.resolver
    Error x.yaml:14:40: resolver params requires "enable-api-fields" feature gate to be "alpha" or "beta" but it is "stable": spec.tasks[1].taskRef.params
    Error x.yaml:15:15: pipelineRef requires "enable-api-fields" feature gate to be "alpha" but it is "stable": spec.tasks[2].pipelineRef
    Error x.yaml:16:15: feature flag enable-concise-resolver-syntax should be set to true to use concise resolver syntax: spec.tasks[3].taskRef
    Error x.yaml:16:15: missing field(s): spec.tasks[3].taskRef.resolver
    "#);
}
