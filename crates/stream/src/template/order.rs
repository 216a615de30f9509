//! Which task of a template waits for which.

use std::collections::{BTreeMap, BTreeSet};

use super::offered::waits_for;
use super::reference::{task_references, texts};
use crate::definition::pipeline::PipelineTemplate;
use crate::task::Tasks;

type Edges = BTreeMap<String, BTreeSet<String>>;

/// The order of the tasks of a template's graph; names of tasks that do not exist are passed over.
///
/// What `after` and `before` mean depends on what waits for what, so all of them are applied together until nothing changes: the
/// order in which they were said does not count.
#[derive(Debug, Clone)]
pub struct Order {
    /// All that a task waits for directly.
    waits: Edges,
    /// Of that, what none of the rest waits for.
    nearest: Edges,
    /// Of that, what no reference of it implies.
    run_after: Edges,
    sequence: Vec<String>,
}

impl Order {
    /// Puts the tasks of `template` in order.
    ///
    /// # Errors
    /// Tasks that wait for each other: each for the next, the first one repeated at the end.
    pub fn new(template: &PipelineTemplate, tasks: &Tasks) -> Result<Self, Vec<String>> {
        let known = |name: &str| template.tasks.contains_key(name);
        let mut implied = Edges::new();
        let mut said = Edges::new();
        for (name, task) in &template.tasks {
            let texts = texts(task);
            let referred = texts.iter().flat_map(|text| task_references(&text.text)).map(|r| r.task);
            let by_contract = waits_for(template, tasks, name, task);
            let others = referred.chain(by_contract).filter(|other| known(other) && other != name);
            implied.insert(name.clone(), others.map(str::to_owned).collect());
            let run_after = task.run_after.iter().filter(|other| known(other));
            said.insert(name.clone(), run_after.cloned().collect());
        }
        let mut waits = implied.clone();
        for (name, more) in &said {
            waits.entry(name.clone()).or_default().extend(more.iter().cloned());
        }
        insert(template, &mut waits);
        let sequence = sequence(&waits)?;
        let detour = |all: &BTreeSet<String>, other: &String| {
            all.iter().any(|way| way != other && reaches(&waits, way, other))
        };
        let nearest = waits.iter().map(|(name, all)| {
            (name.clone(), all.iter().filter(|other| !detour(all, other)).cloned().collect())
        });
        let nearest = nearest.collect();
        let run_after = waits.iter().map(|(name, all)| {
            let not_implied = all.iter().filter(|other| !implied[name].contains(*other));
            let needed = not_implied.filter(|other| said[name].contains(*other) || !detour(all, other));
            (name.clone(), needed.cloned().collect())
        });
        let run_after = run_after.collect();
        Ok(Self { nearest, run_after, sequence, waits })
    }

    /// The tasks of the graph, those that are waited for first; by name where nothing else decides.
    pub fn sequence(&self) -> &[String] {
        &self.sequence
    }

    /// What `task` waits for, without what it only waits for through others.
    pub fn waits(&self, task: &str) -> impl Iterator<Item = &str> {
        self.nearest.get(task).into_iter().flatten().map(String::as_str)
    }

    /// What `task` must be told to wait for: nothing in its parameters implies it.
    pub fn run_after(&self, task: &str) -> impl Iterator<Item = &str> {
        self.run_after.get(task).into_iter().flatten().map(String::as_str)
    }

    /// Whether `later` waits for `earlier`, directly or not.
    pub fn is_after(&self, later: &str, earlier: &str) -> bool {
        later != earlier && reaches(&self.waits, later, earlier)
    }
}

/// Adds what `after` and `before` say.
fn insert(template: &PipelineTemplate, waits: &mut Edges) {
    let known = |name: &Option<String>| name.clone().filter(|name| template.tasks.contains_key(name));
    loop {
        let mut new: Vec<(String, String)> = Vec::new();
        for (name, task) in &template.tasks {
            let (after, before) = (known(&task.after), known(&task.before));
            new.extend(after.iter().map(|earlier| (name.clone(), earlier.clone())));
            new.extend(before.iter().map(|later| (later.clone(), name.clone())));
            // Tasks at the same place run side by side.
            let beside = |other: &str| {
                other == name
                    || template
                        .tasks
                        .get(other)
                        .is_some_and(|other| other.after == task.after && other.before == task.before)
            };
            match (&after, &before) {
                (Some(earlier), None) => {
                    let later = waits.iter().filter(|(other, all)| all.contains(earlier) && !beside(other));
                    new.extend(later.map(|(later, _)| (later.clone(), name.clone())));
                }
                (None, Some(later)) => {
                    let earlier = waits[later].iter().filter(|other| !beside(other));
                    new.extend(earlier.map(|earlier| (name.clone(), earlier.clone())));
                }
                _ => {}
            }
        }
        let mut changed = false;
        for (later, earlier) in new {
            changed |= waits.entry(later).or_default().insert(earlier);
        }
        if !changed {
            return;
        }
    }
}

/// Whether `from` is `to`, or waits for it.
fn reaches(waits: &Edges, from: &str, to: &str) -> bool {
    let mut met = BTreeSet::new();
    let mut todo = vec![from];
    while let Some(next) = todo.pop() {
        if next == to {
            return true;
        }
        if met.insert(next) {
            todo.extend(waits.get(next).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

fn sequence(waits: &Edges) -> Result<Vec<String>, Vec<String>> {
    let mut done: Vec<String> = Vec::new();
    let mut waiting: Vec<&String> = waits.keys().collect();
    while !waiting.is_empty() {
        let ready = |name: &&String| waits[*name].iter().all(|other| done.contains(other));
        let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(ready);
        if now.is_empty() {
            return Err(cycle(waits, later[0], &done));
        }
        done.extend(now.into_iter().cloned());
        waiting = later;
    }
    Ok(done)
}

/// Walks from a task that cannot be ordered to what it waits for, until it meets a task again.
fn cycle(waits: &Edges, start: &str, done: &[String]) -> Vec<String> {
    let mut path = vec![start.to_owned()];
    while let Some(last) = path.last() {
        let Some(next) = waits[last].iter().find(|other| !done.contains(other)).cloned() else { break };
        if let Some(met) = path.iter().position(|seen| *seen == next) {
            path.drain(..met);
            path.push(next);
            break;
        }
        path.push(next);
    }
    path
}
