//! What references to a pipeline's params stand for.

use std::collections::BTreeMap;

use crate::substitute::{Replacements, scan};
use crate::types::{Param, ParamSpec, ParamType, ParamValue};

/// How many defaults may refer to each other in a chain (§2.16 rule 6).
const DEPTH: usize = 10;

/// The table of a pipeline run: what is passed, and defaults, whose references to other params are resolved whatever
/// their order (§2.16 rule 6). Objects are overlaid key by key.
///
/// # Errors
/// A sentence: a circle, a chain of more than ten, a reference to a param that does not exist.
pub fn table(declared: &[ParamSpec], passed: &[Param]) -> Result<Replacements, String> {
    let given = |name: &str| passed.iter().any(|p| p.name == name);
    let strings: BTreeMap<&str, &str> = declared
        .iter()
        .filter(|s| s.kind() == ParamType::String && !given(&s.name))
        .filter_map(|s| Some((s.name.as_str(), s.default.as_ref()?.as_str()?)))
        .collect();
    let mut resolving = Resolving { strings, table: Replacements::new(), open: Vec::new() };
    resolving.table.params(passed);
    for spec in declared {
        if resolving.strings.contains_key(spec.name.as_str()) {
            resolving.string(&spec.name, 0)?;
        }
    }
    let mut table = resolving.table;
    for spec in declared {
        let Some(default) = spec.default.as_ref().filter(|d| d.kind() != ParamType::String) else { continue };
        let resolved = match default {
            ParamValue::Array(items) => ParamValue::Array(items.iter().map(|i| table.text(i)).collect()),
            other => table.param_value(other),
        };
        match (passed.iter().find(|p| p.name == spec.name), &resolved) {
            (None, _) => table.param(&spec.name, &resolved),
            (Some(Param { value: value @ ParamValue::Object(_), .. }), ParamValue::Object(_)) => {
                table.param(&spec.name, &resolved);
                table.param(&spec.name, value);
            }
            _ => {}
        }
    }
    Ok(table)
}

struct Resolving<'a> {
    strings: BTreeMap<&'a str, &'a str>,
    table: Replacements,
    open: Vec<String>,
}

impl Resolving<'_> {
    fn string(&mut self, name: &str, depth: usize) -> Result<(), String> {
        let key = format!("params.{name}");
        if self.table.knows(&key) {
            return Ok(());
        }
        if self.open.iter().any(|n| n == name) {
            return Err(format!(
                "parameter resolution failed: circular dependency detected in param {key:?}"
            ));
        }
        if depth > DEPTH {
            return Err(format!(
                "parameter resolution failed: maximum recursion depth ({DEPTH}) exceeded for param {key:?}"
            ));
        }
        let Some(default) = self.strings.get(name).copied() else { return Ok(()) };
        self.open.push(name.to_owned());
        for reference in scan::references(default) {
            let Some(other) = reference.key.strip_prefix("params.") else { continue };
            if self.strings.contains_key(other) {
                self.string(other, depth + 1)?;
            } else if !self.table.knows(reference.key) {
                return Err(format!(
                    "parameter resolution failed: param {key:?} references undefined param {:?}",
                    reference.key
                ));
            }
        }
        self.open.pop();
        let value = self.table.text(default);
        self.table.param(name, &ParamValue::String(value));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn of(declared: serde_json::Value, passed: serde_json::Value) -> Result<Replacements, String> {
        table(
            &serde_json::from_value::<Vec<_>>(declared).unwrap(),
            &serde_json::from_value::<Vec<_>>(passed).unwrap(),
        )
    }

    #[test]
    fn defaults_refer_to_each_other_in_any_order() {
        let table = of(
            json!([
                {"name": "image", "default": "$(params.registry)/$(params.repo):$(params.tag)"},
                {"name": "registry", "default": "$(params.host)/x"},
                {"name": "host", "default": "h"},
                {"name": "tag", "default": "v1"},
                {"name": "args", "type": "array", "default": ["I=$(params.image)", "x"]},
                {"name": "o", "default": {"a": "$(params.tag)", "b": "2"}},
            ]),
            json!([{"name": "repo", "value": "app"}, {"name": "o", "value": {"b": "3"}}]),
        )
        .unwrap();
        assert_eq!(table.text("$(params.image)"), "h/x/app:v1");
        assert_eq!(table.element("$(params.args[*])"), ["I=h/x/app:v1", "x"]);
        assert_eq!(table.text("$(params.args[0]) $(params.o.a) $(params.o.b)"), "I=h/x/app:v1 v1 3");
    }

    #[test]
    fn circles_and_chains_and_holes_are_errors() {
        let message = |declared| of(declared, json!([])).unwrap_err();
        assert!(
            message(
                json!([{"name": "a", "default": "$(params.b)"}, {"name": "b", "default": "$(params.a)"}])
            )
            .starts_with("parameter resolution failed: circular dependency detected in param")
        );
        assert_eq!(
            message(json!([{"name": "a", "default": "$(params.z)"}])),
            r#"parameter resolution failed: param "params.a" references undefined param "params.z""#
        );
        let mut chain: Vec<_> = (0..12)
            .map(|i| json!({"name": format!("p{i}"), "default": format!("$(params.p{})", i + 1)}))
            .collect();
        chain.push(json!({"name": "p12", "default": "end"}));
        assert!(message(json!(chain)).contains("maximum recursion depth (10) exceeded"));
    }
}
