//! Files to values.

use base::{Diagnostic, Diagnostics, Source, Span};
use serde_json::{Map, Value};
use tekton::yaml;

/// The variables of `group.yml`, which stand as `{NAME}` in all other texts.
pub(super) struct Vars(Vec<(String, String)>);

impl Vars {
    /// The variables, the version `MAJOR.MINOR`, and what the file says beside them.
    pub(super) fn of(group: &Source) -> Result<(Self, String, Map<String, Value>), Diagnostics> {
        let mut group_values = object(group, &Self(Vec::new()))?;
        let vars = match take(&mut group_values, &["vars"]) {
            Some(Value::Object(vars)) => vars,
            _ => Map::new(),
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let vars = Self(vars.iter().map(|(name, value)| (format!("{{{name}}}"), text(value))).collect());
        let number = |name: &str| vars.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        let (Some(major), Some(minor)) = (number("{MAJOR}"), number("{MINOR}")) else {
            let finding = Diagnostic::error("not-build-data", "there are no `vars` MAJOR and MINOR");
            let finding = finding.at(group, Span::new(0, 0));
            return Err(finding.help("name a checkout of a branch openshift-X.Y of ocp-build-data").into());
        };
        Ok((vars, format!("{major}.{minor}"), group_values))
    }

    fn put_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for (name, with) in self.0.iter().filter(|(name, _)| text.contains(name)).collect::<Vec<_>>()
                {
                    *text = text.replace(name, with);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.put_in(item)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.put_in(value)),
            _ => {}
        }
    }
}

/// The mapping that a file holds, with the variables put in.
pub(super) fn object(source: &Source, vars: &Vars) -> Result<Map<String, Value>, Diagnostics> {
    let root = yaml::parse(source)?.into_iter().find(|node| !node.is_null());
    match root.map(|node| node.to_json()) {
        Some(mut value @ Value::Object(_)) => {
            vars.put_in(&mut value);
            let Value::Object(fields) = value else { return Ok(Map::new()) };
            Ok(fields)
        }
        _ => {
            let finding = Diagnostic::error("not-build-data", "the file holds no mapping");
            Err(finding.at(source, Span::new(0, 0)).into())
        }
    }
}

/// Takes the value at `path` out; mappings that are empty then go with it.
pub(super) fn take(fields: &mut Map<String, Value>, path: &[&str]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        return fields.shift_remove(*first);
    }
    let Some(Value::Object(inner)) = fields.get_mut(*first) else { return None };
    let taken = take(inner, rest);
    if inner.is_empty() {
        fields.shift_remove(*first);
    }
    taken
}

/// Takes the text at `path` out; what is there and is no text stays.
pub(super) fn take_text(fields: &mut Map<String, Value>, path: &[&str]) -> Option<String> {
    let mut at: &Value = fields.get(*path.first()?)?;
    for part in &path[1..] {
        at = at.get(*part)?;
    }
    at.as_str()?;
    match take(fields, path) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Lays `over` over `fields`: mappings are merged, everything else is replaced.
pub(super) fn merge(fields: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (fields.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(over)) => merge(below, over),
            (_, value) => {
                fields.insert(key, value);
            }
        }
    }
}
