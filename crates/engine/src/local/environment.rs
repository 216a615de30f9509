//! The environment of a container and the second expansion of its command line (tekton.md §2.3, §2.5).

use std::collections::HashMap;

use tekton::catalog::Catalog;
use tekton::contents::{Kind, ObjectError, required, value};
use tekton::substitute::kubernetes::expand;
use tekton::types::{EnvFromSource, EnvVar};

use super::downward::{PodFacts, resource};

/// An ordered environment in which a later value of a name replaces the earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    order: Vec<String>,
    values: HashMap<String, String>,
}

impl Environment {
    /// Sets one variable.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        if self.values.insert(name.clone(), value.into()).is_none() {
            self.order.push(name);
        }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// `NAME=VALUE` texts of an image config.
    pub fn extend_texts(&mut self, texts: &[String]) {
        for text in texts {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            self.set(name, value);
        }
    }

    /// Sets all variables of `other`.
    pub fn extend(&mut self, other: &Self) {
        for name in &other.order {
            self.set(name, &other.values[name]);
        }
    }

    /// `envFrom` and then `env` of a container; values see the variables that come before them, not those of the image.
    ///
    /// # Errors
    /// When a config map, secret or key is missing, or a field path is unknown.
    pub fn of_container(
        env_from: &[EnvFromSource],
        env: &[EnvVar],
        catalog: &Catalog,
        pod: &PodFacts,
    ) -> Result<Self, EnvironmentError> {
        let mut own = Self::default();
        for source in env_from {
            let from = [
                source.config_map_ref.as_ref().map(|r| (Kind::ConfigMap, r)),
                source.secret_ref.as_ref().map(|r| (Kind::Secret, r)),
            ];
            for (kind, object) in from.into_iter().flatten() {
                for (key, bytes) in required(catalog, kind, &object.name, object.optional)? {
                    let name = format!("{}{key}", source.prefix);
                    if is_variable_name(&name) {
                        own.set(name, text(bytes));
                    }
                }
            }
        }
        for var in env {
            let found = match &var.value_from {
                None => Some(expand(&var.value, |name| own.get(name))),
                Some(from) => from_source(from, catalog, pod)?,
            };
            if let Some(found) = found {
                own.set(&var.name, found);
            }
        }
        Ok(own)
    }

    /// All variables, in the order they were first set.
    pub fn into_pairs(mut self) -> Vec<(String, String)> {
        self.order
            .into_iter()
            .map(|name| {
                let value = self.values.remove(&name).unwrap_or_default();
                (name, value)
            })
            .collect()
    }
}

fn from_source(
    from: &tekton::types::core::env::EnvVarSource,
    catalog: &Catalog,
    pod: &PodFacts,
) -> Result<Option<String>, EnvironmentError> {
    if let Some(key) = &from.secret_key_ref {
        return Ok(value(catalog, Kind::Secret, &key.name, &key.key, key.optional)?.map(text));
    }
    if let Some(key) = &from.config_map_key_ref {
        return Ok(value(catalog, Kind::ConfigMap, &key.name, &key.key, key.optional)?.map(text));
    }
    if let Some(field) = &from.field_ref {
        let unknown = || EnvironmentError::UnknownField(field.field_path.clone());
        return pod.field(&field.field_path).ok_or_else(unknown).map(Some);
    }
    if let Some(field) = &from.resource_field_ref {
        let unknown = || EnvironmentError::UnknownField(field.resource.clone());
        return resource(&field.resource, field.divisor.units().unwrap_or(1)).ok_or_else(unknown).map(Some);
    }
    Ok(None)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Names that Kubernetes takes from `envFrom`; other keys are left out (§2.5).
fn is_variable_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || "_-.".contains(c))
        && chars.all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// Why an environment could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A config map or secret.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A path that the downward API does not have.
    #[error(
        "field `{0}` is not one that a container can ask for; use metadata.name, metadata.labels['x'] or spec.nodeName"
    )]
    UnknownField(String),
}
