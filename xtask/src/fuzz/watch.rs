//! The processes: one tries inputs, one looks after it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::target::Target;
use super::try_inputs;

/// How long one input may take. Inputs are small: what takes this long does not come to an end.
const HANGS: Duration = Duration::from_secs(20);

/// How the watched process ended.
pub(super) enum Ended {
    /// The time was over.
    Fine {
        /// That were tried.
        inputs: u64,
    },
    /// At this input.
    Found {
        /// Its number.
        input: u64,
        /// What happened.
        what: String,
    },
}

/// Tries inputs, in a thread with a stack as large as those of the program. Each number is written down first.
pub(super) fn child(
    target: &'static Target,
    seeds: &[Vec<u8>],
    from: u64,
    time: Duration,
    progress: &Path,
) -> Result<()> {
    let file = File::create(progress).with_context(|| format!("making {}", progress.display()))?;
    let note = |number: u64| Ok(file.write_all_at(&number.to_le_bytes(), 0)?);
    thread::scope(|scope| {
        let tried = scope.spawn(|| try_inputs(target, seeds, from, time, note)).join();
        tried.unwrap_or_else(|_| anyhow::bail!("a panic"))
    })?;
    Ok(())
}

/// Starts a process for a target and looks after it.
pub(super) fn parent(target: &Target, from: u64, time: Duration) -> Result<Ended> {
    let folder = tempfile::tempdir().context("making a folder")?;
    let progress = folder.path().join("progress");
    let mut command = Command::new(std::env::current_exe().context("finding this program")?);
    command.args(["fuzz", target.name, "--from", &from.to_string()]).arg("--progress").arg(&progress);
    command.arg(time.as_secs().max(1).to_string()).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().context("starting a process for the target")?;
    let at = || {
        let bytes: Option<[u8; 8]> = std::fs::read(&progress).ok().and_then(|b| b.try_into().ok());
        bytes.map_or(from, u64::from_le_bytes)
    };
    let mut last = (from, Instant::now());
    let status = loop {
        if let Some(status) = child.try_wait().context("waiting for the process")? {
            break status;
        }
        let now = at();
        if now != last.0 {
            last = (now, Instant::now());
        } else if last.1.elapsed() > HANGS {
            child.kill().context("ending the process")?;
            child.wait().context("waiting for the process")?;
            return Ok(Ended::Found { input: now, what: "does not come to an end".to_owned() });
        }
        thread::sleep(Duration::from_millis(20));
    };
    Ok(match status.success() {
        true => Ended::Fine { inputs: at() - from + 1 },
        false => Ended::Found { input: at(), what: how(status) },
    })
}

fn how(status: ExitStatus) -> String {
    match status.signal() {
        Some(6) => "aborted, mostly by an overflow of the stack".to_owned(),
        Some(9) => "was killed, mostly because of its memory".to_owned(),
        Some(signal) => format!("was ended by signal {signal}"),
        None => "panicked".to_owned(),
    }
}
