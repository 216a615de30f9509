//! The pass between two steps: results and artifacts of steps that have ended (§2.2 no. 5 and 6, §2.11).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::types::status::{Artifact, Artifacts};
use crate::types::{ParamValue, Step};

use super::reference::step_result;
use super::table::result_spellings;
use super::walk::{Keys, Replace, Visit};
use super::{Replacements, walk};

/// What a step left behind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FinishedStep {
    /// Its name without the `step-` prefix (`unnamed-0` for the first one without a name).
    pub name: String,
    /// The content of its result files by result name, as they are.
    pub results: BTreeMap<String, String>,
    /// Its declared inputs and outputs.
    pub artifacts: Option<Artifacts>,
}

/// Replaces references to results and artifacts of finished steps in command, args, env and guards of a step; in its
/// script only artifacts (results there are refused at admission).
///
/// Gives the references to steps that could not be resolved; they stay literal, and a cluster only logs them.
pub fn substitute(step: &mut Step, finished: &[FinishedStep]) -> Vec<String> {
    let (results, artifacts) = (results_table(finished), artifacts_table(finished));
    fields(step, &mut Replace(&results));
    fields(step, &mut Replace(&artifacts));
    artifacts.edit(&mut step.script);
    let mut left = Keys::default();
    fields(&mut step.clone(), &mut left);
    left.0.retain(|key| step_result(key).is_some() || step_artifact(key));
    left.0
}

/// A table of all results of the steps. The content decides what a reference gives: the whole is the text as it is;
/// elements exist when it is a JSON array of strings or object of strings.
pub fn results_table(finished: &[FinishedStep]) -> Replacements {
    let mut table = Replacements::new();
    for step in finished {
        for (name, content) in &step.results {
            let keys = result_spellings(&format!("steps.{}", step.name), name);
            let parsed = serde_json::from_str(content).map(ParamValue::from_json);
            for key in keys {
                match &parsed {
                    Ok(ParamValue::Array(items)) => {
                        items
                            .iter()
                            .enumerate()
                            .for_each(|(i, item)| table.string(format!("{key}[{i}]"), item));
                        table.starred(&key, items);
                    }
                    Ok(ParamValue::Object(entries)) => {
                        entries.iter().for_each(|(k, v)| table.string(format!("{key}.{k}"), v));
                    }
                    _ => {}
                }
                table.string(key, content);
            }
        }
    }
    table
}

fn artifacts_table(finished: &[FinishedStep]) -> Replacements {
    let mut table = Replacements::new();
    for step in finished {
        let Some(artifacts) = &step.artifacts else { continue };
        for (side, list) in [("inputs", &artifacts.inputs), ("outputs", &artifacts.outputs)] {
            for artifact in list {
                let key = match artifact.name.as_str() {
                    "" => format!("steps.{}.{side}", step.name),
                    name => format!("steps.{}.{side}.{name}", step.name),
                };
                table.string(key, values(artifact));
            }
        }
    }
    table
}

/// What a reference to an artifact gives: the JSON array of its values (§2.11).
pub fn values(artifact: &Artifact) -> String {
    serde_json::to_value(&artifact.values).unwrap_or(Value::Array(Vec::new())).to_string()
}

fn fields(step: &mut Step, visit: &mut impl Visit) {
    visit.list(&mut step.command);
    if let Some(args) = &mut step.args {
        visit.list(args);
    }
    walk::environment(&mut step.env, &mut [], visit);
    step.when.iter_mut().for_each(|g| visit.guard(g));
}

fn step_artifact(key: &str) -> bool {
    let side = key.strip_prefix("steps.").and_then(|k| k.split('.').nth(1));
    matches!(side, Some("inputs" | "outputs"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::types::status::ArtifactValue;
    use serde_json::json;

    fn finished() -> Vec<FinishedStep> {
        let value =
            ArtifactValue { uri: "pkg:x".into(), digest: [("sha256".to_owned(), "ab".to_owned())].into() };
        vec![FinishedStep {
            name: "one".into(),
            results: [("r", "foo"), ("list", r#"["a","b"]"#), ("obj", r#"{"k":"v"}"#)]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            artifacts: Some(Artifacts {
                outputs: vec![Artifact { name: "image".into(), values: vec![value], build_output: true }],
                ..Artifacts::default()
            }),
        }]
    }

    #[test]
    fn results_of_earlier_steps_reach_command_args_env_and_guards() {
        let mut step: Step = serde_json::from_value(json!({
            "command": ["$(steps.one.results.r)"],
            "args": ["$(steps.one.results.list[*])", "$(steps.one.results.list[1])", "$(steps.one.results.list)",
                "$(steps.one.results.obj.k)"],
            "env": [{"name": "X", "value": "<$(steps.one.results.r)> $(steps.one.results.list)"}],
            "script": "echo $(steps.one.results.r) $(steps.one.outputs.image)",
            "when": [{"input": "$(steps.one.results.r)", "operator": "in", "values": ["$(steps.one.results.list[*])"]}],
        }))
        .unwrap();
        assert_eq!(substitute(&mut step, &finished()), Vec::<String>::new());
        assert_eq!(step.command, ["foo"]);
        assert_eq!(step.args(), ["a", "b", "b", r#"["a","b"]"#, "v"]);
        assert_eq!(step.env[0].value, r#"<foo> ["a","b"]"#);
        assert_eq!(
            (step.when[0].input.as_str(), step.when[0].values.as_slice()),
            ("foo", &["a".to_owned(), "b".into()][..])
        );
        assert_eq!(step.script, r#"echo $(steps.one.results.r) [{"digest":{"sha256":"ab"},"uri":"pkg:x"}]"#);
    }

    #[test]
    fn what_is_missing_stays_and_is_told() {
        let mut step = Step { command: vec!["$(steps.one.results.none) $(HOME)".into()], ..Step::default() };
        assert_eq!(substitute(&mut step, &finished()), ["steps.one.results.none"]);
        assert_eq!(step.command, ["$(steps.one.results.none) $(HOME)"]);
    }
}
