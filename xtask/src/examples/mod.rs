//! `cargo xtask examples`: runs every example in a home of its own and compares what it left with what it must leave.
//!
//! - [`options`]: the command line
//! - [`corpus`]: which examples there are, and how each must end
//! - [`stand_in`]: one Debian image that stands in for every image the examples name
//! - [`play`]: one example from a fresh home to its finished objects
//! - [`status`]: finished objects without what differs from run to run, and what is different between two of them
//! - [`report`]: a line for each example

pub mod corpus;
pub mod options;
pub mod play;
pub mod report;
pub mod stand_in;
pub mod status;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use corpus::{Example, Expected};
use options::Options;
use play::Stage;
use report::{Report, Verdict};

/// Runs the examples of the repository and, when they are here, of the shared fixtures; tells whether none failed.
///
/// # Errors
/// When nothing can be run at all: no root, no stand-in image, no program, no example of that name.
pub fn run(root: &Path, options: &Options) -> Result<bool> {
    let mut examples = corpus::own(root)?;
    match corpus::fixtures(root) {
        Some(dir) => examples.extend(corpus::upstream(&dir)?),
        None => println!("the fixtures are not here, so only the examples of this repository are run"),
    }
    examples.retain(|e| options.wants(&e.name));
    if examples.is_empty() {
        bail!("no example has this in its name: {}", options.only.join(", "));
    }
    if !rustix::process::geteuid().is_root() {
        bail!("containers need root: run `sudo make examples`");
    }
    let image = stand_in::prepare(&root.join("target/examples"))?;
    let sw = match &options.sw {
        Some(sw) => std::path::absolute(sw)?,
        None => build(root)?,
    };
    let stage = Stage { sw, image };
    let begun = Instant::now();
    let waiting = Mutex::new(VecDeque::from(examples));
    let report = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some(example) = next() {
                    let begun = Instant::now();
                    let verdict = judge(&stage, &example, options.record);
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    report.tell(&example.name, &verdict, begun.elapsed());
                }
            });
        }
    });
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(report.conclude(begun.elapsed()))
}

/// Builds `sw`, which is then beside this program.
fn build(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build =
        Command::new(cargo).args(["build", "--quiet", "--workspace", "--bins"]).current_dir(root).status();
    if !build.context("starting cargo")?.success() {
        bail!("sw cannot be built; the compiler's messages are above");
    }
    let this = std::env::current_exe()?;
    Ok(this.parent().context("a program is in a folder")?.join("sw"))
}

fn judge(stage: &Stage, example: &Example, record: bool) -> Verdict {
    if let Some(reason) = &example.needs {
        return Verdict::Skipped(reason.clone());
    }
    let differences = match play::play(stage, example) {
        Err(e) => vec![format!("{e:#}")],
        Ok(played) => match &example.expected {
            Expected::Unrecorded(path) if record => match status::write(path, &example.name, &played.runs) {
                Ok(()) => Vec::new(),
                Err(e) => vec![format!("{e:#}")],
            },
            Expected::Unrecorded(path) => {
                vec![format!("{} is missing; --record writes what came out", path.display())]
            }
            Expected::Recorded(path) => match status::read(path) {
                Ok(recorded) => status::differences(&recorded, &played.runs),
                Err(e) => vec![format!("{e:#}")],
            },
            Expected::Success => status::failures(&played.runs),
            Expected::Refusal(message) => played.refusal_differs(message).into_iter().collect(),
        },
    };
    if differences.is_empty() { Verdict::Passed } else { Verdict::Failed(differences) }
}
