//! Foreign tools that a test proves itself against.

use std::process::{Command, Output};

/// Whether `tool` is on this machine; says so when it is not.
pub fn has(tool: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()));
    if !found {
        println!("skipped: {tool} is not installed");
    }
    found
}

/// Runs a tool and returns its output.
///
/// # Panics
/// When it cannot be started or fails, with what it printed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
