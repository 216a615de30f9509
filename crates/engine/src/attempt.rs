//! One attempt of a TaskRun: a pod's worth of containers (tekton.md §2.1, §2.2, §2.13).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use base::Digest;
use oci::client::Progress;
use tekton::prepare::{Failure, PreparedTask};
use tekton::status::result_size::{self, Leaving};
use tekton::status::step::{StepEnd, ended as ended_step};
use tekton::status::task_run::{Attempt, AttemptEnd};
use tekton::status::{artifacts, reason, results};
use tekton::substitute::step_results::FinishedStep;
use tekton::types::{EnvFromSource, EnvVar, RunResult, Time, Volume};

use crate::cache::attempt::{self as cache, Cached};
use crate::event::Happened;
use crate::foreknown::Known;
use crate::journal::Journal;
use crate::local::bundle::{Mounted, What};
use crate::local::credentials::{self, Credentials};
use crate::local::downward::PodFacts;
use crate::local::environment::{Environment, EnvironmentError};
use crate::local::images::{NotFetched, Resolved};
use crate::local::network;
use crate::local::pod::Pod;
use crate::local::processor;
use crate::local::sidecar::{self, Ready};
use crate::local::stop::Stop;
use crate::local::volume::{Places, empty, release};
use crate::log::StepLog;
use crate::shared::Shared;
use crate::{beside, step};

/// An attempt that is over.
#[derive(Debug)]
pub struct Ended {
    /// What its status is made of.
    pub attempt: Attempt,
    /// The step to look at when it failed.
    pub failed_step: Option<String>,
    /// The key of the step cache under which all of it was found; nothing was run then.
    pub cached: Option<Digest>,
    /// Who knew what would come of it; nothing was run then.
    pub foreknown: Option<&'static str>,
}

/// Everything that steps and sidecars of one attempt need.
pub struct Scene<'a> {
    /// What the run shares.
    pub shared: &'a Shared<'a>,
    /// The task's name in events.
    pub task: &'a str,
    /// The folder of logs.
    pub log_name: &'a str,
    /// The prepared task.
    pub prepared: &'a PreparedTask,
    /// Folders and mounts.
    pub pod: Pod,
    /// What the downward API tells.
    pub facts: PodFacts,
    /// Images by name.
    pub images: BTreeMap<String, Arc<Resolved>>,
    /// What the account gives to steps.
    pub credentials: Credentials,
    /// Files that tell about the network.
    pub network: Vec<Mounted>,
    /// When the attempt's time is over.
    pub deadline: Option<Instant>,
    /// Ends the attempt when asked.
    pub stop: &'a Stop,
}

/// Runs one attempt.
pub fn run(shared: &Shared<'_>, task: &str, log_name: &str, prepared: &PreparedTask, stop: &Stop) -> Ended {
    let now = || Some(Time(shared.config.clock.now()));
    let mut attempt = Attempt { started: now(), ..Attempt::default() };
    if let Some(known) = shared.config.foreknown.as_ref().and_then(|who| who.known(prepared)) {
        tell(shared, task, log_name, &known);
        attempt.results = known.results;
        (attempt.end, attempt.ended) = (Some(AttemptEnd::Steps), now());
        return Ended { attempt, failed_step: None, cached: None, foreknown: Some(known.whence) };
    }
    let deadline = prepared.timeout.map(|t| Instant::now() + t);
    let mut failed_step = None;
    let mut cached = None;
    attempt.end = Some(match set_up(shared, task, log_name, prepared, deadline, stop) {
        Err(failure) => ended_outside(stop, deadline).unwrap_or(AttemptEnd::Failed(failure)),
        Ok(scene) => {
            let end = match cache::begin(&scene, &mut attempt) {
                Cached::Hit(key) => {
                    cached = Some(key);
                    AttemptEnd::Steps
                }
                Cached::Never => perform(&scene, &mut attempt, &mut failed_step),
                Cached::Miss(miss) => {
                    let end = perform(&scene, &mut attempt, &mut failed_step);
                    if end == AttemptEnd::Steps {
                        miss.end(&scene, &attempt);
                    }
                    end
                }
            };
            clean(&scene);
            end
        }
    });
    attempt.ended = now();
    Ended { attempt, failed_step, cached, foreknown: None }
}

/// Writes into the log of the step what was found out in its place. Without a log the task is as good.
fn tell(shared: &Shared<'_>, task: &str, log_name: &str, known: &Known) {
    let path = shared.recording.log(log_name, &known.step);
    let journal = shared.journal.clone();
    let log = path
        .and_then(|path| StepLog::create(&path, shared.config.max_log, journal.clone(), task, &known.step));
    match log {
        Ok(log) => known.log.lines().for_each(|line| log.note(line)),
        Err(e) => {
            let message = format!("cannot write the log of {task}/{}: {e}", known.step);
            journal.record(Happened::Warning { message });
        }
    }
}

/// How an attempt ends that was ended from outside, whatever went wrong by that.
fn ended_outside(stop: &Stop, deadline: Option<Instant>) -> Option<AttemptEnd> {
    match stop.asked() {
        Some(reason) => Some(AttemptEnd::Cancelled(crate::task_run::stop_message(reason).to_owned())),
        None => deadline.is_some_and(|d| Instant::now() >= d).then_some(AttemptEnd::TimedOut),
    }
}

/// Folders, volumes and images; whatever a later step lacks fails the task before the first one runs (§2.1).
fn set_up<'a>(
    shared: &'a Shared<'a>,
    task: &'a str,
    log_name: &'a str,
    prepared: &'a PreparedTask,
    deadline: Option<Instant>,
    stop: &'a Stop,
) -> Result<Scene<'a>, Failure> {
    let create = |e: &dyn std::fmt::Display| Failure::new(reason::POD_CREATION_FAILED, e.to_string());
    let dir = shared.recording.scratch().join("pods").join(&prepared.pod_name);
    let containers: Vec<String> = prepared.steps.iter().map(|s| s.container.clone()).collect();
    let pins = shared.memory.join("pins").join(&prepared.pod_name);
    let mut pod = Pod::create(&dir, &pins, &containers).map_err(|e| create(&e))?;
    let facts = PodFacts {
        name: prepared.pod_name.clone(),
        namespace: prepared.metadata.namespace.clone(),
        uid: prepared.metadata.uid.clone(),
        labels: prepared.metadata.labels.clone(),
        annotations: prepared.metadata.annotations.clone(),
        service_account: prepared.service_account.clone(),
        node: rustix::system::uname().nodename().to_string_lossy().into_owned(),
    };
    let places = Places {
        disk: &dir.join("volumes"),
        memory: &shared.memory.join(&prepared.pod_name),
        claims: &shared.config.claims,
        catalog: shared.catalog,
        pod: &facts,
    };
    for claim in &prepared.claims {
        empty(&shared.claims(), &claim.name).map_err(|e| create(&e))?;
    }
    for volume in &prepared.volumes {
        let what = match own_claim(shared, volume) {
            Some(what) => what,
            None => places.make(volume).map_err(|e| create(&e))?,
        };
        pod.add_volume(&volume.name, what);
    }
    for dir in &prepared.working_dirs {
        pod.working_dir(dir).map_err(|e| create(&e))?;
    }
    let pull =
        credentials::for_pulling(shared.catalog, &prepared.service_account, &prepared.pod.image_pull_secrets);
    let credentials = if shared.settings.creds_init {
        credentials::of_account(shared.catalog, &prepared.service_account)
    } else {
        Credentials::default()
    };
    for warning in credentials.warnings.iter().chain(&pull.warnings) {
        shared.journal.record(Happened::Warning { message: format!("{task}: {warning}") });
    }
    let images = resolve_images(shared, prepared, &pull, deadline, stop)?;
    let network =
        network::files(&dir.join("network"), &prepared.pod_name, &prepared.pod).map_err(|e| create(&e))?;
    let scene =
        Scene { shared, task, log_name, prepared, pod, facts, images, credentials, network, deadline, stop };
    for s in &prepared.steps {
        scene.environment(&s.step.env_from, &s.step.env).map_err(|e| scene.config_error(&s.name, &e))?;
    }
    Ok(scene)
}

fn resolve_images(
    shared: &Shared<'_>,
    prepared: &PreparedTask,
    pull: &Credentials,
    deadline: Option<Instant>,
    stop: &Stop,
) -> Result<BTreeMap<String, Arc<Resolved>>, Failure> {
    let own = shared.config.client.as_ref().zip(pull.files.values().next()).map(|(client, text)| {
        client.with_credentials("the run's imagePullSecrets", &String::from_utf8_lossy(text))
    });
    let own = own.transpose().map_err(|e| Failure::new("TaskRunImagePullFailed", e.to_string()))?;
    let client = own.as_ref().or(shared.config.client.as_deref()).ok_or(NotFetched::Offline);
    let steps = prepared.steps.iter().map(|s| (&s.name, &s.step.image, &s.step.image_pull_policy));
    let sidecars =
        prepared.sidecars.iter().map(|s| (&s.name, &s.sidecar.image, &s.sidecar.image_pull_policy));
    let platform = processor::wanted(&prepared.pod);
    let mut images = BTreeMap::new();
    for (name, image, policy) in steps.chain(sidecars) {
        if images.contains_key(image) {
            continue;
        }
        let (journal, image_name, stop) = (shared.journal.clone(), image.clone(), stop.clone());
        let progress = Transfers { journal, image: image_name, stop, deadline };
        let client = if policy == "Never" { Err(NotFetched::Never) } else { client };
        let resolved = shared.images.resolve(image, &platform, client, &progress).map_err(|e| {
            let run = &prepared.metadata.name;
            Failure::new(
                "TaskRunImagePullFailed",
                format!(
                    "the step {name:?} in TaskRun {run:?} failed to pull the image \"\". The pod errored with the \
                     message: \"{e}.\""
                ),
            )
        })?;
        images.insert(image.clone(), resolved);
    }
    Ok(images)
}

/// A claim that the run made for itself (volumeClaimTemplate) lives and ends with the run.
fn own_claim(shared: &Shared<'_>, volume: &Volume) -> Option<What> {
    let claim = volume.persistent_volume_claim.as_ref()?;
    let source = shared.claims().join(&claim.claim_name);
    source.is_dir().then_some(What::Bind { source, read_only: claim.read_only })
}

/// Sidecars, then steps in order, then results and the sidecars' end.
fn perform(scene: &Scene<'_>, attempt: &mut Attempt, failed_step: &mut Option<String>) -> AttemptEnd {
    let mut running = Vec::new();
    for sidecar in &scene.prepared.sidecars {
        match beside::start(scene, sidecar) {
            Ok(started) => running.push(started),
            Err(failure) => {
                beside::stop(scene, running, attempt);
                return AttemptEnd::Failed(failure);
            }
        }
    }
    let runtime = &scene.shared.config.runtime;
    let ready = if scene.shared.settings.await_sidecars {
        sidecar::wait_ready(&running, runtime, scene.deadline, scene.stop)
    } else {
        Ready::Yes
    };
    if let Ready::No(why) = &ready {
        scene.shared.journal.record(Happened::Warning { message: format!("{}: {why}", scene.task) });
    }
    let mut failed = ready != Ready::Yes;
    let mut finished: Vec<FinishedStep> = Vec::new();
    for (index, prepared) in scene.prepared.steps.iter().enumerate() {
        let (task, step) = (scene.task.to_owned(), prepared.name.clone());
        let ended = if failed {
            let now = Time(scene.shared.config.clock.now());
            let image = scene.image_id(&prepared.step.image);
            let end = scene.interrupted().unwrap_or(StepEnd::Unreached);
            step::Ended {
                state: ended_step(prepared, end, &scene.prepared.pod_name, &image, (None, now), Vec::new()),
                finished: FinishedStep { name: prepared.name.clone(), ..FinishedStep::default() },
                fails: false,
            }
        } else {
            scene.shared.journal.record(Happened::StepStarted { task: task.clone(), step: step.clone() });
            step::run(scene, index, &finished)
        };
        if ended.fails {
            failed = true;
            *failed_step = Some(prepared.name.clone());
        }
        scene.shared.journal.record(Happened::StepFinished {
            task,
            step,
            exit_code: ended.state.terminated.as_ref().map_or(0, |t| t.exit_code),
            reason: ended.state.termination_reason.clone(),
        });
        // The task's own may be another one after each step; none is lost.
        let tasks = step::read_artifacts(scene, &prepared.name, &scene.pod.artifacts(), "");
        for more in ended.finished.artifacts.iter().cloned().chain(tasks) {
            artifacts::merge(attempt.artifacts.get_or_insert_default(), more);
        }
        attempt.steps.push(ended.state);
        finished.push(ended.finished);
    }
    let files =
        step::read_files(&scene.pod.results(), "", scene.prepared.results.iter().map(|r| r.name.as_str()));
    let read = results::read(&scene.prepared.results, &files, &finished);
    attempt.results = read.results;
    warn_of_size(scene, attempt);
    let interrupted = scene.interrupted().filter(|_| failed);
    beside::stop(scene, running, attempt);
    match (interrupted, scene.stop.asked(), read.failure) {
        (Some(StepEnd::Cancelled), Some(reason), _) => {
            AttemptEnd::Cancelled(crate::task_run::stop_message(reason).to_owned())
        }
        (Some(_), ..) => AttemptEnd::TimedOut,
        (None, _, Some(failure)) if !failed => AttemptEnd::Failed(failure),
        _ => AttemptEnd::Steps,
    }
}

/// Tells when a cluster could not pass on what the task produced; here it can be of any size.
fn warn_of_size(scene: &Scene<'_>, attempt: &Attempt) {
    // What is forwarded from a step leaves the pod as that step's.
    let own = |r: &&RunResult| scene.prepared.results.iter().any(|d| d.name == r.name && d.value.is_none());
    let task: Vec<RunResult> = attempt.results.iter().filter(own).cloned().collect();
    let steps: Vec<_> = attempt.steps.iter().map(|s| (s.name.as_str(), s.results.as_slice())).collect();
    let leaving = Leaving { task: &task, steps: &steps, sidecars: scene.prepared.sidecars.len() };
    if let Some(warning) = result_size::too_large(leaving, scene.shared.settings.results) {
        scene.shared.journal.record(Happened::Warning { message: format!("{}: {warning}", scene.task) });
    }
}

/// Unmounts the root file systems and removes the attempt's folders.
fn clean(scene: &Scene<'_>) {
    let memory = scene.shared.memory.join(&scene.prepared.pod_name);
    let released = |()| scene.prepared.volumes.iter().try_for_each(|volume| release(&memory, volume));
    if let Err(e) = scene.pod.remove().and_then(released) {
        let message = format!("cannot remove the folders of {}: {e}", scene.prepared.pod_name);
        scene.shared.journal.record(Happened::Warning { message });
    }
}

impl Scene<'_> {
    /// How steps end when the attempt was ended from outside: somebody asked, or its time is over.
    pub fn interrupted(&self) -> Option<StepEnd> {
        if self.stop.asked().is_some() {
            return Some(StepEnd::Cancelled);
        }
        self.deadline.is_some_and(|d| Instant::now() >= d).then_some(StepEnd::RunTimedOut)
    }

    /// The environment that a container asks for.
    ///
    /// # Errors
    /// When something it refers to is missing.
    pub fn environment(
        &self,
        env_from: &[EnvFromSource],
        env: &[EnvVar],
    ) -> Result<Environment, EnvironmentError> {
        Environment::of_container(env_from, env, self.shared.catalog, &self.facts)
    }

    /// A container that cannot be described (§2.5).
    pub fn config_error(&self, step: &str, error: &dyn std::fmt::Display) -> Failure {
        let run = &self.prepared.metadata.name;
        Failure::new(
            "CreateContainerConfigError",
            format!(
                "the step {step:?} in TaskRun {run:?} failed to start. The pod errored with the message: \"{error}.\""
            ),
        )
    }

    /// The digest of an image that was resolved; empty for this machine.
    pub fn image_id(&self, image: &str) -> String {
        match self.images.get(image).map(AsRef::as_ref) {
            Some(Resolved::Image { digest, .. }) => digest.to_string(),
            Some(Resolved::Host) | None => String::new(),
        }
    }

    /// The log of a container.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn log(&self, name: &str) -> std::io::Result<StepLog> {
        let path = self.shared.recording.log(self.log_name, name)?;
        StepLog::create(&path, self.shared.config.max_log, self.shared.journal.clone(), self.task, name)
    }
}

/// Tells the run's observers about an image that is being fetched.
struct Transfers {
    journal: Arc<Journal>,
    image: String,
    stop: Stop,
    deadline: Option<Instant>,
}

impl Progress for Transfers {
    fn transferred(&self, digest: Digest, done: u64, total: u64) {
        self.journal.transfer(&format!("{} {}", self.image, digest.short()), done, total);
    }

    fn retrying(&self, reason: &str) {
        self.journal.record(Happened::Warning { message: format!("{}: {reason}; trying again", self.image) });
    }

    fn cancelled(&self) -> bool {
        self.stop.asked().is_some() || self.deadline.is_some_and(|d| Instant::now() >= d)
    }
}
