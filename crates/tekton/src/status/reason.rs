//! Words that stand in `reason` fields (§2.14, §2.22); they must match a cluster's byte for byte.

/// Condition type, run reason and value of `$(tasks.T.status)`.
pub const SUCCEEDED: &str = "Succeeded";
/// A pipeline run that succeeded with skipped tasks; value of `$(tasks.status)`.
pub const COMPLETED: &str = "Completed";
/// A run that failed for no better reason; value of `$(tasks.T.status)`.
pub const FAILED: &str = "Failed";
/// Value of `$(tasks.T.status)` for a task that did not run.
pub const NONE: &str = "None";
/// A run that was accepted.
pub const STARTED: &str = "Started";
/// A run that runs.
pub const RUNNING: &str = "Running";
/// A task run between two attempts.
pub const TO_BE_RETRIED: &str = "ToBeRetried";

/// A step failed.
pub const STEP_FAILED: &str = "StepFailed";
/// A step ran out of memory.
pub const STEP_OOM: &str = "StepOOM";
/// A sidecar failed, and so did a step.
pub const SIDECAR_FAILED: &str = "SidecarFailed";
/// A sidecar ran out of memory, and a step failed.
pub const SIDECAR_OOM: &str = "SidecarOOM";
/// A failure that the pipeline task's `onError: continue` ignores.
pub const FAILURE_IGNORED: &str = "FailureIgnored";
/// A task run that was cancelled; also the termination reason of its steps.
pub const TASK_RUN_CANCELLED: &str = "TaskRunCancelled";
/// A task run that took too long; also the termination reason of its steps.
pub const TASK_RUN_TIMEOUT: &str = "TaskRunTimeout";
/// A task run that waits for its spec.status to be cleared.
pub const TASK_RUN_PENDING: &str = "TaskRunPending";
/// A task run whose inputs or results do not fit its task.
pub const TASK_RUN_VALIDATION_FAILED: &str = "TaskRunValidationFailed";
/// A task run whose task or step action cannot be had.
pub const TASK_RUN_RESOLUTION_FAILED: &str = "TaskRunResolutionFailed";
/// A task run whose containers cannot be described.
pub const POD_CREATION_FAILED: &str = "PodCreationFailed";
/// A param whose value is not in its enum.
pub const INVALID_PARAM_VALUE: &str = "InvalidParamValue";

/// A pipeline run that waits for its spec.status to be cleared.
pub const PIPELINE_RUN_PENDING: &str = "PipelineRunPending";
/// A pipeline run that was cancelled.
pub const CANCELLED: &str = "Cancelled";
/// Cancelled, with finally tasks still to run.
pub const CANCELLED_RUNNING_FINALLY: &str = "CancelledRunningFinally";
/// Stopped, with finally tasks still to run.
pub const STOPPED_RUNNING_FINALLY: &str = "StoppedRunningFinally";
/// Something failed or was cancelled; the rest is being awaited.
pub const PIPELINE_RUN_STOPPING: &str = "PipelineRunStopping";
/// A pipeline run that took too long, as a whole or in its tasks.
pub const PIPELINE_RUN_TIMEOUT: &str = "PipelineRunTimeout";
/// The tasks took too long; the finally tasks run.
pub const PIPELINE_RUN_TIMEOUT_RUNNING_FINALLY: &str = "PipelineRunTimeoutRunningFinally";
/// The pipeline cannot be had.
pub const COULDNT_GET_PIPELINE: &str = "CouldntGetPipeline";
/// A task cannot be had.
pub const COULDNT_GET_TASK: &str = "CouldntGetTask";
/// A child run that cannot be made.
pub const CREATE_RUN_FAILED: &str = "CreateRunFailed";
/// The tasks wait for each other.
pub const PIPELINE_INVALID_GRAPH: &str = "PipelineInvalidGraph";
/// The pipeline, or what its tasks gave each other, is not valid.
pub const PIPELINE_VALIDATION_FAILED: &str = "PipelineValidationFailed";
/// A required param is not given.
pub const PARAMETER_MISSING: &str = "ParameterMissing";
/// A param is given with a value of another type.
pub const PARAMETER_TYPE_MISMATCH: &str = "ParameterTypeMismatch";
/// An object param lacks keys.
pub const OBJECT_PARAMETER_MISS_KEYS: &str = "ObjectParameterMissKeys";
/// An index beyond the end of an array param.
pub const PARAM_ARRAY_INDEXING_INVALID: &str = "ParamArrayIndexingInvalid";
/// A required workspace is not bound.
pub const INVALID_WORKSPACE_BINDINGS: &str = "InvalidWorkspaceBindings";
/// A task requires a workspace that the pipeline has as optional.
pub const REQUIRED_WORKSPACE_MARKED_OPTIONAL: &str = "RequiredWorkspaceMarkedOptional";
/// taskRunSpecs name a task that the pipeline does not have.
pub const INVALID_TASK_RUN_SPECS: &str = "InvalidTaskRunSpecs";
/// A reference to a result that its task does not declare.
pub const INVALID_TASK_RESULT_REFERENCE: &str = "InvalidTaskResultReference";
/// A pipeline result that refers to a result which its task does not declare.
pub const INVALID_PIPELINE_RESULT_REFERENCE: &str = "InvalidPipelineResultReference";
/// A matrix over something that is not an array.
pub const INVALID_MATRIX_PARAMETER_TYPES: &str = "InvalidMatrixParameterTypes";
/// A pipeline result that a succeeded task did not give.
pub const COULDNT_GET_PIPELINE_RESULT: &str = "CouldntGetPipelineResult";
/// A CEL guard without a truth.
pub const CEL_EVALUATION_FAILED: &str = "CELEvaluationFailed";
