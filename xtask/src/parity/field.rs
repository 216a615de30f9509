//! Every field of the API, and whether the decoder takes just those.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tekton::load::load;
use tekton::types::{self, pipeline, run, step};

use super::probe::fields;
use super::table::Row;

/// The list of fields, written after the specification and not after our types.
const LIST: &str = include_str!("fields.txt");

/// A type of the API.
#[derive(Debug, Clone)]
pub struct Type {
    /// Its name.
    pub name: &'static str,
    /// What the list says of v1.
    pub v1: BTreeSet<&'static str>,
    /// What the list says of v1beta1.
    pub v1beta1: BTreeSet<&'static str>,
    /// What our type reads.
    pub read: BTreeSet<&'static str>,
    /// Where it is written: kind, then the way; a name with `[]` is a list. After `|`, where it is in v1beta1.
    pub place: &'static str,
}

type Probed = (&'static str, fn() -> &'static [&'static str], &'static str);

/// Each type with our type for it, and a place where it is written.
const TYPES: &[Probed] = &[
    ("Task", fields::<types::Task>, "Task"),
    ("Pipeline", fields::<types::Pipeline>, "Pipeline"),
    ("TaskRun", fields::<types::TaskRun>, "TaskRun"),
    ("PipelineRun", fields::<types::PipelineRun>, "PipelineRun"),
    ("StepAction", fields::<types::StepAction>, "StepAction"),
    ("TaskSpec", fields::<types::TaskSpec>, "Task spec"),
    ("ParamSpec", fields::<types::ParamSpec>, "Task spec params[]"),
    ("PropertySpec", fields::<types::PropertySpec>, "Task spec params[] properties key"),
    ("Param", fields::<types::Param>, "TaskRun spec params[]"),
    ("TaskResult", fields::<types::TaskResult>, "Task spec results[]"),
    ("StepResult", fields::<types::StepResult>, "Task spec steps[] results[]"),
    ("WorkspaceDeclaration", fields::<types::WorkspaceDeclaration>, "Task spec workspaces[]"),
    ("WorkspaceUsage", fields::<types::WorkspaceUsage>, "Task spec steps[] workspaces[]"),
    ("Step", fields::<types::Step>, "Task spec steps[]"),
    ("StepRef", fields::<types::StepRef>, "Task spec steps[] ref"),
    ("StepOutputConfig", fields::<step::StepOutputConfig>, "Task spec steps[] stdoutConfig"),
    ("StepTemplate", fields::<types::StepTemplate>, "Task spec stepTemplate"),
    ("Sidecar", fields::<types::Sidecar>, "Task spec sidecars[]"),
    ("WhenExpression", fields::<types::WhenExpression>, "Pipeline spec tasks[] when[]"),
    ("StepActionSpec", fields::<types::StepActionSpec>, "StepAction spec"),
    ("PipelineSpec", fields::<types::PipelineSpec>, "Pipeline spec"),
    (
        "PipelineWorkspaceDeclaration",
        fields::<types::PipelineWorkspaceDeclaration>,
        "Pipeline spec workspaces[]",
    ),
    ("PipelineResult", fields::<types::PipelineResult>, "Pipeline spec results[]"),
    ("PipelineTask", fields::<types::PipelineTask>, "Pipeline spec tasks[]"),
    ("TaskRef", fields::<types::TaskRef>, "Pipeline spec tasks[] taskRef"),
    ("PipelineRef", fields::<types::PipelineRef>, "PipelineRun spec pipelineRef"),
    ("EmbeddedTask", fields::<pipeline::EmbeddedTaskFields>, "Pipeline spec tasks[] taskSpec"),
    (
        "PipelineTaskMetadata",
        fields::<types::PipelineTaskMetadata>,
        "Pipeline spec tasks[] taskSpec metadata",
    ),
    ("Matrix", fields::<types::Matrix>, "Pipeline spec tasks[] matrix"),
    ("IncludeParams", fields::<types::IncludeParams>, "Pipeline spec tasks[] matrix include[]"),
    (
        "WorkspacePipelineTaskBinding",
        fields::<types::WorkspacePipelineTaskBinding>,
        "Pipeline spec tasks[] workspaces[]",
    ),
    ("PipelineRunSpec", fields::<types::PipelineRunSpec>, "PipelineRun spec"),
    ("TimeoutFields", fields::<types::TimeoutFields>, "PipelineRun spec timeouts"),
    ("PipelineTaskRunTemplate", fields::<types::PipelineTaskRunTemplate>, "PipelineRun spec taskRunTemplate"),
    ("PipelineTaskRunSpec", fields::<types::PipelineTaskRunSpec>, "PipelineRun spec taskRunSpecs[]"),
    (
        "TaskRunStepSpec",
        fields::<run::ContainerResources>,
        "TaskRun spec stepSpecs[]|TaskRun spec stepOverrides[]",
    ),
    (
        "TaskRunSidecarSpec",
        fields::<run::ContainerResources>,
        "TaskRun spec sidecarSpecs[]|TaskRun spec sidecarOverrides[]",
    ),
    ("TaskRunSpec", fields::<types::TaskRunSpec>, "TaskRun spec"),
    ("TaskRunDebug", fields::<run::TaskRunDebug>, "TaskRun spec debug"),
    ("TaskBreakpoints", fields::<run::TaskBreakpoints>, "TaskRun spec debug breakpoints"),
    ("WorkspaceBinding", fields::<types::WorkspaceBinding>, "TaskRun spec workspaces[]"),
    ("PodTemplate", fields::<types::PodTemplate>, "TaskRun spec podTemplate"),
];

/// All types with the fields of the list and those that are read.
///
/// # Panics
/// When the list names a type that is not in [`TYPES`], or the other way round: a mistake of whoever edits them.
pub fn types() -> Vec<Type> {
    let mut listed: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for line in LIST.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (head, names) = line.split_once(": ").expect("a line of the list is TYPE: FIELDS");
        match head.strip_prefix("v1beta1 ") {
            None => {
                let (v1, v1beta1) = listed.entry(head).or_default();
                v1.extend(names.split(' '));
                v1beta1.extend(names.split(' '));
            }
            Some(name) => {
                let (_, v1beta1) = listed.get_mut(name).expect("v1 of a type stands before its v1beta1");
                for name in names.split(' ') {
                    match name.strip_prefix('-') {
                        Some(less) => v1beta1.remove(less),
                        None => v1beta1.insert(name.trim_start_matches('+')),
                    };
                }
            }
        }
    }
    let types: Vec<Type> = TYPES
        .iter()
        .map(|(name, probe, place)| {
            let (v1, v1beta1) = listed.remove(name).expect("every type is in the list");
            Type { name, v1, v1beta1, read: probe().iter().copied().collect(), place }
        })
        .collect();
    assert!(listed.is_empty(), "types of the list that nothing reads: {:?}", listed.keys());
    types
}

/// Where the list and the decoder differ, a line each.
pub fn drift(types: &[Type]) -> Vec<String> {
    let mut found = Vec::new();
    for this in types {
        let Type { name, v1, v1beta1, read, place } = this;
        found.extend(v1.difference(read).map(|f| format!("Tekton has {name}.{f}, which is not read")));
        found.extend(read.difference(v1).map(|f| format!("{name}.{f} is read, which Tekton does not have")));
        // Conversion is not a matter of types: it is asked with a small object for each field.
        let versions: &[(&str, &BTreeSet<&str>)] = match place.split(' ').next() {
            Some("StepAction") => &[("tekton.dev/v1beta1", v1)],
            _ => &[("tekton.dev/v1", v1), ("tekton.dev/v1beta1", v1beta1)],
        };
        let names: BTreeSet<&str> = v1.union(v1beta1).copied().collect();
        for (version, fields) in versions {
            let place = match place.split_once('|') {
                Some((_, old)) if version.ends_with("v1beta1") => old,
                Some((place, _)) => place,
                None => place,
            };
            for field in names.iter().filter(|f| place.contains(' ') || !HEAD.contains(f)) {
                match (takes(version, place, field), fields.contains(field)) {
                    (false, true) => found.push(format!("{version} has {name}.{field}, which is refused")),
                    (true, false) => {
                        found.push(format!("{version} has no {name}.{field}, which is accepted"));
                    }
                    _ => {}
                }
            }
        }
    }
    found
}

/// Fields of objects without which they are none.
const HEAD: [&str; 2] = ["apiVersion", "kind"];

/// Whether a field is taken where a type is written. Null is the zero value of every type.
fn takes(version: &str, place: &str, field: &str) -> bool {
    let mut way = place.split(' ');
    let kind = way.next().unwrap_or_default();
    let mut value = json!({field: null});
    for part in way.rev() {
        value = match part.strip_suffix("[]") {
            Some(list) => json!({list: [value]}),
            None => json!({part: value}),
        };
    }
    let mut object = Map::from_iter([
        ("apiVersion".to_owned(), Value::from(version)),
        ("kind".to_owned(), Value::from(kind)),
    ]);
    if let Value::Object(fields) = value {
        object.extend(fields);
    }
    let source = base::Source::new("field", Value::Object(object).to_string());
    load(&source).is_ok()
}

/// Fields that no row of the table is about, and rows about fields that there are not, a line each.
pub fn without_row(types: &[Type], rows: &[&Row]) -> Vec<String> {
    let all: BTreeSet<String> = types
        .iter()
        .flat_map(|t| t.v1.iter().map(move |field| (t, field)))
        .filter(|(t, field)| t.place.contains(' ') || !HEAD.contains(field))
        .map(|(t, field)| format!("{}.{field}", t.name))
        .collect();
    let covers = |row: &str, field: &str| {
        row == field || row.strip_suffix('*').is_some_and(|all| field.starts_with(all))
    };
    let named: Vec<&str> = rows.iter().flat_map(|row| row.fields.iter().copied()).collect();
    let missing = all.iter().filter(|field| !named.iter().any(|row| covers(row, field)));
    let stray = named.iter().filter(|row| !all.iter().any(|field| covers(row, field)));
    missing
        .map(|field| format!("parity table: no row is about {field}"))
        .chain(stray.map(|row| format!("parity table: a row is about {row}, which is no field")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_came_or_went_is_found() {
        let mut types = types();
        assert_eq!(drift(&types), Vec::<String>::new());
        let Some(step) = types.iter_mut().find(|t| t.name == "Step") else { panic!("no Step") };
        step.v1.insert("fresh");
        step.v1beta1.insert("fresh");
        step.v1.remove("script");
        assert_eq!(
            drift(&types),
            [
                "Tekton has Step.fresh, which is not read",
                "Step.script is read, which Tekton does not have",
                "tekton.dev/v1 has Step.fresh, which is refused",
                "tekton.dev/v1 has no Step.script, which is accepted",
                "tekton.dev/v1beta1 has Step.fresh, which is refused",
            ]
        );
    }
}
