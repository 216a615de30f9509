//! The built-in OCI runtime: libcontainer behind the command line that runc has.
//!
//! libcontainer forks in ways that are only sound in a single-threaded process (its issues #2425, #3011), so it never
//! runs inside the engine: the binary executes itself with the hidden sub-command `oci-runtime`, and that process does
//! nothing else. `run` and `exec` are all that is offered; the engine stops containers through their process id.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::oci_spec::runtime::Spec;
use libcontainer::syscall::syscall::SyscallType;
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};
use rustix::process::{Pid, WaitOptions, ioctl_tiocsctty, waitpid};
use rustix::thread::set_thread_groups;

use super::{loopback, no_cgroups, rootless};

/// What `oci-runtime run` is given; the same words as `runc --root DIR run --keep --bundle DIR --pid-file FILE ID`.
#[derive(Debug, Clone)]
pub struct RunArgs {
    /// Where the runtime keeps the state of its containers.
    pub root: PathBuf,
    /// The folder with `config.json`.
    pub bundle: PathBuf,
    /// Leave state and control group of a container that has ended.
    pub keep: bool,
    /// Gets the process id of the container's first process.
    pub pid_file: Option<PathBuf>,
    /// The container's id.
    pub id: String,
}

/// Exit code of the runtime itself when the container could not be made.
pub const NOT_STARTED: u8 = 125;

/// Makes the container, runs it in the foreground and gives its exit code (128 + N when signal N ended it).
///
/// Must be called from a single-threaded process.
///
/// # Errors
/// The reason, as text for people, when the container could not be made.
pub fn run(args: &RunArgs) -> Result<u8, String> {
    std::fs::create_dir_all(&args.root)
        .map_err(|e| format!("cannot make the runtime's folder {}: {e}", args.root.display()))?;
    without_cgroups(&args.root)?;
    // libcontainer sets groups only when there are some. Where it is not permitted (a namespace with one id), they are not
    // known to the container either.
    let _ = set_thread_groups(&[]);
    let mut container = ContainerBuilder::new(args.id.clone(), SyscallType::default())
        .with_executor(Exec)
        .with_root_path(&args.root)
        .and_then(|b| b.with_pid_file(args.pid_file.clone()))
        .and_then(|b| b.as_init(&args.bundle).with_systemd(false).with_detach(false).build())
        .map_err(|e| chain(&e))?;
    let pid = container.pid().and_then(|p| Pid::from_raw(p.as_raw()));
    let network = pid.map_or(Ok(()), loopback::bring_up);
    let network = network.map_err(|e| format!("cannot bring up the container's loopback interface: {e}"));
    let started = network.and_then(|()| container.start().map_err(|e| chain(&e)));
    let code = match (&started, pid) {
        (Ok(()), Some(pid)) => wait(pid),
        _ => Ok(NOT_STARTED),
    };
    if started.is_err() || !args.keep {
        // A container that ended on its own is `stopped`; force also ends one that failed to start.
        let deleted = container.delete(true).map_err(|e| chain(&e));
        started?;
        deleted?;
    }
    code
}

/// What `oci-runtime exec` is given.
#[derive(Debug, Clone)]
pub struct ExecArgs {
    /// Where the runtime keeps the state of its containers.
    pub root: PathBuf,
    /// The running container's id.
    pub id: String,
    /// The command line.
    pub args: Vec<String>,
}

/// Runs another process in a running container and gives its exit code.
///
/// Must be called from a single-threaded process.
///
/// # Errors
/// The reason, as text for people, when the process could not be made.
pub fn exec(args: &ExecArgs) -> Result<u8, String> {
    without_cgroups(&args.root)?;
    let pid = ContainerBuilder::new(args.id.clone(), SyscallType::default())
        .with_executor(Exec)
        .with_root_path(&args.root)
        .and_then(|b| b.as_tenant().with_container_args(args.args.clone()).with_detach(false).build())
        .map_err(|e| chain(&e))?;
    Pid::from_raw(pid.as_raw()).map_or(Ok(NOT_STARTED), wait)
}

fn without_cgroups(root: &Path) -> Result<(), String> {
    if !rootless::is_inside() {
        return Ok(());
    }
    let failed = |e| format!("cannot make a view of this machine without control groups: {e}");
    no_cgroups::enter(&root.join(".root")).map_err(failed)
}

fn wait(pid: Pid) -> Result<u8, String> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => {
                let code = status.exit_status().or_else(|| status.terminating_signal().map(|s| 128 + s));
                if let Some(code) = code {
                    return Ok(u8::try_from(code).unwrap_or(u8::MAX));
                }
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(format!("cannot wait for the container's process: {e}")),
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Executes the process of the bundle.
///
/// libcontainer's own executor refuses files without the execute bit for others, which root may execute all the same;
/// this one lets the kernel decide and reports what it said, like a shell: 127 not found, 126 not executable.
#[derive(Clone)]
struct Exec;

impl Executor for Exec {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let process = spec.process().as_ref();
        if process.is_some_and(|p| p.terminal().unwrap_or(false)) {
            // This is the first process of a session that has no terminal yet. Without one Ctrl-C means nothing, no more.
            let _ = ioctl_tiocsctty(std::io::stdin());
        }
        let args = process.and_then(|p| p.args().clone()).unwrap_or_default();
        let Some((program, rest)) = args.split_first() else {
            return Err(ExecutorError::InvalidArg);
        };
        let error = Command::new(program).args(rest).exec();
        eprintln!("cannot execute {program}: {error}");
        // This process has become the container; there is nobody to return to.
        std::process::exit(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 });
    }

    fn validate(&self, _spec: &Spec) -> Result<(), ExecutorValidationError> {
        Ok(())
    }
}
