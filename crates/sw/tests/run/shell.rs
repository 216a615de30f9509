//! `sw run --shell-on-failure` and `sw shell`.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::env::{HOST, TestEnv, each_runtime};

const FAILS: &str = r#"{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: fails}, spec: {taskSpec: {steps: [{name: s, image: i,
  env: [{name: WHO, value: me}], workingDir: /workspace, script: "echo trace > /root/trace; exit 3"}]}}}"#;

/// What a terminal shows, as far as it came.
struct Screen {
    pieces: Receiver<Vec<u8>>,
    shown: String,
}

impl Screen {
    /// Whether `text` comes within `time`.
    fn shows(&mut self, text: &str, time: Duration) -> bool {
        while !self.shown.contains(text) {
            match self.pieces.recv_timeout(time) {
                Ok(piece) => self.shown.push_str(&String::from_utf8_lossy(&piece)),
                Err(_) => return false,
            }
        }
        true
    }

    fn wait_for(&mut self, text: &str) {
        let came = self.shows(text, Duration::from_secs(60));
        assert!(came, "waited in vain for {text:?}:\n{}", self.shown);
    }
}

/// A terminal: what stands behind the keys and the screen, and what a program gets.
fn terminal() -> (File, Screen, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
    let (send, pieces) = channel();
    let (keys, mut from) = (File::from(master.try_clone().unwrap()), File::from(master));
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n) = from.read(&mut buffer) {
            if n == 0 || send.send(buffer[..n].to_vec()).is_err() {
                return;
            }
        }
    });
    (keys, Screen { pieces, shown: String::new() }, slave)
}

/// `sw` on a terminal of its own.
fn on_a_terminal(env: &TestEnv, args: &[&str]) -> (Child, File, Screen) {
    let (keys, screen, slave) = terminal();
    let mut command = env.sw();
    command.args(args).args(HOST);
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(Stdio::from(slave));
    (command.spawn().unwrap(), keys, screen)
}

/// One task gives a result; the next one has a step that works and one that fails.
const CHAIN: &str = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: chain}
spec:
  pipelineSpec:
    tasks:
    - name: give
      taskSpec:
        results: [{name: word}]
        steps: [{name: s, image: i, script: "printf given > $(results.word.path); echo ran >> $(workspaces.w.path)/give"}]
        workspaces: [{name: w}]
      workspaces: [{name: w}]
    - name: take
      params: [{name: word, value: $(tasks.give.results.word)}]
      taskSpec:
        params: [{name: word}]
        workspaces: [{name: w}]
        steps:
        - {name: first, image: i, script: "echo $(params.word) > /workspace/made"}
        - {name: second, image: i, env: [{name: WORD, value: $(params.word)}], workingDir: /workspace, script: exit 3}
      workspaces: [{name: w}]
    workspaces: [{name: w}]
  workspaces: [{name: w, volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}]
"#;

#[test]
fn a_shell_opens_in_a_step_of_an_earlier_run() {
    each_runtime(|env| {
        env.run(CHAIN, &[]).code(1);
        // The step that failed is meant; what runs before it runs again, tasks before it do not.
        let (mut child, mut keys, mut screen) = on_a_terminal(env, &["shell", "last", "take"]);
        screen.wait_for("take/second did not run");
        keys.write_all(b"echo it-$WORD-$(cat made)-$PWD-$(ls -d w/give)-$(cat w/give)\n").unwrap();
        screen.wait_for("it-given-given-/workspace-w/give-ran");
        keys.write_all(b"exit\n").unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{}", screen.shown);
        assert_eq!(env.ended("chain"), "False/Failed", "the run itself stays as it was");
        env.assert_nothing_left();

        let (mut child, mut keys, mut screen) = on_a_terminal(env, &["shell", "chain", "take", "first"]);
        screen.wait_for("take/first did not run");
        keys.write_all(b"ls made; exit\n").unwrap();
        screen.wait_for("No such file");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    });
}

#[test]
fn a_shell_that_cannot_open_says_what_there_is() {
    let Some(env) = TestEnv::new() else { return };
    env.run(CHAIN, &[]).code(1);
    for (args, told) in [
        (&["shell", "chain", "tak"][..], "in run chain ended no task `tak`; did you mean `take`?"),
        (&["shell", "chain", "take", "secnd"], "the task `take` has no step `secnd`; did you mean `second`?"),
        (&["shell", "chian", "take"], "there is no run `chian`; did you mean `chain`?"),
    ] {
        let (mut child, _keys, mut screen) = on_a_terminal(&env, args);
        screen.wait_for(told);
        assert_eq!(child.wait().unwrap().code(), Some(2));
    }
    let outcome = env.call(&["shell", "chain", "take"]).code(2);
    assert!(outcome.stderr.contains("sw shell needs a terminal"), "{}", outcome.stderr);
}

#[test]
fn a_failed_step_opens_a_shell_in_its_container_and_then_fails() {
    each_runtime(|env| {
        env.write("run.yaml", FAILS);
        let (mut child, mut keys, mut screen) =
            on_a_terminal(env, &["run", "run.yaml", "--shell-on-failure"]);
        screen.wait_for("fails/s failed with exit code 3.");
        keys.write_all(b"echo it-$WHO-$(cat /root/trace)-$PWD\n").unwrap();
        screen.wait_for("it-me-trace-/workspace");
        // Ctrl-C ends what runs in the shell, neither the shell nor the run.
        // What says that it began is what is to be ended, so that it has the terminal by then.
        keys.write_all(b"sh -c 'echo begin-$((1+1)); sleep 1000'\n").unwrap();
        screen.wait_for("begin-2");
        // A key that comes while the terminal changes hands is lost for people as well, who press it again.
        for _ in 0..20 {
            keys.write_all(b"\x03").unwrap();
            keys.write_all(b"echo alive-$((1+1))\n").unwrap();
            if screen.shows("alive-2", Duration::from_secs(3)) {
                break;
            }
        }
        screen.wait_for("alive-2");
        keys.write_all(b"exit\n").unwrap();
        screen.wait_for("StepFailed");
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert_eq!(env.ended("fails"), "False/StepFailed");
        env.assert_nothing_left();
    });
}

#[test]
fn without_a_terminal_there_is_no_shell() {
    let Some(env) = TestEnv::new() else { return };
    let outcome = env.run(FAILS, &["--shell-on-failure"]).code(2);
    insta::assert_snapshot!(outcome.stderr, @"error: --shell-on-failure needs a terminal as standard input and output");
    assert_eq!(env.runs(), [""; 0]);
}
