//! The git of this machine, run with care: no shell, no hooks, no questions at the terminal, no transport that runs
//! programs, and an end to waiting.
//!
//! What users have set up for git (credential helpers, ssh keys, proxies, `insteadOf`) works as in their own git.
//!
//! - [`Git`]: one way of running it
//! - [`Until`]: how long to wait
//! - [`Patience`]: with servers that are silent or busy
//! - `family`: what git started, and its end
//! - [`address`]: what may be fetched from

pub mod address;
mod family;
mod patience;
mod until;

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use patience::Patience;
pub use until::Until;

/// More than this is not kept of what git prints.
const MOST_OUTPUT: usize = 64 << 20;

/// How often a git that runs is looked at.
const TICK: Duration = Duration::from_millis(20);

/// Settings that win over those of the user and of the repository.
const SETTINGS: [(&str, &str); 7] = [
    ("core.hooksPath", "/dev/null"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "30"),
    ("fetch.recurseSubmodules", "false"),
    ("advice.detachedHead", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
];

/// Variables that would make git work in another repository than it is told to.
const FOREIGN: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
];

/// The variable that carries a token to git's credential helper; command lines can be read by everybody.
const TOKEN: &str = "STREAMWRIGHT_GIT_TOKEN";

/// A credential helper: git runs it when the server asks, and only for the server it is set for. A constant text: nothing
/// of a user's is in it.
const HELPER: &str =
    r#"!f() { test "$1" != get || printf 'username=git\npassword=%s\n' "$STREAMWRIGHT_GIT_TOKEN"; }; f"#;

/// A way of running git.
#[derive(Clone, Default)]
pub struct Git {
    dir: Option<PathBuf>,
    until: Until,
    patience: Patience,
    /// Origin of a server, and the token for it.
    token: Option<(String, String)>,
}

impl Git {
    /// In the current folder, with the default [`Patience`] and else without an end to waiting.
    pub fn new() -> Self {
        Self::default()
    }

    /// In this folder.
    #[must_use]
    pub fn within(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Not longer than this.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.until = until;
        self
    }

    /// As patient as this with the servers that it [talks](Git::talk) to.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Proves itself with this token to the http server of `url`, and to no other.
    ///
    /// # Errors
    /// When `url` is not http, or the token has more than one line.
    pub fn with_token(mut self, url: &str, token: &str) -> Result<Self, GitError> {
        let origin = address::origin(url)
            .ok_or_else(|| GitError::Token("only addresses with http:// or https:// take a token".into()))?;
        if token.is_empty() || token.contains(['\n', '\r', '\0']) {
            return Err(GitError::Token("a token is one line of text".into()));
        }
        self.token = Some((origin, token.to_owned()));
        Ok(self)
    }

    /// Runs git and gives what it printed. Text of users belongs behind a `--` in `args`.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn run(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        self.once(args, None)
    }

    /// Like [`Git::run`], for what git asks the server of `url`: one that says nothing for too long is given up, and failures
    /// that pass (a connection that breaks, a server that is busy) are waited out.
    ///
    /// What prints little while it works must be told to print more (`--progress`), or it counts as silent.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn talk(&self, url: &str, args: &[&str]) -> Result<Vec<u8>, GitError> {
        if address::is_local(url) {
            return self.run(args);
        }
        let mut attempts = 1;
        loop {
            let why = match self.once(args, Some(url)) {
                Err(GitError::Failed(why)) if patience::passes(&why) => why,
                other => return other,
            };
            if attempts >= self.patience.attempts {
                return Err(GitError::Unreachable { why, attempts });
            }
            self.rest(self.patience.pause(attempts))?;
            attempts += 1;
        }
    }

    /// Does nothing for a while, or until somebody wants an end.
    fn rest(&self, pause: Duration) -> Result<(), GitError> {
        let end = Instant::now() + pause;
        while Instant::now() < end {
            self.may_go_on()?;
            thread::sleep(TICK);
        }
        Ok(())
    }

    fn may_go_on(&self) -> Result<(), GitError> {
        match () {
            () if self.until.is_stopped() => Err(GitError::Stopped),
            () if self.until.is_over() => Err(GitError::TooSlow),
            () => Ok(()),
        }
    }

    /// One try; `server` is the address of one that may not be silent.
    fn once(&self, args: &[&str], server: Option<&str>) -> Result<Vec<u8>, GitError> {
        let mut child = self.command(args).spawn().map_err(GitError::Start)?;
        let read = Arc::new(AtomicU64::new(0));
        let output = reader(child.stdout.take(), &read);
        let said = reader(child.stderr.take(), &read);
        let status = self.wait(&mut child, &read, server)?;
        let output = output.join().unwrap_or_default();
        let said = said.join().unwrap_or_default();
        if !status.success() {
            return Err(GitError::Failed(last_words(&String::from_utf8_lossy(&said))));
        }
        if output.len() > MOST_OUTPUT {
            return Err(GitError::Failed(format!("it printed more than {} MiB", MOST_OUTPUT >> 20)));
        }
        Ok(output)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        FOREIGN.iter().for_each(|name| {
            command.env_remove(name);
        });
        command
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            // Nobody is there to answer; without these git and ssh would ask at the terminal or in a window.
            .env("GIT_ASKPASS", "false")
            .env("SSH_ASKPASS", "false")
            .env("SSH_ASKPASS_REQUIRE", "force")
            // `ext::` and the like run programs.
            .env("GIT_ALLOW_PROTOCOL", address::PROTOCOLS.join(":"));
        let mut settings: Vec<(String, &str)> =
            SETTINGS.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
        if let Some((origin, token)) = &self.token {
            // The empty one takes the user's own helpers away: they must not learn this token.
            settings.push((format!("credential.{origin}.helper"), ""));
            settings.push((format!("credential.{origin}.helper"), HELPER));
            command.env(TOKEN, token);
        }
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (i, (key, value)) in settings.into_iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{i}"), key).env(format!("GIT_CONFIG_VALUE_{i}"), value);
        }
        if self.until.can_be_stopped() {
            // With its helpers a group of its own: Ctrl-C reaches it through us, and ends them all.
            command.process_group(0);
        }
        command
    }

    /// Waits for the end. `read` counts the bytes that git has said so far.
    fn wait(
        &self,
        child: &mut Child,
        read: &AtomicU64,
        server: Option<&str>,
    ) -> Result<ExitStatus, GitError> {
        let mut last = (0, Instant::now());
        loop {
            if let Some(status) = child.try_wait().map_err(GitError::Start)? {
                return Ok(status);
            }
            let so_far = read.load(Ordering::Relaxed);
            if so_far != last.0 {
                last = (so_far, Instant::now());
            }
            let silence = self.patience.silence;
            let over = match server.filter(|_| last.1.elapsed() >= silence) {
                Some(url) => Err(GitError::Silent { host: address::host(url).to_owned(), silence }),
                None => self.may_go_on(),
            };
            if let Err(over) = over {
                family::end(child);
                return Err(over);
            }
            thread::sleep(TICK);
        }
    }
}

/// Reads to the end, so that git never waits for a reader; keeps one byte more than is allowed at most. `read` counts all.
fn reader(from: Option<impl Read + Send + 'static>, read: &Arc<AtomicU64>) -> JoinHandle<Vec<u8>> {
    let read = Arc::clone(read);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut piece = vec![0; 64 << 10];
        let Some(mut from) = from else { return bytes };
        loop {
            match from.read(&mut piece) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                // A broken pipe ends the output like its end does.
                Ok(0) | Err(_) => return bytes,
                Ok(length) => {
                    read.fetch_add(length as u64, Ordering::Relaxed);
                    let room = (MOST_OUTPUT + 1).saturating_sub(bytes.len());
                    bytes.extend_from_slice(&piece[..length.min(room)]);
                }
            }
        }
    })
}

/// The line that says why: the first of git's own errors, or what ssh said before git found nobody to talk to.
fn last_words(said: &str) -> String {
    // What git tells of its progress ends with a carriage return.
    let lines: Vec<&str> = said.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).collect();
    let first = |start: &str| lines.iter().position(|line| line.starts_with(start));
    let own = first("fatal: ").or_else(|| first("error: "));
    let line = match own {
        Some(at) if lines[at].starts_with("fatal: Could not read from remote") && at > 0 => lines[at - 1],
        Some(at) => lines[at],
        None => lines.last().copied().unwrap_or("git said nothing"),
    };
    let line = line.trim_start_matches("fatal: ").trim_start_matches("error: ").trim();
    if let (true, Some(next)) = (line.ends_with(':'), own.and_then(|at| lines.get(at + 1))) {
        return format!("{line} {}", next.trim());
    }
    match line.split_once("dubious ownership in repository at ") {
        Some((_, path)) => format!("{line}; allow it: git config --global --add safe.directory {path}"),
        None => line.to_owned(),
    }
}

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error("git cannot be run: {0}; install git")]
    Start(std::io::Error),
    /// It refused, in its own words.
    #[error("{0}")]
    Failed(String),
    /// A token that cannot be used.
    #[error("the token cannot be used: {0}")]
    Token(String),
    /// The server cannot be reached, or cannot answer, after so many tries.
    #[error("{why} (tried {attempts} times)")]
    Unreachable {
        /// Git's own words, of the last try.
        why: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// A server takes the connection and says nothing.
    #[error("{host} said nothing for {} s; check the address, and that the server is well", .silence.as_secs())]
    Silent {
        /// The server.
        host: String,
        /// How long it was listened to.
        silence: Duration,
    },
    /// It took too long.
    #[error("git took too long")]
    TooSlow,
    /// The user wants an end.
    #[error("stopped")]
    Stopped,
}

#[cfg(test)]
mod tests;
