//! Runs out of params.
//!
//! Tekton Triggers puts values into the JSON text of a template. Here they are put into its strings, which gives the same
//! wherever the text stays JSON; where it would not, or where a value would end the string that it stands in, that is an error.

use serde_json::Value as Json;

use super::binding::{Params, Value};
use crate::outcome::Place;

/// With this annotation, quotes in values get a backslash.
const OLD_ESCAPE: &str = "triggers.tekton.dev/old-escape-quotes";

const PARAM: &str = "$(tt.params.";
const UID: &str = "$(uid)";

/// What a template needs, and what has a default.
#[derive(Debug, Clone, Default)]
pub struct Template {
    /// Names with their defaults.
    params: Vec<(String, Option<String>)>,
    resources: Vec<Json>,
    old_escape: bool,
}

impl Template {
    /// Reads the `spec` of a TriggerTemplate; `object` has its annotations.
    pub fn read(spec: Place<'_>, object: Place<'_>) -> Self {
        let param = |p: Place<'_>| {
            let default = p
                .get("default")
                .map(|d| d.node.as_str().map_or_else(|| d.node.to_json().to_string(), str::to_owned));
            Some((p.text("name")?.to_owned(), default))
        };
        let annotations = object.at("metadata.annotations");
        Self {
            params: spec.list("params").filter_map(param).collect(),
            resources: spec.list("resourcetemplates").map(|r| r.node.to_json()).collect(),
            old_escape: annotations.is_some_and(|a| a.node.get(OLD_ESCAPE).is_some()),
        }
    }

    /// The default of a param.
    pub fn default(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name)?.1.as_deref()
    }

    /// The objects that a trigger makes.
    ///
    /// # Errors
    /// Params without a value, and values that would break the template on a cluster.
    pub fn fill(&self, given: &Params, uid: &str) -> Result<Vec<Json>, String> {
        let mut params = given.clone();
        for (name, default) in &self.params {
            if let Some(default) = default {
                params.entry(name.clone()).or_insert_with(|| Value::literal(default));
            }
        }
        self.resources.iter().map(|resource| self.fill_one(resource, &params, uid)).collect()
    }

    fn fill_one(&self, resource: &Json, params: &Params, uid: &str) -> Result<Json, String> {
        let put = |text: &str| -> Result<String, String> {
            substitute(text, |name| match params.get(name) {
                Some(value) => Ok(value.text.clone()),
                None => Err(self.missing(name)),
            })
            .map(|text| text.replace(UID, uid))
        };
        let filled = strings(resource, &put)?;
        self.on_a_cluster(resource, params, uid, &filled)?;
        Ok(filled)
    }

    fn missing(&self, name: &str) -> String {
        if self.params.iter().any(|(known, _)| known == name) {
            format!("the param `{name}` has no value and no default; a binding must give it")
        } else {
            format!("$(tt.params.{name}) is used, but the template has no param `{name}`")
        }
    }

    /// Whether a cluster would make the same of it.
    fn on_a_cluster(&self, resource: &Json, params: &Params, uid: &str, filled: &Json) -> Result<(), String> {
        let with = |only: Option<&str>| {
            let text = substitute(&resource.to_string(), |name| {
                let value = params.get(name).cloned().unwrap_or_default();
                let plain = only.is_some_and(|only| only != name);
                Ok::<_, String>(match plain {
                    true => "x".to_owned(),
                    false if self.old_escape => value.escaped.replace('"', "\\\""),
                    false => value.escaped,
                })
            })?;
            Ok::<_, String>(serde_json::from_str::<Json>(&text.replace(UID, uid)))
        };
        if matches!(with(None)?, Ok(same) if same == *filled) {
            return Ok(());
        }
        let breaks = |name: &&String| {
            let alone = strings(resource, &|text: &str| {
                substitute(text, |other| {
                    Ok(if other == *name { params[*name].text.clone() } else { "x".to_owned() })
                })
                .map(|text| text.replace(UID, uid))
            });
            !matches!((with(Some(name)), alone), (Ok(Ok(a)), Ok(b)) if a == b)
        };
        let name = params.keys().find(breaks).map_or("", String::as_str);
        let help = if self.old_escape {
            format!(
                "the annotation {OLD_ESCAPE} escapes what is escaped already; take it off, or leave this value out"
            )
        } else {
            format!("put a text into the param, or the annotation {OLD_ESCAPE}: \"true\" on the template")
        };
        Err(format!(
            "the quotes in the value of `{name}` end the string that it is put into, so a cluster makes something else or nothing of it; {help}"
        ))
    }
}

/// Replaces `$(tt.params.NAME)`.
fn substitute(text: &str, value: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(PARAM) {
        let after = &rest[start + PARAM.len()..];
        let Some(end) = after.find(')') else { break };
        filled.push_str(&rest[..start]);
        filled.push_str(&value(&after[..end])?);
        rest = &after[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Changes each string and key.
fn strings(value: &Json, change: &impl Fn(&str) -> Result<String, String>) -> Result<Json, String> {
    Ok(match value {
        Json::String(text) => Json::String(change(text)?),
        Json::Array(items) => {
            Json::Array(items.iter().map(|v| strings(v, change)).collect::<Result<_, _>>()?)
        }
        Json::Object(fields) => Json::Object(
            fields
                .iter()
                .map(|(k, v)| Ok((change(k)?, strings(v, change)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::triggers::binding::resolve;

    fn template(old_escape: bool) -> Template {
        Template {
            params: vec![
                ("a".to_owned(), None),
                ("b".to_owned(), Some("dflt".to_owned())),
                ("c".to_owned(), None),
            ],
            resources: vec![
                json!({"n-$(uid)": "$(tt.params.a)/$(tt.params.b)", "s": "echo $(tt.params.a) $(params.x)"}),
            ],
            old_escape,
        }
    }

    fn filled(old_escape: bool, value: Json) -> Result<Vec<Json>, String> {
        let value = resolve("$(body.v)", &json!({"body": {"v": value}})).unwrap();
        template(old_escape).fill(&Params::from([("a".to_owned(), value)]), "u1")
    }

    #[test]
    fn params_defaults_and_uid() {
        let expected = json!({"n-u1": "v/dflt", "s": "echo v $(params.x)"});
        assert_eq!(filled(false, json!("v")), Ok(vec![expected]));
        let error = template(false).fill(&Params::new(), "u").unwrap_err();
        assert_eq!(error, "the param `a` has no value and no default; a binding must give it");
    }

    #[test]
    fn quotes_of_a_branch_stay_in_their_string() {
        let evil = r#"x", "serviceAccountName": "admin"#;
        let made = filled(false, json!(evil)).unwrap();
        assert_eq!(made[0]["s"], json!(format!("echo {evil} $(params.x)")));
        assert!(made[0].get("serviceAccountName").is_none());
        let error = filled(true, json!(evil)).unwrap_err();
        assert!(error.starts_with("the quotes in the value of `a` end the string"), "{error}");
    }

    #[test]
    fn objects_need_the_annotation() {
        let error = filled(false, json!({"k": "v"})).unwrap_err();
        assert!(error.contains("old-escape-quotes: \"true\""), "{error}");
        assert_eq!(filled(true, json!({"k": "v"})).unwrap()[0]["s"], json!("echo {\"k\":\"v\"} $(params.x)"));
    }

    proptest! {
        #[test]
        fn no_text_of_an_event_leaves_its_string(text in "[\"\\\\{}a,: \n\t]{0,12}|\\PC{0,8}") {
            let made = filled(false, Json::from(text.as_str())).unwrap();
            prop_assert_eq!(&made[0]["s"], &Json::from(format!("echo {text} $(params.x)")));
            prop_assert_eq!(made[0].as_object().unwrap().len(), 2);
        }
    }
}
