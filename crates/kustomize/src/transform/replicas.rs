//! `replicas`.

use serde_json::Value;

use crate::field_spec::FieldSpec;
use crate::kustomization::Replicas;
use crate::object::Object;

/// Sets how many there shall be of the object of that name.
///
/// # Errors
/// When there is no such object.
pub fn apply(objects: &mut [Object], replicas: &Replicas, fields: &[FieldSpec]) -> Result<(), String> {
    let mut found = false;
    for object in objects {
        let id = object.id();
        if !object.ids().any(|id| id.name == replicas.name) {
            continue;
        }
        for field in fields.iter().filter(|field| field.is_for(&id)) {
            found = true;
            field.visit(&mut object.value, &mut |place| *place = Value::from(replicas.count));
        }
    }
    if found { Ok(()) } else { Err(format!("nothing called `{}` has replicas", replicas.name)) }
}
