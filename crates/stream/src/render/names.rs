//! Names of pipeline tasks.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;

use crate::contract::{BUILD, TEST};
use crate::definition::Platform;
use crate::definition::pipeline::Each;
use crate::graph::Graphs;

/// The length of a DNS label (RFC 1123), which a pipeline task's name must be.
const LONGEST: usize = 63;

/// The names of the pipeline tasks of a stream: for each task of the template, and what it is done for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    once: BTreeSet<String>,
    each: BTreeMap<String, BTreeMap<(String, Platform), String>>,
}

impl Names {
    /// What is done once keeps the name it has in the template. A component's build is called as the component; all else is called
    /// as its task, `-`, and what it is done for; in a stream for several platforms with `-` and the processor behind it. A name
    /// that is too long, is no DNS label, or is taken, is made one with a short digest at its end; it stays the same as long as the
    /// names that it meets do.
    pub fn new(graphs: &Graphs) -> Self {
        let pipeline = graphs.stream.pipeline();
        let once: BTreeSet<String> =
            pipeline.all().filter(|(_, task)| task.each.is_none()).map(|(name, _)| name.to_owned()).collect();
        let mut taken = once.clone();
        let mut name = |wanted: String| {
            let mut label = label(&wanted);
            if label != wanted || taken.contains(&label) {
                let tail = format!("-{}", &Digest::of(&wanted).hex()[..6]);
                label.truncate(LONGEST - tail.len());
                label.push_str(&tail);
            }
            taken.insert(label.clone());
            label
        };
        let mut all: Vec<(&str, Each)> =
            pipeline.all().filter_map(|(name, task)| Some((name, task.each?))).collect();
        // Tests and components keep their names, whatever else there is.
        all.sort_by_key(|(task, _)| match *task {
            TEST => 0,
            BUILD => 1,
            _ => 2,
        });
        let mut each = BTreeMap::new();
        for (task, kind) in all {
            let mut names = BTreeMap::new();
            for graph in graphs.iter() {
                let of: Vec<&String> = match kind {
                    Each::Component => graph.stream.components.keys().collect(),
                    Each::Test => graph.stream.tests.keys().collect(),
                };
                for of in of {
                    let on = on_platform(graphs, of, graph.platform);
                    let wanted = if task == BUILD { on } else { format!("{task}-{on}") };
                    names.insert((of.clone(), graph.platform), name(wanted));
                }
            }
            each.insert(task.to_owned(), names);
        }
        Self { once, each }
    }

    /// The pipeline task that is `task` of the template, for a component or test on a platform if that has `each`.
    pub fn task<'a>(&'a self, task: &'a str, of: Option<(&str, Platform)>) -> Option<&'a str> {
        match of {
            Some((of, platform)) => self.each.get(task)?.get(&(of.to_owned(), platform)).map(String::as_str),
            None => self.once.get(task).map(String::as_str),
        }
    }

    /// The pipeline task that builds `component` on `platform`.
    pub fn component<'a>(&'a self, component: &'a str, platform: Platform) -> &'a str {
        self.task(BUILD, Some((component, platform))).unwrap_or(component)
    }

    /// The pipeline task that runs `test` on `platform`.
    pub fn test<'a>(&'a self, test: &'a str, platform: Platform) -> &'a str {
        self.task(TEST, Some((test, platform))).unwrap_or(test)
    }

    /// The component that the pipeline task builds, and for which platform.
    pub fn component_of(&self, task: &str) -> Option<(&str, Platform)> {
        self.of(BUILD, task)
    }

    /// The test that the pipeline task runs, and on which platform.
    pub fn test_of(&self, task: &str) -> Option<(&str, Platform)> {
        self.of(TEST, task)
    }

    /// The platform that the pipeline task is done for; none for what is done once.
    pub fn platform_of(&self, task: &str) -> Option<Platform> {
        let mut all = self.each.values().flatten();
        all.find(|(_, name)| *name == task).map(|((_, platform), _)| *platform)
    }

    fn of(&self, template: &str, task: &str) -> Option<(&str, Platform)> {
        let names = self.each.get(template)?;
        names.iter().find(|(_, name)| *name == task).map(|((of, platform), _)| (of.as_str(), *platform))
    }
}

/// What a component or test is called on a platform: its name, with the processor in a stream for several.
pub(super) fn on_platform(graphs: &Graphs, name: &str, platform: Platform) -> String {
    if graphs.are_several() { format!("{name}-{}", platform.architecture()) } else { name.to_owned() }
}

/// The nearest DNS label.
fn label(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    name.chars().map(letter).take(LONGEST).collect()
}
