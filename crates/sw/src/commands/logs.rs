//! `sw logs`: what steps printed.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use base::Exit;
use engine::log_file;
use engine::record::{Run, Runs, log_folder};

use super::Ended;
use crate::cli::LogsArgs;
use crate::failure::Failure;
use crate::output::summary::Summary;
use crate::settings::Home;

/// Prints logs: of one step as it is, of several with a heading each.
pub fn run(home: &Home, args: &LogsArgs) -> Result<Ended, Failure> {
    let run = find(home, &args.run)?;
    let summary = Summary::of(&run.events);
    let tasks: Vec<String> = match &args.task {
        Some(task) if summary.get(task).is_some() => with_inner(task, &summary.tasks),
        Some(task) => return Err(unknown("task", task, &summary.tasks)),
        None => summary.tasks.clone(),
    };
    let mut logs = Vec::new();
    for task in &tasks {
        let known = summary.get(task).cloned().unwrap_or_default();
        let before = logs.len();
        for attempt in 0..=known.retries {
            let dir = run.dir.join("logs").join(log_folder(task, attempt));
            for name in in_order(&dir, &known.steps) {
                let number = if attempt == 0 { String::new() } else { format!(", attempt {}", attempt + 1) };
                let heading = format!("==> {task} / {name}{number} <==");
                if args.step.as_ref().is_none_or(|step| *step == name) {
                    logs.push((heading, dir.join(format!("{name}.log"))));
                }
            }
        }
        if let Some(step) = &args.step
            && logs.len() == before
            && !known.steps.contains(step)
        {
            return Err(unknown("step", step, &known.steps));
        }
    }
    print(&logs, args.step.is_none() || logs.len() > 1)?;
    Ok(Exit::Success.into())
}

/// A task, and if it is a pipeline, the tasks in it.
fn with_inner(task: &str, all: &[String]) -> Vec<String> {
    let inside = |other: &&String| other.strip_prefix(task).is_some_and(|rest| rest.starts_with('/'));
    std::iter::once(task.to_owned()).chain(all.iter().filter(inside).cloned()).collect()
}

fn print(logs: &[(String, PathBuf)], headings: bool) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for (heading, path) in logs {
        File::open(path).with_context(|| path.display().to_string())?;
        let result = if headings { writeln!(out, "{heading}") } else { Ok(()) };
        let result = result.and_then(|()| log_file::copy(path, &mut out)).and_then(|last| {
            // The next heading begins a line.
            if headings && last.is_some_and(|byte| byte != b'\n') { writeln!(out) } else { Ok(()) }
        });
        match result.and_then(|()| out.flush()) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

/// The run called `name`, or the newest for `last`.
pub fn find(home: &Home, name: &str) -> Result<Run, Failure> {
    let runs = Runs::new(home.runs());
    let found = if name == "last" { runs.list()?.into_iter().next() } else { runs.get(name)? };
    match found {
        Some(run) => Ok(run),
        None => {
            let all = runs.list()?;
            Err(Failure::unknown("there is no run", name, all.iter().map(|run| run.id.as_str())))
        }
    }
}

fn unknown(what: &str, name: &str, known: &[String]) -> Failure {
    Failure::unknown(&format!("the run has no {what}"), name, known.iter().map(String::as_str))
}

/// Steps in their order, then what else has a log (sidecars).
fn in_order(dir: &Path, steps: &[String]) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.strip_suffix(".log").map(str::to_owned))
        .collect();
    names.sort_by_key(|n| (steps.iter().position(|s| s == n).unwrap_or(usize::MAX), n.clone()));
    names
}
