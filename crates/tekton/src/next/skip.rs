//! Which tasks are not run, and why (§2.18).

use std::collections::HashMap;

use crate::prepare::{Failure, PreparedPipeline, PreparedPipelineTask};
use crate::status::reason;
use crate::substitute::pipeline::fields;
use crate::substitute::walk::Replace;
use crate::types::PipelineTask;
use crate::when::{self, Cel};

use super::children::has_empty_list;
use super::decision::SkipReason;
use super::facts::{Facts, Request};
use super::progress::Progress;
use super::values::{self, Missing};

/// What can be said of every task at an instant.
#[derive(Debug)]
pub(crate) struct Assessment<'a> {
    pipeline: &'a PreparedPipeline,
    facts: &'a Facts,
    progress: &'a Progress<'a>,
    /// Tasks whose needed results are missing although their producers are done, with the sentence why.
    pub invalid: Vec<(String, String)>,
    skipped: HashMap<String, SkipReason>,
    /// Tasks with results (and in finally, statuses) put in, as far as they are known.
    filled: HashMap<String, PipelineTask>,
    stopping: bool,
    /// Whether every task of the graph is done: succeeded, failed, skipped or invalid.
    pub graph_done: bool,
}

impl<'a> Assessment<'a> {
    /// Looks at the tasks of the graph, each after those it waits for, then at those of finally.
    ///
    /// # Errors
    /// A CEL guard without a truth, an index beyond the end of a result: the run fails.
    pub fn of(
        pipeline: &'a PreparedPipeline,
        facts: &'a Facts,
        progress: &'a Progress<'a>,
        cel: &dyn Cel,
    ) -> Result<Self, Failure> {
        let (invalid, skipped, filled) = (Vec::new(), HashMap::new(), HashMap::new());
        let mut this =
            Self { pipeline, facts, progress, invalid, skipped, filled, stopping: false, graph_done: false };
        this.graph(cel)?;
        if !this.stopping {
            this.invalid = this.find_invalid()?;
            if !this.invalid.is_empty() {
                // One that cannot run stops the others, which makes it the reason for all that were skipped (§2.18).
                this.skipped.clear();
                this.graph(cel)?;
            }
        }
        this.graph_done = pipeline.graph.tasks().all(|t| this.done(t));
        if this.graph_done {
            this.finally(cel)?;
        }
        Ok(this)
    }

    /// Why the task does not run.
    pub fn skipped(&self, task: &str) -> Option<SkipReason> {
        self.skipped.get(task).copied()
    }

    /// The task with everything put in that is known.
    pub fn filled<'t>(&'t self, task: &'t PreparedPipelineTask) -> &'t PipelineTask {
        self.filled.get(&task.task.name).unwrap_or(&task.task)
    }

    /// Whether a task of the graph is done.
    pub fn done(&self, task: &str) -> bool {
        self.skipped.contains_key(task)
            || self.is_invalid(task)
            || self.progress.succeeded(task)
            || self.progress.failed(task)
    }

    /// Whether a task of the graph may start now.
    pub fn ready(&self, task: &str) -> bool {
        self.parents_done(task) && !self.skipped.contains_key(task) && self.invalid.is_empty()
    }

    pub fn is_invalid(&self, task: &str) -> bool {
        self.invalid.iter().any(|(name, _)| name == task)
    }

    /// A task of the graph failed, or cannot run: nothing more is started.
    fn stops(&self) -> bool {
        self.pipeline
            .tasks
            .iter()
            .filter(|t| !t.finally && t.task.on_error != "continue")
            .any(|t| self.progress.failed(&t.task.name) || self.is_invalid(&t.task.name))
    }

    fn parents_done(&self, task: &str) -> bool {
        self.pipeline.graph.parents(task).iter().all(|p| self.done(p))
    }

    fn graph(&mut self, cel: &dyn Cel) -> Result<(), Failure> {
        self.stopping = self.stops();
        for name in self.pipeline.graph.order() {
            let Some(task) = self.progress.task(name) else { continue };
            if let Some(reason) = self.graph_reason(task, cel)? {
                self.skipped.insert(name.to_owned(), reason);
            }
        }
        Ok(())
    }

    /// The first reason that holds for a task of the graph, in Tekton's order.
    fn graph_reason(
        &mut self,
        task: &PreparedPipelineTask,
        cel: &dyn Cel,
    ) -> Result<Option<SkipReason>, Failure> {
        let name = task.task.name.as_str();
        let parents_done = self.parents_done(name);
        // Of what has started, only a matrix may still have children to start.
        let scheduled = self.progress.scheduled(name);
        let wanted = if scheduled { task.task.is_matrixed() } else { parents_done };
        let missing = if wanted { self.fill(task, None)? } else { None };
        if scheduled || self.is_invalid(name) {
            return Ok(None);
        }
        if self.stopping {
            return Ok(Some(SkipReason::Stopping));
        }
        match self.facts.request {
            Some(Request::CancelledRunFinally) => return Ok(Some(SkipReason::GracefullyCancelled)),
            Some(Request::StoppedRunFinally) => return Ok(Some(SkipReason::GracefullyStopped)),
            _ => {}
        }
        if parents_done && !self.guards_hold(task, cel)? {
            return Ok(Some(SkipReason::When));
        }
        let skipped_otherwise = |p: &String| self.skipped(p).is_some_and(|reason| reason != SkipReason::When);
        if self.pipeline.graph.parents(name).iter().any(skipped_otherwise) {
            return Ok(Some(SkipReason::Parents));
        }
        if !parents_done {
            return Ok(None);
        }
        if let Some(missing) = missing
            && (task.task.on_error == "continue" || self.skipped(&missing.producer) == Some(SkipReason::When))
        {
            return Ok(Some(SkipReason::Results));
        }
        if reached(self.pipeline.timeouts.pipeline, self.facts.elapsed) {
            return Ok(Some(SkipReason::PipelineTimeout));
        }
        if self.tasks_timed_out() {
            return Ok(Some(SkipReason::TasksTimeout));
        }
        Ok(has_empty_list(self.filled(task)).then_some(SkipReason::EmptyMatrix))
    }

    /// Tasks that could start but for a result that their producer, done as it is, did not give.
    fn find_invalid(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut invalid = Vec::new();
        for task in self.pipeline.tasks.iter().filter(|t| !t.finally) {
            let name = &task.task.name;
            if self.progress.scheduled(name) || !self.parents_done(name) || self.skipped.contains_key(name) {
                continue;
            }
            if let Some(missing) = values::needed(task, self.pipeline, self.progress)?.missing {
                invalid.push((name.clone(), self.sentence(name, &missing)));
            }
        }
        Ok(invalid)
    }

    fn sentence(&self, task: &str, missing: &Missing) -> String {
        let Missing { producer, result } = missing;
        let how = if self.progress.succeeded(producer) { "completed successfully but" } else { "failed and" };
        format!(
            "task {producer:?} {how} did not emit the result {result:?}, which is referenced by task {task:?}"
        )
    }

    fn finally(&mut self, cel: &dyn Cel) -> Result<(), Failure> {
        let skipped: Vec<String> = self.skipped.keys().cloned().collect();
        let statuses =
            values::statuses(self.pipeline, self.progress, |task| skipped.iter().any(|s| s == task));
        for task in self.pipeline.tasks.iter().filter(|t| t.finally) {
            let name = &task.task.name;
            let missing = self.fill(task, Some(&statuses))?.is_some();
            if self.progress.scheduled(name) {
                continue;
            }
            let finally = self.facts.finally_elapsed.unwrap_or_default();
            let reason = if missing {
                Some(SkipReason::Results)
            } else if !self.guards_hold(task, cel)? {
                Some(SkipReason::When)
            } else if reached(self.pipeline.timeouts.pipeline, self.facts.elapsed) {
                Some(SkipReason::PipelineTimeout)
            } else if reached(self.pipeline.timeouts.finally, finally) {
                Some(SkipReason::FinallyTimeout)
            } else {
                has_empty_list(self.filled(task)).then_some(SkipReason::EmptyMatrix)
            };
            if let Some(reason) = reason {
                self.skipped.insert(name.clone(), reason);
            }
        }
        Ok(())
    }

    /// Puts in statuses and, all or nothing, results; tells which result is missing.
    fn fill(
        &mut self,
        task: &PreparedPipelineTask,
        statuses: Option<&crate::substitute::Replacements>,
    ) -> Result<Option<Missing>, Failure> {
        let needed = values::needed(task, self.pipeline, self.progress)?;
        if statuses.is_none() && needed.is_nothing() {
            return Ok(None);
        }
        let mut filled = task.task.clone();
        if let Some(statuses) = statuses {
            fields(&mut filled, &mut Replace(statuses));
        }
        if needed.missing.is_none() {
            fields(&mut filled, &mut Replace(&needed.table));
        }
        self.filled.insert(task.task.name.clone(), filled);
        Ok(needed.missing)
    }

    fn guards_hold(&self, task: &PreparedPipelineTask, cel: &dyn Cel) -> Result<bool, Failure> {
        when::all_hold(&self.filled(task).when, cel).map_err(|error| {
            let run = &self.pipeline.metadata.name;
            Failure::user(reason::CEL_EVALUATION_FAILED, format!("Error evaluating CEL {run}: {error}"))
        })
    }

    /// Whether the tasks of the graph took too long. Their clock stops when finally begins.
    pub fn tasks_timed_out(&self) -> bool {
        let spent = self.facts.elapsed.saturating_sub(self.facts.finally_elapsed.unwrap_or_default());
        reached(self.pipeline.timeouts.tasks, spent)
    }
}

/// Whether a limit that exists is reached.
pub(crate) fn reached(limit: Option<std::time::Duration>, elapsed: std::time::Duration) -> bool {
    limit.is_some_and(|limit| elapsed >= limit)
}
