//! What a failed attempt of a task run leaves behind (§2.8).

use crate::status::reason;
use crate::types::{Condition, ConditionStatus, TaskRunStatus};

/// The status with which the next attempt begins, if there is to be one: the failed attempt is the last entry of
/// `retriesStatus`, and everything of it is cleared. The next attempt's `retry_count` is the length of that list.
///
/// No value when the attempt did not fail, when it was cancelled, or when `retries` attempts were tried again already:
/// then `status` is the last word. Timeouts are retried.
pub fn after(status: &TaskRunStatus, retries: usize) -> Option<TaskRunStatus> {
    let condition = status.succeeded()?;
    let failed = condition.status == ConditionStatus::False && condition.reason != reason::TASK_RUN_CANCELLED;
    if !failed || status.retries_status.len() >= retries {
        return None;
    }
    let attempt = TaskRunStatus { retries_status: Vec::new(), ..status.clone() };
    let mut retries_status = status.retries_status.clone();
    retries_status.push(attempt);
    Some(TaskRunStatus {
        conditions: vec![Condition {
            status: ConditionStatus::Unknown,
            reason: reason::TO_BE_RETRIED.into(),
            ..condition.clone()
        }],
        retries_status,
        task_spec: status.task_spec.clone(),
        provenance: status.provenance.clone(),
        annotations: status.annotations.clone(),
        observed_generation: status.observed_generation,
        span_context: status.span_context.clone(),
        ..TaskRunStatus::default()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn status(condition: &str, reason: &str) -> TaskRunStatus {
        serde_json::from_value(json!({
            "conditions": [{"type": "Succeeded", "status": condition, "reason": reason, "message": "m"}],
            "podName": "r-pod", "startTime": "2026-01-01T00:00:00Z",
            "results": [{"name": "r", "type": "string", "value": "1"}],
            "steps": [{"name": "s", "container": "step-s"}],
        }))
        .unwrap()
    }

    #[test]
    fn attempts_pile_up_until_the_last() {
        let first = after(&status("False", "StepFailed"), 2).unwrap();
        assert_eq!(serde_json::to_value(&first.conditions[0]).unwrap()["reason"], "ToBeRetried");
        assert!(first.steps.is_empty() && first.results.is_empty() && first.pod_name.is_empty());
        assert_eq!(first.start_time, None);
        let second =
            TaskRunStatus { retries_status: first.retries_status, ..status("False", "TaskRunTimeout") };
        let second = after(&second, 2).unwrap();
        assert_eq!(second.retries_status.len(), 2);
        assert!(second.retries_status.iter().all(|a| a.retries_status.is_empty() && a.pod_name == "r-pod"));
        let third = TaskRunStatus { retries_status: second.retries_status, ..status("False", "StepFailed") };
        assert_eq!(after(&third, 2), None);
    }

    #[test]
    fn neither_success_nor_cancel_is_retried() {
        assert_eq!(after(&status("True", "Succeeded"), 3), None);
        assert_eq!(after(&status("False", "TaskRunCancelled"), 3), None);
        assert_eq!(after(&status("Unknown", "Running"), 3), None);
    }
}
