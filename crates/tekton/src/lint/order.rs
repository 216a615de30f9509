//! Tasks that never run, and order that is implied.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::code::{IMPLIED_ORDER, UNREACHABLE_TASK};
use super::found::Found;
use super::place::At;
use super::scope::PipelineScope;
use crate::substitute::{pipeline::keys, reference, scan};
use crate::types::{ParamSpec, PipelineTask, WhenExpression};

/// Tasks of a pipeline up to which implied order is looked for.
const COMPARED: usize = 500;

pub(super) fn pipeline(found: &mut Found<'_>, pipeline: &PipelineScope<'_>) {
    let tasks: Vec<(At<'_>, &PipelineTask)> = pipeline.tasks().collect();
    let needs: Vec<BTreeSet<String>> = tasks.iter().map(|(_, task)| producers(task)).collect();
    unreachable(found, &tasks, &needs, &Enums::of(&pipeline.spec.params));
    if tasks.len() <= COMPARED {
        implied(found, &tasks, &needs);
    }
}

/// The tasks whose results a task uses.
fn producers(task: &PipelineTask) -> BTreeSet<String> {
    let producer = |key: &String| reference::task_result(key).map(|r| r.producer.to_owned());
    keys(task).iter().filter_map(producer).collect()
}

/// The values that params are limited to.
pub(super) struct Enums<'a>(HashMap<&'a str, &'a [String]>);

impl<'a> Enums<'a> {
    pub(super) fn of(params: &'a [ParamSpec]) -> Self {
        let limited = params.iter().filter(|p| !p.r#enum.is_empty());
        Self(limited.map(|p| (p.name.as_str(), p.r#enum.as_slice())).collect())
    }
}

/// Why a guard never holds, if that is certain.
pub(super) fn never(guard: &WhenExpression, params: &Enums<'_>) -> Option<String> {
    let constant = |text: &str| !text.contains("$(");
    if guard.operator.is_empty() || !guard.values.iter().all(|v| constant(v)) {
        return None;
    }
    let among = |value: &str| guard.values.iter().any(|v| v == value);
    let listed = guard.values.join(", ");
    let holds = |value: &str| among(value) == (guard.operator == "in");
    if constant(&guard.input) {
        let not = if among(&guard.input) { "is" } else { "is not" };
        return (!holds(&guard.input)).then(|| format!("\"{}\" {not} among {listed}", guard.input));
    }
    let name = scan::whole(&guard.input)?.strip_prefix("params.")?;
    let allowed = params.0.get(name)?;
    (!allowed.iter().any(|value| holds(value))).then(|| match guard.operator.as_str() {
        "in" => {
            format!("param `{name}` can only be {}, and none of them is among {listed}", allowed.join(", "))
        }
        _ => format!("param `{name}` can only be {}, and all of them are among {listed}", allowed.join(", ")),
    })
}

/// How it comes that a task never runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Never {
    /// Its own guard; tasks that are only ordered after it run all the same.
    Guard,
    /// Anything else; tasks after it are skipped, too (§2.18).
    Skipped,
}

fn unreachable(
    found: &mut Found<'_>,
    tasks: &[(At<'_>, &PipelineTask)],
    needs: &[BTreeSet<String>],
    params: &Enums<'_>,
) {
    let mut why: BTreeMap<usize, (Never, At<'_>, String)> = BTreeMap::new();
    for (i, (at, task)) in tasks.iter().enumerate() {
        let guard = task.when.iter().enumerate().find_map(|(g, guard)| Some((g, never(guard, params)?)));
        if let Some((g, reason)) = guard {
            why.insert(i, (Never::Guard, at.index("when", g), format!("its guard never holds: {reason}")));
        } else if let Some(m) =
            task.matrix.as_ref().and_then(|m| m.params.iter().position(|p| is_empty(&p.value)))
        {
            let at = at.field("matrix").index("params", m);
            why.insert(i, (Never::Skipped, at, "its matrix has no value".to_owned()));
        }
    }
    let mut users: HashMap<&str, Vec<(usize, bool)>> = HashMap::new();
    for (i, (_, task)) in tasks.iter().enumerate() {
        needs[i].iter().for_each(|n| users.entry(n.as_str()).or_default().push((i, true)));
        task.run_after.iter().for_each(|n| users.entry(n.as_str()).or_default().push((i, false)));
    }
    let mut left: Vec<usize> = why.keys().copied().collect();
    while let Some(i) = left.pop() {
        let (cause, name) = (why[&i].0, tasks[i].1.name.as_str());
        for (user, by_result) in users.get(name).into_iter().flatten() {
            if why.contains_key(user) || !(*by_result || cause == Never::Skipped) {
                continue;
            }
            let how = if *by_result { "needs a result of" } else { "comes after" };
            let at = tasks[*user].0.field("name");
            why.insert(*user, (Never::Skipped, at, format!("it {how} `{name}`, which never runs")));
            left.push(*user);
        }
    }
    for (i, (_, at, reason)) in why {
        let message = format!("task `{}` never runs: {reason}", tasks[i].1.name);
        found.at(&UNREACHABLE_TASK, &at, message, "correct that, or remove the task");
    }
}

fn is_empty(value: &crate::types::ParamValue) -> bool {
    value.as_array().is_some_and(<[String]>::is_empty)
}

fn implied(found: &mut Found<'_>, tasks: &[(At<'_>, &PipelineTask)], needs: &[BTreeSet<String>]) {
    let index: HashMap<&str, usize> =
        tasks.iter().enumerate().map(|(i, (_, t))| (t.name.as_str(), i)).collect();
    let parents: Vec<BTreeSet<usize>> = tasks
        .iter()
        .zip(needs)
        .map(|((_, task), needs)| {
            let names = task.run_after.iter().map(String::as_str).chain(needs.iter().map(String::as_str));
            names.filter_map(|name| index.get(name).copied()).collect()
        })
        .collect();
    let Some(ancestors) = ancestors(&parents) else { return };
    for (i, (at, task)) in tasks.iter().enumerate() {
        let mut seen = HashSet::new();
        for (r, name) in task.run_after.iter().enumerate() {
            let Some(&named) = index.get(name.as_str()) else { continue };
            let at = at.index("runAfter", r);
            let reason = if needs[i].contains(name) {
                "its result is used".to_owned()
            } else if !seen.insert(named) {
                "it is named twice".to_owned()
            } else if let Some(between) =
                parents[i].iter().find(|parent| ancestors[**parent].contains(&named))
            {
                format!("`{}` comes after it", tasks[*between].1.name)
            } else {
                continue;
            };
            let message = format!("task `{}` comes after `{name}` anyway: {reason}", task.name);
            found.at(&IMPLIED_ORDER, &at, message, format!("remove `{name}` from runAfter"));
        }
    }
}

/// For each task those that it waits for, directly or not; none when they wait in a circle.
fn ancestors(parents: &[BTreeSet<usize>]) -> Option<Vec<HashSet<usize>>> {
    let mut known: Vec<Option<HashSet<usize>>> = vec![None; parents.len()];
    let mut left: Vec<usize> = (0..parents.len()).collect();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|&task| {
            let mut all = HashSet::new();
            for &parent in &parents[task] {
                let Some(above) = &known[parent] else { return true };
                all.insert(parent);
                all.extend(above);
            }
            known[task] = Some(all);
            false
        });
        if left.len() == before {
            return None;
        }
    }
    known.into_iter().collect()
}
