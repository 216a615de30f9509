//! The control group of a run, below which those of its containers are.
//!
//! Runtimes make groups and remove those of their containers; the group of the run is left to us. It lies directly in the
//! root of every hierarchy: with a folder for all runs in between, the last run to end would remove that under the hands
//! of one that begins.

use std::fs;
use std::path::{Path, PathBuf};

use base::Digest;

const ROOT: &str = "/sys/fs/cgroup";

/// Characters of a run's id in the name of its group; the kernel takes 255 bytes altogether.
const LONGEST_ID: usize = 100;

/// The name for the run that is recorded in `dir`: no run of another home has it, and whoever comes after a crash finds it.
pub fn name(dir: &Path) -> String {
    let id = dir.file_name().unwrap_or_default().to_string_lossy();
    let id: String = id.chars().take(LONGEST_ID).collect();
    let place = Digest::of(dir.as_os_str().as_encoded_bytes());
    format!("streamwright-{id}-{}", place.short())
}

/// Removes a run's groups from all hierarchies. Groups with processes in them stay.
pub fn remove(name: &str) {
    let root = PathBuf::from(ROOT);
    let hierarchies = fs::read_dir(&root).into_iter().flatten().flatten().map(|e| e.path());
    for hierarchy in hierarchies.chain([root]) {
        remove_empty(&hierarchy.join(name));
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
