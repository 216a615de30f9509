//! How a cluster is configured: the ConfigMaps `config-defaults` and `feature-flags` among a run's documents (§1.11).

use base::{Diagnostic, Diagnostics};

use crate::defaults::Defaults;
use crate::load::{Document, Object};
use crate::types::ConfigMap;
use crate::validate::Features;

/// Where Tekton keeps its configuration, as an operator or its own manifests install it.
const NAMESPACES: [&str; 3] = ["", "tekton-pipelines", "openshift-pipelines"];

/// How a cluster is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// What admission writes into objects, and what runs go by.
    pub defaults: Defaults,
    /// What admission lets in.
    pub features: Features,
}

impl Default for Cluster {
    /// Tekton's own defaults, with all of its features turned on.
    fn default() -> Self {
        Self { defaults: Defaults::default(), features: Features::all() }
    }
}

impl Cluster {
    /// What the documents say of the cluster they are for. Without a ConfigMap `feature-flags` everything is turned on;
    /// with one, what it does not name is as in a cluster that was installed and not configured.
    ///
    /// # Errors
    /// Values that Tekton would not take, with their places.
    pub fn of(documents: &[Document]) -> Result<Self, Diagnostics> {
        let mut cluster = Self::default();
        let mut found = Diagnostics::default();
        if let Some((document, map)) = config_map(documents, "feature-flags") {
            let read = Features::from_config_map(map);
            cluster.features = told(document, read, &mut found).unwrap_or(cluster.features);
        }
        if let Some((document, map)) = config_map(documents, "config-defaults") {
            let read = Defaults::from_config_map(map);
            cluster.defaults = told(document, read, &mut found).unwrap_or(cluster.defaults);
            cluster.features.max_matrix_combinations = cluster.defaults.settings.max_matrix_combinations;
        }
        // After the defaults, which begin anew.
        if let Some((document, map)) = config_map(documents, "feature-flags") {
            let read = cluster.defaults.settings.set_flags(map);
            told(document, read, &mut found);
        }
        found.into_result(cluster)
    }
}

fn config_map<'a>(documents: &'a [Document], name: &str) -> Option<(&'a Document, &'a ConfigMap)> {
    documents.iter().find_map(|document| match &document.object {
        Object::ConfigMap(map)
            if map.metadata.name == name && NAMESPACES.contains(&map.metadata.namespace.as_str()) =>
        {
            Some((document, map))
        }
        _ => None,
    })
}

/// The value, or what is wrong with it, at the data of the document that says so.
fn told<T>(document: &Document, read: Result<T, Diagnostics>, found: &mut Diagnostics) -> Option<T> {
    let at_data = |problem: Diagnostic| Diagnostic {
        place: Some((document.source.clone(), document.node.span_of("data"))),
        ..problem
    };
    read.map_err(|problems| problems.0.into_iter().for_each(|p| found.push(at_data(p)))).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use base::Source;

    use super::*;
    use crate::load::load;
    use crate::prepare::settings::ResultTransport;
    use crate::validate::features::Level;

    fn of(text: &str) -> Result<Cluster, Diagnostics> {
        Cluster::of(&load(&Source::new("c.yaml", text)).unwrap().documents)
    }

    #[test]
    fn both_maps_are_read() {
        let cluster = of("
apiVersion: v1
kind: ConfigMap
metadata: {name: feature-flags, namespace: tekton-pipelines}
data: {enable-api-fields: alpha, results-from: sidecar-logs, max-result-size: '8192', disable-creds-init: 'true'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config-defaults}
data:
  default-task-run-workspace-binding: |
    emptyDir: {}
  default-max-matrix-combinations-count: '9'
")
        .unwrap();
        let settings = &cluster.defaults.settings;
        assert_eq!(settings.results, ResultTransport::SidecarLogs { limit: 8192 });
        assert!(!settings.creds_init && settings.await_sidecars);
        assert!(settings.workspace_binding.as_ref().is_some_and(|b| b.empty_dir.is_some()));
        assert_eq!((cluster.features.level, cluster.features.max_matrix_combinations), (Level::Alpha, 9));
        assert!(!cluster.features.cel, "what the map does not name is as after installing");
    }

    #[test]
    fn maps_of_others_are_not_looked_at() {
        let cluster = of("
apiVersion: v1
kind: ConfigMap
metadata: {name: feature-flags, namespace: shop}
data: {enable-api-fields: none-of-tekton's}
")
        .unwrap();
        assert_eq!(cluster, Cluster::default());
    }

    #[test]
    fn wrong_values_are_told_with_their_place() {
        let text = "
apiVersion: v1
kind: ConfigMap
metadata: {name: feature-flags}
data: {results-from: mail, max-result-size: huge, enable-artifacts: perhaps}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config-defaults}
data: {default-timeout-minutes: soon}
";
        insta::assert_snapshot!(of(text).unwrap_err(), @r"
        c.yaml:5:1: feature flag enable-artifacts is `perhaps`
        c.yaml:10:1: default-timeout-minutes takes a number, found `soon`
        c.yaml:5:1: feature flag max-result-size is `huge`
        c.yaml:5:1: feature flag results-from is `mail`
        ");
    }
}
