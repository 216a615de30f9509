//! All codes, what they mean, what to do.

/// A kind of warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lint {
    /// Stable, kebab-case; what `--allow` and comments name.
    pub code: &'static str,
    /// What is warned about.
    pub what: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What to do.
    pub instead: &'static str,
}

/// Declares the codes and the list of all of them.
macro_rules! lints {
    ($($name:ident $code:literal: $what:literal; $why:literal; $instead:literal;)*) => {
        $(pub(super) const $name: Lint = Lint { code: $code, what: $what, why: $why, instead: $instead };)*

        /// Every code that a warning can have, alphabetically.
        pub const LINTS: &[Lint] = &[$($name),*];
    };
}

lints! {
    CLUSTER_TASK "cluster-task":
        "an object of kind ClusterTask";
        "Tekton removed the kind: no current cluster takes it. Here it is read as a Task.";
        "Write `kind: Task`, or fetch it with the cluster resolver.";
    FLOATING_IMAGE "floating-image":
        "an image without a tag, or with the tag `latest`, and without a digest";
        "Every push to the registry changes what runs, without a change to the file.";
        "Name a version and its digest: `image: NAME:TAG@sha256:…`.";
    FOREIGN_KIND "foreign-kind":
        "an object of a kind that is no part of a run";
        "It is skipped; nothing of it is looked at.";
        "Nothing, when the file is also for other programs.";
    IGNORED_ERRORS "ignored-errors":
        "a shell script with a `#!` line that goes on after a command failed";
        "Tekton adds `set -e` only to scripts without `#!` line, and only the last command decides whether the step failed.";
        "Begin the script with `set -e` (in bash: `set -euo pipefail`).";
    IGNORED_FIELD "ignored-field":
        "a field of v1beta1 that nothing reads";
        "It has no effect.";
        "Remove it.";
    IMPLIED_ORDER "implied-order":
        "a `runAfter` that names a task which comes first anyway";
        "The results a task uses order it already, and so does a chain of other tasks; what is not needed hides what is.";
        "Remove the name from `runAfter`.";
    KUSTOMIZATION "kustomization":
        "a kustomization file in a folder of other files";
        "It is not an object; what it would build is not looked at.";
        "Name its folder with `-k`.";
    MISSING_PARAM "missing-param":
        "a param without default that is not passed to the task, pipeline or step action";
        "The run fails when it gets there.";
        "Pass it, or give its declaration a default.";
    MISSING_WORKSPACE "missing-workspace":
        "a workspace that the task or pipeline needs and is not bound";
        "The run fails when it gets there.";
        "Bind it, or declare it `optional: true`.";
    NAME_REFERENCE "name-reference":
        "a Tekton object that names another one, which the kustomization renamed";
        "kustomize knows no references of Tekton: the name stays, and no object has it any more.";
        "Add a `nameReference` under `configurations:` of the kustomization.";
    NO_TIME_LIMIT "no-time-limit":
        "a timeout of zero";
        "Zero means no limit: what hangs, hangs for ever, and keeps its machine.";
        "Give a time that is long enough.";
    OLD_VERSION "old-version":
        "an object of tekton.dev/v1beta1";
        "The version is deprecated; its fields differ from those in the documentation.";
        "Write `apiVersion: tekton.dev/v1`, and what the conversion to it renames.";
    PRINTED_SECRET "printed-secret":
        "a script that prints a variable whose value comes from a Secret";
        "Whoever can read the log can read the secret.";
        "Do not print it; with `set -x`, turn tracing off around the command: `{ set +x; } 2>/dev/null`.";
    PRIVILEGED "privileged":
        "a privileged container";
        "It owns the machine that it runs on; many clusters refuse it.";
        "Ask for the single capabilities that it needs, in `securityContext.capabilities.add`.";
    SHELL_INJECTION "shell-injection":
        "a param or a result written into the text of a script, or of `sh -c`";
        "The value becomes a part of the program: `$(rm -rf .)`, a quote or a line break in it is executed.";
        "Hand it over beside the text: `env: [{name: X, value: $(params.x)}]` and `\"$X\"`, or `args: [$(params.x)]` and `\"$1\"`. A param with an `enum` of plain words is safe.";
    UNDECLARED_PARAM "undeclared-param":
        "a param that is passed to something that does not declare it";
        "Tekton drops it without a word (a step action refuses it).";
        "Correct the name, declare it, or remove it.";
    UNDECLARED_RESULT "undeclared-result":
        "a reference to a result that the task does not declare";
        "The run fails before it begins.";
        "Correct the name, or declare the result.";
    UNDECLARED_WORKSPACE "undeclared-workspace":
        "a workspace that is bound for something that does not declare it";
        "The task's run is refused.";
        "Correct the name, declare it, or remove the binding.";
    UNKNOWN_LINT "unknown-lint":
        "a comment `# sw: allow CODE` with a code that does not exist";
        "It turns nothing off.";
        "Correct the code.";
    UNKNOWN_VARIABLE "unknown-variable":
        "a reference that looks like Tekton's and is none";
        "It stays in the text as it is, and a shell then runs it as a command.";
        "Correct it; write what the shell should run in a way that does not look like a reference.";
    UNPINNED_IMAGE "unpinned-image":
        "an image with a tag and without a digest";
        "Tags can be moved: the same file can run something else tomorrow.";
        "Add the digest: `image: NAME:TAG@sha256:…`.";
    UNREACHABLE_STEP "unreachable-step":
        "a step whose guard never holds";
        "It never runs.";
        "Correct the guard, or remove the step.";
    UNREACHABLE_TASK "unreachable-task":
        "a task that never runs: its guard never holds, its matrix is empty, or it needs something of a task that never runs";
        "It is skipped in every run.";
        "Correct the guard, or remove the task.";
    UNREAD_RESULT "unread-result":
        "a result of an inline task that nothing in the pipeline reads";
        "An inline task belongs to its pipeline alone, so nobody else can read it either. Results that Tekton Chains looks for are not meant.";
        "Remove the result, or make it one of the pipeline's.";
    UNUSED_PARAM "unused-param":
        "a param that is declared, or given by a run, and never used";
        "Whoever sets it expects an effect.";
        "Use it or remove it. A task that must take what others of its kind take can allow it.";
    UNUSED_VOLUME "unused-volume":
        "a volume that no container mounts";
        "The pod waits for it all the same.";
        "Mount it or remove it.";
    UNUSED_WORKSPACE "unused-workspace":
        "a workspace that is declared and never used";
        "Whoever runs it must bind storage for nothing.";
        "Use it, remove it, or declare it `optional: true`.";
    UNWRITTEN_RESULT "unwritten-result":
        "a result that no step writes";
        "Whoever uses it fails, or is skipped.";
        "Write it to `$(results.NAME.path)`, forward a step's with `value`, or remove it.";
    WILL_FAIL "will-fail":
        "something that admission takes and that fails for certain once it runs";
        "A cluster says it only when the run is under way.";
        "What the warning says.";
}

/// The code's description.
pub fn find(code: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.code == code)
}

/// Asks about the code that was probably meant.
pub fn did_you_mean(code: &str) -> Option<String> {
    base::diagnostic::did_you_mean(code, LINTS.iter().map(|lint| lint.code))
}

#[cfg(test)]
mod tests {
    use super::LINTS;

    #[test]
    fn codes_are_different_and_in_order() {
        assert!(LINTS.windows(2).all(|pair| pair[0].code < pair[1].code));
    }
}
