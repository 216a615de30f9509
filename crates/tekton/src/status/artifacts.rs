//! Artifacts: what tasks and steps say went in and came out (§2.11).

use serde_json::Value;

use crate::types::status::{Artifact, Artifacts};

/// What a step wrote to `$(artifacts.path)` or `$(step.artifacts.path)`. As a cluster, it takes no notice of fields that
/// artifacts do not have.
///
/// # Errors
/// A text that is not JSON, or whose fields are of other types; for people.
pub fn read(text: &str) -> Result<Artifacts, serde_json::Error> {
    let mut value: Value = serde_json::from_str(text)?;
    only(&mut value, &["inputs", "outputs"]);
    for side in ["inputs", "outputs"] {
        for artifact in items(value.get_mut(side)) {
            only(artifact, &["name", "values", "buildOutput"]);
            items(artifact.get_mut("values")).for_each(|v| only(v, &["digest", "uri"]));
        }
    }
    serde_json::from_value(value)
}

/// Puts `more` to what is known: artifacts of one name become one with the values of both, each once. One that was built
/// remains so.
pub fn merge(known: &mut Artifacts, more: Artifacts) {
    for (known, more) in [(&mut known.inputs, more.inputs), (&mut known.outputs, more.outputs)] {
        for artifact in more {
            let at = known.iter().position(|k| k.name == artifact.name).unwrap_or_else(|| {
                known.push(Artifact { name: artifact.name.clone(), ..Artifact::default() });
                known.len() - 1
            });
            let same = &mut known[at];
            same.build_output |= artifact.build_output;
            for value in artifact.values {
                if !same.values.contains(&value) {
                    same.values.push(value);
                }
            }
        }
    }
}

/// Leaves the fields of these names that say something; a null says nothing.
fn only(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| names.contains(&name.as_str()) && !value.is_null());
        }
        // serde takes the items of a list for the fields of a struct.
        Value::Array(_) => *value = Value::from("a list"),
        _ => {}
    }
}

fn items(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_array_mut).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn unknown_fields_and_nulls_say_nothing() {
        let read = read(
            r#"{"inputs": null, "by": 1, "outputs": [{"name": "image", "kind": "oci", "values":
                [{"uri": "pkg:x", "digest": {"sha256": "ab"}, "size": 3}]}]}"#,
        );
        assert_eq!(
            serde_json::to_value(read.unwrap()).unwrap(),
            json!({"outputs": [{"name": "image", "values": [{"uri": "pkg:x", "digest": {"sha256": "ab"}}]}]})
        );
    }

    #[test]
    fn what_is_not_of_this_form_is_an_error() {
        for text in [
            "",
            "{",
            "[]",
            r#"{"outputs": [["a"]]}"#,
            r#"{"outputs": {}}"#,
            r#"{"outputs": [{"values": [{"uri": 1}]}]}"#,
            r#"{"inputs": [1]}"#,
        ] {
            read(text).unwrap_err();
        }
        assert_eq!(read("{}").unwrap(), Artifacts::default());
    }

    #[test]
    fn artifacts_of_one_name_become_one() {
        let mut known = read(
            r#"{"outputs": [{"name": "a", "values": [{"uri": "1"}]}, {"name": "b", "buildOutput": true}]}"#,
        )
        .unwrap();
        let more = r#"{"inputs": [{"name": "a", "values": [{"uri": "3"}, {"uri": "3"}]}],
            "outputs": [{"name": "b", "values": [{"uri": "4"}]}, {"name": "a", "values": [{"uri": "1"}, {"uri": "2"}]}]}"#;
        merge(&mut known, read(more).unwrap());
        let merged = json!({
            "inputs": [{"name": "a", "values": [{"uri": "3"}]}],
            "outputs": [
                {"name": "a", "values": [{"uri": "1"}, {"uri": "2"}]},
                {"name": "b", "buildOutput": true, "values": [{"uri": "4"}]},
            ],
        });
        assert_eq!(serde_json::to_value(&known).unwrap(), merged);
        merge(&mut known, read(more).unwrap());
        assert_eq!(serde_json::to_value(&known).unwrap(), merged, "nothing twice");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r#"[\[\]{}":,a-z0-9 ]{0,60}|\{"(in|out)puts":\[\{"(name|values)":.{0,20}"#) {
            let _ = read(&text);
        }
    }
}
