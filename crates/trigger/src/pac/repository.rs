//! Params of the Repository: variables that its owner adds, some only for some events.

use base::Diagnostics;
use expression::{ExpressionError, Scope, evaluate};
use serde_json::Value as Json;

use super::variables::Variables;
use crate::outcome::Place;
use crate::triggers::objects::Objects;

/// Adds the params of a Repository. Of several with one name, the first whose filter holds counts.
pub fn add_params(
    repository: Place<'_>,
    scope: &Scope,
    secrets: &Objects<'_>,
    variables: &mut Variables,
    notes: &mut Vec<String>,
    found: &mut Diagnostics,
) {
    let mut taken: Vec<&str> = Vec::new();
    for param in repository.list("spec.params") {
        let Some(name) = param.text("name").filter(|name| !taken.contains(name)) else { continue };
        if let Some(filter) = param.text("filter") {
            match evaluate(filter, scope) {
                Ok(Json::Bool(true)) => {}
                Ok(_) | Err(ExpressionError::Evaluation(_)) => continue,
                Err(ExpressionError::Syntax(why)) => {
                    found.push(param.error(
                        "filter",
                        "bad-expression",
                        format!("the filter cannot be read: {why}"),
                    ));
                    continue;
                }
            }
        }
        let secret = param
            .get("secret_ref")
            .map(|r| (r.text("name").unwrap_or_default(), r.text("key").unwrap_or_default()));
        let value = match (param.text("value"), secret) {
            (Some(value), _) => Some(value.to_owned()),
            (None, Some((name, key))) => {
                secrets.secret(name, key).and_then(|bytes| String::from_utf8(bytes).ok())
            }
            (None, None) => None,
        };
        match value {
            Some(value) => {
                taken.push(name);
                variables.set(name, value);
            }
            None => notes.push(format!("the param `{name}` of the Repository has no value here")),
        }
    }
}
