//! What a cluster has turned on (ConfigMap `feature-flags`, §1.10-1.11).

use std::collections::BTreeSet;

use base::{Diagnostic, Diagnostics};

use crate::types::ConfigMap;

/// How far from stable a field may be: `enable-api-fields`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Only stable fields.
    Stable,
    /// Beta fields, too.
    Beta,
    /// All fields.
    Alpha,
}

impl Level {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Beta => "beta",
            Self::Alpha => "alpha",
        }
    }
}

/// The feature flags that admission looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    /// `enable-api-fields`.
    pub level: Level,
    /// `enable-cel-in-whenexpression`.
    pub cel: bool,
    /// `enable-param-enum`.
    pub param_enum: bool,
    /// `enable-artifacts`.
    pub artifacts: bool,
    /// `enable-concise-resolver-syntax`.
    pub concise_resolver_syntax: bool,
    /// `disable-inline-spec`: `pipeline`, `pipelinerun`, `taskrun`.
    pub no_inline_spec: BTreeSet<String>,
    /// `default-max-matrix-combinations-count` of the ConfigMap `config-defaults`.
    pub max_matrix_combinations: usize,
}

impl Features {
    /// Everything that Tekton can do.
    pub fn all() -> Self {
        Self {
            level: Level::Alpha,
            cel: true,
            param_enum: true,
            artifacts: true,
            concise_resolver_syntax: true,
            no_inline_spec: BTreeSet::new(),
            max_matrix_combinations: 256,
        }
    }

    /// What a cluster does that was installed and not configured.
    pub fn stock() -> Self {
        Self {
            level: Level::Beta,
            cel: false,
            param_enum: false,
            artifacts: false,
            concise_resolver_syntax: false,
            ..Self::all()
        }
    }

    /// What the ConfigMap `feature-flags` says; keys it does not have are as in [`Features::stock`], keys that are not
    /// about admission are left alone.
    ///
    /// # Errors
    /// Values that Tekton would not take.
    pub fn from_config_map(map: &ConfigMap) -> Result<Self, Diagnostics> {
        let mut features = Self::stock();
        let mut found = Diagnostics::default();
        for (key, value) in &map.data {
            let value = value.trim();
            let mut flag = |field: &mut bool| match value.to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => *field = true,
                "false" | "f" | "0" | "" => *field = false,
                _ => found.push(wrong(key, value, "true or false")),
            };
            match key.as_str() {
                "enable-cel-in-whenexpression" => flag(&mut features.cel),
                "enable-param-enum" => flag(&mut features.param_enum),
                "enable-artifacts" => flag(&mut features.artifacts),
                "enable-concise-resolver-syntax" => flag(&mut features.concise_resolver_syntax),
                "enable-api-fields" => match value {
                    "stable" => features.level = Level::Stable,
                    "beta" | "" => features.level = Level::Beta,
                    "alpha" => features.level = Level::Alpha,
                    _ => found.push(wrong(key, value, "stable, beta or alpha")),
                },
                "disable-inline-spec" => {
                    features.no_inline_spec = value
                        .split(',')
                        .map(str::trim)
                        .filter(|v| !v.is_empty())
                        .map(str::to_owned)
                        .collect();
                }
                _ => {}
            }
        }
        found.into_result(features)
    }
}

fn wrong(key: &str, value: &str, expected: &str) -> Diagnostic {
    Diagnostic::error("wrong-value", format!("feature flag {key} is `{value}`"))
        .help(format!("it takes {expected}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_config_map_changes_what_it_names() {
        let data = |pairs: &[(&str, &str)]| ConfigMap {
            data: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..ConfigMap::default()
        };
        assert_eq!(
            Features::from_config_map(&data(&[("coschedule", "disabled")])).unwrap(),
            Features::stock()
        );
        let alpha = data(&[
            ("enable-api-fields", "alpha"),
            ("enable-param-enum", "true"),
            ("disable-inline-spec", "pipeline, taskrun"),
        ]);
        let features = Features::from_config_map(&alpha).unwrap();
        assert_eq!((features.level, features.param_enum, features.cel), (Level::Alpha, true, false));
        assert_eq!(features.no_inline_spec.len(), 2);
        let wrong =
            Features::from_config_map(&data(&[("enable-api-fields", "gamma"), ("enable-artifacts", "yes")]));
        assert_eq!(wrong.unwrap_err().0.len(), 2);
    }
}
