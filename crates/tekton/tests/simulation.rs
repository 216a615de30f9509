//! Recorded runs of a real Tekton, run again: the outcomes of the tasks are taken from the record, everything else
//! (what starts when, names, skips, results, conditions) must come out as it was recorded.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base::Source;
use serde_json::{Value, json};
use tekton::catalog::{Catalog, Run};
use tekton::load::load;
use tekton::next::{Child, ChildRun, Facts, Outcome, next};
use tekton::prepare::{self, PipelineContext, PreparedPipeline, Settings, TaskContext};
use tekton::status;
use tekton::types::{PipelineRun, TaskRun};
use tekton::when::Cel;

/// Understands `'a' == 'b'` and `'a' != 'b'`, which is all that the recorded pipelines ask for.
struct Equality;

impl Cel for Equality {
    fn evaluate(&self, expression: &str) -> Result<bool, String> {
        let sides = |operator| {
            let (left, right) = expression.split_once(operator)?;
            Some(left.trim() == right.trim())
        };
        sides("==").or_else(|| sides("!=").map(|same| !same)).ok_or_else(|| "not understood".to_owned())
    }
}

fn catalog(path: &Path) -> Catalog {
    let text = std::fs::read_to_string(path).unwrap();
    let loaded = load(&Source::new(path.display().to_string(), text)).unwrap();
    Catalog::new(loaded.documents, &mut |prefix| format!("{prefix}XXXXX")).unwrap()
}

/// Recorded runs by kind and name; hashes stand for names that nobody knows any more.
fn recorded(path: &Path) -> BTreeMap<(String, String), Value> {
    let record: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let key = |run: &Value| (text(&run["kind"]), masked(&text(&run["name"])));
    record["runs"].as_array().unwrap().iter().map(|run| (key(run), run.clone())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Names with an MD5 sum in them depend on the random part of the run's name; what is cut off around it too.
fn masked(name: &str) -> String {
    let hex = |w: &[u8]| w.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match name.as_bytes().windows(32).position(hex) {
        Some(at) => format!("{}<md5>{}", &name[..at], &name[at + 32..]),
        None => name.to_owned(),
    }
}

fn outcome(run: &Value) -> Outcome {
    let condition = &run["condition"];
    Outcome {
        succeeded: condition["status"] == "True",
        reason: text(&condition["reason"]),
        results: run.get("results").map(|r| serde_json::from_value(r.clone()).unwrap()).unwrap_or_default(),
        artifacts: run.get("artifacts").map(|a| serde_json::from_value(a.clone()).unwrap()),
        timed_out: text(&condition["message"]).contains("has timed out"),
    }
}

struct Replay<'a> {
    catalog: &'a Catalog,
    record: &'a BTreeMap<(String, String), Value>,
    settings: Settings,
}

impl Replay<'_> {
    fn pipeline(&self, run: &PipelineRun) {
        let name = run.metadata.name.clone();
        let context = PipelineContext { settings: &self.settings, cel: &Equality, ancestors: &[] };
        let prepared =
            prepare::pipeline(run, self.catalog, &context).unwrap_or_else(|f| panic!("{name}: {f}"));
        let mut facts = Facts::default();
        for _ in 0..100 {
            let decision = next(&prepared, &facts, &Equality);
            if decision.finally {
                facts.finally_elapsed.get_or_insert(Duration::ZERO);
            }
            if decision.state.is_over() {
                let status = status::pipeline_run::status(&prepared, &facts, &decision, Default::default());
                return self.compare(&name, serde_json::to_value(status).unwrap());
            }
            if decision.start.is_empty() && decision.cancel.is_empty() {
                // Whatever still runs was ended by the clock.
                facts.elapsed += Duration::from_secs(3600);
            }
            for child in &decision.start {
                self.start(&mut facts, child, &prepared);
            }
            for cancel in &decision.cancel {
                let record = &self.record[&("TaskRun".into(), masked(&cancel.name))];
                assert!(text(&record["condition"]["message"]).ends_with(cancel.message), "{record}");
                let child = facts.children.iter_mut().find(|c| c.name == cancel.name).unwrap();
                child.outcome = Some(outcome(record));
            }
        }
        panic!("{name}: no end");
    }

    fn start(&self, facts: &mut Facts, child: &ChildRun, prepared: &PreparedPipeline) {
        let (kind, metadata, params) = match child {
            ChildRun::Task(run) => ("TaskRun", &run.metadata, run.spec.params.clone()),
            ChildRun::Pipeline(run) => ("PipelineRun", &run.metadata, run.spec.params.clone()),
        };
        let record = self
            .record
            .get(&(kind.into(), masked(child.name())))
            .unwrap_or_else(|| panic!("{kind} {} was never started", child.name()));
        for label in ["tekton.dev/memberOf", "tekton.dev/pipelineTask"] {
            assert_eq!(metadata.labels.get(label).map(String::as_str), record["labels"][label].as_str());
        }
        match child {
            ChildRun::Task(run) => self.task(run, record),
            ChildRun::Pipeline(run) => self.pipeline(run),
        }
        let outcome = outcome(record);
        let running = outcome.reason == "TaskRunCancelled" && prepared.timeouts.pipeline.is_some();
        facts.children.push(Child {
            name: child.name().to_owned(),
            task: metadata.labels["tekton.dev/pipelineTask"].clone(),
            params,
            outcome: (!running).then_some(outcome),
        });
    }

    /// The prepared task has the recorded steps, and their recorded ends give the recorded condition.
    fn task(&self, run: &TaskRun, record: &Value) {
        let context = TaskContext { retry_count: 0, settings: &self.settings };
        let name = &run.metadata.name;
        let prepared = prepare::task(run, self.catalog, &context).unwrap_or_else(|f| panic!("{name}: {f}"));
        let steps: Vec<_> =
            prepared.steps.iter().map(|s| json!({"name": s.name, "container": s.container})).collect();
        let recorded = record["steps"].as_array().cloned().unwrap_or_default();
        let names = |s: &Value| json!({"name": s["name"], "container": s["container"]});
        assert_eq!(steps, recorded.iter().map(names).collect::<Vec<_>>(), "{name}");
        if let Some(task) = record["labels"].get("tekton.dev/task") {
            assert_eq!(prepared.metadata.labels.get("tekton.dev/task").map(String::as_str), task.as_str());
        }
        for step in &prepared.steps {
            let left = format!("{:?}", (&step.step.command, &step.step.args, &step.script));
            assert!(!left.contains("$(params."), "{name}: {left}");
        }
        self.condition(&prepared, record);
    }

    fn condition(&self, prepared: &prepare::PreparedTask, record: &Value) {
        let state = |s: &Value| {
            json!({
                "name": s["name"], "container": s["container"], "terminationReason": s["terminationReason"],
                "terminated": {"exitCode": s["exitCode"], "reason": s["reason"]},
            })
        };
        let steps: Vec<_> = record["steps"].as_array().into_iter().flatten().map(state).collect();
        let attempt = status::task_run::Attempt {
            steps: serde_json::from_value(json!(steps)).unwrap(),
            end: Some(status::task_run::AttemptEnd::Steps),
            ..Default::default()
        };
        let (_, reason, message) = status::task_run::conclude(prepared, &attempt);
        let told = &record["condition"];
        if ["TaskRunCancelled", "TaskRunTimeout", "TaskRunValidationFailed"]
            .contains(&text(&told["reason"]).as_str())
        {
            return;
        }
        assert_eq!((reason, message), (told["reason"].as_str().unwrap(), text(&told["message"])));
    }

    fn compare(&self, name: &str, status: Value) {
        let record = &self.record[&("PipelineRun".into(), masked(name))];
        let condition = &status["conditions"][0];
        for field in ["status", "reason", "message"] {
            assert_eq!(condition[field], record["condition"][field], "{name}: {field}");
        }
        for field in ["results", "skippedTasks"] {
            assert_eq!(status.get(field), record.get(field), "{name}: {field}");
        }
        let children = |list: &Value| -> Vec<Value> {
            let mut children = list.as_array().cloned().unwrap_or_default();
            for child in &mut children {
                let child = child.as_object_mut().unwrap();
                child.remove("apiVersion");
                child.insert("name".into(), masked(&text(&child["name"])).into());
            }
            children
        };
        assert_eq!(children(&status["childReferences"]), children(&record["childReferences"]), "{name}");
    }
}

/// Replays every run of `yaml` that is in `json`; tells how many there were.
fn replay(yaml: &Path, json: &Path) -> usize {
    let (catalog, record) = (catalog(yaml), recorded(json));
    let replay = Replay { catalog: &catalog, record: &record, settings: Settings::default() };
    let mut replayed = 0;
    for run in catalog.runs() {
        let name = masked(&run.metadata().name);
        match run {
            Run::Pipeline(run) if record.contains_key(&("PipelineRun".into(), name.clone())) => {
                replay.pipeline(run)
            }
            Run::Task(run) if record.contains_key(&("TaskRun".into(), name.clone())) => {
                replay.task(run, &record[&("TaskRun".into(), name)]);
            }
            _ => continue,
        }
        replayed += 1;
    }
    replayed
}

#[test]
fn recorded_examples_come_out_as_recorded() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let mut replayed = 0;
    for entry in std::fs::read_dir(fixtures.join("tekton-outcomes")).unwrap() {
        let json = entry.unwrap().path();
        let example = json.file_stem().unwrap().to_str().unwrap().replace("__", "/");
        let yaml = fixtures.join("tekton-examples").join(format!("{example}.yaml"));
        println!("{example}");
        let runs = replay(&yaml, &json);
        assert!(runs > 0, "{example}: no run of it is recorded");
        replayed += runs;
    }
    assert!(replayed >= 80, "only {replayed} runs were replayed");
}

#[test]
fn recorded_failures_come_out_as_recorded() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let folder = fixtures.join("tekton-failures");
    let mut replayed = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let json = entry.unwrap().path();
        if json.extension().is_some_and(|e| e == "json") {
            println!("{}", json.display());
            replayed += replay(&json.with_extension("yaml"), &json);
        }
    }
    assert!(replayed >= 10, "only {replayed} runs were replayed");
}
