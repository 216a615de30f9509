//! What a controller reports about runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::param::{ParamType, ParamValue};
use super::pipeline::PipelineSpec;
use super::task::TaskSpec;
use super::time::Time;
use super::when::WhenExpression;

/// The condition type that tells whether a run is done.
pub const SUCCEEDED: &str = "Succeeded";

wire! {
    /// One statement about a run.
    pub struct Condition {
        /// `Succeeded`.
        pub r#type: String,
        /// Whether it holds.
        pub status: ConditionStatus,
        /// Empty means error.
        pub severity: String,
        /// Since when.
        pub last_transition_time: Option<Time>,
        /// One word why.
        pub reason: String,
        /// A sentence why.
        pub message: String,
    }

    /// What is known about a task run.
    pub struct TaskRunStatus {
        /// `Succeeded` and others.
        pub conditions: Vec<Condition>,
        /// The generation of the spec this is about.
        pub observed_generation: i64,
        /// Of the status itself.
        pub annotations: BTreeMap<String, String>,
        /// The pod of the last attempt.
        pub pod_name: String,
        /// When the attempt began.
        pub start_time: Option<Time>,
        /// When it ended.
        pub completion_time: Option<Time>,
        /// One entry a step.
        pub steps: Vec<StepState>,
        /// The statuses of earlier attempts.
        pub retries_status: Vec<TaskRunStatus>,
        /// What the task produced.
        pub results: Vec<RunResult>,
        /// Declared inputs and outputs.
        pub artifacts: Option<Artifacts>,
        /// One entry a sidecar.
        pub sidecars: Vec<SidecarState>,
        /// The task as it ran, after substitution.
        pub task_spec: Option<TaskSpec>,
        /// Where the task came from.
        pub provenance: Option<Provenance>,
        /// Tracing.
        pub span_context: BTreeMap<String, String>,
    }

    /// A result as it was produced, of a step, task or pipeline.
    pub struct RunResult {
        /// The declared name.
        pub name: String,
        /// Absent in results of pipelines.
        pub r#type: Option<ParamType>,
        /// The value.
        pub value: ParamValue,
    }

    /// Where a step stands: at most one of waiting, running, terminated.
    pub struct StepState {
        /// Not started.
        pub waiting: Option<ContainerWaiting>,
        /// Started.
        pub running: Option<ContainerRunning>,
        /// Ended.
        pub terminated: Option<ContainerTerminated>,
        /// The step, without the `step-` prefix.
        pub name: String,
        /// The container.
        pub container: String,
        /// The image with its digest.
        #[serde(rename = "imageID")]
        pub image_id: String,
        /// What the step produced.
        pub results: Vec<RunResult>,
        /// Where the step action came from.
        pub provenance: Option<Provenance>,
        /// `Completed`, `Continued`, `Error`, `Skipped`, `TimeoutExceeded`, …
        pub termination_reason: String,
        /// Declared inputs.
        pub inputs: Vec<Artifact>,
        /// Declared outputs.
        pub outputs: Vec<Artifact>,
    }

    /// Where a sidecar stands.
    pub struct SidecarState {
        /// Not started.
        pub waiting: Option<ContainerWaiting>,
        /// Started.
        pub running: Option<ContainerRunning>,
        /// Ended.
        pub terminated: Option<ContainerTerminated>,
        /// The sidecar.
        pub name: String,
        /// The container.
        pub container: String,
        /// The image with its digest.
        #[serde(rename = "imageID")]
        pub image_id: String,
    }

    /// Why a container has not started.
    pub struct ContainerWaiting {
        /// One word.
        pub reason: String,
        /// A sentence.
        pub message: String,
    }

    /// A running container.
    pub struct ContainerRunning {
        /// Since when.
        pub started_at: Option<Time>,
    }

    /// An ended pipeline's or step's artifacts.
    pub struct Artifacts {
        /// What went in.
        pub inputs: Vec<Artifact>,
        /// What came out.
        pub outputs: Vec<Artifact>,
    }

    /// One named artifact.
    pub struct Artifact {
        /// The name.
        pub name: String,
        /// Its locations.
        pub values: Vec<ArtifactValue>,
        /// Whether it is what the task is for.
        pub build_output: bool,
    }

    /// One location of an artifact.
    pub struct ArtifactValue {
        /// Digests by algorithm.
        pub digest: BTreeMap<String, String>,
        /// Where it is.
        pub uri: String,
    }

    /// Where a definition came from.
    pub struct Provenance {
        /// The place.
        pub ref_source: Option<RefSource>,
        /// The controller's feature flags.
        pub feature_flags: Value,
    }

    /// The place a definition was fetched from.
    pub struct RefSource {
        /// Repository or bundle.
        pub uri: String,
        /// Digests by algorithm.
        pub digest: BTreeMap<String, String>,
        /// The file or entry.
        pub entry_point: String,
    }

    /// What is known about a pipeline run.
    pub struct PipelineRunStatus {
        /// `Succeeded` and others.
        pub conditions: Vec<Condition>,
        /// The generation of the spec this is about.
        pub observed_generation: i64,
        /// Of the status itself.
        pub annotations: BTreeMap<String, String>,
        /// When it began.
        pub start_time: Option<Time>,
        /// When it ended.
        pub completion_time: Option<Time>,
        /// What the pipeline produced.
        pub results: Vec<RunResult>,
        /// The pipeline as it ran, after substitution.
        pub pipeline_spec: Option<PipelineSpec>,
        /// The tasks that did not run, and why.
        pub skipped_tasks: Vec<SkippedTask>,
        /// The runs of the tasks.
        pub child_references: Vec<ChildReference>,
        /// When the finally tasks began.
        pub finally_start_time: Option<Time>,
        /// Where the pipeline came from.
        pub provenance: Option<Provenance>,
        /// Tracing.
        pub span_context: BTreeMap<String, String>,
    }

    /// A pipeline task that did not run.
    pub struct SkippedTask {
        /// The pipeline task.
        pub name: String,
        /// Why, in Tekton's words.
        pub reason: String,
        /// Its guards, when they are the reason.
        pub when_expressions: Vec<WhenExpression>,
    }

    /// The run of a pipeline task.
    pub struct ChildReference {
        /// `tekton.dev/v1`.
        pub api_version: String,
        /// `TaskRun`, `PipelineRun` or `CustomRun`.
        pub kind: String,
        /// Its name.
        pub name: String,
        /// Name for people.
        pub display_name: String,
        /// The pipeline task.
        pub pipeline_task_name: String,
        /// Its guards.
        pub when_expressions: Vec<WhenExpression>,
    }
}

/// An ended container. `exitCode` is always written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ContainerTerminated {
    /// The exit code.
    pub exit_code: i32,
    /// The signal that ended it; 0 means none.
    #[serde(skip_serializing_if = "super::wire::is_empty")]
    pub signal: i32,
    /// One word why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What the container said last.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// The runtime's name for it.
    #[serde(rename = "containerID", skip_serializing_if = "String::is_empty")]
    pub container_id: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Not decided.
    #[default]
    Unknown,
}

impl Provenance {
    /// What a status says about a definition that a resolver got there; nothing about others.
    pub fn of(source: Option<&RefSource>) -> Option<Self> {
        source.map(|source| Self { ref_source: Some(source.clone()), ..Self::default() })
    }
}

impl TaskRunStatus {
    /// The condition that tells whether it is done.
    pub fn succeeded(&self) -> Option<&Condition> {
        self.conditions.iter().find(|c| c.r#type == SUCCEEDED)
    }
}

impl PipelineRunStatus {
    /// The condition that tells whether it is done.
    pub fn succeeded(&self) -> Option<&Condition> {
        self.conditions.iter().find(|c| c.r#type == SUCCEEDED)
    }
}
