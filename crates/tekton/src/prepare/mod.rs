//! Runs made ready: everything resolved, checked and substituted before the first container starts.
//!
//! - [`task`](mod@task): a task run as steps, sidecars, volumes and results
//! - [`pipeline`](mod@pipeline): a pipeline run as graph, tasks and timeouts
//! - [`container`]: names, scripts and resources of steps and sidecars
//! - [`paths`]: places in a step's file system
//! - [`workspaces`]: bindings, volumes and mounts
//! - [`definitions`]: where referenced objects come from
//! - [`settings`]: what an administrator sets for all runs
//! - [`params`]: whether params fit, and what references to them stand for
//! - [`pipeline_params`]: defaults that refer to each other
//! - [`part`]: only some tasks of a pipeline
//! - [`timeouts`]: how long the parts of a pipeline run may take
//! - [`failure`]: why a run fails without having run

pub mod container;
pub mod definitions;
pub mod failure;
pub mod params;
pub mod part;
mod passes;
pub mod paths;
pub mod pipeline;
mod pipeline_checks;
pub mod pipeline_params;
mod references;
pub mod settings;
mod step_action;
pub mod task;
pub(crate) mod template;
pub mod timeouts;
pub mod workspaces;

pub use container::{OnError, PreparedSidecar, PreparedStep};
pub use definitions::{Definition, Definitions, NotFound};
pub use failure::Failure;
pub use part::{Part, PartError, Restricted};
pub use pipeline::{PipelineContext, PreparedPipeline, PreparedPipelineTask, pipeline};
pub use settings::Settings;
pub use task::{PreparedTask, TaskContext, task};
pub use timeouts::Timeouts;
pub use workspaces::{BoundWorkspace, Claim};
