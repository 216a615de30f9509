//! Earlier runs: how they began, what of them is kept when another run goes on, and what a part of a pipeline takes over.
//!
//! A run that goes on with another one is a run of its own with its own record; what it keeps is linked into it, and the
//! volumes that the other one made for itself move over.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tekton::next::{Child, ON_ERROR};
use tekton::prepare::Part;
use tekton::prepare::workspaces::claim_name;
use tekton::status::reason;
use tekton::types::status::StepState;
use tekton::types::{ConditionStatus, PersistentVolumeClaim, TaskRun};

use crate::durable;
use crate::record::{Recording, Run, log_folder};

/// How a run began: with what is in its `input.yaml`, all that is needed to go on with it, but for secrets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Begun {
    /// The PipelineRun or TaskRun with what the command line put into it.
    pub object: serde_json::Value,
    /// The run that it goes on with.
    pub resumes: Option<String>,
    /// The tasks that were asked for, when not all.
    pub part: Option<Part>,
    /// The run that gives the results of those that were left out.
    pub from: Option<String>,
    /// Images that mean something else: pattern and target.
    pub images: Vec<(String, String)>,
    /// Claims that are folders of this machine, and whether they may only be read.
    pub folders: BTreeMap<String, (PathBuf, bool)>,
    /// Names of secrets, which are not recorded.
    pub secrets: Vec<String>,
}

const BEGUN: &str = "begun.json";

impl Begun {
    /// Writes it into the record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, recording: &Recording) -> io::Result<()> {
        durable::write(&recording.dir().join(BEGUN), &serde_json::to_vec_pretty(self)?)
    }

    /// Reads it from the folder of a run; none when another run cannot go on with it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        match fs::read(dir.join(BEGUN)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// A run that is over or was interrupted, and of which another run takes something.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// Its id.
    pub id: String,
    /// Its folder.
    dir: PathBuf,
    /// The uid of its object, which gives the names of its volumes.
    uid: String,
    /// Its finished TaskRuns, in the order of their start.
    task_runs: Vec<TaskRun>,
}

impl Earlier {
    /// What is left of `run`.
    ///
    /// # Errors
    /// When a TaskRun of it cannot be read.
    pub fn load(run: &Run) -> io::Result<Self> {
        let mut task_runs: Vec<TaskRun> = Vec::new();
        for path in records(&run.dir)? {
            task_runs.push(serde_json::from_slice(&fs::read(path)?)?);
        }
        let object = Begun::read(&run.dir)?.unwrap_or_default().object;
        if object["kind"] == "TaskRun" {
            task_runs.extend(alone(&run.dir)?);
        }
        task_runs.sort_by_key(|r| r.status.start_time);
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        Ok(Self { id: run.id.clone(), dir: run.dir.clone(), uid, task_runs })
    }

    /// Its children, as far as they ended.
    pub fn children(&self) -> Vec<Child> {
        self.task_runs.iter().map(Child::of_task_run).collect()
    }

    /// The steps of the task called `task` in events, each with whether it failed; none when the task did not end in this run.
    pub fn steps(&self, task: &str) -> Option<Vec<(String, bool)>> {
        let run = self.task_runs.iter().find(|run| label(run) == task)?;
        let failed = |step: &StepState| {
            let ended = step.terminated.as_ref().is_some_and(|t| t.exit_code != 0);
            ended && !["Skipped", "Continued"].contains(&step.termination_reason.as_str())
        };
        Some(run.status.steps.iter().map(|step| (step.name.clone(), failed(step))).collect())
    }

    /// The names in events of the tasks that ended, in the order of their start.
    pub fn tasks(&self) -> Vec<String> {
        self.task_runs.iter().map(label).collect()
    }

    /// The pipeline task that the task called `task` in events belongs to: without the number of a matrix's child.
    pub fn pipeline_task(&self, task: &str) -> Option<String> {
        let run = self.task_runs.iter().find(|run| label(run) == task)?;
        Some(Child::of_task_run(run).task).filter(|name| !name.is_empty())
    }

    /// The TaskRuns that a run which goes on need not run again, by name: of the graph, those that succeeded and those whose
    /// failure the pipeline ignores.
    pub fn kept(&self) -> BTreeMap<String, TaskRun> {
        let kept = self.task_runs.iter().filter(|run| is_kept(run));
        kept.map(|run| (run.metadata.name.clone(), run.clone())).collect()
    }

    /// The volume that the run made for itself by this template for `workspace`, if it still has it.
    pub fn claim(&self, template: &PersistentVolumeClaim, workspace: &str) -> Option<PathBuf> {
        let path = claims(&self.dir).join(claim_name(template, workspace, &self.uid));
        path.is_dir().then_some(path)
    }

    /// Puts what is kept into the record of the run that goes on: TaskRuns, their logs, and last the volumes, which move.
    ///
    /// # Errors
    /// When something cannot be put there.
    pub fn hand_over(&self, to: &Recording) -> io::Result<()> {
        fs::create_dir_all(to.dir().join("taskruns"))?;
        for run in self.task_runs.iter().filter(|run| is_kept(run)) {
            let path = record(Path::new(""), run);
            link(&self.dir.join(&path), &to.dir().join(&path))?;
            for attempt in 0..=run.status.retries_status.len() {
                let folder = log_folder(&label(run), u32::try_from(attempt).unwrap_or(u32::MAX));
                link_all(&self.dir.join("logs").join(&folder), &to.dir().join("logs").join(&folder))?;
            }
        }
        match fs::rename(claims(&self.dir), claims(to.dir())) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

/// The TaskRun of a run that is nothing else, when it ended.
fn alone(dir: &Path) -> io::Result<Option<TaskRun>> {
    match fs::read(dir.join("status.json")) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn is_kept(run: &TaskRun) -> bool {
    let Some(condition) = run.status.succeeded() else { return false };
    let of_graph = run.metadata.labels.get("tekton.dev/memberOf").is_some_and(|part| part == "tasks");
    let ignored = run.metadata.annotations.get(ON_ERROR).is_some_and(|v| v == "continue")
        && condition.status == ConditionStatus::False
        && condition.reason != reason::TASK_RUN_CANCELLED;
    of_graph && (condition.status == ConditionStatus::True || ignored)
}

/// Where the finished TaskRun is recorded in the folder of its run.
pub fn record(dir: &Path, run: &TaskRun) -> PathBuf {
    dir.join("taskruns").join(format!("{}.json", run.metadata.name))
}

fn records(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir.join("taskruns")) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let paths = entries.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    // What was being written when a process was killed has another name.
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|e| e == "json")).collect())
}

/// Volumes that the run made for itself.
pub fn claims(dir: &Path) -> PathBuf {
    dir.join("claims")
}

/// The name of a TaskRun in events and logs.
pub fn label(run: &TaskRun) -> String {
    label_of(&Child::of_task_run(run))
}

/// The name of a child in events and logs: the pipeline task's, with the number of a matrix's child; its own without a
/// pipeline.
pub fn label_of(child: &Child) -> String {
    let Child { name, task, .. } = child;
    if task.is_empty() {
        return name.clone();
    }
    match name.rsplit_once('-') {
        Some((before, number))
            if before.ends_with(&format!("-{task}")) && number.parse::<usize>().is_ok() =>
        {
            format!("{task}-{number}")
        }
        _ => task.clone(),
    }
}

/// The files of a folder, which need not exist.
fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    fs::create_dir_all(to)?;
    for entry in entries {
        let entry = entry?;
        link(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Records of ended tasks are not written to any more, so two runs can share one file.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(_) => fs::copy(from, to).map(drop),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::record::{Runs, State};

    fn task_run(name: &str, member: &str, status: &str, reason: &str, ignored: bool) -> TaskRun {
        let annotations = if ignored { json!({ ON_ERROR: "continue" }) } else { json!({}) };
        serde_json::from_value(json!({
            "apiVersion": "tekton.dev/v1", "kind": "TaskRun",
            "metadata": {
                "name": format!("run-{name}"), "annotations": annotations,
                "labels": {"tekton.dev/pipelineTask": name, "tekton.dev/memberOf": member},
            },
            "spec": {},
            "status": {"conditions": [{"type": "Succeeded", "status": status, "reason": reason}]},
        }))
        .unwrap()
    }

    #[test]
    fn what_ended_well_goes_over_with_logs_and_volumes() {
        let dir = tempfile::tempdir().unwrap();
        let runs = Runs::new(dir.path());
        let (old, new) = (runs.begin("run").unwrap(), runs.begin("run").unwrap());
        for run in [
            task_run("ok", "tasks", "True", "Succeeded", false),
            task_run("bad", "tasks", "False", "Failed", false),
            task_run("ignored", "tasks", "False", "FailureIgnored", true),
            task_run("stopped", "tasks", "False", "TaskRunCancelled", true),
            task_run("last", "finally", "True", "Succeeded", false),
        ] {
            old.task_run(&run).unwrap();
        }
        fs::write(old.log("ok", "s").unwrap(), "said").unwrap();
        fs::write(old.log("bad", "s").unwrap(), "said").unwrap();
        fs::create_dir_all(claims(old.dir()).join(claim_name(&PersistentVolumeClaim::default(), "w", "")))
            .unwrap();
        fs::write(old.dir().join("taskruns/.new-x"), "half").unwrap();

        let run = Run {
            id: "run".into(),
            dir: old.dir().to_owned(),
            state: State::Interrupted,
            events: Vec::new(),
        };
        let earlier = Earlier::load(&run).unwrap();
        assert_eq!(earlier.kept().into_keys().collect::<Vec<_>>(), ["run-ignored", "run-ok"]);
        let template = PersistentVolumeClaim::default();
        assert!(earlier.claim(&template, "w").is_some() && earlier.claim(&template, "v").is_none());
        earlier.hand_over(&new).unwrap();
        let taken = Run { dir: new.dir().to_owned(), ..run };
        assert_eq!(Earlier::load(&taken).unwrap().kept(), earlier.kept());
        assert_eq!(fs::read_to_string(new.dir().join("logs/ok/s.log")).unwrap(), "said");
        assert!(!new.dir().join("logs/bad").exists());
        assert!(claims(new.dir()).is_dir() && earlier.claim(&template, "w").is_none());
    }

    #[test]
    fn how_a_run_began_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let recording = Runs::new(dir.path()).begin("run").unwrap();
        assert_eq!(Begun::read(recording.dir()).unwrap(), None);
        let begun = Begun {
            object: json!({"kind": "PipelineRun"}),
            part: Some(Part::Only(vec!["a".into()])),
            folders: [("c".to_owned(), ("/tmp".into(), true))].into(),
            ..Begun::default()
        };
        begun.write(&recording).unwrap();
        assert_eq!(Begun::read(recording.dir()).unwrap(), Some(begun));
    }
}
