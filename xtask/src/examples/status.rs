//! Finished objects without what differs from run to run, and what is different between two of them.
//!
//! An outcome file holds them as JSON: `{"runs": [{kind, name, labels, condition, results, skippedTasks, childReferences,
//! steps, sidecars, artifacts, retries}]}`; what is empty is left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::play::PlayedRun;

/// The label that names the pipeline: of one that is written in the run, the run.
const PIPELINE: &str = "tekton.dev/pipeline";

/// The labels that say where an object belongs.
const LABELS: [&str; 4] = ["tekton.dev/memberOf", PIPELINE, "tekton.dev/pipelineTask", "tekton.dev/task"];

/// What stands for the random part of a name.
pub const RANDOM: &str = "XXXXX";

/// What some outcome files do not tell; others do, and then it must be the same.
const UNTOLD: [&str; 2] = ["labels", "sidecars"];

/// A finished object as an outcome file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Left(Value);

impl Left {
    /// Of a PipelineRun or TaskRun with its status.
    pub fn of(object: &Value) -> Self {
        let (metadata, status) = (&object["metadata"], &object["status"]);
        let condition = &status["conditions"][0];
        let mut left = json!({
            "kind": object["kind"],
            "name": metadata["name"],
            "labels": only(&metadata["labels"], &LABELS),
            "condition": only(condition, &["status", "reason", "message"]),
            "results": status["results"],
            "skippedTasks": status["skippedTasks"],
            "childReferences": each(&status["childReferences"], |c| {
                only(c, &["kind", "name", "pipelineTaskName", "displayName", "whenExpressions"])
            }),
            "steps": each(&status["steps"], step),
            "sidecars": each(&status["sidecars"], |s| only(s, &["name", "container"])),
            "artifacts": status["artifacts"],
            "retries": status["retriesStatus"].as_array().map(Vec::len),
        });
        if let Some(fields) = left.as_object_mut() {
            fields.retain(|_, value| !is_empty(value));
        }
        Self(left).steady()
    }

    /// Without what nobody can foresee: hashes in names, the random part of a run's name in the label that is made of
    /// it, how far a cluster's pod got within a timeout. Children by name, because which of two starts first is chance.
    fn steady(mut self) -> Self {
        let mask = |value: &mut Value| *value = masked(value.as_str().unwrap_or_default()).into();
        mask(&mut self.0["name"]);
        if let Some(Value::String(pipeline)) = self.0["labels"].get_mut(PIPELINE) {
            let kept = pipeline.strip_suffix(RANDOM).map(|kept| kept.trim_end_matches('-').to_owned());
            *pipeline = kept.unwrap_or_else(|| pipeline.clone());
        }
        if let Some(Value::String(message)) = self.0["condition"].get_mut("message") {
            message.truncate(message.find("\nPrevious status: ").unwrap_or(message.len()));
        }
        if let Some(children) = self.0.get_mut("childReferences").and_then(Value::as_array_mut) {
            children.iter_mut().for_each(|child| mask(&mut child["name"]));
            children.sort_by_key(|child| child["name"].to_string());
        }
        self
    }

    fn key(&self) -> String {
        let text = |field: &str| self.0[field].as_str().unwrap_or_default();
        format!("{} {}", text("kind"), text("name"))
    }

    fn compare(&self, expected: &Self, found: &mut Vec<String>) {
        let mut got = self.0.clone();
        for field in UNTOLD {
            let told = expected.0.get(field).unwrap_or(&Value::Null);
            // Of labels, those of an older recorder lack the pipeline's.
            match (got.get_mut(field).and_then(Value::as_object_mut), told.as_object()) {
                (Some(labels), Some(told)) => labels.retain(|name, _| told.contains_key(name)),
                _ if told.is_null() => got[field] = Value::Null,
                _ => {}
            }
        }
        compare(&self.key(), &expected.0, &got, found);
    }

    fn succeeded(&self) -> bool {
        self.0["condition"]["status"] == "True"
    }
}

fn step(step: &Value) -> Value {
    let mut left = only(step, &["name", "container", "terminationReason", "results"]);
    left["exitCode"] = step["terminated"]["exitCode"].clone();
    left["reason"] = step["terminated"]["reason"].clone();
    left
}

/// The fields that are there.
fn only(value: &Value, fields: &[&str]) -> Value {
    let found = fields.iter().filter_map(|f| Some(((*f).to_owned(), value.get(f)?.clone())));
    Value::Object(found.collect::<Map<_, _>>())
}

fn each(list: &Value, change: impl Fn(&Value) -> Value) -> Value {
    list.as_array().map_or(Value::Null, |items| items.iter().map(change).collect())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        _ => false,
    }
}

/// Replaces a name in all texts of an object.
pub fn rename(object: &mut Value, name: &str, new: &str) {
    match object {
        Value::String(text) if text.contains(name) => *text = text.replace(name, new),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, name, new)),
        Value::Object(fields) => fields.values_mut().for_each(|value| rename(value, name, new)),
        _ => {}
    }
}

/// Long names have an MD5 sum in them, also of the random part of the run's name.
fn masked(name: &str) -> String {
    let hex = |w: &[u8]| w.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match name.as_bytes().windows(32).position(hex) {
        Some(at) => format!("{}<md5>{}", &name[..at], &name[at + 32..]),
        None => name.to_owned(),
    }
}

/// The objects of an outcome file.
///
/// # Errors
/// When it cannot be read or is not one.
pub fn read(path: &Path) -> Result<Vec<Left>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let record: Value = serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let runs = record["runs"].as_array().with_context(|| format!("{} has no `runs`", path.display()))?;
    Ok(runs.iter().map(|run| Left(run.clone()).steady()).collect())
}

/// Writes an outcome file.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, example: &str, played: &[PlayedRun]) -> Result<()> {
    let runs: Vec<&Value> = played.iter().flat_map(|run| &run.left).map(|left| &left.0).collect();
    let text = serde_json::to_string_pretty(&json!({ "example": example, "runs": runs }))?;
    fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
}

/// Runs that did not succeed, a line or more each.
pub fn failures(played: &[PlayedRun]) -> Vec<String> {
    let failed =
        played.iter().filter(|run| run.code != Some(0) || !run.left.first().is_some_and(Left::succeeded));
    failed.map(PlayedRun::end).collect()
}

/// What is different from what was recorded. A run that is not in the record must succeed.
pub fn differences(recorded: &[Left], played: &[PlayedRun]) -> Vec<String> {
    let mut expected: BTreeMap<String, &Left> = recorded.iter().map(|left| (left.key(), left)).collect();
    let mut found = Vec::new();
    for run in played {
        let known = run.left.first().filter(|top| expected.contains_key(&top.key()));
        let Some(top) = known else {
            found.extend(failures(std::slice::from_ref(run)));
            continue;
        };
        let before = found.len();
        if run.code != Some(if top.succeeded() { 0 } else { 1 }) {
            found.push(format!("{}: the exit code is not that of this end", top.key()));
        }
        for left in &run.left {
            match expected.remove(&left.key()) {
                Some(recorded) => left.compare(recorded, &mut found),
                None => found.push(format!("{} should not be there", left.key())),
            }
        }
        if found.len() > before {
            found.push(run.end());
        }
    }
    found.extend(expected.keys().map(|key| format!("{key} is missing")));
    found
}

/// Every place where two values differ.
fn compare(at: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                let null = Value::Null;
                let side = |fields: &'_ Map<String, Value>| fields.get(key).unwrap_or(&null).clone();
                compare(&format!("{at}.{key}"), &side(a), &side(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| compare(&format!("{at}[{i}]"), a, b, found));
        }
        _ if expected == got => {}
        _ => found.push(format!("{at}\n  expected {expected}\n  got      {got}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn finished(name: &str, message: &str) -> Left {
        Left::of(&json!({
            "kind": "TaskRun",
            "metadata": {"name": name, "uid": "1-2-3", "labels": {"tekton.dev/task": "t", "other": "x"}},
            "status": {
                "startTime": "2026-01-01T00:00:00Z",
                "conditions": [{"type": "Succeeded", "status": "False", "reason": "StepFailed", "message": message}],
                "steps": [{"name": "s", "container": "step-s", "imageID": "sha256:0", "terminationReason": "Error",
                           "terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "x"}}],
                "retriesStatus": [{}, {}],
            },
        }))
    }

    fn played(left: Left) -> PlayedRun {
        PlayedRun { left: vec![left], code: Some(1), told: "last words".to_owned() }
    }

    #[test]
    fn times_ids_and_images_are_left_out() {
        assert_eq!(
            finished("a", "m").0,
            json!({
                "kind": "TaskRun", "name": "a", "labels": {"tekton.dev/task": "t"},
                "condition": {"status": "False", "reason": "StepFailed", "message": "m"},
                "steps": [{"name": "s", "container": "step-s", "terminationReason": "Error", "exitCode": 1, "reason": "Error"}],
                "retries": 2,
            })
        );
    }

    #[test]
    fn every_difference_is_told_with_its_place() {
        let recorded = [finished("a", "m")];
        assert_eq!(differences(&recorded, &[played(finished("a", "m"))]), Vec::<String>::new());
        assert_eq!(
            differences(&recorded, &[played(finished("a", "n"))]),
            ["TaskRun a.condition.message\n  expected \"m\"\n  got      \"n\"", "exit code 1\nlast words"]
        );
        assert_eq!(
            differences(&recorded, &[played(finished("b", "m"))]),
            ["exit code 1\nlast words", "TaskRun a is missing"]
        );
    }

    #[test]
    fn generated_names_are_the_same_each_time() {
        let mut object =
            json!({"metadata": {"name": "r-xyz12"}, "status": [{"message": "TaskRun \"r-xyz12-a\""}]});
        rename(&mut object, "r-xyz12", "r-XXXXX");
        assert_eq!(object["status"][0]["message"], "TaskRun \"r-XXXXX-a\"");
        assert_eq!(masked("long0123456789abcdef0123456789abcdef-x"), "long<md5>-x");
    }
}
