//! Names of pipeline tasks.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;

use crate::contract::{BUILD, TEST};
use crate::definition::Stream;
use crate::definition::pipeline::Each;

/// The length of a DNS label (RFC 1123), which a pipeline task's name must be.
const LONGEST: usize = 63;

/// The names of the pipeline tasks of a stream: for each task of the template, and what it is done for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    once: BTreeSet<String>,
    each: BTreeMap<String, BTreeMap<String, String>>,
}

impl Names {
    /// What is done once keeps the name it has in the template. A component's build is called as the component; all else is called
    /// as its task, `-`, and what it is done for. A name that is too long, is no DNS label, or is taken, is made one with a short
    /// digest at its end; it stays the same as long as the names that it meets do.
    pub fn new(stream: &Stream) -> Self {
        let pipeline = stream.pipeline();
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
            let of: Box<dyn Iterator<Item = &String>> = match kind {
                Each::Component => Box::new(stream.components.keys()),
                Each::Test => Box::new(stream.tests.keys()),
            };
            let wanted = |of: &String| if task == BUILD { of.clone() } else { format!("{task}-{of}") };
            let names = of.map(|of| (of.clone(), name(wanted(of)))).collect();
            each.insert(task.to_owned(), names);
        }
        Self { once, each }
    }

    /// The pipeline task that is `task` of the template, for `of` if that has `each`.
    pub fn task<'a>(&'a self, task: &'a str, of: Option<&str>) -> Option<&'a str> {
        match of {
            Some(of) => self.each.get(task)?.get(of).map(String::as_str),
            None => self.once.get(task).map(String::as_str),
        }
    }

    /// The pipeline task that builds `component`.
    pub fn component<'a>(&'a self, component: &'a str) -> &'a str {
        self.task(BUILD, Some(component)).unwrap_or(component)
    }

    /// The pipeline task that runs `test`.
    pub fn test<'a>(&'a self, test: &'a str) -> &'a str {
        self.task(TEST, Some(test)).unwrap_or(test)
    }

    /// The component that the pipeline task builds.
    pub fn component_of(&self, task: &str) -> Option<&str> {
        self.of(BUILD, task)
    }

    /// The test that the pipeline task runs.
    pub fn test_of(&self, task: &str) -> Option<&str> {
        self.of(TEST, task)
    }

    fn of(&self, template: &str, task: &str) -> Option<&str> {
        self.each.get(template)?.iter().find(|(_, name)| *name == task).map(|(of, _)| of.as_str())
    }
}

/// The nearest DNS label.
fn label(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    name.chars().map(letter).take(LONGEST).collect()
}
