//! The pipeline of a stream, as a template.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base::{Diagnostics, Source};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tekton::decode::{Keys, decode};
use tekton::types::{
    Duration, EmbeddedTask, Matrix, Param, PipelineTask, TaskRef, WhenExpression,
    WorkspacePipelineTaskBinding,
};
use tekton::yaml::{self, Node};

use super::ApiVersion;

/// The file in a folder of tasks that holds the template.
pub const TEMPLATE_FILE: &str = "tasks/pipeline.yaml";
/// The template of streams that have no other.
const DEFAULT: &str = include_str!("../../../../tasks/pipeline.yaml");

/// What is done, and in which order. Without it: `tasks/pipeline.yaml` of the stream's folder, else the one that comes with the
/// program.
///
/// Four tasks have names with a meaning: `build` (for each component) makes the images, `assemble` the release of them, `test`
/// (for each test) tries it, and `verdict`, in `finally`, judges it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Pipeline")]
pub struct PipelineTemplate {
    /// The tasks, by name. The order is what they wait for, not the order here.
    pub tasks: BTreeMap<String, TemplateTask>,
    /// Tasks that run when all others are over, whatever came of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub finally: BTreeMap<String, TemplateTask>,
}

/// A task of the pipeline: one of Tekton's pipeline tasks, or with `each` several of them.
///
/// Of the parameters that a task declares, it is given by name what [the contract](tasks.md) offers; `params` come in addition, or
/// instead. `$(tasks.NAME.results.RESULT)` refers to a task by the name it has here: between two tasks of the same `each` it is the
/// one of the same component or test, on the same platform; anywhere else, an item of a list that refers to a task with `each` is
/// repeated for all of them. `$(component.name)` and `$(test.name)` are the names, `$(component.platform)` and `$(test.platform)`
/// the platforms.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "PipelineTask")]
pub struct TemplateTask {
    /// It is done for each of these; once if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// It runs between this task and everything that waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// It runs between this task and everything that it waits for. With `after` too: between just these two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Name for people, as in Tekton.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// Free text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The Tekton task, as Tekton writes it: `{name: scan}` is looked for as the tasks of components are; a resolver or a custom
    /// task is passed on. Of `build` it is for components that name no task; `test` has none, each test names its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub task_ref: Option<TaskRef>,
    /// The Tekton task itself, instead of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub task_spec: Option<EmbeddedTask>,
    /// It is left out unless all of these hold, as in Tekton.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<BTreeMap<String, serde_json::Value>>")]
    pub when: Vec<WhenExpression>,
    /// How often it is tried again after a failure.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
    /// Tasks that must be done before; nothing else is said by that. Of tasks with another `each`, all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub run_after: Vec<String>,
    /// Parameters, each `{name: …, value: …}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<BTreeMap<String, serde_json::Value>>")]
    pub params: Vec<Param>,
    /// Fan-out, as in Tekton.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub matrix: Option<Matrix>,
    /// Workspaces that are not given by their name, each `{name: …, workspace: …}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<BTreeMap<String, serde_json::Value>>")]
    pub workspaces: Vec<WorkspacePipelineTaskBinding>,
    /// How long it may take: `90s`, `5m`, `1h30m`. Tekton's own limit is an hour. A test's own `timeout` counts instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub timeout: Option<Duration>,
    /// `continue`: what comes after it does so, even if it fails.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub on_error: String,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// What a task is done for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Each {
    /// Every component that is built: not for images that are there already.
    Component,
    /// Every test.
    Test,
}

impl Each {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Test => "test",
        }
    }
}

/// A file with a template.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TemplateFile {
    #[expect(dead_code, reason = "it is read to be checked")]
    api_version: ApiVersion,
    #[expect(dead_code, reason = "it is read to be checked")]
    kind: TemplateKind,
    tasks: BTreeMap<String, TemplateTask>,
    #[serde(default)]
    finally: BTreeMap<String, TemplateTask>,
}

#[derive(Debug, Deserialize)]
enum TemplateKind {
    PipelineTemplate,
}

/// A template with the text that says it.
#[derive(Debug, Clone)]
pub struct TemplateDefinition {
    /// What it says.
    pub template: PipelineTemplate,
    /// The file.
    pub source: Source,
    /// The tree of it.
    pub root: Node,
}

impl TemplateDefinition {
    /// Reads a file `tasks/pipeline.yaml`.
    ///
    /// # Errors
    /// Text that is not YAML, or not one template: each finding with its line.
    pub fn parse(source: &Source) -> Result<Self, Diagnostics> {
        let documents: Vec<Node> =
            yaml::parse(source)?.into_iter().filter(|document| !document.is_null()).collect();
        let Ok([root]) = <[Node; 1]>::try_from(documents) else {
            let finding =
                base::Diagnostic::error("not-a-template", "the file holds not exactly one template");
            let help = "begin with:\napiVersion: streamwright.dev/v1alpha1\nkind: PipelineTemplate\ntasks:\n  build: …";
            return Err(finding.at(source, base::Span::new(0, 0)).help(help).into());
        };
        let TemplateFile { tasks, finally, .. } = decode(&root, source, Keys::Exact)?;
        Ok(Self { template: PipelineTemplate { tasks, finally }, source: source.clone(), root })
    }

    /// The one that comes with the program.
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<TemplateDefinition> = LazyLock::new(|| {
            TemplateDefinition::parse(&Source::new(TEMPLATE_FILE, DEFAULT))
                .unwrap_or_else(|errors| panic!("{}", errors.render(false)))
        });
        &SHIPPED
    }
}

impl PipelineTemplate {
    /// The task called `name`, in the graph or in `finally`.
    pub fn task(&self, name: &str) -> Option<&TemplateTask> {
        self.tasks.get(name).or_else(|| self.finally.get(name))
    }

    /// All tasks with their names: those of the graph, then those of `finally`.
    pub fn all(&self) -> impl Iterator<Item = (&str, &TemplateTask)> {
        self.tasks.iter().chain(&self.finally).map(|(name, task)| (name.as_str(), task))
    }

    /// Where the task called `name` stands: `tasks` or `finally`.
    pub fn section(&self, name: &str) -> &'static str {
        if self.finally.contains_key(name) { "finally" } else { "tasks" }
    }
}

impl TemplateTask {
    /// The name of the Tekton task that it refers to, when that is not found by a resolver and Tekton itself runs it.
    pub fn task_name(&self) -> Option<&str> {
        let reference = self.task_ref.as_ref()?;
        let by_name = reference.resolver.is_empty() && !reference.is_custom() && !reference.name.is_empty();
        by_name.then_some(reference.name.as_str())
    }

    /// The pipeline task that it is but for its name, its place and what it refers to.
    pub fn pipeline_task(&self) -> PipelineTask {
        PipelineTask {
            display_name: self.display_name.clone(),
            description: self.description.clone(),
            task_ref: self.task_ref.clone(),
            task_spec: self.task_spec.clone(),
            when: self.when.clone(),
            retries: self.retries,
            params: self.params.clone(),
            matrix: self.matrix.clone(),
            workspaces: self.workspaces.clone(),
            timeout: self.timeout.clone(),
            on_error: self.on_error.clone(),
            ..PipelineTask::default()
        }
    }
}
