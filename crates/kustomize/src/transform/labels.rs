//! `labels`, `commonLabels`, `commonAnnotations`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::field_spec::FieldSpec;
use crate::object::Object;

/// Sets `pairs` in the fields that the objects have.
///
/// # Errors
/// When it is too much.
pub fn apply(
    objects: &mut [Object],
    pairs: &BTreeMap<String, String>,
    fields: &[FieldSpec],
    budget: &mut Budget,
) -> Result<(), String> {
    if pairs.is_empty() {
        return Ok(());
    }
    let values: Map<String, Value> =
        pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    let all = Value::Object(values.clone());
    for object in objects {
        let id = object.id();
        let mut enough = Ok(());
        for field in fields.iter().filter(|field| field.is_for(&id)) {
            field.visit(&mut object.value, &mut |place| {
                if place.is_null() && field.create {
                    *place = Value::Object(Map::new());
                }
                if let Some(place) = place.as_object_mut() {
                    match budget.copy(&all) {
                        Ok(()) => place.extend(values.clone()),
                        Err(message) => enough = Err(message),
                    }
                }
            });
        }
        enough?;
    }
    Ok(())
}
