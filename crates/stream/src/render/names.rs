//! Names of pipeline tasks.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;

use crate::contract::{ASSEMBLE, VERDICT};
use crate::definition::Stream;

/// The length of a DNS label (RFC 1123), which a pipeline task's name must be.
const LONGEST: usize = 63;

/// The names of the pipeline tasks of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    components: BTreeMap<String, String>,
    tests: BTreeMap<String, String>,
}

impl Names {
    /// Components keep their names, tests get `test-` before theirs. A name that is too long, is no DNS label, or is taken, is made
    /// one with a short digest at its end; it stays the same as long as the names that it meets do.
    pub fn new(stream: &Stream) -> Self {
        let mut taken = BTreeSet::from([ASSEMBLE.to_owned(), VERDICT.to_owned()]);
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
        let tests = stream.tests.keys().map(|test| (test.clone(), name(format!("test-{test}")))).collect();
        let components = stream.components.keys().map(|c| (c.clone(), name(c.clone()))).collect();
        Self { components, tests }
    }

    /// The pipeline task that builds `component`.
    pub fn component<'a>(&'a self, component: &'a str) -> &'a str {
        self.components.get(component).map_or(component, String::as_str)
    }

    /// The pipeline task that runs `test`.
    pub fn test<'a>(&'a self, test: &'a str) -> &'a str {
        self.tests.get(test).map_or(test, String::as_str)
    }

    /// The component that the pipeline task builds.
    pub fn component_of(&self, task: &str) -> Option<&str> {
        self.components.iter().find(|(_, name)| *name == task).map(|(component, _)| component.as_str())
    }

    /// The test that the pipeline task runs.
    pub fn test_of(&self, task: &str) -> Option<&str> {
        self.tests.iter().find(|(_, name)| *name == task).map(|(test, _)| test.as_str())
    }
}

/// The nearest DNS label.
fn label(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    name.chars().map(letter).take(LONGEST).collect()
}
