//! A copy of the smallest stream with a home of its own, to build, change and break.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub struct Tiny {
    dir: tempfile::TempDir,
}

/// What a command printed, and its exit code.
#[derive(Debug)]
pub struct Printed {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl From<Output> for Printed {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }
}

/// Whether streams can be built here; says so when not.
pub fn can_build() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: building needs root");
    }
    root && testkit::peer::has("curl") && testkit::peer::has("jq")
}

impl Tiny {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny-stream"), &dir.path().join("tiny"));
        Self { dir }
    }

    pub fn stream(&self) -> PathBuf {
        self.dir.path().join("tiny")
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// `sw` with this home.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sw"));
        command.args(args).env("STREAMWRIGHT_HOME", self.home()).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    pub fn sw(&self, args: &[&str]) -> Printed {
        self.command(args).output().unwrap().into()
    }

    pub fn build(&self) -> Printed {
        self.sw(&["build", self.stream().to_str().unwrap()])
    }

    /// Writes a component's content.
    pub fn content(&self, component: &str, text: &str) {
        fs::write(self.stream().join("components").join(component).join("content"), text).unwrap();
    }

    /// Replaces text in the stream file.
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.stream().join("stream.yaml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// The tasks that a build ran or found cached, `name mark`, in the order they ended.
    pub fn marks(printed: &Printed) -> Vec<String> {
        let mark = |line: &str| -> Option<String> {
            let (mark, rest) = line.split_once(' ')?;
            let word = match mark {
                "✓" => "done",
                "=" => "cached",
                "✗" => "failed",
                _ => return None,
            };
            Some(format!("{} {word}", rest.split_whitespace().next()?))
        };
        printed.stderr.lines().filter_map(mark).collect()
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
