//! What a pipeline or task will do, seen before it runs: who waits for whom and why, what is guarded, what fans out.

use serde::Serialize;

use crate::graph::{Graph, GraphError};
use crate::matrix;
use crate::next::children::matrix_lists;
use crate::prepare::pipeline::parents;
use crate::prepare::{Definition, Definitions, pipeline_params};
use crate::substitute::reference::task_result;
use crate::substitute::{Replacements, pipeline as fields};
use crate::types::{
    EmbeddedTask, Matrix, ObjectMeta, Param, ParamValue, PipelineSpec, PipelineTask, Step, StepRef, TaskRef,
    TaskSpec, WhenExpression,
};

/// A pipeline before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineOutline {
    /// The pipeline's name, or that of the run it is written in.
    pub name: String,
    /// The tasks of the graph, then those of `finally`, in declared order.
    pub tasks: Vec<Node>,
    /// Names of tasks: a level's tasks wait only for tasks of earlier levels, and for one of the level before.
    pub levels: Vec<Vec<String>>,
    /// Names of the tasks that start when all of the graph have ended.
    pub finally: Vec<String>,
    /// Between the tasks of the graph what orders them, towards those of `finally` what they look at; in the declared
    /// order of `to`, then of what is first mentioned.
    pub edges: Vec<Edge>,
}

/// A task of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its name in the pipeline.
    pub name: String,
    /// What it runs.
    pub runs: Runs,
    /// It is skipped unless all of these hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
    /// How it fans out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrix: Option<FanOut>,
    /// How often it is tried again after a failure.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

/// What a task of a pipeline runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Runs {
    /// A task.
    Task {
        /// The name of the task it refers to; none when it is written in the pipeline.
        #[serde(skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// What the task does.
        #[serde(flatten)]
        content: TaskContent,
    },
    /// Another pipeline.
    Pipeline {
        /// The name of the pipeline it refers to; none when it is written in place.
        #[serde(skip_serializing_if = "Option::is_none")]
        pipeline: Option<String>,
        /// What it does.
        #[serde(skip_serializing_if = "Option::is_none")]
        outline: Option<Box<PipelineOutline>>,
        /// Why that is not known.
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
    },
    /// Something that a controller other than Tekton's runs.
    Custom {
        /// Its kind.
        kind: String,
    },
    /// A task that cannot be looked into now.
    Unknown {
        /// What is referred to.
        task: String,
        /// Why it is not known.
        problem: String,
    },
}

/// What a task does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TaskContent {
    /// Run one after the other.
    pub steps: Vec<Container>,
    /// Run beside the steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sidecars: Vec<Container>,
}

/// A task before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskOutline {
    /// The task's name, or that of the run it is written in.
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub content: TaskContent,
}

/// A step or a sidecar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name; `unnamed-<i>` for a step without one.
    pub name: String,
    /// Its image as it is written; empty when it is not known.
    pub image: String,
    /// The step action that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// It is skipped unless all of these hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
}

/// Fan-out of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FanOut {
    /// The params that differ, in declared order.
    pub params: Vec<String>,
    /// How many runs there will be; none when that depends on a result, or is beyond what a run may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<usize>,
}

/// That a task has to do with another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The task that is first.
    pub from: String,
    /// The task that waits, or looks.
    pub to: String,
    /// Why; at least one.
    pub reasons: Vec<Reason>,
}

/// Why a task waits for another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Reason {
    /// It says so.
    RunAfter,
    /// It uses a result.
    Result {
        /// The result's name.
        result: String,
        /// Where it is used: `param x`, `when`, `step s` and so on.
        place: String,
    },
    /// A task of `finally` asks how the other one ended.
    Status {
        /// Where it asks.
        place: String,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RunAfter => f.write_str("runAfter"),
            Self::Result { result, place } => write!(f, "result {result} in {place}"),
            Self::Status { place } => write!(f, "status in {place}"),
        }
    }
}

/// More runs of one task than this are not counted: no administrator allows them (§2.23).
const MOST_RUNS: usize = 10_000;

/// More pipelines in one are not looked into: a few lines can refer to millions.
const MOST_PIPELINES: usize = 1000;

/// Outlines a pipeline, and the pipelines in it. `given` are the params of its run, as far as they are known.
///
/// # Errors
/// Tasks that are no graph.
pub fn pipeline(
    name: &str,
    spec: &PipelineSpec,
    given: &[Param],
    definitions: &dyn Definitions,
) -> Result<PipelineOutline, GraphError> {
    Nesting { definitions, around: vec![name.to_owned()], left: MOST_PIPELINES }.pipeline(name, spec, given)
}

/// Pipelines in pipelines.
struct Nesting<'a> {
    definitions: &'a dyn Definitions,
    /// The referenced pipelines around the one that is looked at.
    around: Vec<String>,
    /// How many more are looked into.
    left: usize,
}

impl Nesting<'_> {
    fn pipeline(
        &mut self,
        name: &str,
        spec: &PipelineSpec,
        given: &[Param],
    ) -> Result<PipelineOutline, GraphError> {
        let graph = Graph::build(spec.tasks.iter().map(|task| (&*task.name, parents(task))))?;
        // Without its params a pipeline can still be looked at; only how far it fans out may stay open.
        let known = pipeline_params::table(&spec.params, given).unwrap_or_default();
        let finally: Vec<String> = spec.finally.iter().map(|task| task.name.clone()).collect();
        let edges = spec.all_tasks().flat_map(|task| edges(task, finally.contains(&task.name)));
        // Nothing checks yet whom the steps of an inline task of `finally` look at.
        let edges = edges.filter(|edge| graph.contains(&edge.from)).collect();
        Ok(PipelineOutline {
            name: name.to_owned(),
            tasks: spec.all_tasks().map(|task| self.node(task, &known)).collect(),
            levels: levels(&graph),
            finally,
            edges,
        })
    }

    fn node(&mut self, task: &PipelineTask, known: &Replacements) -> Node {
        let is_pipeline = task.pipeline_ref.is_some() || task.pipeline_spec.is_some();
        Node {
            name: task.name.clone(),
            runs: if is_pipeline { self.inner(task) } else { runs(task, known, self.definitions) },
            when: task.when.iter().map(guard).collect(),
            matrix: task.is_matrixed().then(|| fan_out(task, known)),
            retries: task.retries,
        }
    }

    /// A task that is a pipeline.
    fn inner(&mut self, task: &PipelineTask) -> Runs {
        let reference = task.pipeline_ref.as_ref();
        let found = match reference {
            Some(reference) => self.definitions.pipeline(reference).map_err(|e| e.to_string()),
            None => Ok(Definition {
                metadata: ObjectMeta { name: task.name.clone(), ..ObjectMeta::default() },
                spec: task.pipeline_spec.as_deref().cloned().unwrap_or_default(),
                source: None,
            }),
        };
        let pipeline = reference.map(|r| r.name.clone());
        let outline = found.and_then(|found| {
            let name = found.metadata.name;
            if reference.is_some() && self.around.contains(&name) {
                return Err("it is a part of itself".to_owned());
            }
            self.left = self.left.checked_sub(1).ok_or("there are too many pipelines in this one")?;
            self.around.extend(reference.map(|_| name.clone()));
            let outline = self.pipeline(&name, &found.spec, &task.params).map_err(|e| e.to_string());
            if reference.is_some() {
                self.around.pop();
            }
            outline
        });
        match outline {
            Ok(outline) => Runs::Pipeline { pipeline, outline: Some(Box::new(outline)), problem: None },
            Err(problem) => Runs::Pipeline { pipeline, outline: None, problem: Some(problem) },
        }
    }
}

/// Outlines a task.
pub fn task(name: &str, spec: &TaskSpec, definitions: &dyn Definitions) -> TaskOutline {
    TaskOutline { name: name.to_owned(), content: content(spec, definitions) }
}

/// The tasks by the length of the longest way to them.
fn levels(graph: &Graph) -> Vec<Vec<String>> {
    let mut level_of = std::collections::HashMap::new();
    for task in graph.order() {
        let level = graph.parents(task).iter().filter_map(|p| level_of.get(p.as_str())).max();
        let level = level.map_or(0, |before: &usize| before + 1);
        level_of.insert(task, level);
    }
    let mut levels: Vec<Vec<String>> = vec![Vec::new(); level_of.values().max().map_or(0, |last| last + 1)];
    for task in graph.tasks() {
        if let Some(level) = level_of.get(task) {
            levels[*level].push(task.to_owned());
        }
    }
    levels
}

fn edges(task: &PipelineTask, finally: bool) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    let mut add = |from: &str, reason: Reason| match edges.iter_mut().find(|e| e.from == from) {
        Some(edge) if edge.reasons.contains(&reason) => {}
        Some(edge) => edge.reasons.push(reason),
        None => {
            edges.push(Edge { from: from.to_owned(), to: task.name.clone(), reasons: vec![reason] });
        }
    };
    task.run_after.iter().for_each(|from| add(from, Reason::RunAfter));
    for (place, part) in parts(task) {
        for key in fields::keys(&part) {
            if let Some(r) = task_result(&key) {
                add(r.producer, Reason::Result { result: r.result.to_owned(), place: place.clone() });
            } else if let Some(from) = key.strip_prefix("tasks.").and_then(|k| k.strip_suffix(".status"))
                && finally
            {
                add(from, Reason::Status { place: place.clone() });
            }
        }
    }
    edges
}

/// A task taken apart into tasks with one field each, with what people call the field. All fields that can order tasks
/// are there; which references in them do so is known to [`fields::keys`] alone.
fn parts(task: &PipelineTask) -> Vec<(String, PipelineTask)> {
    let empty = PipelineTask::default;
    let mut parts = Vec::new();
    for param in &task.params {
        parts
            .push((format!("param {}", param.name), PipelineTask { params: vec![param.clone()], ..empty() }));
    }
    if let Some(matrix) = &task.matrix {
        let mut add = |name: &str, matrix| {
            parts.push((format!("matrix {name}"), PipelineTask { matrix: Some(matrix), ..empty() }));
        };
        for param in &matrix.params {
            add(&param.name, Matrix { params: vec![param.clone()], ..Matrix::default() });
        }
        for include in &matrix.include {
            add("include", Matrix { include: vec![include.clone()], ..Matrix::default() });
        }
    }
    parts.push(("when".into(), PipelineTask { when: task.when.clone(), ..empty() }));
    for workspace in &task.workspaces {
        let part = PipelineTask { workspaces: vec![workspace.clone()], ..empty() };
        parts.push((format!("workspace {}", workspace.name), part));
    }
    parts.push(("taskRef".into(), PipelineTask { task_ref: task.task_ref.clone(), ..empty() }));
    parts.push(("pipelineRef".into(), PipelineTask { pipeline_ref: task.pipeline_ref.clone(), ..empty() }));
    parts.push(("onError".into(), PipelineTask { on_error: task.on_error.clone(), ..empty() }));
    if !task.is_matrixed() {
        let part = PipelineTask { display_name: task.display_name.clone(), ..empty() };
        parts.push(("displayName".into(), part));
    }
    let inline = |spec| PipelineTask { task_spec: Some(EmbeddedTask::from(spec)), ..empty() };
    let Some(spec) = task.inline() else { return parts };
    for (i, step) in spec.steps.iter().enumerate() {
        let part = inline(TaskSpec { steps: vec![step.clone()], ..TaskSpec::default() });
        parts.push((format!("step {}", step_name(&step.name, i)), part));
    }
    for sidecar in &spec.sidecars {
        let part = inline(TaskSpec { sidecars: vec![sidecar.clone()], ..TaskSpec::default() });
        parts.push((format!("sidecar {}", sidecar.name), part));
    }
    parts
}

fn runs(task: &PipelineTask, known: &Replacements, definitions: &dyn Definitions) -> Runs {
    if task.is_custom() {
        let inline = task.task_spec.as_ref().map(|t| t.kind.clone());
        let kind = task.task_ref.as_ref().map(|r| r.kind.clone()).or(inline).unwrap_or_default();
        return Runs::Custom { kind };
    }
    match (&task.task_ref, task.inline()) {
        (Some(reference), _) => match definitions.task(&known_params(reference, known)) {
            Ok(found) => {
                Runs::Task { content: content(&found.spec, definitions), task: Some(found.metadata.name) }
            }
            Err(problem) => Runs::Unknown {
                task: shown(&reference.name, &reference.resolver),
                problem: problem.to_string(),
            },
        },
        (None, inline) => {
            let content = inline.map(|spec| content(spec, definitions)).unwrap_or_default();
            Runs::Task { task: None, content }
        }
    }
}

/// What a reference is called before it is known what it means.
fn shown(name: &str, resolver: &str) -> String {
    if name.is_empty() { format!("(resolver {resolver})") } else { name.to_owned() }
}

/// The reference with the params of its resolver as far as they are known.
fn known_params(reference: &TaskRef, known: &Replacements) -> TaskRef {
    let mut reference = reference.clone();
    known.edit_params(&mut reference.params);
    reference
}

fn content(spec: &TaskSpec, definitions: &dyn Definitions) -> TaskContent {
    let template = spec.step_template.as_ref().map(|t| t.image.clone()).unwrap_or_default();
    let step = |(i, step): (usize, &Step)| {
        let action = step.r#ref.as_ref().and_then(|r| definitions.step_action(r).ok());
        let own = action.as_ref().map_or_else(|| step.image.clone(), |found| found.spec.image.clone());
        let named = |r: &StepRef| match &action {
            Some(found) if r.name.is_empty() => found.metadata.name.clone(),
            _ => shown(&r.name, &r.resolver),
        };
        // A step action that was not found does not get the template's image: it will bring its own.
        let bare = own.is_empty() && step.r#ref.is_none();
        Container {
            name: step_name(&step.name, i),
            image: if bare { template.clone() } else { own },
            action: step.r#ref.as_ref().map(named),
            when: step.when.iter().map(guard).collect(),
        }
    };
    let sidecars = spec.sidecars.iter().map(|s| Container {
        name: if s.name.is_empty() { "sidecar".into() } else { s.name.clone() },
        image: s.image.clone(),
        action: None,
        when: Vec::new(),
    });
    TaskContent { steps: spec.steps.iter().enumerate().map(step).collect(), sidecars: sidecars.collect() }
}

/// How far a task fans out, if no list is a result's or a param's without a value.
fn fan_out(task: &PipelineTask, known: &Replacements) -> FanOut {
    let mut task = task.clone();
    fields::replace(&mut task, known);
    let (lists, include) = matrix_lists(&task);
    let mut params: Vec<String> = Vec::new();
    let names = lists.iter().map(|(name, _)| name).chain(include.iter().flatten().map(|(name, _)| name));
    for name in names {
        if !params.contains(name) {
            params.push(name.clone());
        }
    }
    let closed = |value: &ParamValue| value.as_array().is_some_and(|v| v.iter().all(|e| !e.contains("[*])")));
    let closed = task.matrix.iter().flat_map(|m| &m.params).all(|param| closed(&param.value));
    let countable = closed && matrix::upper_bound(&lists, &include) <= MOST_RUNS;
    FanOut { params, runs: countable.then(|| matrix::combinations(&lists, &include).len()) }
}

fn guard(when: &WhenExpression) -> String {
    if !when.cel.is_empty() {
        return when.cel.clone();
    }
    let values: Vec<String> = when.values.iter().map(|v| format!("{v:?}")).collect();
    format!("{:?} {} [{}]", when.input, when.operator, values.join(", "))
}

/// As in statuses.
fn step_name(name: &str, index: usize) -> String {
    if name.is_empty() { format!("unnamed-{index}") } else { name.to_owned() }
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;
