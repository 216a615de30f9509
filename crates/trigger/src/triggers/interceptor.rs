//! What lets an event through.

use expression::{ExpressionError, evaluate, syntax};
use serde_json::{Map, Value as Json};

use super::cel::scope;
use super::objects::Objects;
use super::signed::{Passed, changed_files, host, requested_fields};
use crate::event::{Changes, Event};
use crate::outcome::{Candidate, Place};
use crate::values::{line, of_expression, shown};
use base::Diagnostics;

/// The interceptors that come with Tekton Triggers.
const KNOWN: [&str; 5] = ["cel", "github", "gitlab", "bitbucket", "slack"];

/// What interceptors see and change.
pub struct Passage<'a> {
    /// The event.
    pub event: &'a Event,
    /// Which files changed, when that is known.
    pub changes: Option<&'a Changes>,
    /// For secrets.
    pub objects: &'a Objects<'a>,
    /// What they added.
    pub extensions: Map<String, Json>,
}

impl Passage<'_> {
    /// Passes the interceptors in order; whether all let the event through.
    pub fn through<'p>(
        &mut self,
        interceptors: impl Iterator<Item = Place<'p>>,
        candidate: &mut Candidate,
        found: &mut Diagnostics,
    ) -> bool {
        interceptors.into_iter().all(|interceptor| self.one(interceptor, candidate, found))
    }

    fn one(&mut self, interceptor: Place<'_>, candidate: &mut Candidate, found: &mut Diagnostics) -> bool {
        let name = name(interceptor);
        let label = interceptor
            .text("name")
            .filter(|label| *label != name)
            .map(|l| format!(" ({l})"))
            .unwrap_or_default();
        if name == "cel" {
            return self.cel(interceptor, &label, candidate, found);
        }
        let subject = format!("{name}{label}");
        let Some(host) = host(name) else {
            let why = "it is a service that answers over the network, which is not asked here; what it would say is not known";
            return candidate.because(subject, false, why);
        };
        let params = params(interceptor, name);
        let mut passed = Passed::default();
        let verdict = host
            .kind(&params, self.event, &mut passed)
            .and_then(|()| host.secret(&params, self.event, self.objects, &mut passed))
            .and_then(
                |()| if name == "slack" { requested_fields(&params, self.event) } else { Ok(Map::new()) },
            );
        if name == "github" && verdict.is_ok() {
            let files = changed_files(&params, self.changes, &mut passed);
            self.extensions.extend(files.map(|files| ("changed_files".to_owned(), files)));
        }
        candidate.notes.append(&mut passed.notes);
        match verdict {
            Ok(fields) => {
                self.extensions.extend(fields);
                let why = if passed.why.is_empty() {
                    "it wants nothing in particular".to_owned()
                } else {
                    passed.why.join(", ")
                };
                candidate.because(subject, true, why)
            }
            Err(why) => candidate.because(subject, false, why),
        }
    }

    fn cel(
        &mut self,
        interceptor: Place<'_>,
        label: &str,
        candidate: &mut Candidate,
        found: &mut Diagnostics,
    ) -> bool {
        let mut sound = true;
        let mut check = |at: Place<'_>, text: &str| {
            if let Err(why) = syntax(text) {
                found.push(at.error("", "bad-expression", format!("the expression cannot be read: {why}")));
                sound = false;
            }
        };
        let filter = param(interceptor, "cel", "filter").and_then(|at| Some((at, at.node.as_str()?)));
        let overlays: Vec<(&str, Place<'_>, &str)> = param(interceptor, "cel", "overlays")
            .map(|at| at.node.items().iter().map(|node| Place { node, ..at }).collect::<Vec<_>>())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|at| Some((at.text("key")?, at.get("expression")?, at.text("expression")?)))
            .collect();
        if let Some((at, text)) = filter {
            check(at, text);
        }
        overlays.iter().for_each(|(_, at, text)| check(*at, text));
        if !sound {
            return candidate.because(
                format!("cel{label}"),
                false,
                "it has an expression that cannot be read",
            );
        }
        let mut seen = scope(self.event, &self.event.body, &self.extensions, self.objects);
        if let Some((_, text)) = filter {
            let subject = format!("cel filter{label}");
            let values = of_expression(text, &seen);
            let shown_text = line(text);
            let passes = match evaluate(text, &seen) {
                Ok(Json::Bool(true)) => candidate.because(subject, true, format!("{shown_text}{values}")),
                Ok(Json::Bool(false)) => {
                    candidate.because(subject, false, format!("{shown_text} is false{values}"))
                }
                Ok(other) => candidate.because(
                    subject,
                    false,
                    format!("{shown_text} is {}, neither true nor false", shown(&other)),
                ),
                Err(why) => candidate.because(subject, false, format!("{shown_text}: {why}{values}")),
            };
            if !passes {
                return false;
            }
        }
        for (key, _, text) in overlays {
            match evaluate(text, &seen) {
                Ok(value) => put(&mut self.extensions, key, value),
                Err(ExpressionError::Syntax(why) | ExpressionError::Evaluation(why)) => {
                    return candidate.because(
                        format!("cel overlay `{key}`{label}"),
                        false,
                        format!("{}: {why}", line(text)),
                    );
                }
            }
            seen = scope(self.event, &self.event.body, &self.extensions, self.objects);
        }
        true
    }
}

/// The name of an interceptor: of its reference, or as v1alpha1 writes them.
fn name(interceptor: Place<'_>) -> &str {
    let old = KNOWN.into_iter().find(|name| interceptor.get(name).is_some());
    interceptor.text("ref.name").or(old).unwrap_or_else(|| {
        if interceptor.get("webhook").is_some() {
            "webhook"
        } else {
            interceptor.text("name").unwrap_or("interceptor")
        }
    })
}

/// A param of an interceptor, in either way of writing it.
fn param<'a>(interceptor: Place<'a>, name: &str, param: &str) -> Option<Place<'a>> {
    interceptor
        .list("params")
        .find(|p| p.text("name") == Some(param))
        .and_then(|p| p.get("value"))
        .or_else(|| interceptor.get(name)?.get(param))
}

fn params(interceptor: Place<'_>, name: &str) -> Map<String, Json> {
    let mut params = match interceptor.get(name).map(|at| at.node.to_json()) {
        Some(Json::Object(fields)) => fields,
        _ => Map::new(),
    };
    for param in interceptor.list("params") {
        if let (Some(name), Some(value)) = (param.text("name"), param.get("value")) {
            params.insert(name.to_owned(), value.node.to_json());
        }
    }
    params
}

/// Puts a value at `a.b.c`.
fn put(fields: &mut Map<String, Json>, key: &str, value: Json) {
    match key.split_once('.') {
        None => {
            fields.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = fields.entry(first).or_insert_with(|| Json::Object(Map::new()));
            if !inner.is_object() {
                *inner = Json::Object(Map::new());
            }
            if let Json::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
