//! Results that nobody writes, or nobody reads.

use std::collections::BTreeSet;

use super::code::{UNREAD_RESULT, UNWRITTEN_RESULT};
use super::found::Found;
use super::place::{self, At, keys, mentions, name_behind};
use super::scope::{PipelineScope, TaskScope};
use crate::load::{Document, Object};
use crate::substitute::reference;

/// Ends of names that Tekton Chains looks for in results.
const CHAINS: [&str; 8] = [
    "IMAGE_URL",
    "IMAGE_DIGEST",
    "IMAGES",
    "ARTIFACT_URI",
    "ARTIFACT_DIGEST",
    "ARTIFACT_INPUTS",
    "ARTIFACT_OUTPUTS",
    "SBOM_BLOB_URL",
];

pub(super) fn task(found: &mut Found<'_>, task: &TaskScope<'_>) {
    let keys = keys(task.at.node());
    let written: BTreeSet<&str> = keys.iter().filter_map(|key| name_behind(key, "results")).collect();
    // A step action that is fetched may write what it likes.
    let hidden = task.spec.steps.iter().any(|s| s.r#ref.is_some());
    let folder = !task.spec.results.is_empty() && mentions(task.at.node(), "/tekton/results");
    for (i, result) in task.spec.results.iter().enumerate() {
        if result.value.is_some() || written.contains(result.name.as_str()) || hidden || folder {
            continue;
        }
        let at = task.at.index("results", i).field("name");
        let help = format!("write it to $(results.{}.path), or remove it", result.name);
        found.at(&UNWRITTEN_RESULT, &at, format!("no step writes the result `{}`", result.name), help);
    }
    for (i, step) in task.spec.steps.iter().enumerate() {
        let names: Vec<&str> = step.results.iter().map(|r| r.name.as_str()).collect();
        of_step(found, &task.at.index("steps", i), &names);
    }
}

pub(super) fn step_action(found: &mut Found<'_>, document: &Document) {
    if let Object::StepAction(action) = &document.object {
        let names: Vec<&str> = action.spec.results.iter().map(|r| r.name.as_str()).collect();
        of_step(found, &At::spec(document), &names);
    }
}

fn of_step(found: &mut Found<'_>, at: &At<'_>, names: &[&str]) {
    if names.is_empty() || mentions(at.node(), "/tekton/steps") {
        return;
    }
    let keys = keys(at.node());
    let written: BTreeSet<&str> = keys.iter().filter_map(|key| name_behind(key, "step.results")).collect();
    for (i, name) in names.iter().enumerate().filter(|(_, name)| !written.contains(*name)) {
        let help = format!("write it to $(step.results.{name}.path), or remove it");
        let message = format!("the step does not write its result `{name}`");
        found.at(&UNWRITTEN_RESULT, &at.index("results", i).field("name"), message, help);
    }
}

/// Inline tasks belong to one pipeline; what it does not read nobody does.
pub(super) fn pipeline(found: &mut Found<'_>, pipeline: &PipelineScope<'_>) {
    let keys = keys(pipeline.at.node());
    let read: BTreeSet<(&str, &str)> = keys
        .iter()
        .filter_map(|key| reference::task_result(key).or_else(|| reference::finally_result(key)))
        .map(|r| (r.producer, r.result))
        .collect();
    let lengths: BTreeSet<(&str, &str)> = keys
        .iter()
        .filter_map(|key| reference::matrix_length(key))
        .filter_map(|(t, r)| Some((t, r?)))
        .collect();
    for (at, task) in pipeline.tasks() {
        let Some(inline) = task.inline().filter(|inline| !inline.results.is_empty()) else { continue };
        let at = at.field("taskSpec");
        let steps: Vec<BTreeSet<&str>> = (0..inline.steps.len())
            .map(|step| place::keys(at.index("steps", step).node()))
            .map(|keys| keys.into_iter().filter_map(|key| name_behind(key, "results")).collect())
            .collect();
        for (i, result) in inline.results.iter().enumerate() {
            let this = (task.name.as_str(), result.name.as_str());
            if read.contains(&this) || lengths.contains(&this) || for_chains(&result.name) {
                continue;
            }
            // A later step of the task may be the reader.
            if steps.iter().filter(|keys| keys.contains(result.name.as_str())).count() < 2 {
                let message =
                    format!("nothing in the pipeline reads the result `{}` of `{}`", result.name, task.name);
                let help = "use it, remove it, or make it one of the pipeline's `results`";
                found.at(&UNREAD_RESULT, &at.index("results", i).field("name"), message, help);
            }
        }
    }
}

fn for_chains(name: &str) -> bool {
    name.starts_with("CHAINS-") || CHAINS.iter().any(|end| name.ends_with(end))
}
