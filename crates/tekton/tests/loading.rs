//! Texts as objects: old versions, lists, JSON, statuses, catalogs, and what counts as plain Tekton.
#![allow(clippy::unwrap_used)]

use base::Source;
use serde_json::{Value, json};
use tekton::catalog::{Catalog, Run};
use tekton::load::{Document, Object, load};
use tekton::strict;
use tekton::types::{ConditionStatus, ParamValue};

fn documents(text: &str) -> Vec<Document> {
    load(&Source::new("x.yaml", text)).unwrap_or_else(|e| panic!("{}", e.render(false))).documents
}

fn json_of(object: &Object) -> Value {
    match object {
        Object::Task(o) => serde_json::to_value(o),
        Object::Pipeline(o) => serde_json::to_value(o),
        Object::TaskRun(o) => serde_json::to_value(o),
        Object::PipelineRun(o) => serde_json::to_value(o),
        other => panic!("{other:?}"),
    }
    .unwrap()
}

#[test]
fn v1beta1_becomes_v1() {
    let old = "
apiVersion: tekton.dev/v1beta1
kind: PipelineRun
metadata: {name: r}
spec:
  serviceAccountName: builder
  podTemplate: {hostNetwork: true}
  timeout: 2h
  taskRunSpecs:
  - pipelineTaskName: t
    taskServiceAccountName: other
    taskPodTemplate: {hostNetwork: false}
    stepOverrides: [{name: s, resources: {limits: {cpu: 1}}}]
    sidecarOverrides: [{name: c, resources: {limits: {cpu: 2}}}]
  pipelineSpec:
    tasks:
    - name: t
      taskSpec:
        stepTemplate: {name: gone, resources: {requests: {memory: 1Gi}}}
        sidecars: [{image: i, resources: {requests: {cpu: 100m}}}]
        steps: [{image: i, Resources: {limits: {devices.kubevirt.io/kvm: 1}}, tty: true}]
status:
  taskRuns: {a: {}}
  pipelineResults: [{name: x, value: v}]
  pipelineSpec:
    tasks: [{name: t, taskSpec: {steps: [{image: i, resources: {limits: {cpu: 1}}}]}}]
";
    let now = "
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: r}
spec:
  taskRunTemplate:
    serviceAccountName: builder
    podTemplate: {hostNetwork: true}
  timeouts: {pipeline: 2h}
  taskRunSpecs:
  - pipelineTaskName: t
    serviceAccountName: other
    podTemplate: {hostNetwork: false}
    stepSpecs: [{name: s, computeResources: {limits: {cpu: 1}}}]
    sidecarSpecs: [{name: c, computeResources: {limits: {cpu: 2}}}]
  pipelineSpec:
    tasks:
    - name: t
      taskSpec:
        stepTemplate: {computeResources: {requests: {memory: 1Gi}}}
        sidecars: [{image: i, computeResources: {requests: {cpu: 100m}}}]
        steps: [{image: i, computeResources: {limits: {devices.kubevirt.io/kvm: 1}}}]
status:
  results: [{name: x, value: v}]
  pipelineSpec:
    tasks: [{name: t, taskSpec: {steps: [{image: i, computeResources: {limits: {cpu: 1}}}]}}]
";
    assert_eq!(json_of(&documents(old)[0].object), json_of(&documents(now)[0].object));
}

#[test]
fn places_survive_the_conversion() {
    let text = "apiVersion: tekton.dev/v1beta1\nkind: TaskRun\nmetadata: {name: r}\nspec:\n  taskSpec:\n    steps:\n    - image: i\n      resources: {limits: {cpu: 1}}\n";
    let document = &documents(text)[0];
    let span = document.node.span_of("spec.taskSpec.steps[0].computeResources.limits.cpu");
    assert_eq!(document.source.position(span.start), (8, 33));
}

#[test]
fn keys_are_read_in_any_case_and_the_later_wins() {
    let text = "apiversion: tekton.dev/v1\nKIND: Task\nmetadata: {name: t}\nspec:\n  Steps: [{image: a, Image: b, volumemounts: [{mountpath: /x}]}]\n";
    let documents = documents(text);
    let Object::Task(task) = &documents[0].object else { panic!("{:?}", documents[0].object) };
    assert_eq!(task.spec.steps[0].image, "b");
    assert_eq!(task.spec.steps[0].volume_mounts[0].mount_path, "/x");
}

#[test]
fn values_of_params_are_typed_as_tekton_does() {
    let text = "
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: r}
spec:
  taskRef: {name: t}
  params:
  - {name: a, value: true}
  - {name: b, value: 0755}
  - {name: c, value: 1e3}
  - {name: d, value: [1, 2]}
  - {name: e, value: [x, null]}
  - {name: f, value: {k: v}}
  - {name: g, value: {k: 1, b: [<]}}
  - {name: h, value: null}
  - {name: i, value: 2020-01-01}
";
    let documents = documents(text);
    let Object::TaskRun(run) = &documents[0].object else { panic!() };
    let values: Vec<&ParamValue> = run.spec.params.iter().map(|p| &p.value).collect();
    let object = ParamValue::Object([("k".to_owned(), "v".to_owned())].into());
    let array = ParamValue::Array(vec!["x".into(), String::new()]);
    let texts = ["true", "493", "1000", "[1,2]", "", "", r#"{"b":["\u003c"],"k":1}"#, "", "2020-01-01"];
    for (i, text) in texts.into_iter().enumerate() {
        match i {
            4 => assert_eq!(values[i], &array),
            5 => assert_eq!(values[i], &object),
            _ => assert_eq!(values[i].as_str(), Some(text), "{i}"),
        }
    }
}

#[test]
fn lists_and_json_are_read() {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v"}},
        {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}]},
    ]});
    let found = documents(&serde_json::to_string_pretty(&list).unwrap().replace("  ", "\t"));
    assert!(matches!(&found[0].object, Object::ConfigMap(map) if map.data["k"] == "v"));
    assert!(
        matches!(&found[1].object, Object::Other { kind, name, .. } if kind == "Deployment" && name == "d")
    );
}

#[test]
fn what_a_cluster_reports_is_read() {
    let text = r#"{
      "apiVersion": "tekton.dev/v1", "kind": "TaskRun",
      "metadata": {"name": "r", "uid": "u", "resourceVersion": "12", "generation": 1, "creationTimestamp": "2026-08-20T10:00:00Z",
        "labels": {"app.kubernetes.io/managed-by": "tekton-pipelines"}, "managedFields": [{"manager": "kubectl"}],
        "ownerReferences": [{"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": "p", "uid": "x", "controller": true, "blockOwnerDeletion": true}]},
      "spec": {"serviceAccountName": "default", "timeout": "1h0m0s", "taskRef": {"kind": "Task", "name": "t"}},
      "status": {
        "podName": "r-pod", "startTime": "2026-08-20T10:00:00Z", "completionTime": "2026-08-20T10:00:05Z",
        "conditions": [{"type": "Succeeded", "status": "False", "reason": "StepFailed", "message": "\"step-s\" exited with code 3: Error",
          "lastTransitionTime": "2026-08-20T10:00:05Z"}],
        "steps": [{"name": "s", "container": "step-s", "imageID": "docker.io/library/bash@sha256:00", "terminationReason": "Error",
          "results": [{"name": "a", "type": "array", "value": ["x", "y"]}],
          "terminated": {"exitCode": 3, "reason": "Error", "startedAt": "2026-08-20T10:00:02Z", "finishedAt": "2026-08-20T10:00:04Z", "containerID": "containerd://1"}}],
        "sidecars": [{"name": "c", "container": "sidecar-c", "running": {"startedAt": "2026-08-20T10:00:01Z"}}],
        "retriesStatus": [{"podName": "r-pod-retry1", "conditions": []}],
        "results": [{"name": "o", "type": "object", "value": {"k": "v"}}],
        "artifacts": {"outputs": [{"name": "image", "buildOutput": true, "values": [{"uri": "pkg:x", "digest": {"sha256": "00"}}]}]},
        "provenance": {"refSource": {"uri": "git+https://x", "digest": {"sha1": "11"}, "entryPoint": "t.yaml"}, "featureFlags": {"enableAPIFields": "beta"}},
        "taskSpec": {"steps": [{"name": "s", "image": "bash", "computeResources": {}, "script": "exit 3"}]},
        "spanContext": {"traceparent": "00-0"}
      }
    }"#;
    let documents = documents(text);
    let Object::TaskRun(run) = &documents[0].object else { panic!() };
    let status = &run.status;
    assert_eq!(status.succeeded().unwrap().status, ConditionStatus::False);
    assert_eq!(status.steps[0].terminated.as_ref().unwrap().exit_code, 3);
    assert!(status.sidecars[0].running.is_some());
    assert_eq!(status.results[0].value.as_object().unwrap()["k"], "v");
    assert_eq!(
        serde_json::from_value::<tekton::types::TaskRun>(json_of(&documents[0].object)).unwrap(),
        *run
    );
}

#[test]
fn a_catalog_finds_objects_and_names_runs() {
    let text = "
{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: t}, spec: {steps: [{image: i}]}}
---
{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {generateName: run-}, spec: {taskRef: {name: t}}}
---
{apiVersion: v1, kind: Secret, metadata: {name: t}}
---
{apiVersion: tekton.dev/v1, kind: PipelineRun, metadata: {name: last, generateName: x}, spec: {pipelineRef: {name: p}}}
";
    let mut number = 0;
    let mut complete = |prefix: &str| {
        number += 1;
        format!("{prefix}{number}")
    };
    let catalog = Catalog::new(documents(text), &mut complete).unwrap();
    assert!(catalog.task("t").is_some() && catalog.secret("t").is_some() && catalog.pipeline("t").is_none());
    let runs: Vec<&str> = catalog.runs().map(|run| run.metadata().name.as_str()).collect();
    assert_eq!(runs, ["run-1", "last"]);
    assert!(matches!(catalog.runs().next(), Some(Run::Task(_))));
    assert_eq!(catalog.names("Task").collect::<Vec<_>>(), ["t"]);
}

#[test]
fn names_are_given_once() {
    let task = |name: &str| {
        format!(
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{{name}}}\nspec: {{steps: [{{image: i}}]}}\n"
        )
    };
    let mut both = load(&Source::new("a.yaml", task("name: t"))).unwrap().documents;
    both.extend(load(&Source::new("b.yaml", task("name: t"))).unwrap().documents);
    both.extend(load(&Source::new("c.yaml", task("labels: {}"))).unwrap().documents);
    let problems = Catalog::new(both, &mut str::to_owned).unwrap_err();
    insta::assert_snapshot!(problems.render(false), @"
    error[duplicate-object]: there are two Tasks called `t`
     --> b.yaml:3:18
      |
    3 | metadata: {name: t}
      |                  ^
      |
     ::: a.yaml:3:18
      |
    3 | metadata: {name: t}
      |                  - first here
      |
      = help: rename one of them, or leave one of the files out

    error[missing-name]: this Task has no name
     --> c.yaml:3:1
      |
    3 | metadata: {labels: {}}
      | ^^^^^^^^
      |
      = help: give it `metadata.name`, or `metadata.generateName` for a new name each time
    ");
}

#[test]
fn plain_tekton_is_strict() {
    let fine = "
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: p}
spec:
  tasks:
  - {name: a, taskRef: {name: t}}
  - {name: b, taskRef: {name: t}, params: [{name: x, value: $(tasks.a.results.r)}]}
---
apiVersion: tekton.dev/v1beta1
kind: StepAction
metadata: {name: s}
spec: {image: i}
";
    assert_eq!(strict::check(&Source::new("x", fine)).unwrap().len(), 2);
    let bad = "
apiVersion: tekton.dev/v1beta1
kind: Task
metadata: {name: t}
spec: {steps: [{image: i}]}
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: u}
spec: {steps: [{image: i, script: cat $(step.artifacts.path)}]}
---
apiVersion: example.com/v1
kind: Thing
";
    insta::assert_snapshot!(strict::check(&Source::new("x", bad)).unwrap_err(), @"
    x:13:7: skipped Thing (example.com/v1): it is not used here
    x:2:13: Task is written in tekton.dev/v1beta1
    x:10:16: feature flag enable-artifacts should be set to true to use artifacts feature.
    ");
    let case = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec: {Steps: [{image: i}]}\n";
    insta::assert_snapshot!(strict::check(&Source::new("x", case)).unwrap_err(), @r#"x:4:8: unknown field "Steps""#);
}

#[test]
fn the_tasks_we_ship_are_plain_tekton() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tasks");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().display().to_string();
        // The template of pipelines is of our own kind.
        if path.extension().is_some_and(|e| e == "yaml") && name != "pipeline.yaml" {
            let source = Source::new(name, std::fs::read_to_string(&path).unwrap());
            strict::check(&source).unwrap_or_else(|e| panic!("{}", e.render(false)));
            checked += 1;
        }
    }
    assert!(checked > 0, "no tasks in {folder}");
}
