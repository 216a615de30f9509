//! A run that is over.

use std::collections::BTreeMap;

use tekton::types::{Condition, ConditionStatus, ParamValue, PipelineRun, RunResult, TaskRun};

/// A run that is over, with its status as Tekton would leave it.
#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// Of a pipeline, with the runs that it made, in the order of their start.
    Pipeline(Box<PipelineRun>, Vec<Finished>),
    /// Of a task.
    Task(Box<TaskRun>),
}

impl Finished {
    /// The run's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Pipeline(run, _) => &run.metadata.name,
            Self::Task(run) => &run.metadata.name,
        }
    }

    /// It and all runs in it: a pipeline, then the runs that it made.
    pub fn all(&self) -> Vec<&Finished> {
        let mut all = vec![self];
        if let Self::Pipeline(_, children) = self {
            all.extend(children.iter().flat_map(Self::all));
        }
        all
    }

    /// The condition `Succeeded`.
    pub fn condition(&self) -> Condition {
        let condition = match self {
            Self::Pipeline(run, _) => run.status.succeeded(),
            Self::Task(run) => run.status.succeeded(),
        };
        condition.cloned().unwrap_or_default()
    }

    /// Whether it succeeded.
    pub fn succeeded(&self) -> bool {
        self.condition().status == ConditionStatus::True
    }

    /// Whether it was stopped by its user.
    pub fn cancelled(&self) -> bool {
        matches!(self.condition().reason.as_str(), "Cancelled" | "TaskRunCancelled")
    }

    /// Whether it was refused: something is wrong with what was to be run, and nothing was started.
    pub fn refused(&self) -> bool {
        match self {
            Self::Pipeline(run, _) => run.status.pipeline_spec.is_none(),
            Self::Task(run) => run.status.task_spec.is_none(),
        }
    }

    /// The whole object, as JSON.
    pub fn to_json(&self) -> String {
        let text = match self {
            Self::Pipeline(run, _) => serde_json::to_string_pretty(run),
            Self::Task(run) => serde_json::to_string_pretty(run),
        };
        text.unwrap_or_default()
    }

    /// Results as text; arrays and objects as JSON.
    pub fn results(&self) -> BTreeMap<String, String> {
        as_text(match self {
            Self::Pipeline(run, _) => &run.status.results,
            Self::Task(run) => &run.status.results,
        })
    }
}

impl Finished {
    /// How many seconds each TaskRun took that is over, by its task in the pipeline.
    pub fn task_seconds(&self) -> Vec<(String, f64)> {
        self.task_runs().filter_map(|run| Some((pipeline_task(run), seconds(run)?))).collect()
    }

    /// Whether each TaskRun that is over succeeded, by its task in the pipeline. What was stopped by its user did neither.
    pub fn task_outcomes(&self) -> Vec<(String, bool)> {
        let outcome = |run: &TaskRun| {
            let condition = run.status.succeeded()?;
            match condition.status {
                ConditionStatus::True => Some(true),
                ConditionStatus::False if condition.reason != "TaskRunCancelled" => Some(false),
                _ => None,
            }
        };
        self.task_runs().filter_map(|run| Some((pipeline_task(run), outcome(run)?))).collect()
    }

    /// The results of each TaskRun, by the name of its pipeline task.
    pub fn task_results(&self) -> Vec<(String, BTreeMap<String, String>)> {
        self.task_runs().map(|run| (pipeline_task(run), as_text(&run.status.results))).collect()
    }

    fn task_runs(&self) -> impl Iterator<Item = &TaskRun> {
        self.all().into_iter().filter_map(|run| match run {
            Self::Task(run) => Some(&**run),
            Self::Pipeline(..) => None,
        })
    }
}

fn pipeline_task(run: &TaskRun) -> String {
    run.metadata.labels.get("tekton.dev/pipelineTask").cloned().unwrap_or_default()
}

/// How long a TaskRun took, in seconds; none while it runs.
fn seconds(run: &TaskRun) -> Option<f64> {
    let (start, end) = (run.status.start_time?, run.status.completion_time?);
    Some(end.0.duration_since(start.0).as_secs_f64().max(0.0))
}

/// Results as text; arrays and objects as JSON.
pub fn as_text(results: &[RunResult]) -> BTreeMap<String, String> {
    let text = |value: &ParamValue| match value {
        ParamValue::String(s) => s.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    results.iter().map(|r| (r.name.clone(), text(&r.value))).collect()
}
