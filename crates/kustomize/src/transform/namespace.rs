//! `namespace`.

use serde_json::Value;

use crate::default_fields::is_cluster_wide;
use crate::field_spec::FieldSpec;
use crate::object::Object;

/// Puts all objects into `namespace` that can be in one; a Namespace becomes that one; accounts called `default` in role
/// bindings are those of the namespace.
pub fn apply(objects: &mut [Object], namespace: &str, fields: &[FieldSpec]) {
    for object in objects {
        let id = object.id();
        object.remember();
        if !is_cluster_wide(&id.group, &id.kind) {
            object.set_metadata("namespace", namespace);
        }
        for field in fields.iter().filter(|field| field.is_for(&id)) {
            field.visit(&mut object.value, &mut |place| *place = Value::from(namespace));
        }
        if ["RoleBinding", "ClusterRoleBinding"].contains(&id.kind.as_str()) {
            for subject in object.value["subjects"].as_array_mut().into_iter().flatten() {
                if subject["kind"] == "ServiceAccount" && subject["name"] == "default" {
                    subject["namespace"] = Value::from(namespace);
                }
            }
        }
        if object.id() == id {
            object.previous.pop_if(|last| *last == id);
        }
    }
}
