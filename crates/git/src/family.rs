//! What git started, and its end.
//!
//! Git talks through ssh and helpers of its own, and those do not all end when it does.

use std::fs;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

/// Ends a process and everything that it started, and waits for it.
pub fn end(child: &mut Child) {
    let mut all = vec![child.id()];
    let mut next = 0;
    while let Some(process) = all.get(next) {
        all.extend(started_by(*process));
        next += 1;
    }
    for pid in all.into_iter().filter_map(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
        // What has ended already needs no ending.
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = child.wait();
}

/// The processes that this one is the parent of.
fn started_by(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>())
        .collect()
}
