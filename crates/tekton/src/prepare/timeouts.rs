//! How long the parts of a pipeline run may take (§2.19, §2.21).

use std::time::Duration;

use crate::types::{self, PipelineRunSpec, PipelineTask};

/// The limits of a pipeline run; no value means for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// All of it, from its start.
    pub pipeline: Option<Duration>,
    /// The tasks of the graph, from its start.
    pub tasks: Option<Duration>,
    /// The finally tasks, from their start.
    pub finally: Option<Duration>,
}

impl Timeouts {
    /// What a run says; what it leaves open follows from the rest: the pipeline has the administrator's default, tasks
    /// have what finally leaves of it, finally what tasks leave.
    pub fn of(run: &PipelineRunSpec, default: &types::Duration) -> Self {
        let given = run.timeouts.clone().unwrap_or_default();
        let pipeline = limit(given.pipeline.as_ref().unwrap_or(default));
        let rest = |other: &Option<types::Duration>| {
            let other = other.as_ref().map(limit)??;
            Some(pipeline?.saturating_sub(other))
        };
        Self {
            pipeline,
            tasks: given.tasks.as_ref().map_or_else(|| rest(&given.finally), limit),
            finally: given.finally.as_ref().map_or_else(|| rest(&given.tasks), limit),
        }
    }

    /// The timeout of a task's runs: that of taskRunSpecs, the task's own, or the limit of its part of the pipeline if
    /// that is longer than the default of task runs (§2.19). No value leaves it to the default.
    pub fn of_task(
        self,
        run: &PipelineRunSpec,
        task: &PipelineTask,
        finally: bool,
        default: &types::Duration,
    ) -> Option<types::Duration> {
        let specific = run.task_run_specs.iter().find(|s| s.pipeline_task_name == task.name);
        if let Some(timeout) = specific.and_then(|s| s.timeout.as_ref()).or(task.timeout.as_ref()) {
            return Some(timeout.clone());
        }
        let timeouts = run.timeouts.as_ref();
        let written = timeouts.and_then(|t| if finally { t.finally.as_ref() } else { t.tasks.as_ref() });
        let of_part = match written {
            Some(written) => written.clone(),
            None => {
                let derived = if finally { self.finally } else { self.tasks };
                derived.map(types::Duration::from)?
            }
        };
        (of_part.is_zero() || of_part.nanos() > default.nanos()).then_some(of_part)
    }
}

fn limit(timeout: &types::Duration) -> Option<Duration> {
    (!timeout.is_zero()).then(|| timeout.as_std())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn of(timeouts: Value) -> (Option<u64>, Option<u64>, Option<u64>) {
        let run: PipelineRunSpec = serde_json::from_value(json!({ "timeouts": timeouts })).unwrap();
        let t = Timeouts::of(&run, &types::Duration::from_secs(3600));
        (t.pipeline.map(|d| d.as_secs()), t.tasks.map(|d| d.as_secs()), t.finally.map(|d| d.as_secs()))
    }

    #[test]
    fn what_is_left_open_follows_from_the_rest() {
        assert_eq!(of(json!({})), (Some(3600), None, None));
        assert_eq!(of(json!({"pipeline": "100s", "tasks": "60s"})), (Some(100), Some(60), Some(40)));
        assert_eq!(of(json!({"finally": "10m"})), (Some(3600), Some(3000), Some(600)));
        assert_eq!(of(json!({"pipeline": "0", "tasks": "60s"})), (None, Some(60), None));
        assert_eq!(of(json!({"tasks": "0"})), (Some(3600), None, None));
    }

    #[test]
    fn of_single_tasks() {
        let run: PipelineRunSpec = serde_json::from_value(json!({
            "timeouts": {"pipeline": "5h", "tasks": "4h"},
            "taskRunSpecs": [{"pipelineTaskName": "a", "timeout": "1s"}],
        }))
        .unwrap();
        let default = types::Duration::from_secs(3600);
        let timeouts = Timeouts::of(&run, &default);
        let task = |name: &str, timeout: Option<i64>| PipelineTask {
            name: name.into(),
            timeout: timeout.map(types::Duration::from_secs),
            ..PipelineTask::default()
        };
        let of = |t: PipelineTask, finally| {
            timeouts.of_task(&run, &t, finally, &default).map(|d| d.as_std().as_secs())
        };
        assert_eq!(of(task("a", Some(2)), false), Some(1));
        assert_eq!(of(task("b", Some(2)), false), Some(2));
        assert_eq!(of(task("b", None), false), Some(4 * 3600));
        assert_eq!(of(task("b", None), true), None, "an hour is what the default gives anyway");
    }
}
