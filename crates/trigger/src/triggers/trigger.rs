//! One trigger: interceptors, bindings, template.

use base::Diagnostics;
use serde_json::{Map, Value as Json, json};

use super::binding::{Params, Value, resolve, root};
use super::interceptor::Passage;
use super::objects::Objects;
use super::template::Template;
use crate::event::{Changes, Event};
use crate::outcome::{Candidate, Place};
use crate::simulate::Given;

/// What all triggers share.
pub struct Shared<'a> {
    /// The event.
    pub event: &'a Event,
    /// Which files changed, when that is known.
    pub changes: Option<&'a Changes>,
    /// All objects.
    pub objects: &'a Objects<'a>,
    /// Names for this event.
    pub given: &'a Given,
}

/// A trigger, and how it came to the event.
pub struct Trigger<'a> {
    /// Where its `interceptors`, `bindings` and `template` stand.
    pub spec: Place<'a>,
    /// The listener, and the trigger's own name.
    pub listener: Option<&'a str>,
    /// Its name.
    pub name: String,
    /// Interceptors of the group that it is in.
    pub before: Option<Place<'a>>,
}

/// What comes of a trigger.
pub fn judge(trigger: &Trigger<'_>, shared: &Shared<'_>, found: &mut Diagnostics) -> Candidate {
    let full = trigger.listener.map_or_else(|| trigger.name.clone(), |l| format!("{l}/{}", trigger.name));
    let mut candidate = Candidate::new("Trigger", full, trigger.spec);
    let mut passage = Passage {
        event: shared.event,
        changes: shared.changes,
        objects: shared.objects,
        extensions: Map::new(),
    };
    let lists = trigger.before.into_iter().chain([trigger.spec]);
    let interceptors = lists.flat_map(|at| at.list("interceptors"));
    if !passage.through(interceptors, &mut candidate, found) {
        return candidate;
    }
    if candidate.reasons.is_empty() {
        candidate.because("interceptors", true, "there are none, so every event passes");
    }
    let Some(template) = template(trigger.spec, shared.objects, found) else {
        candidate.because("template", false, "it cannot be found");
        return candidate;
    };
    let root = root(shared.event, &shared.event.body, &passage.extensions, &shared.given.event_id);
    let Some(params) = params(trigger.spec, shared.objects, &template, &root, &mut candidate, found) else {
        return candidate;
    };
    match template.fill(&params, &shared.given.uid) {
        Ok(objects) => keep(&mut candidate, objects, trigger, &shared.given.event_id),
        Err(why) => {
            candidate.because("template", false, why);
        }
    }
    candidate
}

/// Keeps what is made, labelled as the listener does.
fn keep(candidate: &mut Candidate, objects: Vec<Json>, trigger: &Trigger<'_>, id: &str) {
    candidate.matched = true;
    for mut object in objects {
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        if !matches!(kind.as_str(), "PipelineRun" | "TaskRun") {
            candidate.notes.push(format!("it also makes a {kind}, which is nothing that runs"));
            continue;
        }
        if !object["metadata"].is_object() {
            object["metadata"] = json!({});
        }
        if !object["metadata"]["labels"].is_object() {
            object["metadata"]["labels"] = json!({});
        }
        let labels = &mut object["metadata"]["labels"];
        if let Some(listener) = trigger.listener {
            labels["triggers.tekton.dev/eventlistener"] = json!(listener);
        }
        labels["triggers.tekton.dev/trigger"] = json!(trigger.name);
        labels["triggers.tekton.dev/triggers-eventid"] = json!(id);
        candidate.runs.push(object);
    }
}

fn template(spec: Place<'_>, objects: &Objects<'_>, found: &mut Diagnostics) -> Option<Template> {
    let at = spec.get("template");
    if let Some(inline) = at.and_then(|at| at.get("spec")) {
        return Some(Template::read(inline, inline));
    }
    let name = at.and_then(|at| at.text("ref").or_else(|| at.text("name")));
    let Some(name) = name else {
        found.push(
            spec.error("template", "no-template", "the trigger has no template")
                .help("give it `template: {ref: NAME}`"),
        );
        return None;
    };
    let Some(object) = objects.get("TriggerTemplate", name) else {
        let problem = spec.error(
            "template.ref",
            "missing-object",
            format!("the files have no TriggerTemplate called `{name}`"),
        );
        found.push(
            problem.help(format!(
                "name the file that has it too; known are: {}",
                objects.names("TriggerTemplate")
            )),
        );
        return None;
    };
    object.get("spec").map(|spec| Template::read(spec, object))
}

fn params(
    spec: Place<'_>,
    objects: &Objects<'_>,
    template: &Template,
    root: &Json,
    candidate: &mut Candidate,
    found: &mut Diagnostics,
) -> Option<Params> {
    let mut params = Params::new();
    let mut sound = true;
    for binding in spec.list("bindings") {
        let listed: Vec<Place<'_>> = if let Some(name) = binding.text("ref").filter(|name| !name.is_empty()) {
            let kind = binding.text("kind").unwrap_or("TriggerBinding");
            let Some(object) = objects.get(kind, name) else {
                let problem = binding.error(
                    "ref",
                    "missing-object",
                    format!("the files have no {kind} called `{name}`"),
                );
                found.push(
                    problem
                        .help(format!("name the file that has it too; known are: {}", objects.names(kind))),
                );
                sound = false;
                continue;
            };
            object.list("spec.params").collect()
        } else if let Some(inline) = binding.get("spec") {
            inline.list("params").collect()
        } else {
            vec![binding]
        };
        for param in listed {
            let (Some(name), Some(value)) = (param.text("name"), param.get("value")) else { continue };
            // Numbers and booleans are texts.
            let text = value.node.as_str().map_or_else(|| value.node.to_json().to_string(), str::to_owned);
            if params.contains_key(name) {
                found.push(param.error(
                    "name",
                    "duplicate-param",
                    format!("two bindings give the param `{name}`"),
                ));
                sound = false;
                continue;
            }
            let resolved = match (resolve(&text, root), template.default(name)) {
                (Ok(value), _) => value,
                (Err(_), Some(default)) => Value::literal(default),
                (Err(why), None) => {
                    candidate.because(format!("param `{name}`"), false, why);
                    sound = false;
                    continue;
                }
            };
            params.insert(name.to_owned(), resolved);
        }
    }
    if !sound && candidate.reasons.iter().all(|r| r.holds) {
        candidate.because("bindings", false, "they cannot be used; see above");
    }
    sound.then_some(params)
}
