//! What admission writes into objects that leave it out (§1.11).

use base::{Diagnostic, Diagnostics, Source};
use serde::de::DeserializeOwned;

use crate::decode::{Keys, decode};
use crate::load::Object;
use crate::prepare::Settings;
use crate::types::{
    ConfigMap, Duration, ParamSpec, ParamType, PipelineRunSpec, PipelineSpec, PodTemplate, PropertySpec,
    StepResult, TaskRef, TaskResult, TaskRunSpec, TaskSpec,
};
use crate::yaml;

/// The label that tells which tool a task run belongs to.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Annotations that only the results service may set.
const RESULTS_ANNOTATIONS: &str = "results.tekton.dev/";

/// The defaults of a cluster, or of this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// What also matters after admission.
    pub settings: Settings,
    /// `default-managed-by-label-value`.
    pub managed_by: String,
    /// `default-resolver-type`: for references that have neither name nor resolver.
    pub resolver: String,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { settings: Settings::default(), managed_by: "tekton-pipelines".into(), resolver: String::new() }
    }
}

impl Defaults {
    /// What the ConfigMap `config-defaults` says; keys it does not have keep their value, keys that mean nothing on one
    /// machine are left alone.
    ///
    /// # Errors
    /// Values that Tekton would not take.
    pub fn from_config_map(map: &ConfigMap) -> Result<Self, Diagnostics> {
        let mut defaults = Self::default();
        let mut found = Diagnostics::default();
        for (key, value) in &map.data {
            if let Err(problems) = defaults.set(key, value) {
                found.extend(problems);
            }
        }
        found.into_result(defaults)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Diagnostics> {
        let settings = &mut self.settings;
        let number = || {
            value.trim().parse::<u32>().map_err(|_| {
                Diagnostics::from(Diagnostic::error(
                    "wrong-value",
                    format!("{key} takes a number, found `{value}`"),
                ))
            })
        };
        match key {
            "default-timeout-minutes" => settings.timeout = Duration::from_secs(i64::from(number()?) * 60),
            "default-service-account" => value.clone_into(&mut settings.service_account),
            "default-max-matrix-combinations-count" => settings.max_matrix_combinations = number()? as usize,
            "default-task-run-workspace-binding" => settings.workspace_binding = nested(key, value)?,
            "default-pod-template" => settings.pod_template = nested(key, value)?,
            "default-forbidden-env" => {
                settings.forbidden_env =
                    value.split(',').map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect();
            }
            "default-managed-by-label-value" => value.clone_into(&mut self.managed_by),
            "default-resolver-type" => value.clone_into(&mut self.resolver),
            _ => {}
        }
        Ok(())
    }
}

/// A value that is YAML itself.
fn nested<T: DeserializeOwned>(key: &str, value: &str) -> Result<Option<T>, Diagnostics> {
    let source = Source::new(key, value);
    match yaml::parse(&source)?.first() {
        Some(node) if !node.is_null() => decode(node, &source, Keys::GoCaseInsensitive).map(Some),
        _ => Ok(None),
    }
}

/// Writes the defaults into an object that is about to be created; what it says itself stays.
pub fn apply(object: &mut Object, defaults: &Defaults) {
    if let Some(metadata) = object.metadata_mut() {
        metadata.annotations.retain(|key, _| !key.starts_with(RESULTS_ANNOTATIONS));
    }
    match object {
        Object::Task(task) => task_spec(&mut task.spec),
        Object::Pipeline(pipeline) => pipeline_spec(&mut pipeline.spec, defaults),
        Object::TaskRun(run) => {
            run.metadata.labels.entry(MANAGED_BY.into()).or_insert_with(|| defaults.managed_by.clone());
            task_run(&mut run.spec, defaults);
        }
        Object::PipelineRun(run) => pipeline_run(&mut run.spec, defaults),
        Object::StepAction(action) => {
            action.spec.params.iter_mut().for_each(param);
            action.spec.results.iter_mut().for_each(step_result);
        }
        _ => {}
    }
}

fn task_run(run: &mut TaskRunSpec, defaults: &Defaults) {
    if let Some(target) = &mut run.task_ref {
        reference(target, defaults);
        if target.kind.is_empty() {
            target.kind = "Task".into();
        }
    }
    if let Some(task) = &mut run.task_spec {
        task_spec(task);
    }
    run.timeout.get_or_insert_with(|| defaults.settings.timeout.clone());
    if run.service_account_name.is_empty() {
        run.service_account_name.clone_from(&defaults.settings.service_account);
    }
    pod_template(&mut run.pod_template, defaults);
}

fn pipeline_run(run: &mut PipelineRunSpec, defaults: &Defaults) {
    if let Some(target) = &mut run.pipeline_ref
        && target.name.is_empty()
        && target.resolver.is_empty()
    {
        target.resolver.clone_from(&defaults.resolver);
    }
    if let Some(pipeline) = &mut run.pipeline_spec {
        pipeline_spec(pipeline, defaults);
    }
    let limits = run.timeouts.get_or_insert_default();
    limits.pipeline.get_or_insert_with(|| defaults.settings.timeout.clone());
    let template = &mut run.task_run_template;
    if template.service_account_name.is_empty() {
        template.service_account_name.clone_from(&defaults.settings.service_account);
    }
    pod_template(&mut template.pod_template, defaults);
}

/// The run's fields win over the default's; variables of the environment are merged by name.
fn pod_template(own: &mut Option<PodTemplate>, defaults: &Defaults) {
    let Some(default) = &defaults.settings.pod_template else { return };
    let Some(own) = own else {
        *own = Some(default.clone());
        return;
    };
    let mut merged = default.clone();
    for variable in &own.env {
        merged.env.retain(|v| v.name != variable.name);
        merged.env.push(variable.clone());
    }
    let env = merged.env;
    macro_rules! keep {
        ($($field:ident)*) => { $(
            if own.$field == PodTemplate::default().$field {
                own.$field = merged.$field;
            }
        )* };
    }
    keep!(node_selector tolerations affinity security_context volumes runtime_class_name
        automount_service_account_token dns_policy dns_config enable_service_links priority_class_name scheduler_name
        image_pull_secrets host_aliases host_network host_users topology_spread_constraints);
    own.env = env;
}

fn pipeline_spec(pipeline: &mut PipelineSpec, defaults: &Defaults) {
    pipeline.params.iter_mut().for_each(param);
    for task in pipeline.tasks.iter_mut().chain(&mut pipeline.finally) {
        if let Some(target) = &mut task.task_ref {
            reference(target, defaults);
            if target.kind.is_empty() && target.resolver.is_empty() {
                target.kind = "Task".into();
            }
        }
        if let Some(inline) = task.task_spec.as_mut().filter(|t| !t.is_custom()) {
            task_spec(&mut inline.task);
        }
        if let Some(inline) = &mut task.pipeline_spec {
            pipeline_spec(inline, defaults);
        }
    }
}

fn reference(target: &mut TaskRef, defaults: &Defaults) {
    if target.name.is_empty() && target.resolver.is_empty() {
        target.resolver.clone_from(&defaults.resolver);
    }
}

fn task_spec(task: &mut TaskSpec) {
    task.params.iter_mut().for_each(param);
    task.results.iter_mut().for_each(task_result);
    task.steps.iter_mut().flat_map(|step| &mut step.results).for_each(step_result);
}

fn param(param: &mut ParamSpec) {
    param.r#type = Some(param.kind());
    param.properties.values_mut().for_each(property);
}

fn task_result(result: &mut TaskResult) {
    result.r#type = Some(result.kind());
    result.properties.values_mut().for_each(property);
}

fn step_result(result: &mut StepResult) {
    result.r#type = Some(result.kind());
    result.properties.values_mut().for_each(property);
}

fn property(property: &mut PropertySpec) {
    property.r#type.get_or_insert(ParamType::String);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::load::load;

    fn with(text: &str, defaults: &Defaults) -> String {
        let mut object = load(&Source::new("t", text)).unwrap().documents.remove(0).object;
        apply(&mut object, defaults);
        match object {
            Object::TaskRun(run) => serde_json::to_string_pretty(&run).unwrap(),
            Object::PipelineRun(run) => serde_json::to_string_pretty(&run).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_task_run_gets_what_admission_writes() {
        let text = "
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: r, annotations: {results.tekton.dev/log: x, mine: kept}}
spec:
  taskSpec:
    params: [{name: a}, {name: b, default: [x]}, {name: c, properties: {k: {}}}]
    results: [{name: r}]
    steps: [{image: i}]
";
        insta::assert_snapshot!(with(text, &Defaults::default()), @r#"
        {
          "apiVersion": "tekton.dev/v1",
          "kind": "TaskRun",
          "metadata": {
            "name": "r",
            "labels": {
              "app.kubernetes.io/managed-by": "tekton-pipelines"
            },
            "annotations": {
              "mine": "kept"
            }
          },
          "spec": {
            "serviceAccountName": "default",
            "taskSpec": {
              "params": [
                {
                  "name": "a",
                  "type": "string"
                },
                {
                  "name": "b",
                  "type": "array",
                  "default": [
                    "x"
                  ]
                },
                {
                  "name": "c",
                  "type": "object",
                  "properties": {
                    "k": {
                      "type": "string"
                    }
                  }
                }
              ],
              "steps": [
                {
                  "image": "i"
                }
              ],
              "results": [
                {
                  "name": "r",
                  "type": "string"
                }
              ]
            },
            "timeout": "1h0m0s"
          }
        }
        "#);
    }

    #[test]
    fn a_pipeline_run_gets_what_its_cluster_says() {
        let map = ConfigMap {
            data: [
                ("default-timeout-minutes", "5"),
                ("default-service-account", "builder"),
                (
                    "default-pod-template",
                    "hostNetwork: true\\nenv: [{name: A, value: default}, {name: B, value: default}]",
                ),
                ("default-forbidden-env", "X, Y"),
                ("unrelated", "z"),
            ]
            .map(|(k, v)| (k.to_owned(), v.replace("\\n", "\n")))
            .into(),
            ..ConfigMap::default()
        };
        let defaults = Defaults::from_config_map(&map).unwrap();
        assert_eq!(defaults.settings.forbidden_env.len(), 2);
        let text = "
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: r}
spec:
  timeouts: {tasks: 1m}
  taskRunTemplate: {podTemplate: {env: [{name: A, value: own}]}}
  pipelineSpec:
    tasks: [{name: t, taskRef: {name: x}}]
";
        insta::assert_snapshot!(with(text, &defaults), @r#"
        {
          "apiVersion": "tekton.dev/v1",
          "kind": "PipelineRun",
          "metadata": {
            "name": "r"
          },
          "spec": {
            "pipelineSpec": {
              "tasks": [
                {
                  "name": "t",
                  "taskRef": {
                    "name": "x",
                    "kind": "Task"
                  }
                }
              ]
            },
            "timeouts": {
              "pipeline": "5m0s",
              "tasks": "1m"
            },
            "taskRunTemplate": {
              "podTemplate": {
                "env": [
                  {
                    "name": "B",
                    "value": "default"
                  },
                  {
                    "name": "A",
                    "value": "own"
                  }
                ],
                "hostNetwork": true
              },
              "serviceAccountName": "builder"
            }
          }
        }
        "#);
    }

    #[test]
    fn values_of_the_wrong_kind_are_told() {
        let data = [("default-timeout-minutes", "soon"), ("default-pod-template", "{envs: []}")];
        let data = data.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let problems = Defaults::from_config_map(&ConfigMap { data, ..ConfigMap::default() }).unwrap_err();
        insta::assert_snapshot!(problems, @r#"
        default-pod-template:1:2: unknown field "envs"
        default-timeout-minutes takes a number, found `soon`
        "#);
    }
}
