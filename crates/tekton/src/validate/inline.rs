//! Parameters that runs pass on to inline tasks (§2.17).
//!
//! An inline task may use parameters that only the run gives. So a run is looked at with the parameters of all levels
//! together; Tekton tells what it finds there with paths that end the way at `spec`.

use std::collections::BTreeMap;

use super::finding::{At, Findings};
use super::{param, pipeline_params, usage};
use crate::types::{Param, ParamSpec, ParamValue, PipelineRunSpec, PropertySpec, TaskRunSpec};

/// Parameters by name, from the outer level to the inner.
#[derive(Default)]
struct Together(BTreeMap<String, ParamSpec>);

impl Together {
    fn given(&mut self, param: &Param) {
        let properties = param.value.as_object().into_iter().flat_map(|o| o.keys());
        let spec = ParamSpec {
            name: param.name.clone(),
            r#type: Some(param.value.kind()),
            properties: properties.map(|key| (key.clone(), PropertySpec::default())).collect(),
            default: Some(param.value.clone()),
            ..ParamSpec::default()
        };
        self.0.insert(param.name.clone(), spec);
    }

    fn declared(&mut self, f: &mut Findings<'_>, param: &ParamSpec, at: &At) {
        let Some(outer) = self.0.get_mut(&param.name) else {
            self.0.insert(param.name.clone(), param.clone());
            return;
        };
        let default_object = matches!(param.default, Some(ParamValue::Object(_)));
        let is_object = outer.kind() == crate::types::ParamType::Object;
        if (default_object || is_object) && param.properties.is_empty() {
            f.missing(at.split(&format!("{}.properties", param.name), &format!("params[{}]", param.name)));
        } else if is_object {
            outer.properties.clone_from(&param.properties);
        }
    }

    /// What a pipeline task passes reaches the inline tasks, too.
    fn passed(&mut self, params: &[Param]) {
        for param in params {
            match (self.0.get_mut(&param.name), param.value.as_object()) {
                (None, _) => self.given(param),
                (Some(outer), Some(object)) => {
                    outer.properties.extend(object.keys().map(|key| (key.clone(), PropertySpec::default())));
                }
                (Some(_), None) => {}
            }
        }
    }

    fn specs(self) -> Vec<ParamSpec> {
        self.0.into_values().collect()
    }
}

/// The inline task of a task run.
pub(super) fn task_run(f: &mut Findings<'_>, run: &TaskRunSpec, at: &At) {
    let Some(task) = &run.task_spec else { return };
    let inside = at.split("", "taskSpec");
    let mut together = Together::default();
    run.params.iter().for_each(|p| together.given(p));
    task.params.iter().for_each(|p| together.declared(f, p, &inside));
    if task.steps.is_empty() {
        return;
    }
    let params = together.specs();
    param::types(f, &params, &inside.split("", "params"));
    param::names(f, &params, &inside);
    usage::arrays(f, &task.steps, &params, &inside);
    usage::declared(f, &task.steps, &params, &inside, &inside);
}

/// The inline pipeline of a pipeline run with its inline tasks.
pub(super) fn pipeline_run(f: &mut Findings<'_>, run: &PipelineRunSpec, at: &At) {
    let Some(pipeline) = &run.pipeline_spec else { return };
    let inside = at.split("", "pipelineSpec");
    let mut together = Together::default();
    run.params.iter().for_each(|p| together.given(p));
    pipeline.params.iter().for_each(|p| together.declared(f, p, &inside));
    for (i, task) in pipeline.tasks.iter().enumerate() {
        together.passed(&task.params);
        let inside = inside.split("", &format!("tasks[{i}].taskSpec"));
        for param in task.inline().into_iter().flat_map(|t| &t.params) {
            together.declared(f, param, &inside);
        }
    }
    let params = together.specs();
    if pipeline.tasks.iter().filter_map(|t| t.inline()).any(|t| !t.steps.is_empty()) {
        param::types(f, &params, &at.told_only());
        param::names(f, &params, &at.told_only());
    }
    for (i, task) in pipeline.tasks.iter().enumerate() {
        let Some(inline) = task.inline().filter(|t| !t.steps.is_empty()) else { continue };
        let inside = inside.split("", &format!("tasks[{i}].taskSpec"));
        usage::arrays(f, &inline.steps, &params, &inside);
        usage::declared(f, &inline.steps, &params, &inside, &at.told_only());
    }
    if !pipeline.tasks.is_empty() {
        param::types(f, &params, &at.field("params").told_only());
        param::enums(f, &params, &at.told_only());
    }
    for (i, task) in pipeline.tasks.iter().enumerate() {
        let at = inside.split(&format!("[{i}]"), &format!("tasks[{i}]"));
        pipeline_params::passed_once(f, &task.params, &at);
        pipeline_params::uses(f, task, &params, &at);
    }
}
