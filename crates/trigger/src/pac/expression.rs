//! `on-cel-expression`, and the variables that expressions of Pipelines-as-Code have.

use expression::Scope;
use serde_json::{Map, Value as Json, json};

use super::glob;
use crate::event::{Changes, Event, Facts};

/// Variables and functions for the annotation of a run.
///
/// When it is not known which files changed, there is no `files`, and `pathChanged` has no answer.
pub fn scope(text: &str, event: &Event, facts: &Facts, changes: Option<&Changes>) -> Scope {
    let headers: Map<String, Json> =
        event.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), Json::from(value))).collect();
    let paths = changes.map(|c| c.all().into_iter().map(str::to_owned).collect::<Vec<_>>());
    let scope = Scope::default()
        .variable("event", json!(facts.event))
        .variable("event_title", json!(facts.title))
        .variable("target_branch", json!(branch(text, "target_branch", &facts.target_branch, facts)))
        .variable("source_branch", json!(branch(text, "source_branch", &facts.source_branch, facts)))
        .variable("target_url", json!(facts.target_url))
        .variable("source_url", json!(facts.source_url))
        .variable("body", event.body.clone())
        .variable("headers", Json::Object(headers))
        .function("pathChanged", move |args| {
            let paths = paths.as_ref().ok_or("it is not known which files changed")?;
            let pattern = args.first().and_then(Json::as_str).ok_or("it is called on a text")?;
            paths.iter().try_fold(false, |any, path| Ok(any || glob::matches(pattern, path)?)).map(Json::from)
        });
    match changes {
        Some(changes) => scope.variable("files", changes.to_json()),
        None => scope,
    }
}

/// A push has its branch in full; an expression that compares it without `refs/heads/` gets it without.
fn branch<'a>(text: &str, variable: &str, branch: &'a str, facts: &Facts) -> &'a str {
    let short = text.split("&&").any(|part| part.contains(variable) && !part.contains("refs/heads/"));
    if facts.event == "push" && short { branch.strip_prefix("refs/heads/").unwrap_or(branch) } else { branch }
}

/// The variables of `{{ body.x }}`, `{{ headers['X'] }}` and `{{ files.all }}`, and of the filters of params.
pub fn template_scope(event: &Event, changes: &Changes, pac: &Json) -> Scope {
    let mut headers = Map::new();
    for (name, value) in event.headers.iter() {
        headers.insert(name.to_owned(), Json::from(value));
        headers.insert(name.to_ascii_lowercase(), Json::from(value));
    }
    Scope::default()
        .variable("body", event.body.clone())
        .variable("headers", Json::Object(headers))
        .variable("files", changes.to_json())
        .variable("pac", pac.clone())
}
