//! One step: the contract of Tekton's entrypoint, kept from outside the container (tekton.md §2.2, §2.7).

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use base::size;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use tekton::prepare::paths::CREDENTIALS;
use tekton::prepare::{OnError, PreparedStep};
use tekton::status::step::{StepEnd, ended as ended_state};
use tekton::status::{artifacts, results};
use tekton::substitute::step_results::FinishedStep;
use tekton::types::status::Artifacts;
use tekton::types::step::StepOutputConfig;
use tekton::types::{StepState, Time};

use crate::attempt::Scene;
use crate::cel::Evaluator;
use crate::cgroup::Trouble;
use crate::config::{Shell, ShellWhen};
use crate::container::{Described, Ready, prepare};
use crate::event::Happened;
use crate::limits::Limits;
use crate::local::container::{Ended as ContainerEnded, OUT_OF_MEMORY, Stopped};
use crate::local::hand_over::{into_home, into_memory};
use crate::local::shell::Terminal;
use crate::local::stop::Reason;
use crate::log::{StepLog, tee};

/// A result larger than this is not read: a cluster refuses much smaller ones.
const LARGEST_RESULT: u64 = 1 << 20;

/// How long a step that is stopped may take to end before it is killed; 30 s on a cluster.
const GRACE: Duration = Duration::from_secs(5);

/// A step that is over.
pub struct Ended {
    /// What the status shows.
    pub state: StepState,
    /// What later steps may refer to.
    pub finished: FinishedStep,
    /// Whether the task fails by it.
    pub fails: bool,
}

/// Runs step `index`; `finished` are those before it.
pub fn run(scene: &Scene<'_>, index: usize, finished: &[FinishedStep]) -> Ended {
    let clock = &scene.shared.config.clock;
    let started = Time(clock.now());
    let mut prepared = scene.prepared.steps[index].clone();
    prepared.substitute(finished);
    let end = match prepared.is_wanted(&Evaluator) {
        Ok(true) => execute(scene, index, &prepared),
        Ok(false) => StepEnd::Unwanted,
        Err(e) => refused(scene, &prepared.name, &e.to_string()),
    };
    let end = match end {
        StepEnd::Failed(code) if prepared.on_error == OnError::Continue => StepEnd::Continued(code),
        StepEnd::OutOfMemory if prepared.on_error == OnError::Continue => StepEnd::Continued(OUT_OF_MEMORY),
        other => other,
    };
    let run = scene.pod.run(index);
    let exit_code = match end {
        StepEnd::Completed | StepEnd::Unwanted => Some(0),
        StepEnd::Continued(code) => Some(code),
        _ => None,
    };
    if let Some(code) = exit_code {
        // Later steps read it through $(steps.step-<name>.exitCode.path); its folder was made with the pod.
        let _ = write_file(&run, "status/exitCode", &code.to_string());
    }
    let files = read_files(&run, "status/results", prepared.step.results.iter().map(|r| r.name.as_str()));
    let artifacts = read_artifacts(scene, &prepared.name, &run, "status/artifacts");
    let results = results::read_step(&prepared.step.results, &files);
    let image = scene.image_id(&prepared.step.image);
    let times = (Some(started), Time(clock.now()));
    let mut state = ended_state(&prepared, end, &scene.prepared.pod_name, &image, times, results);
    if let Some(Artifacts { inputs, outputs }) = artifacts.clone() {
        (state.inputs, state.outputs) = (inputs, outputs);
    }
    Ended {
        state,
        finished: FinishedStep { name: prepared.name.clone(), results: files, artifacts },
        fails: end.fails(),
    }
}

/// A step that could not be started says why in its log.
fn refused(scene: &Scene<'_>, step: &str, why: &str) -> StepEnd {
    match scene.log(step) {
        Ok(log) => log.note(&format!("error: {why}")),
        Err(e) => {
            let message = format!("{}/{step}: {why} (and its log cannot be written: {e})", scene.task);
            scene.shared.journal.record(Happened::Warning { message });
        }
    }
    StepEnd::Failed(1)
}

fn execute(scene: &Scene<'_>, index: usize, prepared: &PreparedStep) -> StepEnd {
    let log = match scene.log(&prepared.name) {
        Ok(log) => log,
        Err(e) => return refused(scene, &prepared.name, &e.to_string()),
    };
    match contained(scene, index, prepared, &log) {
        Err(why) => {
            log.note(&format!("error: {why}"));
            StepEnd::Failed(1)
        }
        Ok((ended, step_deadline)) => {
            if let Some(error) = &ended.runtime_error {
                log.note(&format!("error: the container could not be made: {error}"));
            }
            match (ended.stopped, ended.code) {
                (None, 0) => StepEnd::Completed,
                (None, OUT_OF_MEMORY) if ended.trouble.out_of_memory => StepEnd::OutOfMemory,
                (None, code) => StepEnd::Failed(code),
                (Some(Stopped::Deadline), _) if step_deadline => StepEnd::TimedOut,
                (Some(Stopped::Deadline), _) => StepEnd::RunTimedOut,
                (Some(Stopped::Asked(_)), _) => StepEnd::Cancelled,
            }
        }
    }
}

/// Runs the container; also says whether the deadline that counted was the step's own.
fn contained(
    scene: &Scene<'_>,
    index: usize,
    prepared: &PreparedStep,
    log: &StepLog,
) -> Result<(ContainerEnded, bool), String> {
    let step = &prepared.step;
    let given = !scene.credentials.files.is_empty();
    let memory = given.then(|| scene.shared.credentials(&scene.prepared.pod_name, index));
    let memory = memory.transpose().map_err(|e| e.to_string())?;
    let mounts =
        scene.pod.step_mounts(index, memory.clone(), &step.volume_mounts).map_err(|e| e.to_string())?;
    let ready = prepare(
        scene,
        Described {
            container: &prepared.container,
            image: &step.image,
            script: prepared.script.as_deref(),
            command: &step.command,
            args: step.args(),
            working_dir: prepared.working_dir.as_deref().unwrap_or_default(),
            env_from: &step.env_from,
            env: &step.env,
            mounts,
            security: step.security_context.as_ref(),
            resources: &step.compute_resources,
            isolated: scene.prepared.is_hermetic(),
        },
    )?;
    if let Some(memory) = memory {
        hand_over(scene, &prepared.name, &ready, &memory);
    }
    if let Some(ended) = shell_instead(scene, prepared, &ready) {
        scene.pod.unmount(&prepared.container).map_err(|e| e.to_string())?;
        return Ok((ended, false));
    }
    let (out, err) = (step.stdout_config.as_ref(), step.stderr_config.as_ref());
    let stdout = tee(log.sink(), copy_to(scene, &ready, out)?);
    // With a copy of only one of them, they have to be told apart.
    let apart = out.is_some() || err.is_some();
    let stderr = if apart { Some(tee(log.sink(), copy_to(scene, &ready, err)?)) } else { None };
    let own_deadline = step.timeout.as_ref().filter(|t| !t.is_zero()).map(|t| Instant::now() + t.as_std());
    let deadline = [own_deadline, scene.deadline].into_iter().flatten().min();
    let container = ready.start(stdout, stderr)?;
    let ended = container.wait(deadline, scene.stop, GRACE).map_err(|e| e.to_string())?;
    explain(log, &ready.spec.limits, ended.trouble);
    let fails = ended.code != 0 && ended.stopped.is_none() && ended.runtime_error.is_none();
    if let Some(Shell { terminal, when: ShellWhen::StepFails }) = &scene.shared.config.shell
        && fails
        && prepared.on_error != OnError::Continue
    {
        open_shell(scene, prepared, &ready, terminal, Some(ended.code));
    }
    scene.pod.unmount(&prepared.container).map_err(|e| e.to_string())?;
    Ok((ended, own_deadline.is_some() && own_deadline == deadline))
}

/// The shell in place of what the step runs, when that is wanted; after it the run is over.
fn shell_instead(scene: &Scene<'_>, prepared: &PreparedStep, ready: &Ready<'_>) -> Option<ContainerEnded> {
    let Some(Shell { terminal, when: ShellWhen::InsteadOf { task, step } }) = &scene.shared.config.shell
    else {
        return None;
    };
    if task != scene.task || *step != prepared.name {
        return None;
    }
    open_shell(scene, prepared, ready, terminal, None);
    scene.shared.config.stop.ask(Reason::Cancelled);
    scene.stop.ask(Reason::Cancelled);
    let stopped = Some(Stopped::Asked(Reason::Cancelled));
    Some(ContainerEnded { code: 0, stopped, trouble: Trouble::default(), runtime_error: None })
}

/// Opens a shell, and tells when it cannot. `exit_code` is that of the step, when it ran.
fn open_shell(
    scene: &Scene<'_>,
    prepared: &PreparedStep,
    ready: &Ready<'_>,
    terminal: &Terminal,
    exit_code: Option<i32>,
) {
    let (task, step) = (scene.task, &prepared.name);
    let journal = &scene.shared.journal;
    journal.record(Happened::ShellOpened { task: task.to_owned(), step: step.clone(), exit_code });
    if let Err(e) = ready.shell(terminal) {
        journal.record(Happened::Warning { message: format!("{task}/{step}: no shell: {e}") });
    }
}

/// Says in the log which of its limits the step met.
fn explain(log: &StepLog, limits: &Limits, trouble: Trouble) {
    if trouble.out_of_memory {
        let limit = limits.memory.map(|bytes| format!("; its limit is {}", size::bytes(bytes)));
        let limit = limit.unwrap_or_default();
        log.note(&format!("error: the kernel ended a process of this step for want of memory{limit}"));
    }
    if let (1.., Some(most)) = (trouble.refused_processes, limits.processes) {
        log.note(&format!(
            "warning: this step may have {most} processes at a time and wanted more; --max-processes"
        ));
    }
}

/// Gives the step its credentials. Not every step needs them, so failing to is only told.
fn hand_over(scene: &Scene<'_>, step: &str, ready: &Ready<'_>, memory: &Path) {
    let credentials = &scene.credentials;
    let warn = |place: &str, e: std::io::Error| {
        let message = format!("{}/{step}: cannot put credentials into {place}: {e}", scene.task);
        scene.shared.journal.record(Happened::Warning { message });
    };
    if let Err(e) = into_memory(memory, credentials, &ready.spec.user) {
        warn(CREDENTIALS, e);
    }
    if let Err(e) = into_home(&ready.spec, credentials) {
        warn("HOME", e);
    }
}

fn copy_to(
    scene: &Scene<'_>,
    ready: &Ready<'_>,
    config: Option<&StepOutputConfig>,
) -> Result<Option<fs::File>, String> {
    let open = |c: &StepOutputConfig| {
        scene
            .pod
            .open_for_output(&ready.spec, &c.path)
            .map_err(|e| format!("cannot copy output to {}: {e}", c.path))
    };
    config.map(open).transpose()
}

/// The artifacts in the folder `under` of `root`. What is not valid is not passed on, and told.
pub fn read_artifacts(scene: &Scene<'_>, step: &str, root: &Path, under: &str) -> Option<Artifacts> {
    const NAME: &str = "provenance.json";
    let text = read_files(root, under, std::iter::once(NAME)).remove(NAME)?;
    match artifacts::read(&text) {
        Ok(artifacts) => Some(artifacts),
        Err(e) => {
            let message = format!("{}/{step}: its artifacts are not used: {NAME}: {e}", scene.task);
            scene.shared.journal.record(Happened::Warning { message });
            None
        }
    }
}

/// A file below `root`, where a step may have put links to elsewhere: then there is none.
fn open_beneath(root: &Path, path: &Path, flags: OFlags) -> std::io::Result<fs::File> {
    let root = fs::File::open(root)?;
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mode = if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(0o644) } else { Mode::empty() };
    let strict = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    Ok(openat2(&root, path, flags, mode, strict)?.into())
}

fn write_file(root: &Path, path: &str, text: &str) -> std::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
    open_beneath(root, path.as_ref(), flags)?.write_all(text.as_bytes())
}

/// The files called `names` in the folder `under` of `root`, as text. A file that a step made a link to elsewhere, or that
/// is too large, counts as missing.
pub fn read_files<'a>(
    root: &Path,
    under: &str,
    names: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, String> {
    let read = |name: &str| -> Option<String> {
        let file = open_beneath(root, &Path::new(under).join(name), OFlags::RDONLY).ok()?;
        let meta = file.metadata().ok()?;
        if !meta.is_file() || meta.len() > LARGEST_RESULT {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(LARGEST_RESULT).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    names.filter_map(|name| Some((name.to_owned(), read(name)?))).collect()
}
