//! What was built before.

use std::collections::BTreeMap;

use base::Digest;
use serde::{Deserialize, Serialize};

use crate::key::Inputs;

/// Knows images and earlier builds: a store, a registry, both.
pub trait KnownBuilds {
    /// For each pair of component and key the image with that key, if there is one, in the same order.
    ///
    /// All components that can be looked up together come together, so that a registry can be asked in parallel.
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Digest>>;

    /// The last build of a component, to say what changed since.
    fn last(&self, component: &str) -> Option<LastBuild>;
}

/// What a component was built from the last time; kept by whoever ran the build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastBuild {
    /// Its inputs, by name.
    pub inputs: Inputs,
    /// The digests of its bases, by the name as its Containerfile writes it.
    pub bases: BTreeMap<String, Digest>,
}
