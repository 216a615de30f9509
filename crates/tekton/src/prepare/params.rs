//! Whether the params that are passed fit those that are declared, and what references to them stand for.

use std::collections::{BTreeMap, BTreeSet};

use crate::substitute::{Replacements, scan};
use crate::types::{Param, ParamSpec, ParamType, ParamValue};

use super::failure::{list, map};

/// Whether params fit a task, in a cluster's order: missing, of another type, lacking keys (§3.3). `matrixed` are the
/// names that a matrix gives, always as strings.
///
/// # Errors
/// A sentence about the first that does not.
pub fn check(task: &str, declared: &[ParamSpec], passed: &[Param], matrixed: &[&str]) -> Result<(), String> {
    let invalid = |what: String| Err(format!("invalid input params for task {task}: {what}"));
    let names: Vec<&str> = passed.iter().map(|p| p.name.as_str()).chain(matrixed.iter().copied()).collect();
    let missing = missing(declared, &names);
    if !missing.is_empty() {
        let missing = list(&missing);
        return invalid(format!("missing values for these params which have no default values: {missing}"));
    }
    let mut mistyped = mistyped(declared, passed);
    let string = |name: &str| declared.iter().all(|p| p.name != name || p.kind() == ParamType::String);
    mistyped.extend(matrixed.iter().filter(|name| !string(name)).map(|name| (*name).to_owned()));
    if !mistyped.is_empty() {
        return invalid(format!("param types don't match the user-specified type: {}", list(&mistyped)));
    }
    let lacking = missing_keys(declared, passed);
    if !lacking.is_empty() {
        let lacking = map(lacking.iter().map(|(k, v)| (k.as_str(), v.clone())));
        return invalid(format!(
            "missing keys for these params which are required in ParamSpec's properties {lacking}"
        ));
    }
    Ok(())
}

/// Declared params without default that nobody passes, in declared order.
pub fn missing(declared: &[ParamSpec], passed: &[&str]) -> Vec<String> {
    declared
        .iter()
        .filter(|spec| spec.default.is_none() && !passed.contains(&spec.name.as_str()))
        .map(|spec| spec.name.clone())
        .collect()
}

/// Passed params whose type is not the declared one. A text with a reference may yet become an array or object, so it
/// passes for one.
pub fn mistyped(declared: &[ParamSpec], passed: &[Param]) -> Vec<String> {
    let fits = |spec: &ParamSpec, value: &ParamValue| match (spec.kind(), value) {
        (ParamType::Array | ParamType::Object, ParamValue::String(text)) => {
            scan::references(text).next().is_some()
        }
        (kind, value) => kind == value.kind(),
    };
    passed
        .iter()
        .filter(|p| declared.iter().any(|spec| spec.name == p.name && !fits(spec, &p.value)))
        .map(|p| p.name.clone())
        .collect()
}

/// Keys that declared objects require and neither the value nor the default has, by param (§2.17).
///
/// An object that has no key at all passes, as it does on a cluster.
pub fn missing_keys(declared: &[ParamSpec], passed: &[Param]) -> BTreeMap<String, Vec<String>> {
    let mut missing = BTreeMap::new();
    for spec in declared.iter().filter(|s| s.kind() == ParamType::Object) {
        let value = passed.iter().find(|p| p.name == spec.name).map(|p| &p.value);
        let have: BTreeSet<&String> = [value, spec.default.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(ParamValue::as_object)
            .flat_map(BTreeMap::keys)
            .collect();
        let lacking: Vec<String> = spec.properties.keys().filter(|k| !have.contains(k)).cloned().collect();
        if !have.is_empty() && !lacking.is_empty() {
            missing.insert(spec.name.clone(), lacking);
        }
    }
    missing
}

/// The first passed value that is not in its param's enum, as a sentence (§1.2).
pub fn outside_enum(declared: &[ParamSpec], passed: &[Param]) -> Option<String> {
    passed.iter().find_map(|p| {
        let spec = declared.iter().find(|s| s.name == p.name && !s.r#enum.is_empty())?;
        let text = p.value.as_str()?;
        (!spec.r#enum.iter().any(|allowed| allowed == text))
            .then(|| format!("param `{}` value: {text} is not in the enum list", p.name))
    })
}

/// References to elements beyond the end of array params, each as it is written, sorted (§2.16 rule 4).
///
/// `keys` are those of the fields that are substituted.
pub fn beyond_the_end<'k>(
    declared: &[ParamSpec],
    passed: &[Param],
    keys: impl IntoIterator<Item = &'k str>,
) -> Vec<String> {
    let length = |name: &str| {
        let value = passed.iter().find(|p| p.name == name).map(|p| &p.value);
        let default = declared.iter().find(|s| s.name == name).and_then(|s| s.default.as_ref());
        value.or(default).and_then(ParamValue::as_array).map(<[String]>::len)
    };
    let beyond = keys.into_iter().filter(|key| {
        indexed(key).is_some_and(|(name, index)| length(name).is_some_and(|length| index >= length))
    });
    beyond.map(|key| format!("$({key})")).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Name and index of `params.NAME[INDEX]` in any spelling.
fn indexed(key: &str) -> Option<(&str, usize)> {
    let (head, index) = key.strip_suffix(']')?.rsplit_once('[')?;
    let index = index.bytes().all(|b| b.is_ascii_digit()).then(|| index.parse().ok())??;
    let quoted = |quote: &str| {
        head.strip_prefix("params[")?.strip_prefix(quote)?.strip_suffix(']')?.strip_suffix(quote)
    };
    let name = head.strip_prefix("params.").or_else(|| quoted("\"")).or_else(|| quoted("'"))?;
    Some((name, index))
}

/// What references to a task's or step action's params stand for: defaults, overlaid by what is passed, objects key by
/// key. A default may refer to other params' defaults, one level deep (§2.16 rule 6).
pub fn task_table(declared: &[ParamSpec], passed: &[Param]) -> Replacements {
    let refers = |value: &ParamValue| value.texts().iter().any(|text| text.contains("$(params"));
    let defaults = || declared.iter().filter_map(|s| s.default.as_ref().map(|d| (&s.name, d)));
    let mut plain = Replacements::new();
    for (name, default) in defaults().filter(|(_, d)| !refers(d)) {
        plain.param(name, default);
    }
    let mut table = plain.clone();
    for (name, default) in defaults().filter(|(_, d)| refers(d)) {
        table.param(name, &plain.param_value(default));
    }
    table.params(passed);
    table
}

/// Given a name that references are written with, whether the value that they give is of the declared type.
pub fn clashing(declared: &[ParamSpec], passed: &[Param]) -> Option<String> {
    declared.iter().find_map(|spec| {
        let value = passed.iter().find(|p| p.name == spec.name)?;
        let default = spec.default.as_ref()?;
        let array_against_text = matches!(
            (default, &value.value),
            (ParamValue::Array(_), ParamValue::String(_)) | (ParamValue::String(_), ParamValue::Array(_))
        );
        array_against_text.then(|| spec.name.clone())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn declared() -> Vec<ParamSpec> {
        serde_json::from_value(json!([
            {"name": "need"},
            {"name": "s", "default": "d", "enum": ["d", "e"]},
            {"name": "a", "type": "array", "default": ["x", "y"]},
            {"name": "o", "type": "object", "properties": {"k": {}, "l": {}}, "default": {"k": "1"}},
            {"name": "from", "default": "<$(params.s)> $(params.o.k) $(params.need)"},
        ]))
        .unwrap()
    }

    fn passed(value: serde_json::Value) -> Vec<Param> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_does_not_fit() {
        assert_eq!(missing(&declared(), &["a"]), ["need"]);
        let wrong = passed(
            json!([{"name": "a", "value": "x"}, {"name": "s", "value": ["x"]}, {"name": "other", "value": []}]),
        );
        assert_eq!(mistyped(&declared(), &wrong), ["a", "s"]);
        let reference = passed(json!([{"name": "a", "value": "$(tasks.t.results.r[*])"}]));
        assert!(mistyped(&declared(), &reference).is_empty());
        let partly = passed(json!([{"name": "o", "value": {"m": "2"}}]));
        assert_eq!(missing_keys(&declared(), &partly), [("o".to_owned(), vec!["l".to_owned()])].into());
        let whole = passed(json!([{"name": "o", "value": {"l": "2"}}]));
        assert!(missing_keys(&declared(), &whole).is_empty());
        assert_eq!(
            outside_enum(&declared(), &passed(json!([{"name": "s", "value": "z"}]))).unwrap(),
            "param `s` value: z is not in the enum list"
        );
        assert_eq!(outside_enum(&declared(), &passed(json!([{"name": "s", "value": "e"}]))), None);
    }

    #[test]
    fn indexes_beyond_the_end() {
        let keys =
            ["params.a[1]", "params.a[2]", "params['a'][7]", "params.a[*]", "params.s[0]", "params.a[2]"];
        assert_eq!(beyond_the_end(&declared(), &[], keys), ["$(params.a[2])", "$(params['a'][7])"]);
        let longer = passed(json!([{"name": "a", "value": ["1", "2", "3"]}]));
        assert_eq!(beyond_the_end(&declared(), &longer, keys), ["$(params['a'][7])"]);
    }

    #[test]
    fn defaults_are_overlaid_and_refer_one_level_deep() {
        let table = task_table(
            &declared(),
            &passed(json!([{"name": "o", "value": {"l": "2"}}, {"name": "s", "value": "e"}])),
        );
        assert_eq!(table.text("$(params.o.k)$(params.o.l) $(params.s)"), "12 e");
        assert_eq!(
            table.text("$(params.from)"),
            "<d> 1 $(params.need)",
            "from other defaults, not from values"
        );
    }
}
