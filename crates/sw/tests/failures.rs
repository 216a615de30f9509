//! Runs that fail, against what a real Tekton left of the same runs: conditions, skipped tasks, children, results, and
//! how each step ended.

#![allow(clippy::unwrap_used)]

mod env;

use std::fs;
use std::path::Path;

use env::{HOST, TestEnv, read_json, text};
use serde_json::{Map, Value, json};

/// Fixtures whose record cannot be met here, with the reason.
const SKIPPED: [(&str, &str); 0] = [];

#[test]
fn failures_end_as_on_a_cluster() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let Some(env) = TestEnv::new() else { return };
    let mut compared = 0;
    // They mostly sleep; together they take as long as the longest.
    std::thread::scope(|scope| {
        for yaml in recorded(&fixtures.join("tekton-failures")) {
            let name = yaml.file_stem().unwrap().to_string_lossy().into_owned();
            if let Some((_, why)) = SKIPPED.iter().find(|(skipped, _)| *skipped == name) {
                println!("skipped: {name}: {why}");
                continue;
            }
            compared += 1;
            let env = &env;
            scope.spawn(move || compare(env, &name, &yaml));
        }
    });
    assert!(compared + SKIPPED.len() >= 10, "only {compared} runs were compared");
    env.assert_nothing_left();
}

/// The YAML files of a folder that have a record beside them.
fn recorded(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files
        .retain(|path| path.extension().is_some_and(|e| e == "yaml") && path.with_extension("json").exists());
    files.sort();
    files
}

fn compare(env: &TestEnv, name: &str, yaml: &Path) {
    let record = read_json(&yaml.with_extension("json"));
    let record = record["runs"].as_array().unwrap();
    let outcome = env.call(&[&["run", &yaml.to_string_lossy()][..], &HOST].concat());
    let succeeded = record[0]["condition"]["status"] == "True";
    let outcome = outcome.code(i32::from(!succeeded));
    let run = env.runs().into_iter().find(|run| run.starts_with(&format!("{name}-"))).unwrap();

    let mut ours = vec![pipeline_run(&env.finished(&run))];
    ours.extend(env.task_runs(&run).values().map(task_run));
    let ours = serde_json::to_string(&ours).unwrap().replace(&run, &format!("{name}-XXXXX"));
    let ours: Value = serde_json::from_str(&ours).unwrap();
    let mut theirs = Value::from(record.clone());
    theirs.as_array_mut().unwrap().iter_mut().for_each(simplify);
    assert_eq!(ours, theirs, "{name}\nours {ours:#}\ntheirs {theirs:#}\n{}", outcome.stderr);

    // The journal tells the same story.
    let events = env.events(&run);
    let last = &events.last().unwrap()["event"];
    assert_eq!(last["type"], "run-finished");
    assert_eq!(last["reason"], record[0]["condition"]["reason"], "{name}");
    for child in record.iter().filter(|r| r["kind"] == "TaskRun") {
        let task = &child["labels"]["tekton.dev/pipelineTask"];
        let count = |kind: &str| {
            events.iter().map(|e| &e["event"]).filter(|e| e["type"] == kind && e["task"] == *task).count()
        };
        assert_eq!(count("task-finished"), 1, "{name} {task}");
        assert_eq!(count("task-retried") as u64, child["retries"].as_u64().unwrap_or(0), "{name} {task}");
    }
}

/// The parts of a finished PipelineRun that records have.
fn pipeline_run(run: &Value) -> Value {
    let status = &run["status"];
    let mut told = Map::new();
    told.insert("kind".into(), run["kind"].clone());
    told.insert("name".into(), run["metadata"]["name"].clone());
    told.insert("condition".into(), condition(status));
    for field in ["results", "skippedTasks", "childReferences"] {
        told.extend(status.get(field).map(|v| (field.to_owned(), v.clone())));
    }
    let mut told = told.into();
    simplify(&mut told);
    told
}

/// The parts of a finished TaskRun that records have.
fn task_run(run: &Value) -> Value {
    let status = &run["status"];
    let labels = &run["metadata"]["labels"];
    let mut told = Map::new();
    told.insert("kind".into(), run["kind"].clone());
    told.insert("name".into(), run["metadata"]["name"].clone());
    let kept = ["tekton.dev/memberOf", "tekton.dev/pipelineTask"];
    told.insert("labels".into(), kept.into_iter().map(|l| (l.to_owned(), labels[l].clone())).collect());
    told.insert("condition".into(), condition(status));
    told.extend(status.get("results").map(|v| ("results".to_owned(), v.clone())));
    let steps = status["steps"].as_array().cloned().unwrap_or_default();
    let step = |s: &Value| {
        let mut step = json!({
            "name": s["name"], "container": s["container"], "terminationReason": s["terminationReason"],
            "exitCode": s["terminated"]["exitCode"], "reason": s["terminated"]["reason"],
        });
        if let Some(results) = s.get("results") {
            step["results"] = results.clone();
        }
        step
    };
    told.insert("steps".into(), steps.iter().map(step).collect());
    if let Some(retries) = status.get("retriesStatus").and_then(Value::as_array) {
        told.insert("retries".into(), retries.len().into());
    }
    told.into()
}

fn condition(status: &Value) -> Value {
    let condition = &status["conditions"][0];
    json!({"status": condition["status"], "reason": condition["reason"], "message": condition["message"]})
}

/// Takes away what only a cluster can tell, and orders what has no order.
fn simplify(run: &mut Value) {
    // How far the pod had come when its time was over.
    let message = text(&run["condition"]["message"]);
    if let Some((first, _)) = message.split_once("\nPrevious status:") {
        run["condition"]["message"] = first.into();
    }
    if let Some(children) = run.get_mut("childReferences").and_then(Value::as_array_mut) {
        for child in children.iter_mut() {
            child.as_object_mut().unwrap().shift_remove("apiVersion");
        }
        children.sort_by_key(|child| text(&child["name"]));
    }
}

/// What no fixture has: an attempt that fails before its first step, in all the ways there are.
#[test]
fn tasks_that_cannot_start() {
    let Some(env) = TestEnv::new() else { return };
    let run = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: cannot}
spec:
  pipelineSpec:
    tasks:
    - name: secret
      onError: continue
      taskSpec:
        steps:
        - {name: fine, image: host, script: "touch /workspace/ran"}
        - {name: s, image: host, env: [{name: X, valueFrom: {secretKeyRef: {name: nope, key: k}}}], script: "exit 0"}
    - name: key
      onError: continue
      taskSpec: {steps: [{name: s, image: host, env: [{name: X, valueFrom: {configMapKeyRef: {name: there, key: nope}}}], script: "exit 0"}]}
    - name: volume
      onError: continue
      taskSpec: {volumes: [{name: v, secret: {secretName: nope}}], steps: [{name: s, image: host, script: "exit 0"}]}
    - name: image
      onError: continue
      taskSpec:
        steps:
        - {name: fine, image: host, script: "touch /workspace/ran"}
        - {name: s, image: "127.0.0.1:1/no/such:image", script: "exit 0"}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: there}, data: {a: b}}
"#;
    env.write("run.yaml", run);
    env.call(&["run", "run.yaml", "--image", "host=host"]).ok();
    let told: Vec<String> = env
        .task_runs("cannot")
        .iter()
        .map(|(task, run)| {
            let condition = &run["status"]["conditions"][0];
            let steps = run["status"]["steps"].as_array().map_or(0, Vec::len);
            format!(
                "{task}: {} after {steps} steps: {}",
                text(&condition["reason"]),
                text(&condition["message"])
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    image: TaskRunImagePullFailed after 0 steps: the step "s" in TaskRun "cannot-image" failed to pull the image "". The pod errored with the message: "cannot get the image 127.0.0.1:1/no/such:image: registry 127.0.0.1:1 could not be used to fetch manifest image (repository `no/such`), tried 5 times; the last time: cannot connect (http://127.0.0.1:1): Connection refused (os error 111); map it with `--image 127.0.0.1:1/no/such:image=host` or `--image 127.0.0.1:1/no/such:image=OTHER`."
    key: CreateContainerConfigError after 0 steps: the step "s" in TaskRun "cannot-key" failed to start. The pod errored with the message: "couldn't find key nope in configmap there."
    secret: CreateContainerConfigError after 0 steps: the step "s" in TaskRun "cannot-secret" failed to start. The pod errored with the message: "secret "nope" not found; add it to the files of this run."
    volume: PodCreationFailed after 0 steps: secret "nope" not found; add it to the files of this run
    "#);
    env.assert_nothing_left();
}
