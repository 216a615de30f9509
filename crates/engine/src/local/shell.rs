//! A shell in the container of a step that failed, on the user's terminal.
//!
//! The container gets a terminal of its own, and what passes between the two terminals passes here. The user's is raw
//! meanwhile: Ctrl-C is a character for the shell and not a signal for the run.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use super::bundle::ContainerSpec;
use super::runtime::Runtime;
use super::stop::Stop;

/// How often the size of the terminal is looked at.
const RESIZE: Duration = Duration::from_millis(250);

/// Shells that images have, in the order in which people want them.
const SHELLS: [&str; 4] = ["/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh"];

/// The user's terminal: one shell at a time.
#[derive(Debug, Default)]
pub struct Terminal(Mutex<()>);

impl Terminal {
    /// The terminal, if standard input and output are one.
    pub fn of_this_process() -> Option<Self> {
        (io::stdin().is_terminal() && io::stdout().is_terminal()).then(Self::default)
    }

    /// Runs a shell with all that the container `spec` has, and waits until the user has left it or `stop` is asked. `id` and
    /// `bundle` are for this container; `told` is called with true when it has the terminal, and with false when not any more.
    ///
    /// # Errors
    /// When the image has no shell, or the container cannot be started; for people.
    pub fn shell(
        &self,
        runtime: &Runtime,
        spec: &ContainerSpec,
        (state, bundle, id): (&Path, &Path, &str),
        stop: &Stop,
        told: &dyn Fn(bool),
    ) -> Result<(), String> {
        let program = SHELLS.iter().find(|shell| has(&spec.rootfs, shell));
        let program = program.ok_or("the image has no shell")?;
        let mut spec = ContainerSpec { args: vec![(*program).to_owned()], terminal: true, ..spec.clone() };
        if let Ok(term) = std::env::var("TERM")
            && !spec.env.iter().any(|(name, _)| name == "TERM")
        {
            spec.env.push(("TERM".to_owned(), term));
        }
        spec.write(bundle).map_err(|e| e.to_string())?;
        let _one = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stop.asked().is_some() {
            return Ok(());
        }
        told(true);
        let run = || -> io::Result<()> {
            let (master, slave) = pair()?;
            let mut command =
                runtime.run(state, bundle, &bundle.join("pid"), &bundle.join("runtime.log"), id);
            command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(Stdio::from(slave));
            let child = command.spawn()?;
            // Reading ends when nobody has the other side any more.
            drop(command);
            let _raw = Raw::on(io::stdin())?;
            relay(child, master, stop)
        };
        let ran = run();
        told(false);
        ran.map_err(|e| e.to_string())
    }
}

/// Whether the root file system has the program. A link counts: where it leads in the container, the container will see.
fn has(rootfs: &Path, program: &str) -> bool {
    std::fs::symlink_metadata(rootfs.join(program.trim_start_matches('/'))).is_ok()
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = ioctl_tiocgptpeer(&master, flags)?;
    Ok((master, slave))
}

/// A terminal that passes every key on; as it was before once this is dropped.
struct Raw<Fd: AsFd>(Fd, Termios);

impl<Fd: AsFd> Raw<Fd> {
    fn on(terminal: Fd) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&terminal, OptionalActions::Now, &raw)?;
        Ok(Self(terminal, before))
    }
}

impl<Fd: AsFd> Drop for Raw<Fd> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(&self.0, OptionalActions::Drain, &self.1);
    }
}

/// Passes on what is typed and what is printed until the container has ended or `stop` is asked.
fn relay(mut child: Child, master: OwnedFd, stop: &Stop) -> io::Result<()> {
    let (stdin, mut stdout) = (io::stdin(), io::stdout());
    let mut master = File::from(master);
    let mut typed = Some(stdin.as_fd().try_clone_to_owned().map(File::from)?);
    let mut buffer = [0; 8192];
    loop {
        if let Ok(size) = tcgetwinsize(&stdin)
            && tcgetwinsize(&master).is_ok_and(|now| now != size)
        {
            tcsetwinsize(&master, size)?;
        }
        if stop.asked().is_some() {
            child.kill()?;
        }
        let (printed, keys) = readable(master.as_fd(), typed.as_ref().map(AsFd::as_fd))?;
        if keys && let Some(file) = &mut typed {
            match file.read(&mut buffer)? {
                // Nothing can be typed any more: the shell is told so.
                0 => {
                    typed = None;
                    master.write_all(&[4])?;
                }
                n => master.write_all(&buffer[..n])?,
            }
        }
        if printed {
            match master.read(&mut buffer) {
                // The other side was closed.
                Ok(0) | Err(_) => break,
                Ok(n) => {
                    stdout.write_all(&buffer[..n])?;
                    stdout.flush()?;
                }
            }
        } else if child.try_wait()?.is_some() {
            break;
        }
    }
    child.wait().map(drop)
}

fn readable(master: BorrowedFd<'_>, typed: Option<BorrowedFd<'_>>) -> io::Result<(bool, bool)> {
    let mut fds = vec![PollFd::from_borrowed_fd(master, PollFlags::IN)];
    fds.extend(typed.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
    let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(RESIZE.subsec_nanos()) };
    match poll(&mut fds, Some(&wait)) {
        Err(rustix::io::Errno::INTR) | Ok(0) => Ok((false, false)),
        Err(e) => Err(e.into()),
        Ok(_) => Ok((!fds[0].revents().is_empty(), fds.get(1).is_some_and(|fd| !fd.revents().is_empty()))),
    }
}
