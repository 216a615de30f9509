//! How far each pipeline task is, from its children.

use std::collections::HashMap;

use crate::prepare::{PreparedPipeline, PreparedPipelineTask};
use crate::types::{ParamValue, RunResult};

use super::facts::{Child, Facts, Outcome};

/// The children of every pipeline task.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    children: HashMap<&'a str, Vec<&'a Child>>,
    tasks: HashMap<&'a str, &'a PreparedPipelineTask>,
}

impl<'a> Progress<'a> {
    pub fn of(pipeline: &'a PreparedPipeline, facts: &'a Facts) -> Self {
        let mut children: HashMap<&str, Vec<&Child>> = HashMap::new();
        for child in &facts.children {
            children.entry(&child.task).or_default().push(child);
        }
        Self { children, tasks: pipeline.tasks.iter().map(|t| (t.task.name.as_str(), t)).collect() }
    }

    /// The task called `name`.
    pub fn task(&self, name: &str) -> Option<&'a PreparedPipelineTask> {
        self.tasks.get(name).copied()
    }

    /// The children of a task, in the order of their start.
    pub fn children(&self, task: &str) -> &[&'a Child] {
        self.children.get(task).map_or(&[], Vec::as_slice)
    }

    pub fn scheduled(&self, task: &str) -> bool {
        !self.children(task).is_empty()
    }

    pub fn running(&self, task: &str) -> bool {
        self.children(task).iter().any(|c| c.outcome.is_none())
    }

    pub fn succeeded(&self, task: &str) -> bool {
        self.ended(task, false, |o| o.succeeded)
    }

    /// One child failed and the others are done too.
    pub fn failed(&self, task: &str) -> bool {
        self.ended(task, true, |o| !o.succeeded)
    }

    pub fn cancelled(&self, task: &str) -> bool {
        self.ended(task, true, Outcome::cancelled)
    }

    pub fn cancelled_by_timeout(&self, task: &str) -> bool {
        self.ended(task, true, |o| o.cancelled() && o.timed_out)
    }

    /// One child failed, whatever the others do.
    pub fn any_failed(&self, task: &str) -> bool {
        self.outcomes(task).any(|o| !o.succeeded)
    }

    fn outcomes(&self, task: &str) -> impl Iterator<Item = &'a Outcome> {
        self.children(task).iter().filter_map(|c| c.outcome.as_ref())
    }

    /// Whether it has children, all are done, and one of them (`any`) or every one passes the test.
    fn ended(&self, task: &str, any: bool, test: impl Fn(&Outcome) -> bool) -> bool {
        let children = self.children(task);
        let passes = |c: &&Child| c.outcome.as_ref().is_some_and(&test);
        let done = !children.is_empty() && children.iter().all(|c| c.outcome.is_some());
        done && if any { children.iter().any(passes) } else { children.iter().all(passes) }
    }

    /// `$(tasks.T.reason)`: the first failed child's, else the first child's, else nothing.
    pub fn reason(&self, task: &str) -> &'a str {
        let failed = self.outcomes(task).find(|o| !o.succeeded);
        failed.or_else(|| self.outcomes(task).next()).map_or("", |o| &o.reason)
    }

    /// The results of a task that is done, in the order in which they were given. Of a matrix: for each result the
    /// strings of its children as an array, in the order of the children's names as texts (§2.23).
    pub fn results(&self, task: &PreparedPipelineTask) -> Vec<RunResult> {
        let name = task.task.name.as_str();
        if !self.succeeded(name) && !self.failed(name) {
            return Vec::new();
        }
        if !task.task.is_matrixed() {
            return self.outcomes(name).next().map(|o| o.results.clone()).unwrap_or_default();
        }
        let mut children = self.children(name).to_vec();
        children.sort_by(|a, b| a.name.cmp(&b.name));
        let mut collected: Vec<RunResult> = Vec::new();
        for result in children.iter().filter_map(|c| c.outcome.as_ref()).flat_map(|o| &o.results) {
            let text = result.value.as_str().unwrap_or_default().to_owned();
            match collected.iter_mut().find(|c| c.name == result.name) {
                Some(RunResult { value: ParamValue::Array(items), .. }) => items.push(text),
                _ => collected.push(RunResult {
                    name: result.name.clone(),
                    r#type: Some(crate::types::ParamType::Array),
                    value: ParamValue::Array(vec![text]),
                }),
            }
        }
        collected
    }
}
