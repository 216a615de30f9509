//! What is reported about runs (§1.9, §2.7, §2.14, §2.22, §2.24).
//!
//! - [`reason`]: the words
//! - [`step`]: the state of a step that ended, one way or another
//! - [`results`]: result files as results; [`artifacts`]: what went in and came out
//! - [`result_size`]: whether a cluster could pass them on
//! - [`task_run`]: the status of a task run
//! - [`pipeline_run`]: the status of a pipeline run

pub mod artifacts;
pub mod pipeline_run;
pub mod reason;
pub mod result_size;
pub mod results;
pub mod step;
pub mod task_run;

use crate::types::status::SUCCEEDED;
use crate::types::{Condition, ConditionStatus, Time};

/// The condition that tells how a run stands; `at` is when it became so.
pub fn condition(
    status: ConditionStatus,
    reason: impl Into<String>,
    message: impl Into<String>,
    at: Option<Time>,
) -> Condition {
    Condition {
        r#type: SUCCEEDED.into(),
        status,
        reason: reason.into(),
        message: message.into(),
        last_transition_time: at,
        ..Condition::default()
    }
}
