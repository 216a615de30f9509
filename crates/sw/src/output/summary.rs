//! What is known of each task of a run, folded from its events: the same for a live run and for one read from disk.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::event::{Event, Happened, Origin};
use jiff::Timestamp;

/// A run so far.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Its id.
    pub run: String,
    /// The pipeline's or task's name.
    pub pipeline: String,
    /// Tasks in the order of the pipeline, those of a pipeline that is a task after it.
    pub tasks: Vec<String>,
    /// What is known of each.
    pub states: BTreeMap<String, Task>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub finished: Option<Timestamp>,
}

/// A task so far.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// What it is doing.
    pub state: State,
    /// When its first attempt began.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub finished: Option<Timestamp>,
    /// Its steps in order.
    pub steps: Vec<String>,
    /// How many of them are over.
    pub steps_done: usize,
    /// The step that runs now.
    pub step: Option<String>,
    /// Attempts before this one.
    pub retries: u32,
}

/// What a task is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// Waiting for others.
    #[default]
    Waiting,
    /// Running.
    Running,
    /// Succeeded.
    Done,
    /// Succeeded without work: from the step cache, or its result `cached` is `true`.
    Cached,
    /// Succeeded in the run that this one goes on with.
    Kept(String),
    /// Not run, and why.
    Skipped(String),
    /// Failed, why, and in which step.
    Failed(String, Option<String>),
}

impl Summary {
    /// Takes one event in.
    pub fn apply(&mut self, event: &Event) {
        match &event.event {
            Happened::RunStarted { run, pipeline, tasks, .. } => {
                self.run.clone_from(run);
                self.pipeline.clone_from(pipeline);
                self.tasks.clone_from(tasks);
                self.started = Some(event.time);
            }
            Happened::PipelineStarted { task, tasks, .. } => {
                let t = self.task(task);
                t.state = State::Running;
                t.started.get_or_insert(event.time);
                let after = self.tasks.iter().position(|t| t == task).map_or(self.tasks.len(), |i| i + 1);
                self.tasks.splice(after..after, tasks.iter().cloned());
            }
            Happened::TaskStarted { task, attempt, steps, .. } => {
                let t = self.task(task);
                t.state = State::Running;
                t.started.get_or_insert(event.time);
                t.steps.clone_from(steps);
                t.steps_done = 0;
                t.retries = *attempt;
            }
            Happened::StepStarted { task, step } => self.task(task).step = Some(step.clone()),
            Happened::StepFinished { task, .. } => self.task(task).steps_done += 1,
            Happened::TaskFinished { task, succeeded, message, results, failed_step, .. } => {
                let t = self.task(task);
                t.finished = Some(event.time);
                t.step = None;
                let cached = results.get("cached").is_some_and(|c| c.trim() == "true");
                t.state = match (succeeded, cached) {
                    (false, _) => State::Failed(message.clone(), failed_step.clone()),
                    (true, _) if matches!(t.state, State::Kept(_) | State::Cached) => return,
                    (true, true) => State::Cached,
                    (true, false) => State::Done,
                };
            }
            Happened::TaskReused { task, steps, from, .. } => {
                let t = self.task(task);
                t.state = match from {
                    Origin::Run(run) => State::Kept(run.clone()),
                    Origin::Cache(_) => State::Cached,
                };
                t.steps.clone_from(steps);
                t.steps_done = steps.len();
            }
            Happened::TaskSkipped { task, reason } => self.task(task).state = State::Skipped(reason.clone()),
            Happened::RunFinished { .. } => self.finished = Some(event.time),
            Happened::TaskRetried { .. }
            | Happened::TaskNotCached { .. }
            | Happened::ShellOpened { .. }
            | Happened::Resolved { .. }
            | Happened::TasksLeftOut { .. }
            | Happened::Warning { .. } => {}
        }
    }

    /// A whole journal.
    pub fn of(events: &[Event]) -> Self {
        let mut summary = Self::default();
        events.iter().for_each(|e| summary.apply(e));
        summary
    }

    /// What is known of one task.
    pub fn get(&self, task: &str) -> Option<&Task> {
        self.states.get(task)
    }

    /// How many tasks are in a state for which `is` holds.
    pub fn count(&self, is: impl Fn(&State) -> bool) -> usize {
        self.states.values().filter(|t| is(&t.state)).count()
    }

    fn task(&mut self, name: &str) -> &mut Task {
        // Children of a matrix are not in the pipeline's list; they appear as they start.
        if !self.tasks.iter().any(|t| t == name) {
            self.tasks.push(name.to_owned());
        }
        self.states.entry(name.to_owned()).or_default()
    }
}

/// The time between two instants; none when one is unknown.
pub fn elapsed(from: Option<Timestamp>, to: Option<Timestamp>) -> Duration {
    match (from, to) {
        (Some(from), Some(to)) => Duration::try_from(to.duration_since(from)).unwrap_or_default(),
        _ => Duration::ZERO,
    }
}
