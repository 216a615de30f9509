//! Which triggers a listener has.

use base::Diagnostics;

use super::trigger::{Shared, Trigger, judge};
use crate::outcome::{Candidate, Place};

/// The candidates of all listeners, then those of triggers that no listener has.
pub fn candidates(shared: &Shared<'_>, found: &mut Diagnostics) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    let mut taken: Vec<&str> = Vec::new();
    for listener in shared.objects.of("EventListener") {
        for trigger in of_listener(listener, shared, &mut taken, found) {
            candidates.push(judge(&trigger, shared, found));
        }
    }
    for object in shared.objects.of("Trigger").filter(|object| !taken.contains(&object.name())) {
        let Some(spec) = object.get("spec") else { continue };
        let trigger = Trigger { spec, listener: None, name: object.name().to_owned(), before: None };
        candidates.push(judge(&trigger, shared, found));
    }
    candidates
}

fn of_listener<'a>(
    listener: Place<'a>,
    shared: &Shared<'a>,
    taken: &mut Vec<&'a str>,
    found: &mut Diagnostics,
) -> Vec<Trigger<'a>> {
    let mut triggers = Vec::new();
    let name = Some(listener.name());
    let mut refer = |object: Place<'a>, before: Option<Place<'a>>| {
        taken.push(object.name());
        Some(Trigger { spec: object.get("spec")?, listener: name, name: object.name().to_owned(), before })
    };
    for (index, item) in listener.list("spec.triggers").enumerate() {
        let Some(reference) = item.text("triggerRef") else {
            let own = item.text("name").map_or_else(|| format!("trigger-{}", index + 1), str::to_owned);
            triggers.push(Trigger { spec: item, listener: name, name: own, before: None });
            continue;
        };
        match shared.objects.get("Trigger", reference) {
            Some(object) => triggers.extend(refer(object, None)),
            None => {
                let message = format!("the files have no Trigger called `{reference}`");
                let known = shared.objects.names("Trigger");
                found.push(
                    item.error("triggerRef", "missing-object", message).help(format!("known are: {known}")),
                );
            }
        }
    }
    let all: Vec<Place<'a>> = shared.objects.of("Trigger").collect();
    for group in listener.list("spec.triggerGroups") {
        let labels = group.at("triggerSelector.labelSelector");
        let chosen = all.iter().filter(|object| labels.is_none_or(|labels| selects(labels, **object)));
        chosen.for_each(|object| triggers.extend(refer(*object, Some(group))));
    }
    let selector = listener.at("spec.labelSelector");
    if selector.is_some() || listener.at("spec.namespaceSelector").is_some() {
        let chosen = all.iter().filter(|object| selector.is_none_or(|labels| selects(labels, **object)));
        chosen.for_each(|object| triggers.extend(refer(*object, None)));
    }
    triggers
}

/// Whether a label selector chooses an object.
fn selects(selector: Place<'_>, object: Place<'_>) -> bool {
    let labels = object.at("metadata.labels");
    let label = |key: &str| labels.and_then(|l| l.node.get(key)).and_then(|v| v.as_str());
    let wanted = selector.get("matchLabels").map(|m| m.node.entries()).unwrap_or_default();
    wanted.iter().all(|entry| label(&entry.key) == entry.value.as_str())
        && selector.list("matchExpressions").all(|expression| {
            let value = label(expression.text("key").unwrap_or_default());
            let listed =
                value.is_some_and(|value| expression.list("values").any(|v| v.node.as_str() == Some(value)));
            match expression.text("operator") {
                Some("In") => listed,
                Some("NotIn") => !listed,
                Some("Exists") => value.is_some(),
                Some("DoesNotExist") => value.is_none(),
                _ => false,
            }
        })
}
