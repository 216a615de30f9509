//! `sw runs`: what was run here.

use base::{Exit, size};
use engine::record::{Runs, State};
use jiff::Timestamp;

use super::Ended;
use crate::cli::{Format, RunsArgs};
use crate::failure::Failure;
use crate::output::summary::{State as TaskState, Summary, elapsed};
use crate::output::table::columns;
use crate::settings::Home;

/// Lists runs, newest first.
pub fn run(home: &Home, args: &RunsArgs) -> Result<Ended, Failure> {
    let runs = Runs::new(home.runs()).list()?;
    let mut rows = Vec::new();
    for run in runs.iter().take(args.limit) {
        let summary = Summary::of(&run.events);
        let state = match &run.state {
            State::Running => "running".to_owned(),
            State::Interrupted => "interrupted".to_owned(),
            State::Succeeded if is_rejected(&run.dir) => "rejected".to_owned(),
            State::Succeeded => "succeeded".to_owned(),
            State::Failed(reason) => format!("failed ({reason})"),
        };
        let done = summary.count(|s| matches!(s, TaskState::Done | TaskState::Cached | TaskState::Kept(_)));
        let cached = summary.count(|s| *s == TaskState::Cached);
        let kept = summary.count(|s| matches!(s, TaskState::Kept(_)));
        // Of a matrix only its children run; a run that is over has no other tasks than those that are known.
        let tasks = if run.state == State::Running { summary.tasks.len() } else { summary.states.len() };
        let end = summary.finished.or(run.events.last().map(|e| e.time));
        if args.output == Format::Json {
            let line = serde_json::json!({
                "run": run.id,
                "pipeline": summary.pipeline,
                "state": state,
                "started": summary.started,
                "seconds": elapsed(summary.started, end).as_secs_f64(),
                "tasks": tasks,
                "succeeded": done,
                "cached": cached,
                "kept": kept,
                "dir": run.dir,
            });
            anstream::println!("{line}");
            continue;
        }
        rows.push(vec![
            run.id.clone(),
            state,
            format!("{done}/{tasks}{}", of_these(cached, kept)),
            size::duration(elapsed(summary.started, end)),
            summary.started.map(local_time).unwrap_or_default(),
        ]);
    }
    if args.output == Format::Text {
        if rows.is_empty() {
            anstream::eprintln!("no runs yet; start one with `sw build STREAM` or `sw run FILE`");
        } else {
            rows.insert(0, ["RUN", "STATE", "TASKS", "TIME", "STARTED"].map(str::to_owned).to_vec());
            anstream::print!("{}", columns(&rows));
        }
    }
    Ok(Exit::Success.into())
}

/// How many tasks were not run.
fn of_these(cached: usize, kept: usize) -> String {
    let told = [(cached, "cached"), (kept, "kept")];
    told.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!(" ({n} {word})")).collect()
}

/// Whether the run made a release that its tests rejected.
fn is_rejected(dir: &std::path::Path) -> bool {
    let status = std::fs::read(dir.join("status.json")).ok();
    let run: Option<serde_json::Value> = status.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let results = run.as_ref().and_then(|run| run["status"]["results"].as_array());
    results.into_iter().flatten().any(|r| r["name"] == "verdict" && r["value"] == "rejected")
}

fn local_time(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
