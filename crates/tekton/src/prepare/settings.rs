//! What a cluster's administrator sets for all runs.

use std::collections::BTreeSet;

use crate::types::{Duration, PodTemplate, WorkspaceBinding};

/// The keys of the ConfigMap `config-defaults` that change what a run does (§1.11).
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `default-timeout-minutes`: of task runs and of whole pipeline runs.
    pub timeout: Duration,
    /// `default-service-account`.
    pub service_account: String,
    /// `default-max-matrix-combinations-count`.
    pub max_matrix_combinations: usize,
    /// `default-task-run-workspace-binding`: for workspaces that a task run does not bind.
    pub workspace_binding: Option<WorkspaceBinding>,
    /// `default-pod-template`.
    pub pod_template: Option<PodTemplate>,
    /// `default-forbidden-env`: names that pod templates may not set.
    pub forbidden_env: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(3600),
            service_account: "default".into(),
            max_matrix_combinations: 256,
            workspace_binding: None,
            pod_template: None,
            forbidden_env: BTreeSet::new(),
        }
    }
}
