//! One PipelineRun: the only owner of what is known of it. Workers run TaskRuns and report; what runs next is decided by
//! [`tekton::next`], a pure function of the facts.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Scope;
use std::time::{Duration, Instant};

use tekton::next::decision::TIMED_OUT;
use tekton::next::{Child, ChildRun, Decision, Facts, Request, next};
use tekton::prepare::{self, Failure, PipelineContext, PreparedPipeline};
use tekton::status::pipeline_run::{Times, failed, status};
use tekton::status::{condition, reason};
use tekton::types::{ConditionStatus, PipelineRun, TaskRun, Time};

use crate::cel::Evaluator;
use crate::error::EngineError;
use crate::event::Happened;
use crate::local::stop::{Reason, Stop};
use crate::local::volume::empty;
use crate::shared::Shared;
use crate::task_run;

/// How often timeouts and requests to stop are looked at while nothing else happens.
const TICK: Duration = Duration::from_millis(50);

/// Runs a pipeline to its end and gives the run back with its status, and its TaskRuns in the order of their start.
///
/// # Errors
/// When the system gives no threads; a pipeline that fails is not an error.
pub fn run(shared: &Shared<'_>, mut run: PipelineRun) -> Result<(PipelineRun, Vec<TaskRun>), EngineError> {
    let started = Time(shared.config.clock.now());
    run.status.start_time = Some(started);
    let context = PipelineContext { settings: &shared.settings, cel: &Evaluator };
    let prepared = match prepare::pipeline(&run, &shared.definitions, &context) {
        Ok(prepared) => prepared,
        Err(failure) => {
            run.status = failed(&unless_stopped(shared, &run, failure), started);
            return Ok((run, Vec::new()));
        }
    };
    run.metadata = prepared.metadata.clone();
    shared.journal.record(Happened::RunStarted {
        run: shared.run.clone(),
        pipeline: run.metadata.labels.get("tekton.dev/pipeline").unwrap_or(&run.metadata.name).clone(),
        tasks: prepared.tasks.iter().map(|t| t.task.name.clone()).collect(),
    });
    for claim in &prepared.claims {
        empty(&shared.claims(), &claim.name).map_err(|e| EngineError::System(std::io::Error::other(e)))?;
    }
    let decision = std::thread::scope(|scope| {
        let (report, reports) = mpsc::channel();
        let mut dispatcher = Dispatcher {
            shared,
            prepared: &prepared,
            begun: Instant::now(),
            finally_begun: None,
            finally_at: None,
            facts: Facts { request: Request::of(&run.spec.status), ..Facts::default() },
            waiting: VecDeque::new(),
            stops: HashMap::new(),
            runs: HashMap::new(),
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
    Ok((run, children))
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

struct Dispatcher<'a> {
    shared: &'a Shared<'a>,
    prepared: &'a PreparedPipeline,
    begun: Instant,
    finally_begun: Option<Instant>,
    finally_at: Option<Time>,
    facts: Facts,
    /// Started as far as the pipeline is concerned, but without a job yet.
    waiting: VecDeque<Box<TaskRun>>,
    /// Running TaskRuns.
    stops: HashMap<String, Stop>,
    /// Finished TaskRuns.
    runs: HashMap<String, TaskRun>,
    told_skipped: Vec<String>,
    report: Sender<TaskRun>,
}

impl<'a> Dispatcher<'a> {
    fn work<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        reports: &Receiver<TaskRun>,
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
        if self.shared.config.stop.asked().is_some() {
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
        if decision.state.is_over() {
            return Ok(Some(decision));
        }
        for child in std::mem::take(&mut decision.start) {
            self.accept(child);
        }
        while self.stops.len() < self.shared.config.jobs.max(1) {
            let Some(run) = self.waiting.pop_front() else { break };
            self.start(scope, *run)?;
        }
        Ok(None)
    }

    /// Takes note of a child; it runs when a job is free.
    fn accept(&mut self, child: ChildRun) {
        match child {
            ChildRun::Task(run) => {
                self.facts.children.push(Child::of_task_run(&run));
                self.waiting.push_back(run);
            }
            ChildRun::Pipeline(run) => {
                let mut child = Child::of_pipeline_run(&run);
                child.outcome = Some(tekton::next::Outcome {
                    reason: reason::COULDNT_GET_PIPELINE.to_owned(),
                    ..tekton::next::Outcome::default()
                });
                self.shared.journal.record(Happened::TaskFinished {
                    task: child.task.clone(),
                    succeeded: false,
                    reason: reason::COULDNT_GET_PIPELINE.to_owned(),
                    message: "a pipeline inside a pipeline is an alpha feature that this engine does not run"
                        .to_owned(),
                    results: std::collections::BTreeMap::new(),
                    failed_step: None,
                });
                self.facts.children.push(child);
            }
        }
    }

    fn start<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, mut run: TaskRun) -> Result<(), EngineError>
    where
        'a: 'scope,
    {
        let stop = Stop::new()?;
        let name = run.metadata.name.clone();
        run.metadata.uid = crate::run::uid();
        let task = self.label(&run);
        self.stops.insert(name.clone(), stop.clone());
        let (shared, report) = (self.shared, self.report.clone());
        let work = move || {
            // A dispatcher that is gone has no use for the report.
            let _ = report.send(task_run::run(shared, &task, run, &stop));
        };
        std::thread::Builder::new().name(name).spawn_scoped(scope, work)?;
        Ok(())
    }

    /// The name in events: the pipeline task's, with the number of a matrix's child.
    fn label(&self, run: &TaskRun) -> String {
        let task = Child::of_task_run(run).task;
        match run.metadata.name.rsplit_once('-') {
            Some((before, number))
                if before.ends_with(&format!("-{task}")) && number.parse::<usize>().is_ok() =>
            {
                format!("{task}-{number}")
            }
            _ => task,
        }
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
                self.finished(*run);
            }
        }
    }

    fn finished(&mut self, run: TaskRun) {
        self.stops.remove(&run.metadata.name);
        let known = Child::of_task_run(&run);
        if let Some(child) = self.facts.children.iter_mut().find(|c| c.name == known.name) {
            child.outcome = known.outcome;
        }
        self.runs.insert(run.metadata.name.clone(), run);
    }

    /// Skips are told once; a later change of the reason shows only in the status.
    fn tell_skipped(&mut self, decision: &Decision) {
        for skipped in &decision.skipped {
            if !self.told_skipped.contains(&skipped.name) {
                self.told_skipped.push(skipped.name.clone());
                self.shared.journal.record(Happened::TaskSkipped {
                    task: skipped.name.clone(),
                    reason: skipped.reason.clone(),
                });
            }
        }
    }
}
