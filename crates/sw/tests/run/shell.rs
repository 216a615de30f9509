//! `sw run --shell-on-failure`.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;
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
    fn wait_for(&mut self, text: &str) {
        while !self.shown.contains(text) {
            match self.pieces.recv_timeout(Duration::from_secs(60)) {
                Ok(piece) => self.shown.push_str(&String::from_utf8_lossy(&piece)),
                Err(_) => panic!("waited in vain for {text:?}:\n{}", self.shown),
            }
        }
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

#[test]
fn a_failed_step_opens_a_shell_in_its_container_and_then_fails() {
    each_runtime(|env| {
        env.write("run.yaml", FAILS);
        let (mut keys, mut screen, slave) = terminal();
        let mut command = env.sw();
        command.args(["run", "run.yaml", "--shell-on-failure"]).args(HOST);
        command
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(Stdio::from(slave));
        let mut child = command.spawn().unwrap();
        drop(command);
        screen.wait_for("fails/s failed with exit code 3.");
        keys.write_all(b"echo it-$WHO-$(cat /root/trace)-$PWD\n").unwrap();
        screen.wait_for("it-me-trace-/workspace");
        // Ctrl-C ends what runs in the shell, neither the shell nor the run.
        keys.write_all(b"echo begin-$((1+1)); sleep 1000\n").unwrap();
        screen.wait_for("begin-2");
        keys.write_all(b"\x03").unwrap();
        keys.write_all(b"echo alive-$((1+1))\n").unwrap();
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
