//! Steps and sidecars as containers: names, scripts, resources.

use crate::status::reason;
use crate::substitute::step_results::{self, FinishedStep};
use crate::types::run::ContainerResources;
use crate::types::status::RefSource;
use crate::types::{EnvVar, ResourceRequirements, Sidecar, Step, StepTemplate};
use crate::when::{self, Cel, CelError};

use super::failure::Failure;
use super::{paths, template};

/// Put before a script without `#!` (§2.3).
const PREAMBLE: &str = "#!/bin/sh\nset -e\n";

/// A step, ready to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedStep {
    /// The name in statuses: the step's, or `unnamed-<i>`.
    pub name: String,
    /// The name of the container: `step-` and the name.
    pub container: String,
    /// What is left of the step after substitution and the template: image, command, args, env, mounts and so on. Still
    /// to be done when its turn comes: [`PreparedStep::substitute`], [`PreparedStep::is_wanted`],
    /// [`crate::substitute::kubernetes`]. References (`ref`, `params`) are gone.
    pub step: Step,
    /// The text of the script file, with its first line; the step's command is to run that file with the args.
    pub script: Option<String>,
    /// What happens when it fails.
    pub on_error: OnError,
    /// Where it starts, absolute; the image's directory if there is none.
    pub working_dir: Option<String>,
    /// Where a resolver got its step action.
    pub source: Option<RefSource>,
}

impl PreparedStep {
    /// Puts in what steps before it left behind; gives the references to steps that stay unresolved (a cluster only
    /// logs them). To be done when the step's turn comes, before [`PreparedStep::is_wanted`].
    pub fn substitute(&mut self, finished: &[FinishedStep]) -> Vec<String> {
        let left = step_results::substitute(&mut self.step, finished);
        self.script = (!self.step.script.is_empty()).then(|| script_text(&self.step.script));
        left
    }

    /// Whether its guards hold.
    ///
    /// # Errors
    /// A CEL guard without a truth.
    pub fn is_wanted(&self, cel: &dyn Cel) -> Result<bool, CelError> {
        when::all_hold(&self.step.when, cel)
    }
}

/// What happens when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The task fails.
    #[default]
    StopAndFail,
    /// The next step runs.
    Continue,
}

/// A sidecar, ready to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedSidecar {
    /// The name in statuses.
    pub name: String,
    /// The name of the container.
    pub container: String,
    /// What is left of the sidecar after substitution.
    pub sidecar: Sidecar,
    /// The text of the script file, with its first line.
    pub script: Option<String>,
}

/// `step-<name>`, or `step-unnamed-<i>` for the step with index `i` without a name.
pub fn step_container(name: &str, index: usize) -> String {
    if name.is_empty() { format!("step-unnamed-{index}") } else { format!("step-{name}") }
}

/// What `runs` must be: the interpreter is the script's own if it begins, after white space, with `#!`; such a text is
/// taken byte for byte, another one gets a first line that stops at the first error (§2.3).
pub fn script_text(script: &str) -> String {
    if script.trim().starts_with("#!") { script.to_owned() } else { format!("{PREAMBLE}{script}") }
}

pub(super) fn step(
    mut step: Step,
    index: usize,
    shared: Option<&StepTemplate>,
    pod_env: &[EnvVar],
    overrides: &Resources<'_>,
) -> Result<PreparedStep, Failure> {
    let container = step_container(&step.name, index);
    if let Some(shared) = shared {
        template::apply(shared, &mut step);
    }
    step.env = template::merge_env(&step.env, pod_env);
    overrides.apply(&step.name, &mut step.compute_resources);
    let on_error = match step.on_error.as_str() {
        "" | "stopAndFail" => OnError::StopAndFail,
        "continue" => OnError::Continue,
        other => {
            return Err(Failure::user(
                reason::POD_CREATION_FAILED,
                format!(
                    "task step onError must be either \"continue\" or \"stopAndFail\" but it is set to an invalid \
                     value {other:?}"
                ),
            ));
        }
    };
    let script = (!step.script.is_empty()).then(|| script_text(&step.script));
    let working_dir = (!step.working_dir.is_empty()).then(|| paths::working_dir(&step.working_dir));
    let name = container.strip_prefix("step-").unwrap_or(&container).to_owned();
    Ok(PreparedStep { name, container, step, script, on_error, working_dir, source: None })
}

pub(super) fn sidecar(mut sidecar: Sidecar, overrides: &Resources<'_>) -> PreparedSidecar {
    overrides.apply(&sidecar.name, &mut sidecar.compute_resources);
    let script = (!sidecar.script.is_empty()).then(|| script_text(&sidecar.script));
    let container =
        if sidecar.name.is_empty() { "sidecar".to_owned() } else { format!("sidecar-{}", sidecar.name) };
    PreparedSidecar { name: sidecar.name.clone(), container, sidecar, script }
}

/// What a run says about the resources of containers (§2.4, §2.28).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Resources<'a> {
    /// Of single containers, by name; they win over the container's own.
    pub single: &'a [ContainerResources],
    /// Of the whole task: its limits hold for every step, its requests mean nothing on one machine.
    pub task: Option<&'a ResourceRequirements>,
}

impl Resources<'_> {
    fn apply(&self, name: &str, own: &mut ResourceRequirements) {
        if let Some(over) = self.single.iter().find(|s| s.name == name) {
            let mut merged = over.compute_resources.clone();
            template::resources(&mut merged, own);
            *own = merged;
        }
        if let Some(task) = self.task {
            own.limits.clone_from(&task.limits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_without_interpreter_get_one() {
        assert_eq!(script_text("echo hi"), "#!/bin/sh\nset -e\necho hi");
        assert_eq!(script_text("#!/usr/bin/env bash\nx"), "#!/usr/bin/env bash\nx");
        assert_eq!(script_text("\n  #!/bin/sh\nx"), "\n  #!/bin/sh\nx", "left for the kernel to refuse");
        assert_eq!(script_text("$$ \\ $(x)"), "#!/bin/sh\nset -e\n$$ \\ $(x)");
    }

    #[test]
    fn unnamed_steps_are_numbered() {
        assert_eq!(step_container("", 2), "step-unnamed-2");
        assert_eq!(step_container("a", 2), "step-a");
        let prepared = step(Step::default(), 2, None, &[], &Resources::default());
        assert_eq!(prepared.map(|s| s.name), Ok("unnamed-2".to_owned()));
    }

    #[test]
    fn on_error_is_one_of_two_words() {
        let of = |word: &str| {
            let s = Step { on_error: word.into(), ..Step::default() };
            step(s, 0, None, &[], &Resources::default()).map(|s| s.on_error)
        };
        assert_eq!(of("continue"), Ok(OnError::Continue));
        assert_eq!(of(""), Ok(OnError::StopAndFail));
        assert_eq!(of("ignore").map_err(|f| f.reason), Err(reason::POD_CREATION_FAILED));
    }
}
