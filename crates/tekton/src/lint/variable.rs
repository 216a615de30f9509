//! References that look like Tekton's and are none: they stay as they are, and a shell runs them as a command.

use std::collections::BTreeSet;

use base::diagnostic::did_you_mean;

use super::code::UNKNOWN_VARIABLE;
use super::found::{Found, KEPT};
use super::place::{name_behind, texts, written};
use super::scope::TaskScope;

/// What references begin with.
const BEGINNINGS: [&str; 10] = [
    "params",
    "results",
    "workspaces",
    "context",
    "tasks",
    "steps",
    "step",
    "credentials",
    "artifacts",
    "inputs",
];

/// What the references of a task may name.
struct Known<'a> {
    task: &'a TaskScope<'a>,
    workspaces: BTreeSet<&'a str>,
    results: BTreeSet<&'a str>,
}

pub(super) fn task(found: &mut Found<'_>, task: &TaskScope<'_>) {
    let document = task.at.document;
    let outer = task.outer_workspaces.iter().flat_map(|o| o.iter().copied());
    let known = Known {
        task,
        workspaces: task.spec.workspaces.iter().map(|w| w.name.as_str()).chain(outer).collect(),
        results: task.spec.results.iter().map(|r| r.name.as_str()).collect(),
    };
    for field in ["steps", "sidecars", "stepTemplate", "volumes"] {
        let Some(node) = task.at.field(field).node() else { continue };
        let mut wrong = Vec::new();
        texts(node, &mut |text, node| {
            for reference in written(text, node, &document.source) {
                if wrong.len() >= KEPT {
                    break;
                }
                if let Some((message, help)) = problem(&known, reference.key) {
                    wrong.push((reference.span, message, help));
                }
            }
        });
        for (span, message, help) in wrong {
            found.span(&UNKNOWN_VARIABLE, span, message, help);
        }
    }
}

/// What is wrong with a key, and what to write.
fn problem(known: &Known<'_>, key: &str) -> Option<(String, String)> {
    let task = known.task;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]'\"*".contains(c);
    if !key.contains(['.', '[']) || !key.chars().all(plain) {
        return None;
    }
    let stays = format!("`$({key})` stays as it is");
    match &key[..key.find(['.', '[']).unwrap_or(key.len())] {
        "workspaces" => workspace(known, key).map(|(why, help)| (format!("{stays}: {why}"), help)),
        "context" if task.outer_workspaces.is_none() || !task.in_pipeline => {
            key.strip_prefix("context.pipeline").is_some_and(|rest| rest.contains('.')).then(|| {
                let help = "use $(context.taskRun.name) or a param that the pipeline passes".to_owned();
                (format!("{stays}: a task outside of a pipeline's text does not see the pipeline"), help)
            })
        }
        "tasks" if !task.in_pipeline && key.contains(".results.") => {
            let help = "declare a param, and pass the result in the pipeline".to_owned();
            Some((format!("{stays}: a task outside of a pipeline's text does not see other tasks"), help))
        }
        "results" if name_behind(key, "results").is_some_and(|name| !known.results.contains(name)) => {
            let name = name_behind(key, "results").unwrap_or_default();
            let help = did_you_mean(name, known.results.iter().copied())
                .unwrap_or_else(|| "declare it in `results`".to_owned());
            // In scripts admission says so.
            Some((format!("{stays}: the task declares no result `{name}`"), help))
        }
        first if !BEGINNINGS.contains(&first) => {
            let help = did_you_mean(first, BEGINNINGS).filter(|_| first.len() > 3)?;
            Some((format!("{stays}: nothing is called `{first}`"), help))
        }
        _ => None,
    }
}

fn workspace(known: &Known<'_>, key: &str) -> Option<(String, String)> {
    let name = name_behind(key, "workspaces")?;
    if !known.workspaces.contains(name) {
        let help = did_you_mean(name, known.workspaces.iter().copied())
            .unwrap_or_else(|| "declare it in `workspaces`".to_owned());
        return Some((format!("no workspace `{name}` is declared"), help));
    }
    let field = key.rsplit_once('.').map_or("", |(_, field)| field);
    let fields = ["path", "bound", "claim", "volume"];
    (!fields.contains(&field)).then(|| {
        let help = format!("a workspace has {}", fields.join(", "));
        (format!("a workspace has no `{field}`"), help)
    })
}
