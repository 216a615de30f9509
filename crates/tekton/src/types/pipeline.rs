//! Pipelines and their tasks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::core::meta::ObjectMeta;
use super::core::volume::Volume;
use super::matrix::Matrix;
use super::param::{Param, ParamSpec};
use super::result::{PipelineResult, TaskResult};
use super::step::{Sidecar, Step, StepTemplate};
use super::task::{TaskRef, TaskSpec};
use super::time::Duration;
use super::when::WhenExpression;
use super::workspace::{PipelineWorkspaceDeclaration, WorkspaceDeclaration, WorkspacePipelineTaskBinding};

wire! {
    /// A pipeline under its own name.
    pub struct Pipeline {
        /// `tekton.dev/v1`.
        pub api_version: String,
        /// `Pipeline`.
        pub kind: String,
        /// Name, labels, annotations.
        pub metadata: ObjectMeta,
        /// What it does.
        pub spec: PipelineSpec,
    }

    /// Tasks with the order that their references imply.
    pub struct PipelineSpec {
        /// Name for people.
        pub display_name: String,
        /// Free text.
        pub description: String,
        /// The tasks of the graph.
        pub tasks: Vec<PipelineTask>,
        /// Declared parameters.
        pub params: Vec<ParamSpec>,
        /// Folders the pipeline wants.
        pub workspaces: Vec<PipelineWorkspaceDeclaration>,
        /// Results composed of those of its tasks.
        pub results: Vec<PipelineResult>,
        /// Tasks that run after all others, whatever happened.
        pub finally: Vec<PipelineTask>,
    }

    /// One node of the graph.
    pub struct PipelineTask {
        /// DNS label, unique in the pipeline.
        pub name: String,
        /// Name for people; may contain references.
        pub display_name: String,
        /// Free text.
        pub description: String,
        /// The task to run.
        pub task_ref: Option<TaskRef>,
        /// The task to run, inline.
        pub task_spec: Option<EmbeddedTask>,
        /// The task is skipped unless all hold.
        pub when: Vec<WhenExpression>,
        /// How often to try again after a failure.
        pub retries: i64,
        /// Tasks that must be done before.
        pub run_after: Vec<String>,
        /// Parameters for the task.
        pub params: Vec<Param>,
        /// Fan-out.
        pub matrix: Option<Matrix>,
        /// Workspaces for the task.
        pub workspaces: Vec<WorkspacePipelineTaskBinding>,
        /// How long the task may run.
        pub timeout: Option<Duration>,
        /// A pipeline to run as this task (alpha).
        pub pipeline_ref: Option<PipelineRef>,
        /// A pipeline to run as this task, inline (alpha).
        pub pipeline_spec: Option<Box<PipelineSpec>>,
        /// `continue`, `stopAndFail`, or a reference that gives one of them.
        pub on_error: String,
    }

    /// Points at a pipeline, by name or through a resolver.
    pub struct PipelineRef {
        /// The name.
        pub name: String,
        /// Informative.
        pub api_version: String,
        /// The resolver that fetches it.
        pub resolver: String,
        /// The resolver's parameters.
        pub params: Vec<Param>,
    }

    /// What the runs of an inline task carry.
    pub struct PipelineTaskMetadata {
        /// Labels.
        pub labels: BTreeMap<String, String>,
        /// Annotations.
        pub annotations: BTreeMap<String, String>,
    }

    /// The fields of [`EmbeddedTask`] side by side, as they are written.
    pub struct EmbeddedTaskFields {
        /// Of a custom task.
        pub api_version: String,
        /// Of a custom task.
        pub kind: String,
        /// Of a custom task.
        pub spec: Value,
        /// Labels and annotations.
        pub metadata: PipelineTaskMetadata,
        /// See [`TaskSpec::params`].
        pub params: Vec<ParamSpec>,
        /// See [`TaskSpec::display_name`].
        pub display_name: String,
        /// See [`TaskSpec::description`].
        pub description: String,
        /// See [`TaskSpec::steps`].
        pub steps: Vec<Step>,
        /// See [`TaskSpec::volumes`].
        pub volumes: Vec<Volume>,
        /// See [`TaskSpec::step_template`].
        pub step_template: Option<StepTemplate>,
        /// See [`TaskSpec::sidecars`].
        pub sidecars: Vec<Sidecar>,
        /// See [`TaskSpec::workspaces`].
        pub workspaces: Vec<WorkspaceDeclaration>,
        /// See [`TaskSpec::results`].
        pub results: Vec<TaskResult>,
    }
}

/// A task written inside a pipeline: a task spec with labels and annotations, or the body of a custom task.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "EmbeddedTaskFields", into = "EmbeddedTaskFields")]
pub struct EmbeddedTask {
    /// Of a custom task; else empty.
    pub api_version: String,
    /// Of a custom task; else empty.
    pub kind: String,
    /// The body of a custom task; else null.
    pub spec: Value,
    /// Labels and annotations for the runs.
    pub metadata: PipelineTaskMetadata,
    /// The task.
    pub task: TaskSpec,
}

impl EmbeddedTask {
    /// Whether a controller other than Tekton's runs it.
    pub fn is_custom(&self) -> bool {
        super::task::is_custom(&self.api_version, &self.kind)
    }
}

impl From<TaskSpec> for EmbeddedTask {
    fn from(task: TaskSpec) -> Self {
        Self { task, ..Self::default() }
    }
}

impl From<EmbeddedTaskFields> for EmbeddedTask {
    fn from(f: EmbeddedTaskFields) -> Self {
        Self {
            api_version: f.api_version,
            kind: f.kind,
            spec: f.spec,
            metadata: f.metadata,
            task: TaskSpec {
                params: f.params,
                display_name: f.display_name,
                description: f.description,
                steps: f.steps,
                volumes: f.volumes,
                step_template: f.step_template,
                sidecars: f.sidecars,
                workspaces: f.workspaces,
                results: f.results,
            },
        }
    }
}

impl From<EmbeddedTask> for EmbeddedTaskFields {
    fn from(e: EmbeddedTask) -> Self {
        Self {
            api_version: e.api_version,
            kind: e.kind,
            spec: e.spec,
            metadata: e.metadata,
            params: e.task.params,
            display_name: e.task.display_name,
            description: e.task.description,
            steps: e.task.steps,
            volumes: e.task.volumes,
            step_template: e.task.step_template,
            sidecars: e.task.sidecars,
            workspaces: e.task.workspaces,
            results: e.task.results,
        }
    }
}

impl Pipeline {
    /// A pipeline of the current version.
    pub fn new(metadata: ObjectMeta, spec: PipelineSpec) -> Self {
        Self { api_version: super::API_V1.into(), kind: "Pipeline".into(), metadata, spec }
    }
}

impl PipelineSpec {
    /// The tasks of the graph, then those of `finally`.
    pub fn all_tasks(&self) -> impl Iterator<Item = &PipelineTask> {
        self.tasks.iter().chain(&self.finally)
    }

    /// The task called `name`, in the graph or in `finally`.
    pub fn task(&self, name: &str) -> Option<&PipelineTask> {
        self.all_tasks().find(|t| t.name == name)
    }
}

impl PipelineTask {
    /// Whether it fans out.
    pub fn is_matrixed(&self) -> bool {
        self.matrix.as_ref().is_some_and(|m| !m.params.is_empty() || !m.include.is_empty())
    }

    /// Whether a controller other than Tekton's runs it.
    pub fn is_custom(&self) -> bool {
        self.task_ref.as_ref().is_some_and(TaskRef::is_custom)
            || self.task_spec.as_ref().is_some_and(EmbeddedTask::is_custom)
    }

    /// The inline Tekton task, if it has one.
    pub fn inline(&self) -> Option<&TaskSpec> {
        self.task_spec.as_ref().filter(|t| !t.is_custom()).map(|t| &t.task)
    }
}

impl PipelineRef {
    /// The pipeline called `name`.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}
