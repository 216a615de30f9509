//! What a cluster's administrator sets for all runs.

use std::collections::BTreeSet;

use base::{Diagnostic, Diagnostics};

use crate::types::{ConfigMap, Duration, PodTemplate, WorkspaceBinding};

/// A result larger than this fits into no cluster: `max-result-size` must be below.
const LARGEST_RESULT: usize = 1_572_864;

/// The keys of the ConfigMaps `config-defaults` and `feature-flags` that change what a run does (§1.11).
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
    /// `results-from` with what limits it.
    pub results: ResultTransport,
    /// Not `disable-creds-init`: whether steps get the credentials of their account.
    pub creds_init: bool,
    /// `await-sidecar-readiness`: whether the first step waits for the sidecars.
    pub await_sidecars: bool,
    /// `coschedule: workspaces`: a task with workspaces on two claims is refused.
    pub one_claim_for_a_task: bool,
}

/// How a cluster gets results out of a pod, which limits them (§2.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultTransport {
    /// In the last words of each container.
    TerminationMessage {
        /// `enable-termination-message-compression`.
        compressed: bool,
    },
    /// In the log of a sidecar.
    SidecarLogs {
        /// `max-result-size`: bytes that a result may have.
        limit: usize,
    },
}

impl Settings {
    /// Sets what the ConfigMap `feature-flags` says of runs; what it does not name is as Tekton installs it.
    ///
    /// # Errors
    /// Values that Tekton would not take.
    pub fn set_flags(&mut self, map: &ConfigMap) -> Result<(), Diagnostics> {
        let mut found = Diagnostics::default();
        let mut wrong = |key: &str, expected: &str| {
            let value = map.data.get(key).map_or("", |v| v.trim());
            let problem = Diagnostic::error("wrong-value", format!("feature flag {key} is `{value}`"));
            found.push(problem.help(format!("it takes {expected}")));
        };
        let mut flag = |key: &str, unset: bool| match map.data.get(key).map_or("", |v| v.trim()) {
            "" => unset,
            "true" => true,
            "false" => false,
            _ => {
                wrong(key, "true or false");
                unset
            }
        };
        self.creds_init = !flag("disable-creds-init", false);
        self.await_sidecars = flag("await-sidecar-readiness", true);
        let compressed = flag("enable-termination-message-compression", false);
        let text = |key: &str| map.data.get(key).map_or("", |v| v.trim());
        let size = match text("max-result-size") {
            "" => Some(4096),
            size => size.parse().ok().filter(|n| *n < LARGEST_RESULT),
        };
        if size.is_none() {
            wrong("max-result-size", &format!("a number of bytes below {LARGEST_RESULT}"));
        }
        self.results = match text("results-from") {
            "sidecar-logs" => ResultTransport::SidecarLogs { limit: size.unwrap_or(4096) },
            "" | "termination-message" => ResultTransport::TerminationMessage { compressed },
            _ => {
                wrong("results-from", "termination-message or sidecar-logs");
                self.results
            }
        };
        self.one_claim_for_a_task = matches!(text("coschedule"), "" | "workspaces");
        found.into_result(())
    }
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
            results: ResultTransport::TerminationMessage { compressed: false },
            creds_init: true,
            await_sidecars: true,
            one_claim_for_a_task: true,
        }
    }
}
