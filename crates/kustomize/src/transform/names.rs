//! `namePrefix`, `nameSuffix`.

use serde_json::Value;

use crate::budget;
use crate::field_spec::FieldSpec;
use crate::object::Object;

/// Kinds whose names have a meaning of their own.
const KEPT: [(&str, &str); 3] = [
    ("", "Namespace"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
];

/// Puts text around the names of all objects.
///
/// # Errors
/// Which name gets longer than Kubernetes takes.
pub fn apply(
    objects: &mut [Object],
    prefix: (&str, &[FieldSpec]),
    suffix: (&str, &[FieldSpec]),
) -> Result<(), String> {
    if prefix.0.is_empty() && suffix.0.is_empty() {
        return Ok(());
    }
    for object in objects {
        let id = object.id();
        if KEPT.contains(&(id.group.as_str(), id.kind.as_str())) {
            continue;
        }
        object.remember();
        object.affixes.push((prefix.0.to_owned(), suffix.0.to_owned()));
        let mut too_long = None;
        let mut around = |fields: &[FieldSpec], complete: &dyn Fn(&str) -> String| {
            for field in fields.iter().filter(|field| field.is_for(&id)) {
                field.visit(&mut object.value, &mut |place| {
                    let name = complete(place.as_str().unwrap_or_default());
                    if name.len() > budget::NAME {
                        too_long =
                            Some(format!("the name of {id} gets longer than {} letters", budget::NAME));
                    } else {
                        *place = Value::from(name);
                    }
                });
            }
        };
        around(prefix.1, &|name| format!("{}{name}", prefix.0));
        around(suffix.1, &|name| format!("{name}{}", suffix.0));
        if let Some(message) = too_long {
            return Err(message);
        }
    }
    Ok(())
}
