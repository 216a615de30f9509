//! Small pipelines and facts for tests of decisions.
#![allow(clippy::unwrap_used, dead_code, reason = "each test file uses its part")]

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tekton::catalog::Catalog;
use tekton::next::{Child, Decision, Facts, Outcome, next};
use tekton::prepare::{self, Failure, PipelineContext, PreparedPipeline, Settings};
use tekton::types::PipelineRun;
use tekton::when::NoCel;

/// A pipeline task whose inline task declares the string results `r` and `s`; `fields` are added or replaced.
pub fn task(name: &str, fields: Value) -> Value {
    let mut task = json!({
        "name": name,
        "taskSpec": {"results": [{"name": "r"}, {"name": "s"}], "steps": [{"image": "i", "script": "true"}]},
    });
    task.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    task
}

/// A run called `run` of an inline pipeline; `fields` are added to its spec.
pub fn run(pipeline: Value, fields: Value) -> PipelineRun {
    let mut spec = json!({ "pipelineSpec": pipeline });
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"name": "run", "namespace": "ns", "uid": "u-1"},
        "spec": spec,
    }))
    .unwrap()
}

pub fn try_prepare(run: &PipelineRun) -> Result<PreparedPipeline, Failure> {
    let settings = Settings::default();
    prepare::pipeline(
        run,
        &Catalog::default(),
        &PipelineContext { settings: &settings, cel: &NoCel, ancestors: &[] },
    )
}

pub fn prepared(pipeline: Value) -> PreparedPipeline {
    try_prepare(&run(pipeline, json!({}))).unwrap()
}

/// One child of each task: `ok`, `fail`, `cancelled`, `timed-out` or `running`; results after a colon, `ok:r=1,s=2`.
pub fn facts(children: &[(&str, &str)]) -> Facts {
    let children = children.iter().map(|(task, state)| child(&format!("run-{task}"), task, state)).collect();
    Facts { children, ..Facts::default() }
}

pub fn child(name: &str, task: &str, state: &str) -> Child {
    let (state, results) = state.split_once(':').unwrap_or((state, ""));
    let results: Vec<Value> = results
        .split(',')
        .filter_map(|r| r.split_once('='))
        .map(|(name, value)| {
            let value = serde_json::from_str(value).unwrap_or(Value::from(value));
            json!({"name": name, "value": value})
        })
        .collect();
    let outcome = |succeeded, reason: &str, timed_out| Outcome {
        succeeded,
        reason: reason.into(),
        results: serde_json::from_value(json!(results)).unwrap(),
        artifacts: None,
        timed_out,
    };
    let outcome = match state {
        "ok" => Some(outcome(true, "Succeeded", false)),
        "fail" => Some(outcome(false, "StepFailed", false)),
        "cancelled" => Some(outcome(false, "TaskRunCancelled", false)),
        "timed-out" => Some(outcome(false, "TaskRunCancelled", true)),
        "running" => None,
        other => panic!("{other}"),
    };
    Child { name: name.into(), task: task.into(), params: Vec::new(), outcome }
}

pub fn decide(pipeline: &PreparedPipeline, facts: &Facts) -> Decision {
    next(pipeline, facts, &NoCel)
}

/// `task: reason`, in order.
pub fn skipped(decision: &Decision) -> Vec<String> {
    decision.skipped.iter().map(|s| format!("{}: {}", s.name, s.reason)).collect()
}

/// Names of the children to start, without `run-`.
pub fn starts(decision: &Decision) -> BTreeSet<String> {
    decision.start.iter().map(|c| c.name().trim_start_matches("run-").to_owned()).collect()
}

pub fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// `status reason: message`.
pub fn state(decision: &Decision) -> String {
    format!("{:?} {}: {}", decision.state.status, decision.state.reason, decision.state.message)
}

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
