//! What an overlay changes in the pipeline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tekton::types::{Duration, Param, TaskRef, WhenExpression};

use super::pipeline::TemplateTask;

/// Changes fields of a task of the pipeline; what is not named stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetTask {
    /// The task, by its name in the pipeline.
    pub task: String,
    /// Another Tekton task does it. Of `build`: all components that name no task are built by this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub task_ref: Option<TaskRef>,
    /// Parameters that are set, instead of earlier ones of the same name; each `{name: …, value: …}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub params: Vec<Param>,
    /// The conditions, instead of earlier ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub when: Option<Vec<WhenExpression>>,
    /// How often it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>")]
    pub retries: Option<i64>,
    /// How long it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub timeout: Option<Duration>,
    /// `continue` or `stopAndFail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Inserts a task into the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InsertTask {
    /// Its name in the pipeline.
    pub task: String,
    /// What it is; its `after` and `before` say where.
    pub definition: TemplateTask,
    /// Whether it runs when all others are over, whatever came of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finally: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Puts another task in the place of one of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplaceTask {
    /// The task, by its name in the pipeline.
    pub task: String,
    /// What it is now. It stands where the old one did, unless it says `after`, `before` or `runAfter`.
    pub definition: TemplateTask,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Removes a task from the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveTask {
    /// The task, by its name in the pipeline; no other may refer to it.
    pub task: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Moves a task of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoveTask {
    /// The task, by its name in the pipeline. What its parameters refer to, it still waits for.
    pub task: String,
    /// It runs between this task and everything that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// It runs between this task and everything that it waits for. With `after` too: between just these two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
