//! Places in a step's file system that users know (§2.1).

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
    fn relative_working_dirs_are_below_workspace() {
        assert_eq!(
            working_dirs(["", "src", "/workspace/src", "/workspace", "/elsewhere"]),
            ["/workspace/src"]
        );
    }
}
