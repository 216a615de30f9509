//! Result files as results (§2.10).

use std::collections::BTreeMap;

use crate::prepare::Failure;
use crate::prepare::failure::map;
use crate::substitute::reference::{Element, step_result};
use crate::substitute::scan;
use crate::substitute::step_results::FinishedStep;
use crate::types::param::PropertySpec;
use crate::types::{ParamType, ParamValue, RunResult, StepResult, TaskResult};

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// The results that are as declared, in declared order.
    pub results: Vec<RunResult>,
    /// Why the task run fails, if some are not.
    pub failure: Option<Failure>,
}

/// The results of a task from the contents of its files by name; files of undeclared names are ignored, and declared
/// results without a file are not given. Results with a `value` come from the steps.
///
/// Strings are taken as they are, with trailing newlines. Arrays and objects must be JSON arrays or objects of strings,
/// and objects must have the declared keys. Call it also when a step failed: a failed run publishes its results.
pub fn read(declared: &[TaskResult], files: &BTreeMap<String, String>, steps: &[FinishedStep]) -> Read {
    let mut read = Read::default();
    let mut mistyped: Vec<String> = Vec::new();
    let mut lacking: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for result in declared {
        let content = match &result.value {
            Some(value) => forwarded(value, steps),
            None => files.get(&result.name),
        };
        let Some(content) = content else { continue };
        let value = parse(content, result.kind());
        if value.kind() != result.kind() {
            mistyped.push(format!(
                " {:?}: task result is expected to be \"{}\" type but was initialized to a different type \"{}\"",
                result.name,
                result.kind(),
                value.kind()
            ));
            continue;
        }
        let keys = missing_keys(&result.properties, &value);
        if !keys.is_empty() {
            lacking.insert(&result.name, keys);
        }
        read.results.push(RunResult { name: result.name.clone(), r#type: Some(result.kind()), value });
    }
    mistyped.sort();
    if !mistyped.is_empty() {
        read.failure = Some(Failure::invalid_task_run(format!(
            "Provided results don't match declared results; may be invalid JSON or missing result declaration: {}",
            mistyped.join(",")
        )));
    } else if !lacking.is_empty() {
        read.failure = Some(Failure::invalid_task_run(format!(
            "missing keys for these results which are required in TaskResult's properties {}",
            map(lacking)
        )));
    }
    read
}

/// The results of a step from the contents of its files by name.
pub fn read_step(declared: &[StepResult], files: &BTreeMap<String, String>) -> Vec<RunResult> {
    declared
        .iter()
        .filter_map(|result| {
            let value = parse(files.get(&result.name)?, result.kind());
            Some(RunResult { name: result.name.clone(), r#type: Some(value.kind()), value })
        })
        .collect()
}

/// Text for a string; else what the JSON text is, which is text if it is not JSON.
fn parse(content: &str, kind: ParamType) -> ParamValue {
    if kind == ParamType::String {
        return ParamValue::String(content.to_owned());
    }
    serde_json::from_str(content)
        .map_or_else(|_| ParamValue::String(content.to_owned()), ParamValue::from_json)
}

/// The file behind `$(steps.S.results.R)`.
fn forwarded<'s>(value: &ParamValue, steps: &'s [FinishedStep]) -> Option<&'s String> {
    let text = value.as_str()?;
    let reference = scan::references(text).next().filter(|r| r.span == (0..text.len()))?;
    let result =
        step_result(reference.key).filter(|r| matches!(r.element, Element::Whole | Element::Star))?;
    steps.iter().find(|s| s.name == result.producer)?.results.get(result.result)
}

fn missing_keys(properties: &BTreeMap<String, PropertySpec>, value: &ParamValue) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    properties.keys().filter(|key| !object.contains_key(*key)).cloned().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(n, c)| ((*n).to_owned(), (*c).to_owned())).collect()
    }

    fn declared(value: serde_json::Value) -> Vec<TaskResult> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn contents_are_taken_as_they_are() {
        let spec = declared(json!([
            {"name": "b"}, {"name": "a", "type": "array"}, {"name": "none"},
            {"name": "o", "type": "object", "properties": {"k": {}}},
            {"name": "fwd", "value": "$(steps.one.results.x)"},
            {"name": "fwd-list", "type": "array", "value": "$(steps.one.results.l[*])"},
        ]));
        let steps = [FinishedStep {
            name: "one".into(),
            results: files(&[("x", "go"), ("l", "[\"1\"]")]),
            artifacts: None,
        }];
        let read = read(
            &spec,
            &files(&[
                ("a", "[\"x\",\"y\"]\n"),
                ("b", "line\n"),
                ("o", r#"{"k":"v","more":"w"}"#),
                ("stray", "?"),
                ("fwd", "no"),
            ]),
            &steps,
        );
        assert_eq!(read.failure, None);
        assert_eq!(
            serde_json::to_value(&read.results).unwrap(),
            json!([
                {"name": "b", "type": "string", "value": "line\n"},
                {"name": "a", "type": "array", "value": ["x", "y"]},
                {"name": "o", "type": "object", "value": {"k": "v", "more": "w"}},
                {"name": "fwd", "type": "string", "value": "go"},
                {"name": "fwd-list", "type": "array", "value": ["1"]},
            ])
        );
    }

    #[test]
    fn what_is_not_as_declared_fails_the_run_and_is_left_out() {
        let spec = declared(
            json!([{"name": "arr", "type": "array"}, {"name": "ok"}, {"name": "obj", "type": "object"}]),
        );
        let read = read(&spec, &files(&[("arr", "notjson"), ("ok", "1"), ("obj", "[\"a\"]")]), &[]);
        assert_eq!(read.results.len(), 1);
        assert_eq!(
            read.failure.unwrap().message,
            "[User error] Provided results don't match declared results; may be invalid JSON or missing result \
             declaration:  \"arr\": task result is expected to be \"array\" type but was initialized to a different type \
             \"string\", \"obj\": task result is expected to be \"object\" type but was initialized to a different type \
             \"array\""
        );
        let keys =
            declared(json!([{"name": "o", "type": "object", "properties": {"a": {}, "b": {}, "c": {}}}]));
        assert_eq!(
            super::read(&keys, &files(&[("o", r#"{"b":"1"}"#)]), &[]).failure.unwrap().message,
            "[User error] missing keys for these results which are required in TaskResult's properties map[o:[a c]]"
        );
    }

    #[test]
    fn a_string_stays_a_string_even_if_it_is_json() {
        let read = read(&declared(json!([{"name": "s"}])), &files(&[("s", "[\"x\"]")]), &[]);
        assert_eq!(read.results[0].value, "[\"x\"]".into());
    }
}
