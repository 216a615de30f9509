//! Tasks and references to them.

use super::core::meta::ObjectMeta;
use super::core::volume::Volume;
use super::param::{Param, ParamSpec};
use super::result::TaskResult;
use super::step::{Sidecar, Step, StepTemplate};
use super::workspace::WorkspaceDeclaration;

wire! {
    /// A task under its own name.
    pub struct Task {
        /// `tekton.dev/v1`.
        pub api_version: String,
        /// `Task`.
        pub kind: String,
        /// Name, labels, annotations.
        pub metadata: ObjectMeta,
        /// What it does.
        pub spec: TaskSpec,
    }

    /// Steps that run one after the other in one pod.
    pub struct TaskSpec {
        /// Declared parameters.
        pub params: Vec<ParamSpec>,
        /// Name for people.
        pub display_name: String,
        /// Free text.
        pub description: String,
        /// At least one.
        pub steps: Vec<Step>,
        /// Volumes that steps and sidecars mount.
        pub volumes: Vec<Volume>,
        /// What all steps share.
        pub step_template: Option<StepTemplate>,
        /// Containers beside the steps.
        pub sidecars: Vec<Sidecar>,
        /// Folders the task wants.
        pub workspaces: Vec<WorkspaceDeclaration>,
        /// Results the task promises.
        pub results: Vec<TaskResult>,
    }

    /// Points at a task: by name, through a resolver, or (with a foreign `apiVersion`) at a custom task.
    pub struct TaskRef {
        /// The name.
        pub name: String,
        /// `Task`, or the kind of a custom task.
        pub kind: String,
        /// Set for custom tasks.
        pub api_version: String,
        /// The resolver that fetches it.
        pub resolver: String,
        /// The resolver's parameters.
        pub params: Vec<Param>,
    }
}

impl Task {
    /// A task of the current version.
    pub fn new(metadata: ObjectMeta, spec: TaskSpec) -> Self {
        Self { api_version: super::API_V1.into(), kind: "Task".into(), metadata, spec }
    }
}

impl TaskRef {
    /// The task called `name`.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Whether a controller other than Tekton's runs it: a foreign apiVersion, or a kind that is not `Task`.
    pub fn is_custom(&self) -> bool {
        is_custom(&self.api_version, &self.kind)
    }
}

/// The rule for references and inline specs alike: apiVersion set and not of `tekton.dev`, with a kind.
pub(super) fn is_custom(api_version: &str, kind: &str) -> bool {
    let foreign = !api_version.is_empty() && !api_version.starts_with("tekton.dev/");
    foreign && !kind.is_empty()
}
