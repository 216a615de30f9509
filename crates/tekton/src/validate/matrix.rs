//! Fan-out of pipeline tasks (§3.2 #29).

use std::collections::BTreeMap;

use super::features::Level;
use super::finding::{At, Findings};
use super::pipeline_params;
use crate::matrix::upper_bound;
use crate::substitute::{reference, reference::Element, scan};
use crate::types::{Matrix, ParamType, ParamValue, PipelineTask};

/// The matrix of one task: how many combinations, each parameter given once.
pub(super) fn one(f: &mut Findings<'_>, task: &PipelineTask, at: &At) {
    let Some(matrix) = &task.matrix else { return };
    if task.is_matrixed() {
        f.gate("matrix", Level::Beta, at.clone());
        count(f, matrix, at);
        let at = at.field("matrix");
        pipeline_params::passed_once(f, &matrix.params, &at);
        for (i, include) in matrix.include.iter().enumerate() {
            pipeline_params::passed_once(f, &include.params, &at.index("include", i));
        }
    }
    let in_matrix = |name: &str| {
        matrix.params.iter().chain(matrix.include.iter().flat_map(|i| &i.params)).any(|p| p.name == name)
    };
    for param in task.params.iter().filter(|p| in_matrix(&p.name)) {
        let matrix_at =
            at.split(&format!("matrix[{}]", param.name), &format!("matrix.params[{}]", param.name));
        f.both(&[matrix_at, at.key("params", &param.name)]);
    }
}

/// Lists that are known; lists that come from results are counted when they are there.
fn count(f: &mut Findings<'_>, matrix: &Matrix, at: &At) {
    let lists: Vec<(String, Vec<String>)> = matrix
        .params
        .iter()
        .map(|p| (p.name.clone(), p.value.as_array().unwrap_or_default().to_vec()))
        .collect();
    let include: Vec<Vec<(String, String)>> = matrix
        .include
        .iter()
        .map(|i| i.params.iter().map(|p| (p.name.clone(), p.value.to_string())).collect())
        .filter(|entry: &Vec<(String, String)>| lists.is_empty() || is_new(entry, &lists))
        .collect();
    let limit = f.features.max_matrix_combinations;
    let combinations = upper_bound(&lists, &include);
    if combinations > limit {
        f.error(format!("expected 0 <= {combinations} <= {limit}"), &[at.field("matrix")]);
    }
}

/// Whether an entry is a combination of its own: it gives a known parameter a value that is not in its list.
fn is_new(entry: &[(String, String)], lists: &[(String, Vec<String>)]) -> bool {
    let known = |name: &String| lists.iter().find(|(list, _)| list == name);
    entry.iter().find_map(|(name, value)| known(name).map(|(_, list)| !list.contains(value))).unwrap_or(false)
}

/// What comes out of a matrix is a list: it is taken as a whole, and it is one of strings.
pub(super) fn consumed(f: &mut Findings<'_>, tasks: &[PipelineTask], at: &At) {
    let matrixed: BTreeMap<&str, &PipelineTask> =
        tasks.iter().filter(|t| t.is_matrixed()).map(|t| (t.name.as_str(), t)).collect();
    for (i, task) in tasks.iter().enumerate() {
        for param in &task.params {
            for text in param.value.texts() {
                let at = at.index("tasks", i).key("params", &param.name).field("value");
                for reference in scan::references(text) {
                    look(f, &matrixed, reference.key, &at.untold());
                }
            }
        }
    }
}

fn look(f: &mut Findings<'_>, matrixed: &BTreeMap<&str, &PipelineTask>, key: &str, at: &At) {
    let Some(result) = reference::task_result(key) else { return };
    let Some(producer) = matrixed.get(result.producer) else { return };
    if result.element != Element::Star {
        f.error_with_help(
            format!("A matrixed pipelineTask can only be consumed in aggregate using [*] notation, but is currently set to {key}"),
            std::slice::from_ref(at),
            &format!("write $(tasks.{}.results.{}[*])", result.producer, result.result),
        );
    }
    let declared = producer.inline().into_iter().flat_map(|t| &t.results).find(|r| r.name == result.result);
    if let Some(kind) = declared.map(|r| r.kind()).filter(|k| *k != ParamType::String) {
        f.error(
            format!(
                "invalid value: Matrixed PipelineTasks emitting results must have an underlying type string, but result {} has type {kind} in pipelineTask",
                result.result
            ),
            std::slice::from_ref(at),
        );
    }
}

/// A text or list where Tekton wants the other is told when it runs; that is certain already.
pub(super) fn types(f: &mut Findings<'_>, task: &PipelineTask, at: &At) {
    let Some(matrix) = &task.matrix else { return };
    for param in &matrix.params {
        let ParamValue::String(text) = &param.value else { continue };
        if scan::whole(text).is_none() {
            f.warning(
                format!(
                    r#"parameters of type array only are allowed, but param "{}" has type "string" in pipelineTask "{}""#,
                    param.name, task.name
                ),
                &at.key("matrix.params", &param.name),
                "give a list, or a whole array like $(params.list[*])",
            );
        }
    }
}
