//! `sw run --watch`: the same command again whenever what it is about changes.
//!
//! Each run is a process of its own, so it ends as any run does, and nothing of one is left for the next.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use base::Exit;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Ended;
use super::run::folder;
use crate::cli::RunArgs;
use crate::failure::Failure;

/// How often to look, at least; large folders are looked at less often.
const PAUSE: Duration = Duration::from_millis(200);

/// Editors write in several steps: a change counts when nothing has changed for so long.
const SETTLED: Duration = Duration::from_millis(100);

/// What is looked at.
struct Watched {
    /// What only people change: the files, and folders that steps may only read.
    inputs: Vec<PathBuf>,
    /// Folders that steps write to as well; looked at between runs.
    workspaces: Vec<PathBuf>,
}

/// Time of change, size and number of each file.
type Snapshot = BTreeMap<PathBuf, (i64, i64, u64, u64)>;

/// Runs the command line without `--watch` again and again, until a signal comes.
pub fn run(args: &RunArgs) -> Result<Ended, Failure> {
    if args.inputs.files.iter().any(|f| f == Path::new("-")) {
        return Err(Failure::invalid("--watch cannot watch standard input; name a file"));
    }
    let mut watched =
        Watched { inputs: [&args.inputs.files[..], &args.inputs.kustomize].concat(), workspaces: Vec::new() };
    for (name, dir) in &args.workspaces {
        let (path, read_only) = folder(name, dir)?;
        if read_only { watched.inputs.push(path) } else { watched.workspaces.push(path) }
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    loop {
        let inputs = snapshot(&watched.inputs);
        let mut child = start()?;
        let mut changed = false;
        let mut ended = false;
        while child.try_wait()?.is_none() {
            for _ in signals.pending() {
                ended = true;
                stop(&child);
            }
            if !ended && !changed && pause(&watched.inputs) != inputs {
                changed = true;
                anstream::eprintln!("something changed: starting again");
                stop(&child);
            } else if ended || changed {
                std::thread::sleep(PAUSE);
            }
        }
        if ended {
            return Ok(Exit::Interrupted.into());
        }
        let workspaces = snapshot(&watched.workspaces);
        if !changed {
            let (files, folders) =
                (args.inputs.files.len() + args.inputs.kustomize.len(), args.workspaces.len());
            anstream::eprintln!("watching {files} files and {folders} folders; Ctrl-C ends");
        }
        while !changed {
            if signals.pending().next().is_some() {
                return Ok(Exit::Interrupted.into());
            }
            changed = pause(&watched.inputs) != inputs || snapshot(&watched.workspaces) != workspaces;
        }
        settle(&watched);
    }
}

/// The command line without `--watch`. A process group of its own: Ctrl-C is for this process, which passes it on once.
fn start() -> Result<Child, Failure> {
    let words = std::env::args_os().skip(1).filter(|word| word != "--watch");
    Ok(Command::new(std::env::current_exe()?).args(words).process_group(0).spawn()?)
}

fn stop(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may just have ended.
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// Waits a while, longer where looking takes longer, and looks.
fn pause(paths: &[PathBuf]) -> Snapshot {
    let begun = Instant::now();
    let now = snapshot(paths);
    std::thread::sleep(PAUSE.max(begun.elapsed() * 5));
    now
}

fn settle(watched: &Watched) {
    let look = || (snapshot(&watched.inputs), snapshot(&watched.workspaces));
    let mut before = look();
    loop {
        std::thread::sleep(SETTLED);
        let now = look();
        if now == before {
            return;
        }
        before = now;
    }
}

fn snapshot(paths: &[PathBuf]) -> Snapshot {
    let mut found = Snapshot::new();
    for path in paths {
        look(path, fs::metadata(path).ok(), &mut found);
    }
    found
}

/// What cannot be read counts as not there. The inside of `.git` changes when somebody only looks at it.
fn look(path: &Path, meta: Option<Metadata>, found: &mut Snapshot) {
    let Some(meta) = meta else { return };
    found.insert(path.to_owned(), (meta.mtime(), meta.mtime_nsec(), meta.size(), meta.ino()));
    if meta.is_dir() && path.file_name().is_none_or(|name| name != ".git") {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            look(&entry.path(), fs::symlink_metadata(entry.path()).ok(), found);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_counts_as_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir_all(path("sub/.git")).unwrap();
        fs::write(path("file"), "one").unwrap();
        let look = || snapshot(&[dir.path().to_owned(), path("not-there")]);
        let first = look();
        assert_eq!(look(), first);
        fs::write(path("sub/.git/index"), "x").unwrap();
        let times = fs::metadata(path("sub/.git")).unwrap().modified().unwrap();
        fs::write(path("sub/.git/index"), "longer").unwrap();
        assert_eq!(fs::metadata(path("sub/.git")).unwrap().modified().unwrap(), times);
        let second = look();
        fs::write(path("sub/new"), "").unwrap();
        assert_ne!(look(), second);
        let third = look();
        fs::write(path("file"), "three").unwrap();
        assert_ne!(look(), third);
    }
}
