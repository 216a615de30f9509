//! The control group of a run, below which those of its containers are; and what happened in one.
//!
//! Runtimes make groups; removing them is left to us, because they also tell why a container ended. It lies directly in the
//! root of every hierarchy: with a folder for all runs in between, the last run to end would remove that under the hands
//! of one that begins.

use std::fs;
use std::path::{Path, PathBuf};

use base::Digest;

/// Where control groups are mounted.
pub const ROOT: &str = "/sys/fs/cgroup";

/// Characters of a run's id in the name of its group; the kernel takes 255 bytes altogether.
const LONGEST_ID: usize = 100;

/// The name for the run that is recorded in `dir`: no run of another home has it, and whoever comes after a crash finds it.
pub fn name(dir: &Path) -> String {
    let id = dir.file_name().unwrap_or_default().to_string_lossy();
    let id: String = id.chars().take(LONGEST_ID).collect();
    let place = Digest::of(dir.as_os_str().as_encoded_bytes());
    format!("streamwright-{id}-{}", place.short())
}

/// What went wrong in a container's group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trouble {
    /// The kernel ended a process for want of memory.
    pub out_of_memory: bool,
    /// Processes that could not be started because there were too many.
    pub refused_processes: u64,
}

/// What went wrong in `group`, a path below each hierarchy's root (cgroup v2: memory.events, pids.events).
pub fn trouble(group: &str) -> Trouble {
    let group = group.trim_start_matches('/');
    let count = |places: [&str; 2], key: &str| {
        let texts = places.map(|place| {
            let path = Path::new(ROOT).join(place.replace("GROUP", group));
            fs::read_to_string(path).unwrap_or_default()
        });
        texts.iter().find_map(|text| counted(text, key)).unwrap_or(0)
    };
    Trouble {
        out_of_memory: count(["GROUP/memory.events", "memory/GROUP/memory.oom_control"], "oom_kill") > 0,
        refused_processes: count(["GROUP/pids.events", "pids/GROUP/pids.events"], "max"),
    }
}

/// The number behind `key`, in a file with one such pair a line.
fn counted(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.parse().ok())
}

/// Removes a run's groups, or those of one container of it, from all hierarchies. Groups with processes in them stay.
pub fn remove(name: &str) {
    let root = PathBuf::from(ROOT);
    let hierarchies = fs::read_dir(&root).into_iter().flatten().flatten().map(|e| e.path());
    for hierarchy in hierarchies.chain([root]) {
        remove_empty(&hierarchy.join(name.trim_start_matches('/')));
    }
}

fn remove_empty(group: &Path) {
    for inner in fs::read_dir(group).into_iter().flatten().flatten() {
        if inner.file_type().is_ok_and(|t| t.is_dir()) {
            remove_empty(&inner.path());
        }
    }
    // Fails when it is in use, or is not there.
    let _ = fs::remove_dir(group);
}

#[cfg(test)]
mod tests {
    #[test]
    fn counters_by_their_whole_name() {
        let events = "low 0\noom 3\noom_kill 2\noom_group_kill 1\n";
        assert_eq!(super::counted(events, "oom_kill"), Some(2));
        assert_eq!(super::counted(events, "oom_group"), None);
        assert_eq!(super::counted("max 17\n", "max"), Some(17));
    }
}
