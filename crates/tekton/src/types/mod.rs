//! The Tekton v1 API as plain values: what a user writes, what admission stores, what a controller reports.
//!
//! Fields have the names, the nesting and the optionality of the API; empty fields are not written. Whether a
//! combination of values makes sense is asked elsewhere ([`crate::validate`]).
//!
//! - [`param`]: parameters, their declarations and values
//! - [`result`]: declared results
//! - [`workspace`]: declarations, uses and bindings of workspaces
//! - [`when`](mod@when): guards
//! - [`matrix`](mod@matrix): fan-out
//! - [`step`]: steps, sidecars, step templates, step actions
//! - [`task`]: tasks and references to them
//! - [`pipeline`]: pipelines and their tasks
//! - [`run`]: task runs and pipeline runs
//! - [`pod`]: what a run says about its pods
//! - [`status`]: what a controller reports about runs
//! - [`time`]: durations in Go's syntax and instants
//! - [`go_json`]: JSON text as Go writes it
//! - [`core`]: the parts of Kubernetes core/v1 that Tekton uses

#[macro_use]
mod wire;

pub mod core;
pub mod go_json;
pub mod matrix;
pub mod param;
pub mod pipeline;
pub mod pod;
pub mod result;
pub mod run;
pub mod status;
pub mod step;
pub mod task;
pub mod time;
pub mod when;
pub mod workspace;

pub use core::{
    ConfigMap, EnvFromSource, EnvVar, ObjectMeta, PersistentVolumeClaim, Quantity, ResourceRequirements,
    Secret, SecurityContext, ServiceAccount, Volume, VolumeMount,
};
pub use matrix::{IncludeParams, Matrix};
pub use param::{Param, ParamSpec, ParamType, ParamValue, PropertySpec};
pub use pipeline::{EmbeddedTask, Pipeline, PipelineRef, PipelineSpec, PipelineTask, PipelineTaskMetadata};
pub use pod::PodTemplate;
pub use result::{PipelineResult, StepResult, TaskResult};
pub use run::{
    PipelineRun, PipelineRunSpec, PipelineTaskRunSpec, PipelineTaskRunTemplate, TaskRun, TaskRunSpec,
    TimeoutFields,
};
pub use status::{
    ChildReference, Condition, ConditionStatus, PipelineRunStatus, RunResult, SidecarState, SkippedTask,
    StepState, TaskRunStatus,
};
pub use step::{Sidecar, Step, StepAction, StepActionSpec, StepRef, StepTemplate};
pub use task::{Task, TaskRef, TaskSpec};
pub use time::{Duration, Time};
pub use when::WhenExpression;
pub use workspace::{
    PipelineWorkspaceDeclaration, WorkspaceBinding, WorkspaceDeclaration, WorkspacePipelineTaskBinding,
    WorkspaceUsage,
};

/// The apiVersion of everything but step actions.
pub const API_V1: &str = "tekton.dev/v1";
/// The apiVersion of step actions, and of older tasks, pipelines and runs.
pub const API_V1BETA1: &str = "tekton.dev/v1beta1";
