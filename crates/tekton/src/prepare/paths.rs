//! Places in a step's file system that users know, and the mounts every step has without asking (§2.1).

use crate::types::VolumeMount;

/// Credentials of the service account.
pub const CREDENTIALS: &str = "/tekton/creds";
/// The folder of the task's results.
pub const RESULTS: &str = "/tekton/results";
/// The task's inputs and outputs.
pub const ARTIFACTS: &str = "/tekton/artifacts/provenance.json";
/// What earlier steps left behind.
pub const STEPS: &str = "/tekton/steps";
/// Scripts.
pub const SCRIPTS: &str = "/tekton/scripts";
/// The folder shared by all steps of an attempt.
pub const WORKSPACE: &str = "/workspace";

/// The file of a task result.
pub fn result(name: &str) -> String {
    format!("{RESULTS}/{name}")
}

/// The file of a step result; `container` is `step-<name>` or `step-unnamed-<i>`.
pub fn step_result(container: &str, name: &str) -> String {
    format!("{STEPS}/{container}/results/{name}")
}

/// The file of a step's inputs and outputs.
pub fn step_artifacts(container: &str) -> String {
    format!("{STEPS}/{container}/artifacts/provenance.json")
}

/// The file with a step's exit code.
pub fn exit_code(container: &str) -> String {
    format!("{STEPS}/{container}/exitCode")
}

/// What stands behind an implicit mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backing {
    /// A folder of the attempt, shared by its steps; mode 0777.
    Shared(&'static str),
    /// The folder of the step with this index, written by it and read by the others.
    Run(usize),
    /// A fresh folder of this step, in memory.
    Credentials,
}

/// A mount that a step has without asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImplicitMount {
    /// Where.
    pub path: String,
    /// What.
    pub backing: Backing,
    /// Whether the step may only read it.
    pub read_only: bool,
}

/// The implicit mounts of step `index` of `count`, without those whose path the step mounts itself (§2.1). Sidecars
/// have none.
pub fn implicit_mounts(index: usize, count: usize, script: bool, own: &[VolumeMount]) -> Vec<ImplicitMount> {
    let shared = |path: &str, name, read_only| ImplicitMount {
        path: path.to_owned(),
        backing: Backing::Shared(name),
        read_only,
    };
    let mut mounts = vec![
        shared(WORKSPACE, "workspace", false),
        shared("/tekton/home", "home", false),
        shared(RESULTS, "results", false),
        shared(STEPS, "steps", true),
        shared("/tekton/artifacts", "artifacts", false),
        shared("/tekton/bin", "bin", true),
    ];
    if script {
        mounts.push(shared(SCRIPTS, "scripts", true));
    }
    mounts.push(ImplicitMount {
        path: CREDENTIALS.to_owned(),
        backing: Backing::Credentials,
        read_only: false,
    });
    mounts.extend((0..count).map(|i| ImplicitMount {
        path: format!("/tekton/run/{i}"),
        backing: Backing::Run(i),
        read_only: i != index,
    }));
    mounts.retain(|m| !own.iter().any(|o| o.mount_path.trim_end_matches('/') == m.path));
    mounts
}

/// The folders to make before the first step: relative working directories and those below `/workspace`, each once
/// (§2.1 init 3). Relative ones are given below `/workspace`.
pub fn working_dirs<'a>(dirs: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut made: Vec<String> = Vec::new();
    for dir in dirs.into_iter().filter(|d| !d.is_empty()) {
        let absolute = working_dir(dir);
        if absolute.starts_with("/workspace/") && !made.contains(&absolute) {
            made.push(absolute);
        }
    }
    made
}

/// A working directory as an absolute path: relative ones are below `/workspace` (§2.6).
pub fn working_dir(dir: &str) -> String {
    if dir.starts_with('/') { dir.to_owned() } else { format!("{WORKSPACE}/{dir}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads_what_others_run_and_writes_its_own() {
        let mounts = implicit_mounts(1, 3, true, &[]);
        let run: Vec<_> =
            mounts.iter().filter(|m| m.path.starts_with("/tekton/run/")).map(|m| m.read_only).collect();
        assert_eq!(run, [true, false, true]);
        assert!(mounts.iter().any(|m| m.path == STEPS && m.read_only));
        let own = VolumeMount { mount_path: "/workspace/".into(), ..VolumeMount::default() };
        let masked = implicit_mounts(0, 1, false, &[own]);
        assert!(!masked.iter().any(|m| m.path == WORKSPACE || m.path == SCRIPTS));
    }

    #[test]
    fn relative_working_dirs_are_below_workspace() {
        assert_eq!(
            working_dirs(["", "src", "/workspace/src", "/workspace", "/elsewhere"]),
            ["/workspace/src"]
        );
    }
}
