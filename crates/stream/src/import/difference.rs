//! Two streams to the operations that make the second of the first.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::overlay::{Add, Change, Operation, Remove, Replace, SetBase};
use crate::definition::{Component, Platform, Stream};

/// The operations that make the components and bases of `to` of those of `from`, removals first, then by name.
///
/// An overlay cannot take things away one by one; what `to` lacks beyond whole components is given back as text.
pub fn difference(from: &Stream, to: &Stream) -> (Vec<Operation>, Vec<String>) {
    let mut operations = Vec::new();
    let mut lost = Vec::new();
    for (component, _) in from.components.iter().filter(|(name, _)| !to.components.contains_key(*name)) {
        operations.push(Operation::Remove(Remove {
            component: component.clone(),
            platforms: None,
            why: None,
        }));
    }
    for (name, base) in &to.bases {
        if from.bases.get(name) != Some(base) {
            let (name, base) = (name.clone(), base.clone());
            operations.push(Operation::SetBase(SetBase { name, base, why: None }));
        }
    }
    for (name, component) in &to.components {
        match from.components.get(name) {
            None => operations.push(Operation::Add(Add {
                component: name.clone(),
                definition: component.clone(),
                why: None,
            })),
            Some(before) => operations.extend(changes(name, before, component, &to.platforms, &mut lost)),
        }
    }
    (operations, lost)
}

/// `all` are the platforms of the second stream.
fn changes(
    name: &str,
    from: &Component,
    to: &Component,
    all: &BTreeSet<Platform>,
    lost: &mut Vec<String>,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    if from.source != to.source {
        operations.push(Operation::Replace(Replace {
            component: name.to_owned(),
            source: to.source.clone(),
            containerfile: None,
            from: None,
            why: None,
        }));
    }
    for (field, gone) in [("args", gone(&from.args, &to.args)), ("labels", gone(&from.labels, &to.labels))] {
        lost.extend(
            gone.into_iter().map(|key| format!("`{name}` keeps {field} {key}, which it should not have")),
        );
    }
    if to.containerfile.is_none() && from.containerfile.is_some() {
        lost.push(format!("`{name}` keeps its containerfile, which it should not have"));
    }
    if to.from.is_none() && from.from.is_some() {
        lost.push(format!("`{name}` keeps its `from`, which it should not have"));
    }
    let change = Change {
        component: name.to_owned(),
        task: to.task.clone().filter(|_| from.task != to.task),
        payload: (from.payload != to.payload).then_some(to.payload),
        tag: if from.tag == to.tag { None } else { to.tag.clone() },
        platforms: (on(from, all) != on(to, all)).then(|| on(to, all)),
        stand_in: if from.stand_in == to.stand_in { None } else { to.stand_in.clone() },
        containerfile: if from.containerfile == to.containerfile { None } else { to.containerfile.clone() },
        from: if from.from == to.from { None } else { to.from.clone() },
        edits: (from.edits != to.edits).then(|| to.edits.clone()),
        operands: (from.operands != to.operands).then(|| to.operands.clone()),
        add_packages: Vec::new(),
        remove_packages: Vec::new(),
        args: new(&from.args, &to.args),
        labels: new(&from.labels, &to.labels),
        why: None,
    };
    let nothing = Change {
        component: name.to_owned(),
        task: None,
        payload: None,
        tag: None,
        platforms: None,
        stand_in: None,
        containerfile: None,
        from: None,
        edits: None,
        operands: None,
        add_packages: Vec::new(),
        remove_packages: Vec::new(),
        args: BTreeMap::new(),
        labels: BTreeMap::new(),
        why: None,
    };
    if change != nothing {
        operations.push(Operation::Change(change));
    }
    operations
}

/// The platforms that a component is on in a stream for `all`.
fn on(component: &Component, all: &BTreeSet<Platform>) -> BTreeSet<Platform> {
    all.iter().copied().filter(|platform| component.is_on(*platform)).collect()
}

/// What is new or different in `to`.
fn new(from: &BTreeMap<String, String>, to: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let differs = |(key, value): &(&String, &String)| from.get(*key) != Some(value);
    to.iter().filter(differs).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn gone(from: &BTreeMap<String, String>, to: &BTreeMap<String, String>) -> Vec<String> {
    from.keys().filter(|key| !to.contains_key(*key)).cloned().collect()
}
