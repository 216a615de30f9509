//! Runs of tasks and pipelines: what to run with which inputs.

use super::core::meta::ObjectMeta;
use super::core::resources::ResourceRequirements;
use super::param::Param;
use super::pipeline::{PipelineRef, PipelineSpec, PipelineTaskMetadata};
use super::pod::PodTemplate;
use super::status::{PipelineRunStatus, TaskRunStatus};
use super::task::{TaskRef, TaskSpec};
use super::time::Duration;
use super::workspace::WorkspaceBinding;

wire! {
    /// One run of a task.
    pub struct TaskRun {
        /// `tekton.dev/v1`.
        pub api_version: String,
        /// `TaskRun`.
        pub kind: String,
        /// Name or generateName, labels, annotations.
        pub metadata: ObjectMeta,
        /// What to run.
        pub spec: TaskRunSpec,
        /// What came of it.
        pub status: TaskRunStatus,
    }

    /// What a task run runs, with which inputs.
    pub struct TaskRunSpec {
        /// Where to stop for inspection (alpha).
        pub debug: Option<TaskRunDebug>,
        /// Parameters.
        pub params: Vec<Param>,
        /// The account whose secrets the run gets.
        pub service_account_name: String,
        /// The task.
        pub task_ref: Option<TaskRef>,
        /// The task, inline.
        pub task_spec: Option<TaskSpec>,
        /// `TaskRunCancelled`, `TaskRunPending`, or empty.
        pub status: String,
        /// Why it was cancelled.
        pub status_message: String,
        /// How often to try again after a failure.
        pub retries: i64,
        /// How long one attempt may take; zero means for ever.
        pub timeout: Option<Duration>,
        /// What the pod is like.
        pub pod_template: Option<PodTemplate>,
        /// Storage for the workspaces.
        pub workspaces: Vec<WorkspaceBinding>,
        /// Resources of single steps.
        pub step_specs: Vec<ContainerResources>,
        /// Resources of single sidecars.
        pub sidecar_specs: Vec<ContainerResources>,
        /// Resources of the whole task.
        pub compute_resources: Option<ResourceRequirements>,
        /// The controller that owns the run.
        pub managed_by: Option<String>,
    }

    /// Where to stop for inspection.
    pub struct TaskRunDebug {
        /// The places.
        pub breakpoints: Option<TaskBreakpoints>,
    }

    /// Places to stop at.
    pub struct TaskBreakpoints {
        /// `enabled` stops after a failed step.
        pub on_failure: String,
        /// Names of steps to stop before.
        pub before_steps: Vec<String>,
    }

    /// Resources of the step or sidecar `name`, overriding its own.
    pub struct ContainerResources {
        /// The step or sidecar.
        pub name: String,
        /// Requests and limits.
        pub compute_resources: ResourceRequirements,
    }

    /// One run of a pipeline.
    pub struct PipelineRun {
        /// `tekton.dev/v1`.
        pub api_version: String,
        /// `PipelineRun`.
        pub kind: String,
        /// Name or generateName, labels, annotations.
        pub metadata: ObjectMeta,
        /// What to run.
        pub spec: PipelineRunSpec,
        /// What came of it.
        pub status: PipelineRunStatus,
    }

    /// What a pipeline run runs, with which inputs.
    pub struct PipelineRunSpec {
        /// The pipeline.
        pub pipeline_ref: Option<PipelineRef>,
        /// The pipeline, inline.
        pub pipeline_spec: Option<PipelineSpec>,
        /// Parameters.
        pub params: Vec<Param>,
        /// `Cancelled`, `CancelledRunFinally`, `StoppedRunFinally`, `PipelineRunPending`, or empty.
        pub status: String,
        /// How long the parts may take.
        pub timeouts: Option<TimeoutFields>,
        /// What all task runs share.
        pub task_run_template: PipelineTaskRunTemplate,
        /// Storage for the workspaces.
        pub workspaces: Vec<WorkspaceBinding>,
        /// What single task runs differ in.
        pub task_run_specs: Vec<PipelineTaskRunSpec>,
        /// The controller that owns the run.
        pub managed_by: Option<String>,
    }

    /// Limits of a pipeline run; zero means none.
    pub struct TimeoutFields {
        /// All of it.
        pub pipeline: Option<Duration>,
        /// The graph.
        pub tasks: Option<Duration>,
        /// The finally tasks.
        pub finally: Option<Duration>,
    }

    /// What all task runs of a pipeline run share.
    pub struct PipelineTaskRunTemplate {
        /// What the pods are like.
        pub pod_template: Option<PodTemplate>,
        /// The account whose secrets the runs get.
        pub service_account_name: String,
    }

    /// What the runs of one pipeline task differ in.
    pub struct PipelineTaskRunSpec {
        /// The pipeline task.
        pub pipeline_task_name: String,
        /// Instead of the template's.
        pub service_account_name: String,
        /// Instead of the template's.
        pub pod_template: Option<PodTemplate>,
        /// Resources of single steps.
        pub step_specs: Vec<ContainerResources>,
        /// Resources of single sidecars.
        pub sidecar_specs: Vec<ContainerResources>,
        /// Labels and annotations.
        pub metadata: Option<PipelineTaskMetadata>,
        /// Resources of the whole task.
        pub compute_resources: Option<ResourceRequirements>,
        /// Instead of the pipeline task's.
        pub timeout: Option<Duration>,
    }
}

impl TaskRun {
    /// A task run of the current version.
    pub fn new(metadata: ObjectMeta, spec: TaskRunSpec) -> Self {
        let kind = "TaskRun".into();
        Self { api_version: super::API_V1.into(), kind, metadata, spec, status: TaskRunStatus::default() }
    }
}

impl PipelineRun {
    /// A pipeline run of the current version.
    pub fn new(metadata: ObjectMeta, spec: PipelineRunSpec) -> Self {
        let kind = "PipelineRun".into();
        Self { api_version: super::API_V1.into(), kind, metadata, spec, status: PipelineRunStatus::default() }
    }
}
