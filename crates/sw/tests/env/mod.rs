//! A place of its own for each test: the binary with its own home, folder and environment, and what came of it.
//!
//! - [`TestEnv`]: the place; [`each_runtime`] gives one per OCI runtime
//! - [`Outcome`]: exit code and output of a command
//! - [`Started`]: a command that is still running
//!
//! Tests that run containers need root; [`TestEnv::new`] says so and gives `None` otherwise. With the name of an ordinary
//! user in `STREAMWRIGHT_TEST_USER`, the test itself is still root's, but `sw` runs as that user.

#![allow(clippy::unwrap_used, dead_code, reason = "every test file uses the part that it needs")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub const SW: &str = env!("CARGO_BIN_EXE_sw");

/// Every image is this machine's own file system.
pub const HOST: [&str; 2] = ["--image", "*=host"];

/// How long anything may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a home for `sw` in it, removed at the end.
pub struct TestEnv {
    dir: TempDir,
    runtime: &'static str,
    /// Who runs `sw`, if that is not root.
    user: Option<Ids>,
    filters: Vec<(Regex, &'static str)>,
}

/// User and group.
type Ids = (u32, u32);

/// Runs `test` with every OCI runtime of this machine, each time in a new place.
pub fn each_runtime(test: impl Fn(&TestEnv)) {
    for runtime in ["builtin", "runc"] {
        if runtime != "builtin" && !testkit::peer::has(runtime) {
            continue;
        }
        let Some(mut env) = TestEnv::new() else { return };
        println!("runtime {runtime}");
        env.runtime = runtime;
        test(&env);
    }
}

impl TestEnv {
    /// A new place; `None` when this is not root, which containers need.
    pub fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return None;
        }
        let user = std::env::var("STREAMWRIGHT_TEST_USER").ok().map(|name| ids_of(&name));
        let dir = tempfile::Builder::new().prefix("sw-test-").tempdir().unwrap();
        give(dir.path(), user);
        let filter = |pattern: &str, text| (Regex::new(pattern).unwrap(), text);
        Some(Self {
            dir,
            runtime: "builtin",
            user,
            filters: vec![
                // What generateName appends: see base::name.
                filter(r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-[ID]"),
                filter(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}\b", "[UID]"),
                filter(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z?)?", "[AT]"),
                filter(r"\b(done|cached|failed|\d/\d) +(\d+m )?\d+(\.\d+)?m?s\b", "$1 [TIME]"),
            ],
        })
    }

    /// A new place for a test that cannot pass without root, and `why`; docs/reference/rootless.md lists them.
    pub fn for_root(why: &str) -> Option<Self> {
        let env = Self::new()?;
        if env.user.is_some() {
            println!("skipped: without root: {why}");
            return None;
        }
        Some(env)
    }

    /// Whether `sw` runs as an ordinary user.
    pub fn rootless(&self) -> bool {
        self.user.is_some()
    }

    /// The OCI runtime.
    pub fn runtime(&self) -> &'static str {
        self.runtime
    }

    /// The folder in which commands run.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir().join(name)
    }

    /// `STREAMWRIGHT_HOME`.
    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Writes a file in the folder; its folders are made.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        self.folder(Path::new(name).parent().unwrap());
        fs::write(&path, text).unwrap();
        give(&path, self.user);
        path
    }

    /// Makes a folder in the folder.
    pub fn folder(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        path.ancestors().take_while(|above| *above != self.dir()).for_each(|above| give(above, self.user));
        path
    }

    /// Gives a folder and all that is in it to whoever runs `sw`.
    pub fn give_all(&self, dir: &Path) {
        give(dir, self.user);
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                self.give_all(&entry.path());
            } else {
                give(&entry.path(), self.user);
            }
        }
    }

    /// The binary, with nothing of the tester's own environment but PATH.
    pub fn sw(&self) -> Command {
        self.outfit(Command::new(SW))
    }

    /// Gives another command the same folder and environment.
    pub fn outfit(&self, mut command: Command) -> Command {
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.dir())
            .env("STREAMWRIGHT_HOME", self.home())
            .env("STREAMWRIGHT_RUNTIME", self.runtime)
            .env("NO_COLOR", "1")
            .env("TZ", "UTC")
            .current_dir(self.dir())
            .stdin(Stdio::null());
        command
    }

    /// `sw ARGS…`.
    pub fn call<S: AsRef<str>>(&self, args: &[S]) -> Outcome {
        let mut command = self.sw();
        command.args(args.iter().map(AsRef::as_ref));
        self.outcome(command)
    }

    /// Runs a command to its end.
    pub fn outcome(&self, mut command: Command) -> Outcome {
        let shown = format!("{command:?}");
        let output = command.output().unwrap_or_else(|e| panic!("cannot start {shown}: {e}"));
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Outcome {
            command: shown,
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// `sw run` of this text with every image being this machine's root, and further arguments.
    pub fn run(&self, yaml: &str, args: &[&str]) -> Outcome {
        self.write("run.yaml", yaml);
        self.call(&[&["run", "run.yaml"][..], &HOST, args].concat())
    }

    /// Starts `sw ARGS…` as the first process of a new group, as a terminal does.
    pub fn start(&self, args: &[&str]) -> Started {
        let mut command = self.sw();
        command.args(args);
        Self::start_command(command)
    }

    /// Like [`TestEnv::start`], with a command that was made elsewhere.
    pub fn start_command(mut command: Command) -> Started {
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        Started { command: format!("{command:?}"), child: command.spawn().unwrap() }
    }

    /// A file that the run of this id left.
    pub fn run_file(&self, run: &str, name: &str) -> PathBuf {
        self.home().join("runs").join(run).join(name)
    }

    /// The finished object of a run.
    pub fn finished(&self, run: &str) -> Value {
        read_json(&self.run_file(run, "status.json"))
    }

    /// The finished TaskRuns of a run, by the name of their pipeline task.
    pub fn task_runs(&self, run: &str) -> BTreeMap<String, Value> {
        let all = fs::read_dir(self.run_file(run, "taskruns")).unwrap();
        all.map(|entry| {
            let task_run = read_json(&entry.unwrap().path());
            (text(&task_run["metadata"]["labels"]["tekton.dev/pipelineTask"]), task_run)
        })
        .collect()
    }

    /// The results of a run by name; strings as they are, arrays and objects as JSON text.
    pub fn results(&self, run: &str) -> BTreeMap<String, String> {
        results(&self.finished(run))
    }

    /// `status/reason` of the condition that a run ended with.
    pub fn ended(&self, run: &str) -> String {
        ended(&self.finished(run))
    }

    /// The journal of a run.
    pub fn events(&self, run: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.run_file(run, "events.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The ids of all runs of this home.
    pub fn runs(&self) -> Vec<String> {
        let mut names = names(&self.home().join("runs"));
        names.sort();
        names
    }

    /// Text without what differs from test to test: paths, generated names, times. The binary is `sw`.
    pub fn filtered(&self, text: &str) -> String {
        let text = text.replace(SW, "sw").replace(&*self.home().to_string_lossy(), "[HOME]");
        let mut text = text.replace(&*self.dir().to_string_lossy(), "[DIR]");
        for (pattern, stand_in) in &self.filters {
            text = pattern.replace_all(&text, *stand_in).into_owned();
        }
        text
    }

    /// Processes that have something mounted from this folder: what a run started and did not end, or mounted and did not
    /// unmount. While a run is going on, its engine and containers are among them.
    pub fn leftovers(&self) -> Vec<String> {
        let marker = self.dir().to_string_lossy().into_owned();
        let mut found = Vec::new();
        for pid in names(Path::new("/proc")).into_iter().filter(|n| n.bytes().all(|b| b.is_ascii_digit())) {
            // A process that ends while we look is not left over.
            let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
            if mounts.contains(&marker) {
                let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                found.push(format!("{pid} {}", command.replace('\0', " ")));
            }
        }
        found
    }

    /// Asserts that nothing is left over. The kernel ends processes of a dead namespace on its own time.
    pub fn assert_nothing_left(&self) {
        wait_until("nothing is left over", || self.leftovers().is_empty());
        for run in self.runs() {
            assert!(!self.run_file(&run, "scratch").exists(), "the scratch of {run} is still there");
        }
    }
}

/// The ids of a user of this machine, who must be able to execute the binary.
fn ids_of(user: &str) -> Ids {
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.split(':').next() == Some(user));
    let mut fields = line.unwrap_or_else(|| panic!("there is no user {user}")).split(':').skip(2);
    let mut id = || fields.next().unwrap().parse().unwrap();
    let ids = (id(), id());
    let runs = Command::new(SW).arg("--version").uid(ids.0).gid(ids.1).output();
    assert!(runs.is_ok_and(|output| output.status.success()), "{user} cannot execute {SW}");
    ids
}

fn give(path: &Path, user: Option<Ids>) {
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Outcome {
    command: String,
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Asserts the exit code, and shows everything if it is another.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        assert_eq!(
            self.code,
            Some(expected),
            "{}\n--- stdout\n{}\n--- stderr\n{}",
            self.command,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts success.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }

    /// Standard output as JSON values, one a line.
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// A command that was started in a process group of its own.
#[derive(Debug)]
pub struct Started {
    command: String,
    child: Child,
}

impl Started {
    /// The process id of the command.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    /// What Ctrl-C and the like do: a signal to all processes of the group.
    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(self.pid(), signal).unwrap();
    }

    /// A signal to the command alone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the end. A command that takes too long is killed, and the test fails.
    pub fn end(mut self) -> Outcome {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("{} does not end", self.command);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = self.child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Outcome {
            command: self.command,
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Waits until `holds`; the test fails when it takes too long.
#[track_caller]
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The JSON of a file.
pub fn read_json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The results of a finished object by name; strings as they are, arrays and objects as JSON text.
pub fn results(finished: &Value) -> BTreeMap<String, String> {
    let all = finished["status"]["results"].as_array().cloned().unwrap_or_default();
    all.iter().map(|r| (text(&r["name"]), text(&r["value"]))).collect()
}

/// `status/reason` of a finished object's condition.
pub fn ended(finished: &Value) -> String {
    let condition = &finished["status"]["conditions"][0];
    format!("{}/{}", text(&condition["status"]), text(&condition["reason"]))
}

/// A string without its quotes, everything else as JSON text.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The names in a folder; none when there is no such folder.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
}
