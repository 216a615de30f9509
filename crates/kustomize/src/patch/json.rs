//! JSON patches (RFC 6902), with negative indexes from the end, as Kubernetes' tools take them.

use base::{Diagnostic, Diagnostics, Source};
use serde_json::Value;
use tekton::yaml::{Kind, Node};

use crate::budget::Budget;

/// One operation.
#[derive(Debug)]
pub struct Operation {
    node: Node,
    path: Vec<String>,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Add(Value),
    Remove,
    Replace(Value),
    Move(Vec<String>),
    Copy(Vec<String>),
    Test(Value),
}

/// Reads a list of operations.
///
/// # Errors
/// Everything in it that is no operation.
pub fn operations(list: &Node, source: &Source) -> Result<Vec<Operation>, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut operations = Vec::new();
    for node in list.items() {
        match operation(node) {
            Ok(operation) => operations.push(operation),
            Err(message) => found.push(Diagnostic::error("patch", message).at(source, node.span)),
        }
    }
    found.into_result(operations)
}

fn operation(node: &Node) -> Result<Operation, String> {
    if !matches!(node.kind, Kind::Mapping(_)) {
        return Err(format!("an operation is a mapping with op and path, found {}", node.kind.describe()));
    }
    if let Some(entry) =
        node.entries().iter().find(|e| !["op", "path", "from", "value"].contains(&e.key.as_str()))
    {
        return Err(format!("an operation has op, path, from and value, but no `{}`", entry.key));
    }
    let text = |key: &str| {
        let text = node.get(key).and_then(Node::as_str);
        text.ok_or_else(|| format!("this operation has no `{key}`"))
    };
    // A JSON patch is JSON: words like `yes` are booleans here.
    let value = || node.get("value").map(Node::to_json).ok_or("this operation has no `value`".to_owned());
    let change = match text("op")? {
        "add" => Change::Add(value()?),
        "remove" => Change::Remove,
        "replace" => Change::Replace(value()?),
        "move" => Change::Move(pointer(text("from")?)?),
        "copy" => Change::Copy(pointer(text("from")?)?),
        "test" => Change::Test(node.get("value").map_or(Value::Null, Node::to_json)),
        other => {
            return Err(format!(
                "unknown operation `{other}`; write add, remove, replace, move, copy or test"
            ));
        }
    };
    Ok(Operation { path: pointer(text("path")?)?, change, node: node.clone() })
}

/// The parts of a JSON pointer (RFC 6901).
fn pointer(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parts = text.strip_prefix('/').ok_or_else(|| format!("the path `{text}` does not begin with /"))?;
    Ok(parts.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

impl Operation {
    /// Where it stands.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Changes `target`.
    ///
    /// # Errors
    /// Paths that are not there, tests that do not hold, and copies that are too large.
    pub fn apply(&self, target: &mut Value, budget: &mut Budget) -> Result<(), String> {
        match &self.change {
            Change::Add(value) => {
                budget.copy(value)?;
                add(target, &self.path, value.clone())
            }
            Change::Remove => remove(target, &self.path).map(drop),
            Change::Replace(value) => {
                budget.copy(value)?;
                *find(target, &self.path)? = value.clone();
                Ok(())
            }
            Change::Move(from) => {
                let value = remove(target, from)?;
                // Depth may grow by moving, too.
                budget.copy(&value)?;
                add(target, &self.path, value)
            }
            Change::Copy(from) => {
                let value = find(target, from)?.clone();
                budget.copy(&value)?;
                add(target, &self.path, value)
            }
            Change::Test(value) => {
                let found = find(target, &self.path).map_or(Value::Null, |value| value.clone());
                if found == *value {
                    Ok(())
                } else {
                    Err(format!("the test of {} does not hold", shown(&self.path)))
                }
            }
        }
    }
}

fn shown(path: &[String]) -> String {
    path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

/// The position that a part of a path means in a list of this length.
fn index(part: &str, length: usize) -> Option<usize> {
    match part.strip_prefix('-') {
        Some(back) => length.checked_sub(back.parse::<usize>().ok().filter(|back| *back > 0)?),
        None if part.starts_with('+') => None,
        None => part.parse().ok(),
    }
}

fn find<'a>(value: &'a mut Value, path: &[String]) -> Result<&'a mut Value, String> {
    let mut at = value;
    for (depth, part) in path.iter().enumerate() {
        let next = match at {
            Value::Object(fields) => fields.get_mut(part),
            Value::Array(items) => {
                let index = index(part, items.len());
                index.and_then(|index| items.get_mut(index))
            }
            _ => None,
        };
        at = next.ok_or_else(|| format!("there is no {}", shown(&path[..=depth])))?;
    }
    Ok(at)
}

fn add(target: &mut Value, path: &[String], value: Value) -> Result<(), String> {
    let Some((last, parents)) = path.split_last() else {
        *target = value;
        return Ok(());
    };
    match find(target, parents)? {
        Value::Object(fields) => {
            fields.insert(last.clone(), value);
            Ok(())
        }
        Value::Array(items) if last == "-" => {
            items.push(value);
            Ok(())
        }
        Value::Array(items) => {
            // From the end, -1 means behind the last one.
            let length = items.len();
            let at = index(last, if last.starts_with('-') { length + 1 } else { length })
                .filter(|at| *at <= length);
            let at = at.ok_or_else(|| format!("{} is no place in a list of {length}", shown(path)))?;
            items.insert(at, value);
            Ok(())
        }
        _ => Err(format!("{} is neither a mapping nor a list", shown(parents))),
    }
}

fn remove(target: &mut Value, path: &[String]) -> Result<Value, String> {
    let missing = || format!("there is no {}", shown(path));
    let Some((last, parents)) = path.split_last() else {
        return Err("the whole object cannot be removed by a JSON patch; write `$patch: delete`".into());
    };
    match find(target, parents)? {
        Value::Object(fields) => fields.shift_remove(last).ok_or_else(missing),
        Value::Array(items) => {
            let at = index(last, items.len()).filter(|at| *at < items.len()).ok_or_else(missing)?;
            Ok(items.remove(at))
        }
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn patched(mut value: Value, patch: &str) -> Result<Value, String> {
        let source = Source::new("p", patch);
        let list = tekton::yaml::parse(&source).unwrap();
        let operations = operations(&list[0], &source).map_err(|e| e.to_string())?;
        let mut budget = Budget::default();
        operations.iter().try_for_each(|operation| operation.apply(&mut value, &mut budget))?;
        Ok(value)
    }

    #[test]
    fn operations_of_the_rfc() {
        let value = json!({"a": {"b": [1, 2, 3]}, "x/y": 1, "m~n": 2});
        for (patch, result) in [
            ("[{op: add, path: /a/b/1, value: 9}]", json!({"a": {"b": [1, 9, 2, 3]}, "x/y": 1, "m~n": 2})),
            ("[{op: add, path: /a/b/-, value: 9}]", json!({"a": {"b": [1, 2, 3, 9]}, "x/y": 1, "m~n": 2})),
            ("[{op: remove, path: /a/b/-1}]", json!({"a": {"b": [1, 2]}, "x/y": 1, "m~n": 2})),
            (
                "[{op: replace, path: /x~1y, value: yes}]",
                json!({"a": {"b": [1, 2, 3]}, "x/y": true, "m~n": 2}),
            ),
            ("[{op: move, from: /m~0n, path: /a/c}]", json!({"a": {"b": [1, 2, 3], "c": 2}, "x/y": 1})),
            (
                "[{op: copy, from: /x~1y, path: /a/b/0}]",
                json!({"a": {"b": [1, 1, 2, 3]}, "x/y": 1, "m~n": 2}),
            ),
            ("[{op: test, path: /a/b/0, value: 1}, {op: remove, path: /a}]", json!({"x/y": 1, "m~n": 2})),
        ] {
            assert_eq!(patched(value.clone(), patch).unwrap(), result, "{patch}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        for (patch, message) in [
            ("[{op: add, path: /a/b, value: 1}]", "there is no /a"),
            ("[{op: remove, path: /a}]", "there is no /a"),
            ("[{op: add, path: /l/5, value: 1}]", "/l/5 is no place in a list of 1"),
            ("[{op: test, path: /l/0, value: 2}]", "the test of /l/0 does not hold"),
            (
                "[{op: ad, path: /a, value: 1}]",
                "p:1:2: unknown operation `ad`; write add, remove, replace, move, copy or test",
            ),
            ("[{op: add, path: a, value: 1}]", "p:1:2: the path `a` does not begin with /"),
            ("[{op: add, path: /a}]", "p:1:2: this operation has no `value`"),
        ] {
            assert_eq!(patched(json!({"l": [1]}), patch).unwrap_err(), message, "{patch}");
        }
    }

    #[test]
    fn copies_of_copies_come_to_an_end() {
        let patch = "[".to_owned() + &"{op: copy, from: /a, path: /a/-},".repeat(64) + "]";
        assert!(patched(json!({"a": [1]}), &patch).unwrap_err().contains("more than 1000000 values"));
    }
}
