//! What runs in one container: steps, sidecars, the template they share, and reusable step actions.

use super::core::env::{EnvFromSource, EnvVar};
use super::core::meta::ObjectMeta;
use super::core::probe::{ContainerPort, Lifecycle, Probe};
use super::core::resources::ResourceRequirements;
use super::core::security::SecurityContext;
use super::core::volume::{VolumeDevice, VolumeMount};
use super::param::{Param, ParamSpec};
use super::result::StepResult;
use super::time::Duration;
use super::when::WhenExpression;
use super::workspace::WorkspaceUsage;

wire! {
    /// One container of a task; steps run one after the other.
    pub struct Step {
        /// DNS label, unique in the task; empty means unnamed.
        pub name: String,
        /// Name for people; may contain parameters.
        pub display_name: String,
        /// Image reference.
        pub image: String,
        /// Entry point instead of the image's.
        pub command: Vec<String>,
        /// Arguments; an explicitly empty list resets those of the step template.
        pub args: Option<Vec<String>>,
        /// Working directory; relative ones are below `/workspace`.
        pub working_dir: String,
        /// Environment from config maps and secrets.
        pub env_from: Vec<EnvFromSource>,
        /// Environment.
        pub env: Vec<EnvVar>,
        /// Requests and limits.
        pub compute_resources: ResourceRequirements,
        /// Mounts of the task's volumes.
        pub volume_mounts: Vec<VolumeMount>,
        /// Block devices.
        pub volume_devices: Vec<VolumeDevice>,
        /// `Always`, `IfNotPresent` or `Never`.
        pub image_pull_policy: String,
        /// User, capabilities and the like.
        pub security_context: Option<SecurityContext>,
        /// A script instead of a command.
        pub script: String,
        /// How long the step may run.
        pub timeout: Option<Duration>,
        /// Workspaces that only the containers which list them see.
        pub workspaces: Vec<WorkspaceUsage>,
        /// `continue`, `stopAndFail`, or a parameter that gives one of them.
        pub on_error: String,
        /// Where to copy standard output (alpha).
        pub stdout_config: Option<StepOutputConfig>,
        /// Where to copy standard error (alpha).
        pub stderr_config: Option<StepOutputConfig>,
        /// The step action to run instead of image, command, script.
        pub r#ref: Option<StepRef>,
        /// Parameters for the step action.
        pub params: Vec<Param>,
        /// Results the step writes.
        pub results: Vec<StepResult>,
        /// The step is skipped unless all hold.
        pub when: Vec<WhenExpression>,
    }

    /// A file that takes a copy of a step's output.
    pub struct StepOutputConfig {
        /// Absolute path.
        pub path: String,
    }

    /// Points at a step action, by name or through a resolver.
    pub struct StepRef {
        /// The name of a step action.
        pub name: String,
        /// The resolver that fetches it.
        pub resolver: String,
        /// The resolver's parameters.
        pub params: Vec<Param>,
    }

    /// What all steps of a task have unless they say otherwise.
    pub struct StepTemplate {
        /// Image reference.
        pub image: String,
        /// Entry point.
        pub command: Vec<String>,
        /// Arguments.
        pub args: Vec<String>,
        /// Working directory.
        pub working_dir: String,
        /// Environment from config maps and secrets.
        pub env_from: Vec<EnvFromSource>,
        /// Environment.
        pub env: Vec<EnvVar>,
        /// Requests and limits.
        pub compute_resources: ResourceRequirements,
        /// Mounts.
        pub volume_mounts: Vec<VolumeMount>,
        /// Block devices.
        pub volume_devices: Vec<VolumeDevice>,
        /// `Always`, `IfNotPresent` or `Never`.
        pub image_pull_policy: String,
        /// User, capabilities and the like.
        pub security_context: Option<SecurityContext>,
    }

    /// A container that runs beside the steps and is stopped after the last one.
    pub struct Sidecar {
        /// The name; empty means `sidecar`.
        pub name: String,
        /// Image reference.
        pub image: String,
        /// Entry point instead of the image's.
        pub command: Vec<String>,
        /// Arguments.
        pub args: Vec<String>,
        /// Working directory.
        pub working_dir: String,
        /// Informative: the network is shared with the steps.
        pub ports: Vec<ContainerPort>,
        /// Environment from config maps and secrets.
        pub env_from: Vec<EnvFromSource>,
        /// Environment.
        pub env: Vec<EnvVar>,
        /// Requests and limits.
        pub compute_resources: ResourceRequirements,
        /// Mounts of the task's volumes.
        pub volume_mounts: Vec<VolumeMount>,
        /// Block devices.
        pub volume_devices: Vec<VolumeDevice>,
        /// Restarted when it fails.
        pub liveness_probe: Option<Probe>,
        /// The first step waits until it succeeds.
        pub readiness_probe: Option<Probe>,
        /// The other probes wait until it succeeds.
        pub startup_probe: Option<Probe>,
        /// What to do after start and before stop.
        pub lifecycle: Option<Lifecycle>,
        /// Where the container leaves its last words.
        pub termination_message_path: String,
        /// `File` or `FallbackToLogsOnError`.
        pub termination_message_policy: String,
        /// `Always`, `IfNotPresent` or `Never`.
        pub image_pull_policy: String,
        /// User, capabilities and the like.
        pub security_context: Option<SecurityContext>,
        /// Whether standard input stays open.
        pub stdin: bool,
        /// Whether standard input closes after the first attach.
        pub stdin_once: bool,
        /// Whether it gets a terminal.
        pub tty: bool,
        /// A script instead of a command.
        pub script: String,
        /// Workspaces that only the containers which list them see.
        pub workspaces: Vec<WorkspaceUsage>,
        /// `Always` makes it a native Kubernetes sidecar.
        pub restart_policy: String,
    }

    /// A reusable step.
    pub struct StepAction {
        /// `tekton.dev/v1beta1`.
        pub api_version: String,
        /// `StepAction`.
        pub kind: String,
        /// Name, labels, annotations.
        pub metadata: ObjectMeta,
        /// What it does.
        pub spec: StepActionSpec,
    }

    /// What a step action does.
    pub struct StepActionSpec {
        /// Free text.
        pub description: String,
        /// Image reference.
        pub image: String,
        /// Entry point instead of the image's.
        pub command: Vec<String>,
        /// Arguments.
        pub args: Vec<String>,
        /// Environment.
        pub env: Vec<EnvVar>,
        /// A script instead of a command; no `$(params…)` in it.
        pub script: String,
        /// Working directory.
        pub working_dir: String,
        /// Declared parameters.
        pub params: Vec<ParamSpec>,
        /// Results it writes.
        pub results: Vec<StepResult>,
        /// User, capabilities and the like.
        pub security_context: Option<SecurityContext>,
        /// Mounts; each volume name is one parameter reference.
        pub volume_mounts: Vec<VolumeMount>,
    }
}

impl Step {
    /// The arguments; none when unset.
    pub fn args(&self) -> &[String] {
        self.args.as_deref().unwrap_or_default()
    }
}

impl StepAction {
    /// A step action of the served version.
    pub fn new(metadata: ObjectMeta, spec: StepActionSpec) -> Self {
        Self { api_version: super::API_V1BETA1.into(), kind: "StepAction".into(), metadata, spec }
    }
}
