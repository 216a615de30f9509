//! Declared results of steps, tasks and pipelines.

use std::collections::BTreeMap;

use super::param::{ParamType, ParamValue, PropertySpec};

wire! {
    /// A result that a task promises.
    pub struct TaskResult {
        /// File name below `/tekton/results`, and the name others refer to it by.
        pub name: String,
        /// The type; absent means string (object when there are properties).
        pub r#type: Option<ParamType>,
        /// The keys of an object result.
        pub properties: BTreeMap<String, PropertySpec>,
        /// Free text.
        pub description: String,
        /// A step result to forward: `$(steps.<step>.results.<result>)`.
        pub value: Option<ParamValue>,
    }

    /// A result that a step or step action promises.
    pub struct StepResult {
        /// File name below the step's results folder.
        pub name: String,
        /// The type; absent means string (object when there are properties).
        pub r#type: Option<ParamType>,
        /// The keys of an object result.
        pub properties: BTreeMap<String, PropertySpec>,
        /// Free text.
        pub description: String,
    }
}

impl TaskResult {
    /// The type in effect.
    pub fn kind(&self) -> ParamType {
        in_effect(self.r#type, &self.properties)
    }
}

impl StepResult {
    /// The type in effect.
    pub fn kind(&self) -> ParamType {
        in_effect(self.r#type, &self.properties)
    }
}

fn in_effect(declared: Option<ParamType>, properties: &BTreeMap<String, PropertySpec>) -> ParamType {
    declared.unwrap_or(if properties.is_empty() { ParamType::String } else { ParamType::Object })
}

/// A result of a pipeline, composed of results of its tasks.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PipelineResult {
    /// The name.
    pub name: String,
    /// The type; informative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ParamType>,
    /// Free text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Text with `$(tasks.<task>.results.<result>)` references.
    pub value: ParamValue,
}
