//! One running container: started through the runtime, its output pumped to a sink, waited for, stopped.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::cgroup::{self, Trouble};

use super::bundle::{BundleError, ContainerSpec};
use super::runtime::Runtime;
use super::stop::{Reason, Stop};

/// Takes what a container prints, piece by piece, from one thread per stream.
pub type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// A container that was started.
#[derive(Debug)]
pub struct Container {
    child: Child,
    ended: OwnedFd,
    pid_file: PathBuf,
    log_file: PathBuf,
    /// The runtime's folder for this container.
    state: PathBuf,
    cgroup: String,
    pumps: Vec<JoinHandle<()>>,
}

/// How long the last output of a container that was stopped is waited for.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Exit code of a process that the kernel ended for want of memory: 128 + SIGKILL.
pub const OUT_OF_MEMORY: i32 = 137;

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; 128 + N when signal N ended it.
    pub code: i32,
    /// Why it was stopped from outside, if it was.
    pub stopped: Option<Stopped>,
    /// What the kernel refused it or ended it for.
    pub trouble: Trouble,
    /// What the runtime said when it could not make the container.
    pub runtime_error: Option<String>,
}

/// Why a container was stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Its own deadline.
    Deadline,
    /// Somebody asked; see [`Stop`].
    Asked(Reason),
}

impl Container {
    /// Writes the bundle into `dir` and starts the container with `id`.
    ///
    /// `state` is the runtime's folder for all containers of the run. Without a sink of its own, standard error goes where
    /// standard output goes, in the order in which it was printed.
    ///
    /// # Errors
    /// When the bundle cannot be written or the runtime cannot be executed. That the runtime fails to make the container
    /// shows only in [`Ended::runtime_error`].
    pub fn start(
        runtime: &Runtime,
        spec: &ContainerSpec,
        dir: &Path,
        state: &Path,
        id: &str,
        stdout: Sink,
        stderr: Option<Sink>,
    ) -> Result<Self, ContainerError> {
        spec.write(dir)?;
        let pid_file = dir.join("pid");
        let log_file = dir.join("runtime.log");
        let mut command = runtime.run(state, dir, &pid_file, &log_file, id);
        let program = command.get_program().to_owned();
        let start_error =
            |e| ContainerError::Start { program: program.to_string_lossy().into_owned(), source: e };
        // Ctrl-C in the terminal is for the engine, which then stops containers in order.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        let shared = match &stderr {
            Some(_) => {
                command.stderr(Stdio::piped());
                None
            }
            None => {
                let (reader, writer) = io::pipe().map_err(&start_error)?;
                command.stdout(writer.try_clone().map_err(&start_error)?).stderr(writer);
                Some(reader)
            }
        };
        let mut child = command.spawn().map_err(start_error)?;
        // It holds the ends of the pipe that the container writes to; as long as it does, reading does not end.
        drop(command);
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(ContainerError::Lost)?;
        let ended = pidfd_open(pid, PidfdFlags::empty()).map_err(|e| ContainerError::Wait(e.into()))?;
        let mut pumps = Vec::new();
        match (shared, child.stdout.take()) {
            (Some(reader), _) => pumps.push(pump(reader, stdout)),
            (None, stream) => pumps.extend(stream.map(|stream| pump(stream, stdout))),
        }
        pumps.extend(child.stderr.take().zip(stderr).map(|(stream, sink)| pump(stream, sink)));
        let (state, cgroup) = (state.join(id), spec.cgroup.clone());
        Ok(Self { child, ended, pid_file, log_file, state, cgroup, pumps })
    }

    /// Waits until the container ends, its `deadline` passes, or `stop` is asked; in the latter cases it is stopped:
    /// SIGTERM, after `grace` SIGKILL.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn wait(
        mut self,
        deadline: Option<Instant>,
        stop: &Stop,
        grace: Duration,
    ) -> Result<Ended, ContainerError> {
        let stopped = match self.wait_ended(deadline, Some(stop))? {
            Waited::Ended => None,
            Waited::Deadline => Some(Stopped::Deadline),
            Waited::Stop(reason) => Some(Stopped::Asked(reason)),
        };
        if stopped.is_some() {
            self.end(grace)?;
        }
        self.finish(stopped)
    }

    /// Stops the container now: SIGTERM, after `grace` SIGKILL.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn stop(mut self, grace: Duration) -> Result<Ended, ContainerError> {
        let running = matches!(self.wait_ended(Some(Instant::now()), None)?, Waited::Deadline);
        if running {
            self.end(grace)?;
        }
        self.finish(running.then_some(Stopped::Asked(Reason::Cancelled)))
    }

    /// Whether the container has ended by itself.
    pub fn has_ended(&self) -> bool {
        matches!(self.wait_ended(Some(Instant::now()), None), Ok(Waited::Ended))
    }

    /// The process id of the container's first process, once it runs.
    pub fn pid(&self) -> Option<Pid> {
        fs::read_to_string(&self.pid_file).ok()?.trim().parse().ok().and_then(Pid::from_raw)
    }

    fn wait_ended(&self, deadline: Option<Instant>, stop: Option<&Stop>) -> Result<Waited, ContainerError> {
        loop {
            let mut fds = vec![PollFd::new(&self.ended, PollFlags::IN)];
            fds.extend(stop.map(|s| PollFd::from_borrowed_fd(s.as_fd(), PollFlags::IN)));
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            let timeout = left.map(timespec);
            match poll(&mut fds, timeout.as_ref()) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(e) => return Err(ContainerError::Wait(e.into())),
                Ok(_) => {}
            }
            if !fds[0].revents().is_empty() {
                return Ok(Waited::Ended);
            }
            if let Some(reason) = stop.and_then(Stop::asked) {
                return Ok(Waited::Stop(reason));
            }
            if left == Some(Duration::ZERO) {
                return Ok(Waited::Deadline);
            }
        }
    }

    fn end(&mut self, grace: Duration) -> Result<(), ContainerError> {
        let give_up = Instant::now() + Duration::from_secs(2);
        let first = loop {
            match self.pid() {
                Some(pid) => break Some(pid),
                // The runtime is still making the container, or failed to.
                None if self.has_ended() || Instant::now() > give_up => break None,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        if let Some(pid) = first {
            // The first process of a container does not get a signal that it has no handler for (pid_namespaces(7)), so
            // waiting for it to end would only cost time.
            let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
            if catches_sigterm(&status.unwrap_or_default()) {
                let _ = kill_process(pid, Signal::TERM);
                if matches!(self.wait_ended(Some(Instant::now() + grace), None)?, Waited::Ended) {
                    return Ok(());
                }
            }
            let _ = kill_process(pid, Signal::KILL);
            if matches!(self.wait_ended(Some(Instant::now() + Duration::from_secs(10)), None)?, Waited::Ended)
            {
                return Ok(());
            }
        }
        // The runtime itself hangs, or needs too long. What it has forked already would outlive it, with our end of the
        // output open, and nobody else knows of it.
        if let Some(runtime) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_descendants(runtime);
        }
        self.child.kill().map_err(ContainerError::Wait)
    }

    fn finish(mut self, stopped: Option<Stopped>) -> Result<Ended, ContainerError> {
        let status = self.child.wait().map_err(ContainerError::Wait)?;
        // Whoever was stopped prints nothing more that matters. Should a process of it have escaped, with the output open,
        // the run does not wait for that one; it ends with the engine's process namespace at the latest.
        let enough = stopped.map(|_| Instant::now() + LAST_WORDS);
        for pump in self.pumps.drain(..) {
            while !pump.is_finished() && enough.is_some_and(|enough| Instant::now() < enough) {
                std::thread::sleep(Duration::from_millis(5));
            }
            if enough.is_some() && !pump.is_finished() {
                continue;
            }
            // A pump only ends by end of file or a panic in the sink, which the sink's owner has reported.
            let _ = pump.join();
        }
        let code = status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(1);
        let logged = if code == 0 { None } else { runtime_message(&self.log_file) };
        let runtime_error = match logged {
            // Without a first process the runtime failed, whatever it says.
            None if code != 0 && !self.pid_file.exists() => {
                Some("the runtime said nothing; try `--runtime runc`, and `sw doctor`".to_owned())
            }
            logged => logged,
        };
        let trouble = cgroup::trouble(&self.cgroup);
        cgroup::remove(&self.cgroup);
        // In memory; it goes with the run at the latest.
        let _ = fs::remove_dir_all(&self.state);
        Ok(Ended { code, stopped, trouble, runtime_error })
    }
}

/// Ends all that a process has started, and stops it, so that it starts no more.
fn kill_descendants(pid: Pid) {
    let _ = kill_process(pid, Signal::STOP);
    let mut killed = HashSet::new();
    loop {
        // A child may have forked before it was killed; those that are dead stay in the list as long as nobody waits.
        let new: Vec<Pid> = descendants(pid).into_iter().filter(|pid| killed.insert(*pid)).collect();
        if new.is_empty() {
            return;
        }
        for pid in new {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The children of a process, and theirs.
fn descendants(pid: Pid) -> Vec<Pid> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next) {
        let threads = fs::read_dir(format!("/proc/{}/task", parent.as_raw_nonzero())).into_iter().flatten();
        for thread in threads.flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)));
        }
        next += 1;
    }
    found.split_off(1)
}

enum Waited {
    Ended,
    Deadline,
    Stop(Reason),
}

fn timespec(d: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(d.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(d.subsec_nanos()) }
}

fn pump(mut stream: impl Read + Send + 'static, mut sink: Sink) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(n) => sink(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    })
}

/// Whether a process catches SIGTERM, from the `SigCgt` mask of its /proc/PID/status (proc_pid_status(5)).
pub(super) fn catches_sigterm(status: &str) -> bool {
    const TERM_BIT: u64 = 1 << (15 - 1);
    let mask = status.lines().find_map(|l| l.strip_prefix("SigCgt:"));
    mask.and_then(|m| u64::from_str_radix(m.trim(), 16).ok()).is_some_and(|caught| caught & TERM_BIT != 0)
}

/// The last error that the runtime logged. runc writes `time=… level=… msg="…"`, the built-in one a plain line.
fn runtime_message(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    let is_error =
        |line: &&str| !line.trim().is_empty() && (line.contains("level=error") || !line.contains("level="));
    let line = text.lines().rev().find(is_error)?;
    Some(match line.split_once("msg=\"") {
        Some((_, message)) => message.trim_end_matches('"').replace("\\\"", "\""),
        None => line.to_owned(),
    })
}

/// Why a container could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// Its description could not be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The runtime could not be executed.
    #[error("cannot start the container runtime {program}: {source}; see `sw doctor`")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The process id of the runtime is not usable.
    #[error("the container runtime was lost before it could be followed")]
    Lost,
    /// Waiting failed.
    #[error("cannot wait for a container: {0}")]
    Wait(#[source] io::Error),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::BufRead;
    use std::process::Command;

    use super::*;

    #[test]
    fn descendants_are_found_in_sessions_of_their_own_too() {
        let mut outer = Command::new("sh");
        outer.args(["-c", "setsid sh -c 'sleep 60 & echo $!; wait' & wait"]).stdout(Stdio::piped());
        let mut outer = outer.spawn().unwrap();
        let mut innermost = String::new();
        io::BufReader::new(outer.stdout.take().unwrap()).read_line(&mut innermost).unwrap();
        let pid = Pid::from_raw(i32::try_from(outer.id()).unwrap()).unwrap();
        let found = descendants(pid);
        found.iter().for_each(|pid| kill_process(*pid, Signal::KILL).unwrap());
        outer.kill().unwrap();
        outer.wait().unwrap();
        assert!(found.contains(&Pid::from_raw(innermost.trim().parse().unwrap()).unwrap()), "{found:?}");
    }
}
