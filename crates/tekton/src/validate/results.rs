//! How pipeline tasks and pipeline results use results and states of tasks (§3.2 #25-#27, #30, §3.3).

use std::collections::BTreeMap;

use super::finding::{At, Findings};
use crate::substitute::reference::{self, ResultReference};
use crate::substitute::scan::references;
use crate::types::{ParamValue, PipelineSpec, PipelineTask};

/// The prefixes that references of a pipeline may have.
const PREFIXES: [&str; 6] = ["params", "tasks", "finally", "context", "workspaces", "results"];

/// The keys of a parameter or guard of a task, and its place.
struct Keys<'a> {
    keys: Vec<&'a str>,
    at: At,
}

impl Keys<'_> {
    fn results(&self) -> impl Iterator<Item = ResultReference<'_>> {
        self.keys.iter().filter_map(|key| reference::task_result(key))
    }
}

fn keys<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    texts.into_iter().flat_map(references).map(|r| r.key).collect()
}

/// Params and guards of a task; `at` is the task.
fn uses<'a>(task: &'a PipelineTask, at: &At) -> Vec<Keys<'a>> {
    let params = task.params.iter().map(|param| Keys {
        keys: keys(param.value.texts()),
        at: at.key("params", &param.name).field("value"),
    });
    let guards = task.when.iter().enumerate().map(|(i, guard)| Keys {
        keys: keys(std::iter::once(guard.input.as_str()).chain(guard.values.iter().map(String::as_str))),
        at: at.index("when", i),
    });
    params.chain(guards).filter(|u| !u.keys.is_empty()).collect()
}

/// The task of `tasks.T.status` and `tasks.T.reason`; empty for `tasks.status`.
fn state(key: &str) -> Option<&str> {
    let rest = key.strip_prefix("tasks.")?;
    if rest == "status" {
        return Some("");
    }
    rest.strip_suffix(".status").or_else(|| rest.strip_suffix(".reason"))
}

/// Tasks by name.
fn named(tasks: &[PipelineTask]) -> BTreeMap<&str, &PipelineTask> {
    tasks.iter().map(|t| (t.name.as_str(), t)).collect()
}

/// States of tasks are known in `finally` only, and only those of the pipeline's tasks.
pub(super) fn states(f: &mut Findings<'_>, pipeline: &PipelineSpec, at: &At) {
    // A value that also refers to a result is not looked at; Tekton does not either.
    let states_of = |u: &Keys<'_>| {
        let none = u.results().next().is_some();
        u.keys.iter().filter(|_| !none).filter_map(|key| state(key)).map(str::to_owned).collect::<Vec<_>>()
    };
    let known = named(&pipeline.tasks);
    for (i, task) in pipeline.tasks.iter().enumerate() {
        for used in uses(task, &at.index("tasks", i)) {
            if !states_of(&used).is_empty() {
                f.error_with_help(
                    "invalid value: pipeline tasks can not refer to execution status of any other pipeline task or aggregate status of tasks",
                    &[used.at],
                    "states are known when the tasks are done: use them in `finally`",
                );
            }
        }
    }
    for (i, task) in pipeline.finally.iter().enumerate() {
        for used in uses(task, &at.index("finally", i)) {
            for state in states_of(&used) {
                if !state.is_empty() && !known.contains_key(state.as_str()) {
                    f.invalid(
                        format!("pipeline task {state} is not defined in the pipeline"),
                        used.at.clone(),
                    );
                }
            }
        }
    }
}

/// Finally tasks use results of other tasks, not of each other.
pub(super) fn in_finally(f: &mut Findings<'_>, pipeline: &PipelineSpec, at: &At) {
    let (tasks, finally) = (named(&pipeline.tasks), named(&pipeline.finally));
    for (i, task) in pipeline.finally.iter().enumerate() {
        for used in uses(task, &at.index("finally", i)) {
            for ResultReference { producer, .. } in used.results() {
                let message =
                    "invalid value: invalid task result reference, final task has task result reference from";
                if finally.contains_key(producer) {
                    f.error(format!("{message} a final task {producer}"), std::slice::from_ref(&used.at));
                } else if !tasks.contains_key(producer) {
                    let message = format!("{message} a task {producer} which is not defined in the pipeline");
                    f.error(message, std::slice::from_ref(&used.at));
                }
            }
        }
    }
}

/// Results of the pipeline refer to results of its tasks.
pub(super) fn of_pipeline(f: &mut Findings<'_>, pipeline: &PipelineSpec, at: &At) {
    let (tasks, finally) = (named(&pipeline.tasks), named(&pipeline.finally));
    for (i, result) in pipeline.results.iter().enumerate() {
        let at = at.index("results", i).field("value");
        let keys = keys(result.value.texts());
        let of_tasks: Vec<_> = keys.iter().filter_map(|key| reference::task_result(key)).collect();
        let of_finally: Vec<_> = keys.iter().filter_map(|key| reference::finally_result(key)).collect();
        let expected = "expected pipeline results to be task result expressions but";
        if keys.is_empty() {
            f.invalid(format!("{expected} no expressions were found"), at.clone());
        }
        if of_tasks.is_empty() && of_finally.is_empty() {
            f.invalid(format!("{expected} an invalid expressions was found"), at.clone());
        }
        let unknown = of_tasks.iter().any(|r| !tasks.contains_key(r.producer))
            || of_finally.iter().any(|r| !finally.contains_key(r.producer))
            || (keys.is_empty() && matches!(&result.value, ParamValue::String(s) if !s.is_empty()));
        if unknown {
            f.error_with_help(
                "invalid value: referencing a nonexistent task",
                &[at],
                "write $(tasks.<task>.results.<result>), or $(finally.<task>.results.<result>)",
            );
        }
    }
}

/// Results that an inline task does not declare: taken by admission, certain to fail (§3.3).
pub(super) fn undeclared(f: &mut Findings<'_>, pipeline: &PipelineSpec, at: &At) {
    let known = named(&pipeline.tasks);
    for (list, tasks) in [("tasks", &pipeline.tasks), ("finally", &pipeline.finally)] {
        for (i, task) in tasks.iter().enumerate() {
            for used in uses(task, &at.index(list, i)) {
                for ResultReference { producer, result, .. } in used.results() {
                    let inline = known.get(producer).and_then(|t| t.inline());
                    if inline.is_some_and(|t| !t.results.iter().any(|r| r.name == result)) {
                        f.warning(
                            format!(
                                "invalid result reference in pipeline task {:?}: {result:?} is not a named result returned by pipeline task {producer:?}",
                                task.name
                            ),
                            &used.at,
                            &format!("declare it in the `results` of {producer}"),
                        );
                    }
                }
            }
        }
    }
}

/// `$(DATE)` and the like in params, matrix and guards: meant for a shell, but nothing replaces them there.
pub(super) fn shell_variables(f: &mut Findings<'_>, task: &PipelineTask, at: &At) {
    let mut all = uses(task, at);
    for param in
        task.matrix.iter().flat_map(|m| m.params.iter().chain(m.include.iter().flat_map(|i| &i.params)))
    {
        let at = at.key("matrix.params", &param.name).field("value");
        all.push(Keys { keys: keys(param.value.texts()), at });
    }
    for Keys { keys, at } in all {
        for key in keys {
            let name = key.split(['.', '[']).next().unwrap_or(key);
            let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || "_.-[]*'\"".contains(c));
            if plain && !key.is_empty() && !PREFIXES.contains(&name) {
                f.invalid(
                    format!(
                        r#"invalid variable reference "$({key})", must start with a valid prefix: params, tasks, finally, context, workspaces, or results; if you meant a shell variable, use ${{{key}}} instead"#
                    ),
                    at.clone(),
                );
            }
        }
    }
}
