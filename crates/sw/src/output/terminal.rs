//! Events as lines for people, on standard error.
//!
//! On a terminal, running tasks have a live line each below the finished ones; elsewhere every change is a line. Marks
//! are letters and signs, colour only repeats what they say.

use std::collections::{BTreeMap, HashMap};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use base::size;
use engine::event::{Event, Happened, Observer};
use engine::record::log_folder;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printable::printable;
use super::summary::{State, Summary, elapsed};
use super::throttle::{Admitted, Throttle};

/// Shows a run.
pub struct Terminal {
    live: bool,
    logs: bool,
    /// Where the run keeps its logs; named when a step fails.
    runs: PathBuf,
    /// The command that runs one task again, for `{task}`.
    rerun: String,
    inner: Mutex<Inner>,
}

struct Inner {
    summary: Summary,
    bars: MultiProgress,
    tasks: HashMap<String, ProgressBar>,
    transfers: BTreeMap<String, ProgressBar>,
    widths: usize,
    /// Skipped tasks that are not shown yet, with their reason: many at once become one line.
    skipped: Vec<(String, String)>,
    /// How much each step has shown lately.
    throttles: HashMap<(String, String), Throttle>,
    /// What is to be shown when the terminal is ours again; none while it is.
    held: Option<Vec<String>>,
}

/// What a line of a step begins with that a person must see: the step waits for somebody.
pub const ASK: &str = "sw: ask ";

/// Lines of a failed step's log that are shown.
const TAIL: usize = 20;

pub const GREEN: Style = AnsiColor::Green.on_default();
pub const RED: Style = AnsiColor::Red.on_default().bold();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const DIM: Style = Style::new().dimmed();

impl Terminal {
    /// `logs`: show what steps print. `runs`: the folder of all runs. `rerun`: a command line with `{task}` in it.
    pub fn new(logs: bool, runs: PathBuf, rerun: String) -> Self {
        let live = std::io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let inner = Inner {
            summary: Summary::default(),
            bars: MultiProgress::with_draw_target(target),
            tasks: HashMap::new(),
            transfers: BTreeMap::new(),
            widths: 0,
            skipped: Vec::new(),
            throttles: HashMap::new(),
            held: None,
        };
        Self { live, logs, runs, rerun, inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, inner: &mut Inner, text: &str) {
        if let Some(held) = &mut inner.held {
            held.push(text.to_owned());
            return;
        }
        let print = || {
            // Standard error may be closed; the run goes on.
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        };
        if self.live { inner.bars.suspend(print) } else { print() }
    }

    fn started(&self, inner: &mut Inner, task: &str) {
        let message = match inner.summary.get(task).map_or(0, |t| t.steps.len()) {
            // Its tasks have lines of their own.
            0 => "pipeline".to_owned(),
            1 => "1 step".to_owned(),
            steps => format!("{steps} steps"),
        };
        if !self.live {
            let width = inner.widths;
            self.line(inner, &format!("{DIM}>{DIM:#} {task:width$}  started"));
            return;
        }
        let template = format!("{{spinner}} {{prefix:{}}}  {{msg}}  {{elapsed}}", inner.widths);
        let style =
            ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = inner
            .bars
            .add(ProgressBar::new_spinner().with_style(style.tick_strings(&["-", "\\", "|", "/", " "])));
        bar.set_prefix(task.to_owned());
        bar.set_message(message);
        bar.enable_steady_tick(Duration::from_millis(120));
        inner.tasks.insert(task.to_owned(), bar);
    }

    fn finished(&self, inner: &mut Inner, task: &str) {
        if let Some(bar) = inner.tasks.remove(task) {
            bar.finish_and_clear();
            inner.bars.remove(&bar);
        }
        let width = inner.widths;
        let Some(t) = inner.summary.get(task).cloned() else { return };
        let time = size::duration(elapsed(t.started, t.finished));
        let text = match &t.state {
            State::Done => format!("{GREEN}✓{GREEN:#} {task:width$}  done     {time:>7}"),
            State::Cached => format!("{GREEN}={GREEN:#} {task:width$}  cached   {time:>7}"),
            State::Kept(run) => {
                format!("{GREEN}={GREEN:#} {task:width$}  kept     {DIM}of run {run}{DIM:#}")
            }
            State::Failed(message, _) => {
                format!("{RED}✗{RED:#} {task:width$}  {RED}failed{RED:#}   {time:>7}  {message}")
            }
            State::Waiting | State::Running | State::Skipped(_) => return,
        };
        self.line(inner, &text);
        if let State::Failed(_, Some(step)) = &t.state {
            let step = step.clone();
            self.explain(inner, task, &step);
        }
    }

    /// Says how many lines of a step were too many to show.
    fn missed(&self, inner: &mut Inner, task: &str, step: &str, lines: u64) {
        if lines > 0 {
            let run = &inner.summary.run;
            let text = format!("{lines} lines are not shown here: sw logs {run} {task} {step}");
            self.line(inner, &format!("{DIM}{task}/{step}| [{text}]{DIM:#}"));
        }
    }

    fn show_skipped(&self, inner: &mut Inner) {
        const FEW: usize = 3;
        let mut by_reason: Vec<(String, Vec<String>)> = Vec::new();
        for (task, reason) in std::mem::take(&mut inner.skipped) {
            match by_reason.iter_mut().find(|(r, _)| *r == reason) {
                Some((_, tasks)) => tasks.push(task),
                None => by_reason.push((reason, vec![task])),
            }
        }
        let width = inner.widths;
        for (reason, tasks) in by_reason {
            if tasks.len() > FEW {
                let count = format!("{} tasks", tasks.len());
                self.line(inner, &format!("{DIM}- {count:width$}  skipped  {reason}{DIM:#}"));
                continue;
            }
            for task in tasks {
                self.line(inner, &format!("{DIM}- {task:width$}  skipped  {reason}{DIM:#}"));
            }
        }
    }

    /// The end of the failed step's log, where the whole log is, and how to run only that again.
    fn explain(&self, inner: &mut Inner, task: &str, step: &str) {
        let folder = log_folder(task, inner.summary.get(task).map_or(0, |t| t.retries));
        let path = self.runs.join(&inner.summary.run).join("logs").join(folder).join(format!("{step}.log"));
        let tail = engine::log::tail(&path, TAIL).unwrap_or_default();
        let mut text = String::new();
        for line in &tail {
            text.push_str(&format!("    {DIM}|{DIM:#} {}\n", printable(line)));
        }
        text.push_str(&format!("    log:   sw logs {} {task} {step}\n", inner.summary.run));
        if !self.rerun.is_empty() {
            text.push_str(&format!("    again: {}\n", self.rerun.replace("{task}", task)));
        }
        self.line(inner, text.trim_end());
    }
}

/// Where something came from, in one line: address, the start of its digest, the file in it.
pub fn source_line(uri: &str, digest: &BTreeMap<String, String>, entry_point: &str) -> String {
    let digest = digest.iter().next().map(|(name, hex)| format!(" {name}:{}", hex.get(..12).unwrap_or(hex)));
    let entry = if entry_point.is_empty() { String::new() } else { format!(" {entry_point}") };
    format!("{uri}{}{entry}", digest.unwrap_or_default())
}

/// Columns for the names of tasks.
fn width(tasks: &[String]) -> usize {
    tasks.iter().map(|t| t.chars().count()).max().unwrap_or(0).min(40)
}

impl Observer for Terminal {
    fn event(&self, event: &Event) {
        let mut guard = self.inner();
        let inner = &mut *guard;
        inner.summary.apply(event);
        if !matches!(event.event, Happened::TaskSkipped { .. }) {
            self.show_skipped(inner);
        }
        match &event.event {
            Happened::RunStarted { run, tasks, resumes, .. } => {
                inner.widths = width(tasks).max(8);
                let after = resumes.as_ref().map(|of| format!(", goes on with {of}")).unwrap_or_default();
                self.line(inner, &format!("{DIM}run {run}{after}{DIM:#}"));
            }
            Happened::TasksLeftOut { tasks, from } => {
                let width = inner.widths;
                let from =
                    from.as_ref().map(|run| format!("; their results come from {run}")).unwrap_or_default();
                let count =
                    if tasks.len() == 1 { "1 task".to_owned() } else { format!("{} tasks", tasks.len()) };
                let names = tasks.join(", ");
                self.line(inner, &format!("{DIM}- {count:width$}  left out {names}{from}{DIM:#}"));
            }
            Happened::PipelineStarted { task, tasks, .. } => {
                inner.widths = inner.widths.max(width(tasks));
                self.started(inner, task);
            }
            Happened::TaskStarted { task, attempt: 0, .. } => self.started(inner, task),
            Happened::StepStarted { task, step } => {
                let position = inner.summary.get(task).map_or((0, 0), |t| (t.steps_done + 1, t.steps.len()));
                if let Some(bar) = inner.tasks.get(task) {
                    bar.set_message(format!("{step} {}/{}", position.0, position.1));
                }
            }
            Happened::TaskRetried { task, attempt, message } => {
                self.line(
                    inner,
                    &format!("{YELLOW}~{YELLOW:#} {task}  attempt {} failed, again: {message}", attempt + 1),
                );
            }
            Happened::TaskFinished { task, .. } => self.finished(inner, task),
            Happened::ShellOpened { task, step, exit_code } => {
                let what = match exit_code {
                    Some(code) => format!(
                        "failed with exit code {code}. This is a shell in its container; leave it with `exit`, and the run \
                         goes on"
                    ),
                    None => "did not run: this is a shell in its container. Leave it with `exit`".to_owned(),
                };
                self.line(inner, &format!("{YELLOW}?{YELLOW:#} {task}/{step} {what}"));
            }
            Happened::TaskNotCached { task, reason } => {
                let width = inner.widths;
                self.line(inner, &format!("{DIM}- {task:width$}  not cached: {reason}{DIM:#}"));
            }
            Happened::TaskSkipped { task, reason } => inner.skipped.push((task.clone(), reason.clone())),
            Happened::Resolved { kind, name, uri, digest, entry_point } => {
                let from = source_line(uri, digest, entry_point);
                self.line(inner, &format!("{DIM}got {kind} {name} from {from}{DIM:#}"));
            }
            Happened::Warning { message } => {
                self.line(inner, &format!("{YELLOW}warning:{YELLOW:#} {message}"));
            }
            Happened::RunFinished { .. } => {
                inner.tasks.drain().for_each(|(_, bar)| bar.finish_and_clear());
                inner.transfers.values().for_each(ProgressBar::finish_and_clear);
            }
            Happened::StepFinished { task, step, .. } => {
                if let Some(throttle) = inner.throttles.remove(&(task.clone(), step.clone())) {
                    self.missed(inner, task, step, throttle.missed());
                }
            }
            Happened::TaskStarted { .. } | Happened::TaskReused { .. } => {}
        }
    }

    fn output(&self, task: &str, step: &str, bytes: &[u8]) {
        let inner = &mut *self.inner();
        if !self.logs {
            for asked in String::from_utf8_lossy(bytes).lines().filter_map(|line| line.strip_prefix(ASK)) {
                self.line(inner, &format!("{YELLOW}?{YELLOW:#} {task}  {}", printable(asked)));
            }
            return;
        }
        let lines = bytes.split_inclusive(|b| *b == b'\n').count() as u64;
        // A file or a pipe takes what comes; a terminal is for eyes.
        if self.live {
            let throttle = inner.throttles.entry((task.to_owned(), step.to_owned())).or_default();
            match throttle.admit(bytes.len(), lines, Instant::now()) {
                Admitted::No => return,
                Admitted::After(missed) => self.missed(inner, task, step, missed),
            }
        }
        for line in String::from_utf8_lossy(bytes).lines() {
            self.line(inner, &format!("{DIM}{task}/{step}|{DIM:#} {}", printable(line)));
        }
    }

    fn terminal_taken(&self, taken: bool) {
        let inner = &mut *self.inner();
        if taken {
            inner.held = Some(Vec::new());
            inner.bars.set_draw_target(ProgressDrawTarget::hidden());
            return;
        }
        if self.live {
            inner.bars.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        }
        for line in inner.held.take().unwrap_or_default() {
            self.line(inner, &line);
        }
    }

    fn transfer(&self, what: &str, done: u64, total: u64) {
        // Short ones would only flicker.
        const WORTH_SHOWING: u64 = 8 * 1024 * 1024;
        if !self.live {
            return;
        }
        let mut guard = self.inner();
        let inner = &mut *guard;
        let over = total > 0 && done >= total;
        if !over && total.max(done) >= WORTH_SHOWING && !inner.transfers.contains_key(what) {
            let template = if total > 0 {
                "  {prefix} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec}"
            } else {
                "  {prefix} {bytes} {bytes_per_sec}"
            };
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = inner.bars.add(ProgressBar::new(total).with_style(style.progress_chars("=> ")));
            bar.set_prefix(what.to_owned());
            inner.transfers.insert(what.to_owned(), bar);
        }
        match inner.transfers.get(what) {
            Some(bar) if over => {
                bar.finish_and_clear();
                inner.bars.remove(bar);
                inner.transfers.remove(what);
            }
            Some(bar) => bar.set_position(done),
            None => {}
        }
    }
}
