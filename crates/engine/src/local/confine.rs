//! A process of our own in which everything that a run starts lives, and with which it ends.
//!
//! The engine works in a private mount namespace and a private process namespace. All overlay mounts and all container
//! processes belong to them, so whatever ends the engine (even `kill -9`) ends them too, in the kernel, without any
//! clean-up code having to run.
//!
//! ```text
//! sw run …            outer: waits, passes signals on          (the user's namespaces; without root, a user namespace)
//!  └─ sw run …        inner: the engine, process 1             (private mounts and processes)
//!      ├─ runtime ── container
//!      └─ runtime ── container
//! ```

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use base::Exit;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};

use super::container::catches_sigterm;
use super::rootless;

/// Set for the inner process: the descriptor whose other end the outer process holds.
const MARKER: &str = "STREAMWRIGHT_CONFINED";

/// Where the caller finds itself after [`enter`].
#[derive(Debug)]
pub enum Entered {
    /// In the private namespaces: do the work.
    Inside,
    /// The work was done by the inner process, which ended with this code.
    Done(u8),
}

/// Splits the process in two; see the module's page. Call it before any thread is started.
///
/// # Errors
/// When the kernel refuses namespaces; the message says what is missing.
pub fn enter() -> Result<Entered, ConfineError> {
    match std::env::var(MARKER) {
        Ok(descriptor) => inside(&descriptor).map(|()| Entered::Inside),
        Err(_) => outside().map(Entered::Done),
    }
}

fn outside() -> Result<u8, ConfineError> {
    let signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGCHLD]);
    let mut signals = signals.map_err(ConfineError::Start)?;
    if !rustix::process::geteuid().is_root() {
        rootless::enter().map_err(ConfineError::User)?;
    }
    #[expect(unsafe_code, reason = "unsafe only for FILES, which could tear descriptors from other threads")]
    // SAFETY: FILES is not among the flags.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::NEWPID) }
        .map_err(|e| ConfineError::Namespaces(e.into()))?;
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)
        .map_err(|e| ConfineError::Mount(e.into()))?;
    let (alive, held) = rustix::pipe::pipe().map_err(|e| ConfineError::Start(e.into()))?;
    fcntl_setfd(&held, FdFlags::CLOEXEC).map_err(|e| ConfineError::Start(e.into()))?;
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default();
    let mut command = Command::new("/proc/self/exe");
    std::os::unix::process::CommandExt::arg0(&mut command, name);
    // The inner process mounts its own over it, and there this one's numbers mean nothing.
    let proc = open("/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|e| ConfineError::Start(e.into()))?;
    let mut child =
        command.args(args).env(MARKER, alive.as_raw_fd().to_string()).spawn().map_err(ConfineError::Start)?;
    drop(alive);
    let mut killed = false;
    for signal in &mut signals {
        match signal {
            SIGCHLD => {
                if let Some(status) = child.try_wait().map_err(ConfineError::Start)? {
                    let code = status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(1);
                    return Ok(if killed {
                        Exit::Interrupted.code()
                    } else {
                        u8::try_from(code).unwrap_or(1)
                    });
                }
            }
            _ => killed |= pass_on(&child, &proc),
        }
    }
    Ok(1)
}

/// The terminal sends Ctrl-C to both processes; the inner one ignores it and acts on this signal alone, so that one
/// key press counts once. As long as it does not listen (it is still reading or planning), the kernel would ignore the
/// signal for it, being process 1: then it is ended, and this gives true.
fn pass_on(child: &Child, proc: &OwnedFd) -> bool {
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return false };
    let path = format!("{}/status", pid.as_raw_nonzero());
    let mut status = String::new();
    let read = openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(io::Error::from)
        .and_then(|file| File::from(file).read_to_string(&mut status));
    let listens = read.is_err() || catches_sigterm(&status);
    // It may just have ended: then there is nothing to stop.
    let _ = kill_process(pid, if listens { Signal::TERM } else { Signal::KILL });
    !listens
}

fn inside(descriptor: &str) -> Result<(), ConfineError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| ConfineError::Start(e.into()))?;
    // The outer process may have died before the line above: then the other end of the pipe is closed.
    let alive = File::open(format!("/proc/self/fd/{descriptor}")).map_err(ConfineError::Start)?;
    let mut poll_fds = [PollFd::new(&alive, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let hung_up = poll(&mut poll_fds, Some(&now)).map_err(|e| ConfineError::Start(e.into()))? > 0;
    if hung_up {
        return Err(ConfineError::Orphaned);
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None).map_err(|e| ConfineError::Mount(e.into()))?;
    Ok(())
}

/// Whether this process is the inner one.
pub fn is_inside() -> bool {
    std::env::var_os(MARKER).is_some()
}

/// Why the engine has no place to work in.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A user namespace is not to be had, and neither is root.
    #[error("cannot make a user namespace: {0}; run as root, or see `sw doctor`")]
    User(#[source] io::Error),
    /// unshare(2) refused.
    #[error("cannot make a private mount and process namespace: {0}; run as root, or see `sw doctor`")]
    Namespaces(#[source] io::Error),
    /// A mount in the private namespace was refused.
    #[error("cannot set up the private mount namespace: {0}; run as root, or see `sw doctor`")]
    Mount(#[source] io::Error),
    /// The inner process could not be started or followed.
    #[error("cannot start the engine's process: {0}")]
    Start(#[source] io::Error),
    /// The outer process ended before the inner one could tie itself to it.
    #[error("the process that started this run has ended")]
    Orphaned,
}
