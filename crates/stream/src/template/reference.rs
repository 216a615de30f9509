//! References in the texts of a template: `$(tasks.NAME.…)`, `$(component.name)`, `$(test.name)`.

use std::ops::Range;

use serde_json::Value;

use crate::definition::pipeline::Each;
use crate::definition::{Platform, TemplateTask};

/// A reference to a task of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskReference<'a> {
    /// The task.
    pub task: &'a str,
    /// What of it: `status`, `results.image`, …
    pub of: &'a str,
    /// Where `$(…)` stands in the text.
    pub at: Range<usize>,
}

impl TaskReference<'_> {
    /// The result that it means, if it is one.
    pub fn result(&self) -> Option<&str> {
        let name = self.of.strip_prefix("results.")?;
        Some(name.split(['[', '.']).next().unwrap_or(name))
    }
}

/// The references to tasks in a text, in their order. `$(tasks.status)` is about all, and none of them.
pub fn task_references(text: &str) -> Vec<TaskReference<'_>> {
    let parts = references(text).into_iter();
    parts
        .filter_map(|(at, inner)| {
            let (task, of) = inner.strip_prefix("tasks.")?.split_once('.')?;
            Some(TaskReference { task, of, at })
        })
        .collect()
}

/// What a text says between `$(` and `)`, each.
pub fn names(text: &str) -> Vec<&str> {
    references(text).into_iter().map(|(_, inner)| inner).collect()
}

/// What a text says between `$(` and `)`, and where.
fn references(text: &str) -> Vec<(Range<usize>, &str)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("$(").map(|i| from + i) {
        let Some(end) = text[start..].find(')').map(|i| start + i) else { break };
        // A `$(` within is the one that means something.
        let start = text[start..end].rfind("$(").map_or(start, |i| start + i);
        found.push((start..end + 1, &text[start + 2..end]));
        from = end + 1;
    }
    found
}

/// A text of a template task.
#[derive(Debug)]
pub struct Text {
    /// The fields and indexes that lead to it within the task.
    pub path: Vec<String>,
    /// The text.
    pub text: String,
    /// Whether it is an item of a list, which can be repeated.
    pub item: bool,
}

/// All texts of a task in which references count: those of the fields that become a Tekton pipeline task.
pub fn texts(task: &TemplateTask) -> Vec<Text> {
    let mut found = Vec::new();
    // What was read from YAML can be written as JSON.
    let value = serde_json::to_value(task.pipeline_task()).unwrap_or_default();
    collect(&value, &mut Vec::new(), false, &mut found);
    found
}

fn collect(value: &Value, path: &mut Vec<String>, item: bool, found: &mut Vec<Text>) {
    let mut enter = |key: String, value: &Value, item: bool| {
        path.push(key);
        collect(value, path, item, found);
        path.pop();
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| enter(key.clone(), value, false)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| enter(index.to_string(), value, true));
        }
        Value::String(text) if text.contains("$(") => {
            found.push(Text { path: path.clone(), text: text.clone(), item });
        }
        _ => {}
    }
}

/// One of those that a task is done for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance<'a> {
    /// What kind it is.
    pub each: Each,
    /// Its name.
    pub name: &'a str,
    /// The platform.
    pub platform: Platform,
}

/// What the names of a template mean where it is used.
pub trait Meaning {
    /// The pipeline task that is `task` of `instance`; of a task that is done once, itself. None for a task with another `each`
    /// than the instance's: that is several.
    fn one(&self, task: &str, instance: Option<Instance<'_>>) -> Option<String>;
    /// Those that `task` is done for; seen from an instance, those on its platform.
    fn all(&self, task: &str, instance: Option<Instance<'_>>) -> Vec<Instance<'_>>;
}

/// Replaces all references in `value` by what they mean for `instance`.
///
/// # Errors
/// The name of a task that is several where only one can be meant.
pub fn replace(
    value: &mut Value,
    meaning: &dyn Meaning,
    instance: Option<Instance<'_>>,
) -> Result<(), String> {
    match value {
        Value::String(text) if text.contains("$(") => *text = replaced(text, meaning, instance)?,
        Value::Object(fields) => {
            for value in fields.values_mut() {
                replace(value, meaning, instance)?;
            }
        }
        Value::Array(items) => {
            let mut all = Vec::with_capacity(items.len());
            for mut item in std::mem::take(items) {
                let several = item.as_str().and_then(|text| several(text, meaning, instance));
                let Some(task) = several else {
                    replace(&mut item, meaning, instance)?;
                    all.push(item);
                    continue;
                };
                for one in meaning.all(&task, instance) {
                    let mut item = item.clone();
                    replace(&mut item, meaning, Some(one))?;
                    all.push(item);
                }
            }
            *items = all;
        }
        _ => {}
    }
    Ok(())
}

/// The first task in a text that is several for `instance`.
fn several(text: &str, meaning: &dyn Meaning, instance: Option<Instance<'_>>) -> Option<String> {
    let references = task_references(text).into_iter();
    references.map(|r| r.task).find(|task| meaning.one(task, instance).is_none()).map(str::to_owned)
}

fn replaced(text: &str, meaning: &dyn Meaning, instance: Option<Instance<'_>>) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = 0;
    for (at, inner) in references(text) {
        let new = match (inner.strip_prefix("tasks.").and_then(|r| r.split_once('.')), instance) {
            (Some((task, of)), _) => {
                let one = meaning.one(task, instance).ok_or_else(|| task.to_owned())?;
                format!("$(tasks.{one}.{of})")
            }
            (None, Some(instance)) => match inner.strip_prefix(instance.each.as_str()) {
                Some(".name") => instance.name.to_owned(),
                Some(".platform") => instance.platform.to_string(),
                _ => continue,
            },
            _ => continue,
        };
        result.push_str(&text[rest..at.start]);
        result.push_str(&new);
        rest = at.end;
    }
    result.push_str(&text[rest..]);
    Ok(result)
}
