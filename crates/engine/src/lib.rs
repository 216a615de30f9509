//! Runs Tekton pipelines: on this machine today, on a cluster later; the semantics are those of the crate `tekton`.
//!
//! - [`run`](mod@run): one run from its objects to its status
//! - [`dispatch`]: a PipelineRun: what runs next
//! - [`task_run`]: a TaskRun: its attempts
//! - [`attempt`]: one attempt: volumes, sidecars, steps, results
//! - [`step`]: one step; [`beside`]: sidecars; [`container`]: what both have in common
//! - [`cache`]: tasks that need not run again; [`foreknown`]: tasks that need not run at all
//! - [`mod@cel`]: guards in the Common Expression Language
//! - [`config`]: what the engine works with; [`shared`]: what the TaskRuns of one run share; [`jobs`]: how many run at once
//! - [`event`]: what happens, as values; [`journal`]: on disk before anybody is told
//! - [`record`]: runs on disk; [`mod@earlier`]: what one takes from another; [`durable`]: how files appear
//! - [`log`]: what steps print; [`log_file`]: how much of that is kept; [`mask`]: what of it is hidden
//! - [`limits`]: how much a container may use; [`cgroup`]: control groups of a run
//! - [`resolved`]: definitions from elsewhere, noted
//! - [`finished`], [`error`]: how it ends
//! - [`local`]: containers on this machine

pub mod attempt;
pub mod beside;
pub mod cache;
pub mod cel;
pub mod cgroup;
pub mod config;
pub mod container;
pub mod dispatch;
pub mod durable;
pub mod earlier;
pub mod error;
pub mod event;
pub mod finished;
pub mod foreknown;
pub mod jobs;
pub mod journal;
pub mod limits;
pub mod local;
pub mod log;
pub mod log_file;
pub mod mask;
pub mod record;
pub mod resolved;
pub mod run;
pub mod shared;
pub mod step;
pub mod task_run;

pub use config::Config;
pub use error::EngineError;
pub use finished::Finished;
pub use run::run;
