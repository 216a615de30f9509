//! Credential helpers: programs named `docker-credential-NAME` (docker/docker-credential-helpers, "Development").

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{AuthError, Credential, Secret};

/// More than any helper has to say.
const ANSWER_LIMIT: u64 = 1 << 20;

/// A helper may ask its user to unlock something; after this it is ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// Finds and asks helper programs.
#[derive(Debug, Clone, Default)]
pub(super) struct Helpers {
    path: Option<OsString>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

impl Helpers {
    /// `path` is the value of `PATH`.
    pub(super) fn new(path: Option<OsString>) -> Self {
        Self { path }
    }

    /// Asks the helper `name` for `server`; `None` when it has nothing. `asked_by` is the auth file, for messages.
    pub(super) fn get(
        &self,
        name: &str,
        server: &str,
        asked_by: &Path,
    ) -> Result<Option<Credential>, AuthError> {
        let program = format!("docker-credential-{name}");
        let failed = |reason: String| AuthError::Helper {
            program: program.clone(),
            path: asked_by.to_owned(),
            reason,
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            return Err(failed("has a name with characters that no program of this kind has".to_owned()));
        }
        let file = self
            .locate(&program)
            .ok_or_else(|| failed("is not on PATH; install it or take it out of the file".to_owned()))?;
        let (success, output) = ask(&file, server).map_err(|e| failed(format!("could not be asked: {e}")))?;
        if !success {
            let text = String::from_utf8_lossy(&output);
            let text = text.trim();
            if text.contains("credentials not found") {
                return Ok(None);
            }
            // What a failing helper prints is its error message by protocol, not a secret; one line of it is enough.
            return Err(failed(format!("failed: {}", text.lines().next().unwrap_or("no message"))));
        }
        let answer: Answer = serde_json::from_slice(&output)
            .map_err(|_| failed("answered something that is not its protocol".to_owned()))?;
        Ok(match answer.username.as_str() {
            "" => None,
            "<token>" => Some(Credential::Identity(Secret::new(answer.secret))),
            _ => Some(Credential::Basic { username: answer.username, password: Secret::new(answer.secret) }),
        })
    }

    fn locate(&self, program: &str) -> Option<PathBuf> {
        let path = self.path.as_ref()?;
        std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(program))
            .find(|file| file.is_file())
    }
}

/// Runs `file get` with `server` on its input; whether it succeeded, and what it printed.
fn ask(file: &Path, server: &str) -> std::io::Result<(bool, Vec<u8>)> {
    let mut child = Command::new(file)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that ends without reading breaks the pipe; its answer still counts.
        let _ = input.write_all(server.as_bytes());
    }
    let reader = child.stdout.take().map(|output| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            output.take(ANSWER_LIMIT).read_to_end(&mut bytes).map(|_| bytes)
        })
    });
    let success = wait(&mut child)?;
    let output = reader.map_or(Ok(Ok(Vec::new())), std::thread::JoinHandle::join);
    let output = output.map_err(|_| std::io::Error::other("its output could not be read"))??;
    Ok((success, output))
}

fn wait(child: &mut Child) -> std::io::Result<bool> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(std::io::Error::other(format!("no answer within {} s", PATIENCE.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
