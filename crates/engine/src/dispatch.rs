//! One PipelineRun: the only owner of what is known of it. Workers run TaskRuns and report; what runs next is decided by
//! [`tekton::next`], a pure function of the facts.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Scope;
use std::time::{Duration, Instant};

use tekton::next::decision::TIMED_OUT;
use tekton::next::{Child, ChildRun, Decision, Facts, Outcome, Request, next};
use tekton::prepare::{self, Failure, PipelineContext, PreparedPipeline};
use tekton::status::pipeline_run::{Times, failed, status};
use tekton::status::{condition, reason};
use tekton::types::{ConditionStatus, PipelineRun, TaskRun, Time};

use crate::cache::tree::copy;
use crate::cel::Evaluator;
use crate::earlier::{Earlier, label_of};
use crate::error::EngineError;
use crate::event::{Happened, Origin};
use crate::finished::{Finished, as_text};
use crate::jobs::Job;
use crate::local::stop::{Reason, Stop};
use crate::local::volume::empty;
use crate::shared::Shared;
use crate::task_run;

/// How often timeouts and requests to stop are looked at while nothing else happens.
const TICK: Duration = Duration::from_millis(50);

/// Whether a pipeline run is the user's own, or a task of another pipeline.
pub struct Within<'a> {
    /// The task that it is, as in events; empty for the user's own.
    pub task: &'a str,
    /// The referenced pipelines around it, the outermost first.
    pub ancestors: &'a [String],
    /// Ends it when asked.
    pub stop: &'a Stop,
}

impl<'a> Within<'a> {
    /// The user's own run.
    pub fn nothing(stop: &'a Stop) -> Self {
        Self { task: "", ancestors: &[], stop }
    }

    /// A task's name in events.
    fn name_of(&self, task: &str) -> String {
        if self.task.is_empty() { task.to_owned() } else { format!("{}/{task}", self.task) }
    }
}

/// Runs a pipeline to its end and gives the run back with its status, and the runs that it made in the order of their
/// start.
///
/// # Errors
/// When the system gives no threads; a pipeline that fails is not an error.
pub fn run(shared: &Shared<'_>, mut run: PipelineRun, within: &Within<'_>) -> Result<Finished, EngineError> {
    let started = Time(shared.config.clock.now());
    run.status.start_time = Some(started);
    let context =
        PipelineContext { settings: &shared.settings, cel: &Evaluator, ancestors: within.ancestors };
    let prepared = match prepare::pipeline(&run, &shared.definitions, &context) {
        Ok(prepared) => prepared,
        Err(failure) => {
            run.status = failed(&unless_stopped(shared, &run, failure), started);
            return Ok(Finished::Pipeline(Box::new(run), Vec::new()));
        }
    };
    run.metadata = prepared.metadata.clone();
    // A pipeline in the pipeline runs as it is.
    let whole = within.task.is_empty();
    let reuse = &shared.config.reuse;
    let (prepared, left_out) = match reuse.part.as_ref().filter(|_| whole) {
        Some(part) => {
            let earlier = reuse.from.as_ref().map(Earlier::children).unwrap_or_default();
            let part = prepared.restrict(part, &earlier)?;
            (part.pipeline, Some((part.left_out, part.unwritten)))
        }
        None => (prepared, None),
    };
    let pipeline = run.metadata.labels.get("tekton.dev/pipeline").unwrap_or(&run.metadata.name).clone();
    let tasks = prepared.tasks.iter().map(|t| within.name_of(&t.task.name)).collect();
    shared.journal.record(if within.task.is_empty() {
        Happened::RunStarted {
            run: shared.run.clone(),
            pipeline,
            tasks,
            resumes: reuse.resumes.as_ref().map(|earlier| earlier.id.clone()),
        }
    } else {
        let (task, pipeline_run) = (within.task.to_owned(), run.metadata.name.clone());
        Happened::PipelineStarted { task, pipeline_run, pipeline, tasks }
    });
    if let Some((tasks, unwritten)) = left_out {
        let from = reuse.from.as_ref().map(|earlier| earlier.id.clone());
        shared.journal.record(Happened::TasksLeftOut { tasks, from });
        for name in unwritten.iter().filter(|name| !taken_over(shared, &prepared, name)) {
            let message = format!(
                "workspace {name} is made for this run and begins empty: nothing is in it of what the tasks that are left out \
                 write; a folder keeps it between runs: --workspace {name}=DIR"
            );
            shared.journal.record(Happened::Warning { message });
        }
    }
    let resumed = reuse.resumes.as_ref().filter(|_| whole);
    let kept = resumed.map(Earlier::kept).unwrap_or_default();
    for claim in &prepared.claims {
        // What the tasks that are kept wrote is in there.
        if let Some(earlier) = resumed.filter(|_| !kept.is_empty())
            && !shared.claims().join(&claim.name).is_dir()
        {
            return Err(EngineError::VolumesGone(earlier.id.clone()));
        }
        empty(&shared.claims(), &claim.name).map_err(|e| EngineError::System(std::io::Error::other(e)))?;
    }
    let decision = std::thread::scope(|scope| {
        let (report, reports) = mpsc::channel();
        let mut dispatcher = Dispatcher {
            shared,
            within,
            prepared: &prepared,
            begun: Instant::now(),
            finally_begun: None,
            finally_at: None,
            facts: Facts { request: Request::of(&run.spec.status), ..Facts::default() },
            waiting: VecDeque::new(),
            stops: HashMap::new(),
            runs: HashMap::new(),
            kept,
            ran: BTreeSet::new(),
            again: false,
            told_skipped: Vec::new(),
            report,
        };
        dispatcher
            .work(scope, &reports)
            .map(|decision| (decision, dispatcher.facts, dispatcher.finally_at, dispatcher.runs))
    });
    let (decision, facts, finally, mut runs) = decision?;
    let times = Times { started: Some(started), finally, ended: Some(Time(shared.config.clock.now())) };
    run.status = status(&prepared, &facts, &decision, times);
    let children = facts.children.iter().filter_map(|c| runs.remove(&c.name)).collect();
    Ok(Finished::Pipeline(Box::new(run), children))
}

/// Runs a pipeline that is a task; its end is told as that of the task.
fn nested(shared: &Shared<'_>, mut pipeline_run: PipelineRun, within: &Within<'_>) -> Finished {
    let finished = run(shared, pipeline_run.clone(), within).unwrap_or_else(|e| {
        let failure = Failure::new(reason::FAILED, e.to_string());
        pipeline_run.status = failed(&failure, Time(shared.config.clock.now()));
        Finished::Pipeline(Box::new(pipeline_run), Vec::new())
    });
    let condition = finished.condition();
    shared.journal.record(Happened::TaskFinished {
        task: within.task.to_owned(),
        succeeded: finished.succeeded(),
        reason: condition.reason,
        message: condition.message,
        results: finished.results(),
        failed_step: None,
    });
    finished
}

/// What could not be fetched because the user wants an end is no failure of the pipeline.
fn unless_stopped(shared: &Shared<'_>, run: &PipelineRun, failure: Failure) -> Failure {
    match shared.config.stop.asked() {
        None => failure,
        Some(_) => {
            let message = format!("PipelineRun {:?} was cancelled", run.metadata.name);
            Failure::new(reason::CANCELLED, message)
        }
    }
}

/// Lets the volume that this run makes for a workspace begin as that of the earlier run, if there is one and it is still there.
fn taken_over(shared: &Shared<'_>, prepared: &PreparedPipeline, workspace: &str) -> bool {
    let binding = prepared.run.workspaces.iter().find(|b| b.name == workspace);
    let volume = binding.and_then(|b| b.persistent_volume_claim.as_ref());
    let claim = prepared.claims.iter().find(|c| volume.is_some_and(|v| v.claim_name == c.name));
    let from = shared.config.reuse.from.as_ref();
    let Some((claim, from)) = claim.zip(from) else { return false };
    let Some(source) = from.claim(&claim.template, workspace) else { return false };
    let copied = empty(&shared.claims(), &claim.name)
        .map_err(|e| e.to_string())
        .and_then(|to| copy(&source, &to).map_err(|e| e.to_string()));
    if let Err(e) = &copied {
        let message = format!("workspace {workspace} cannot begin as that of run {}: {e}", from.id);
        shared.journal.record(Happened::Warning { message });
    }
    copied.is_ok()
}

struct Dispatcher<'a> {
    shared: &'a Shared<'a>,
    within: &'a Within<'a>,
    prepared: &'a PreparedPipeline,
    begun: Instant,
    finally_begun: Option<Instant>,
    finally_at: Option<Time>,
    facts: Facts,
    /// Started as far as the pipeline is concerned, but without a job yet.
    waiting: VecDeque<Box<TaskRun>>,
    /// Running children.
    stops: HashMap<String, Stop>,
    /// Finished children.
    runs: HashMap<String, Finished>,
    /// TaskRuns of the run that this one goes on with.
    kept: BTreeMap<String, TaskRun>,
    /// Tasks of which a TaskRun is not one of those.
    ran: BTreeSet<String>,
    /// Something is finished that nobody reports: look again at once.
    again: bool,
    told_skipped: Vec<String>,
    report: Sender<Finished>,
}

impl<'a> Dispatcher<'a> {
    fn work<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        reports: &Receiver<Finished>,
    ) -> Result<Decision, EngineError>
    where
        'a: 'scope,
    {
        let mut over = None;
        loop {
            // What was decided when the run was over stands: how its last children end changes nothing any more.
            if over.is_none() {
                over = self.decide(scope)?;
            }
            let unfinished = self.facts.children.iter().any(|c| c.outcome.is_none());
            if let Some(decision) = over.take_if(|_| !unfinished) {
                return Ok(decision);
            }
            if std::mem::take(&mut self.again) {
                continue;
            }
            if let Ok(run) = reports.recv_timeout(TICK) {
                self.finished(run);
                reports.try_iter().for_each(|run| self.finished(run));
            }
        }
    }

    /// Asks what is next and does it; gives the decision when the run is over by it.
    fn decide<'scope>(&mut self, scope: &'scope Scope<'scope, '_>) -> Result<Option<Decision>, EngineError>
    where
        'a: 'scope,
    {
        self.facts.elapsed = self.begun.elapsed();
        self.facts.finally_elapsed = self.finally_begun.map(|at| at.elapsed());
        if self.within.stop.asked().is_some() {
            self.facts.request = Some(Request::Cancelled);
        }
        let mut decision = next(self.prepared, &self.facts, &Evaluator);
        if decision.finally {
            self.finally_begun.get_or_insert_with(Instant::now);
            self.finally_at.get_or_insert_with(|| Time(self.shared.config.clock.now()));
        }
        self.tell_skipped(&decision);
        for cancel in &decision.cancel {
            self.cancel(&cancel.name, cancel.message);
        }
        // Nobody is here who would clear the status of a run that is to wait.
        if decision.state.is_over() || decision.state.reason == reason::PIPELINE_RUN_PENDING {
            return Ok(Some(decision));
        }
        for child in std::mem::take(&mut decision.start) {
            self.accept(scope, child)?;
        }
        while !self.waiting.is_empty() {
            let Some(job) = self.shared.jobs.take() else { break };
            let Some(run) = self.waiting.pop_front() else { break };
            self.start(scope, *run, job)?;
        }
        Ok(None)
    }

    /// Takes note of a child. A TaskRun starts when a job is free; a pipeline starts at once, its tasks wait for jobs.
    fn accept<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, child: ChildRun) -> Result<(), EngineError>
    where
        'a: 'scope,
    {
        let (is_pipeline, mut known) = match &child {
            ChildRun::Task(run) => (false, Child::of_task_run(run)),
            ChildRun::Pipeline(run) => (true, Child::of_pipeline_run(run)),
        };
        if let Err(message) = self.shared.admit(is_pipeline, &known.name) {
            let reason = reason::CREATE_RUN_FAILED.to_owned();
            known.outcome = Some(Outcome { reason: reason.clone(), ..Outcome::default() });
            self.shared.journal.record(Happened::TaskFinished {
                task: self.label(&known),
                succeeded: false,
                reason,
                message,
                results: BTreeMap::new(),
                failed_step: None,
            });
            self.facts.children.push(known);
            return Ok(());
        }
        let task = self.label(&known);
        self.facts.children.push(known);
        match child {
            ChildRun::Task(run) => match self.known(&run) {
                Some(kept) => self.keep(kept),
                None => {
                    self.ran.insert(Child::of_task_run(&run).task);
                    self.waiting.push_back(run);
                }
            },
            ChildRun::Pipeline(run) => self.start_pipeline(scope, task, *run)?,
        }
        Ok(())
    }

    /// How the TaskRun ended in the run that this one goes on with, if it is still the same: nothing that it waits for ran
    /// again, and it gets the same.
    fn known(&mut self, run: &TaskRun) -> Option<TaskRun> {
        let kept = self.kept.remove(&run.metadata.name)?;
        let task = Child::of_task_run(run).task;
        let anew = self.prepared.graph.ancestors(&task).into_iter().any(|parent| self.ran.contains(parent));
        let spec = |run: &TaskRun| serde_json::to_value(&run.spec).ok();
        (!anew && spec(&kept) == spec(run)).then_some(kept)
    }

    fn keep(&mut self, kept: TaskRun) {
        let task = self.label(&Child::of_task_run(&kept));
        let condition = kept.status.succeeded().cloned().unwrap_or_default();
        let journal = &self.shared.journal;
        let origin = self.shared.config.reuse.resumes.as_ref().map(|e| e.id.clone()).unwrap_or_default();
        journal.record(Happened::TaskReused {
            task: task.clone(),
            task_run: kept.metadata.name.clone(),
            steps: kept.status.steps.iter().map(|s| s.name.clone()).collect(),
            from: Origin::Run(origin),
        });
        journal.record(Happened::TaskFinished {
            task,
            succeeded: condition.status == ConditionStatus::True,
            reason: condition.reason,
            message: condition.message,
            results: as_text(&kept.status.results),
            failed_step: None,
        });
        self.finished(Finished::Task(Box::new(kept)));
        self.again = true;
    }

    fn start<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        mut run: TaskRun,
        job: Job<'a>,
    ) -> Result<(), EngineError>
    where
        'a: 'scope,
    {
        let stop = Stop::new()?;
        let name = run.metadata.name.clone();
        run.metadata.uid = crate::run::uid();
        let task = self.label(&Child::of_task_run(&run));
        self.stops.insert(name.clone(), stop.clone());
        let (shared, report) = (self.shared, self.report.clone());
        let work = move || {
            let run = task_run::run(shared, &task, run, &stop);
            // Before the report: whoever gets it may start the next one.
            drop(job);
            // A dispatcher that is gone has no use for the report.
            let _ = report.send(Finished::Task(Box::new(run)));
        };
        std::thread::Builder::new().name(name).spawn_scoped(scope, work)?;
        Ok(())
    }

    /// Runs a task that is a pipeline, with a dispatcher of its own (§2.25).
    fn start_pipeline<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        task: String,
        mut run: PipelineRun,
    ) -> Result<(), EngineError>
    where
        'a: 'scope,
    {
        let stop = Stop::new()?;
        let name = run.metadata.name.clone();
        run.metadata.uid = crate::run::uid();
        self.ran.insert(Child::of_pipeline_run(&run).task);
        self.stops.insert(name.clone(), stop.clone());
        let (shared, report, ancestors) = (self.shared, self.report.clone(), &self.prepared.ancestors);
        let work = move || {
            let within = Within { task: &task, ancestors, stop: &stop };
            let finished = nested(shared, run, &within);
            let _ = report.send(finished);
        };
        std::thread::Builder::new().name(name).spawn_scoped(scope, work)?;
        Ok(())
    }

    /// The name in events: the pipeline task's, with the number of a matrix's child.
    fn label(&self, child: &Child) -> String {
        self.within.name_of(&label_of(child))
    }

    fn cancel(&mut self, name: &str, message: &str) {
        let reason = if message == TIMED_OUT { Reason::TimedOut } else { Reason::Cancelled };
        if let Some(stop) = self.stops.get(name) {
            stop.ask(reason);
        } else if let Some(position) = self.waiting.iter().position(|r| r.metadata.name == name) {
            // It never got a job.
            if let Some(mut run) = self.waiting.remove(position) {
                let now = Some(Time(self.shared.config.clock.now()));
                let text = format!("TaskRun {name:?} was cancelled. {message}");
                run.spec.status_message = message.to_owned();
                run.status.conditions =
                    vec![condition(ConditionStatus::False, reason::TASK_RUN_CANCELLED, &text, now)];
                self.shared.record_task_run(&run);
                self.finished(Finished::Task(run));
            }
        }
    }

    fn finished(&mut self, run: Finished) {
        let mut known = match &run {
            Finished::Task(run) => Child::of_task_run(run),
            Finished::Pipeline(run, _) => Child::of_pipeline_run(run),
        };
        let asked = self.stops.remove(&known.name).and_then(|stop| stop.asked());
        if let (Finished::Pipeline(..), Some(outcome)) = (&run, &mut known.outcome) {
            // Unlike a TaskRun it has no statusMessage that tells.
            outcome.timed_out = outcome.cancelled() && asked == Some(Reason::TimedOut);
        }
        if let Some(child) = self.facts.children.iter_mut().find(|c| c.name == known.name) {
            child.outcome = known.outcome;
        }
        self.runs.insert(known.name, run);
    }

    /// Skips are told once; a later change of the reason shows only in the status.
    fn tell_skipped(&mut self, decision: &Decision) {
        for skipped in &decision.skipped {
            if !self.told_skipped.contains(&skipped.name) {
                self.told_skipped.push(skipped.name.clone());
                self.shared.journal.record(Happened::TaskSkipped {
                    task: self.within.name_of(&skipped.name),
                    reason: skipped.reason.clone(),
                });
            }
        }
    }
}
