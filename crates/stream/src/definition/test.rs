//! What proves a release.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Platform;

/// A test: a Tekton task that is run on images of the release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Test {
    /// The Tekton task, looked for as the tasks of components are.
    pub task: String,
    /// Which image each parameter of the task gets: parameter to component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, String>,
    /// Values of the task's other parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// The platforms that it runs on; all on which its components are, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub platforms: Option<BTreeSet<Platform>>,
    /// Whether a failure rejects the release; otherwise it is only reported.
    #[serde(default = "default_true")]
    pub blocking: bool,
    /// How long the test may take, as Tekton writes it: `90s`, `5m`, `1h30m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub timeout: Option<String>,
}

fn default_true() -> bool {
    true
}
