//! Names, labels, annotations, owners.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::types::time::Time;

wire! {
    /// What every object carries.
    pub struct ObjectMeta {
        /// The name, unique among objects of the kind.
        pub name: String,
        /// The beginning of a name that the server completes.
        pub generate_name: String,
        /// The namespace.
        pub namespace: String,
        /// For selection.
        pub labels: BTreeMap<String, String>,
        /// For tools.
        pub annotations: BTreeMap<String, String>,
        /// Set by the server.
        pub uid: String,
        /// Set by the server.
        pub resource_version: String,
        /// Set by the server.
        pub generation: i64,
        /// Set by the server.
        pub self_link: String,
        /// Set by the server.
        pub creation_timestamp: Option<Time>,
        /// Set by the server.
        pub deletion_timestamp: Option<Time>,
        /// Set by the server, in seconds.
        pub deletion_grace_period_seconds: Option<i64>,
        /// What must happen before deletion.
        pub finalizers: Vec<String>,
        /// Whose part it is.
        pub owner_references: Vec<OwnerReference>,
        /// Set by the server.
        pub managed_fields: Vec<Value>,
    }

    /// The object that another one belongs to.
    pub struct OwnerReference {
        /// Its version.
        pub api_version: String,
        /// Its kind.
        pub kind: String,
        /// Its name.
        pub name: String,
        /// Its identity.
        pub uid: String,
        /// Whether it controls the object.
        pub controller: Option<bool>,
        /// Whether it may not be deleted before.
        pub block_owner_deletion: Option<bool>,
    }
}

impl ObjectMeta {
    /// Only a name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}
