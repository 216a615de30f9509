//! A part of a pipeline: some of its tasks, with what they need of the others taken from an earlier run.
//!
//! Tekton has no such thing. The part is a pipeline of its own: what is left out is in neither its graph nor its status.

use std::collections::BTreeSet;
use std::fmt;

use base::diagnostic::suggestion;
use serde::{Deserialize, Serialize};

use crate::graph::Graph;
use crate::matrix;
use crate::next::children::matrix_lists;
use crate::next::progress::Progress;
use crate::next::{Child, Facts, values};
use crate::substitute::reference::{finally_result, matrix_length, task_result};
use crate::substitute::{Replacements, pipeline as fields, scan};
use crate::types::{ParamValue, PipelineTask};

use super::{PreparedPipeline, PreparedPipelineTask};

/// Which tasks of a pipeline are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// These and no others.
    Only(Vec<String>),
    /// These and all that they wait for; for a finally task that is the whole graph.
    Until(Vec<String>),
}

/// A pipeline of which tasks were left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Restricted {
    /// What is left.
    pub pipeline: PreparedPipeline,
    /// The tasks that are not in it, in declared order.
    pub left_out: Vec<String>,
    /// Workspaces that the run makes empty and that a task which is left out has written in the whole pipeline.
    pub unwritten: Vec<String>,
}

impl PreparedPipeline {
    /// Leaves out all tasks that `part` does not name. `earlier` are the children of an earlier run: what the tasks of the
    /// part need of the others comes from there.
    ///
    /// # Errors
    /// A name that is no task's; results that nobody gives.
    pub fn restrict(self, part: &Part, earlier: &[Child]) -> Result<Restricted, PartError> {
        let keep = self.wanted(part)?;
        let (kept, out): (Vec<_>, Vec<_>) =
            self.tasks.iter().cloned().partition(|task| keep.contains(&task.task.name));
        let known = given(&self, &out, earlier);
        let missing = missing(&kept, &out, &known);
        if !missing.is_empty() {
            return Err(PartError::Missing(missing));
        }
        let mut pipeline = self;
        let kept_name = |name: &str| keep.contains(name);
        for list in [&mut pipeline.spec.tasks, &mut pipeline.spec.finally] {
            list.retain(|task| kept_name(&task.name));
            list.iter_mut().for_each(|task| fill(task, &known, &kept_name));
        }
        pipeline.spec.results.retain(|result| {
            let texts = result.value.texts();
            let keys = texts.iter().flat_map(|text| scan::references(text));
            keys.filter_map(|r| task_result(r.key).or_else(|| finally_result(r.key)))
                .all(|r| kept_name(r.producer))
        });
        let whole = std::mem::take(&mut pipeline.graph);
        pipeline.graph = whole.restricted(kept_name);
        let before: Vec<_> = out.iter().filter(|task| is_before(task, &kept, &whole)).cloned().collect();
        let unwritten = unwritten(&pipeline, &kept, &before);
        pipeline.tasks = kept;
        for task in &mut pipeline.tasks {
            fill(&mut task.task, &known, &kept_name);
            task.keys = super::pipeline::keys(&task.task);
        }
        let left_out = out.into_iter().map(|task| task.task.name).collect();
        Ok(Restricted { pipeline, left_out, unwritten })
    }

    fn wanted(&self, part: &Part) -> Result<BTreeSet<String>, PartError> {
        let names = || self.tasks.iter().map(|t| t.task.name.as_str());
        let (Part::Only(asked) | Part::Until(asked)) = part;
        if let Some(unknown) = asked.iter().find(|name| !names().any(|n| n == *name)) {
            return Err(PartError::Unknown { task: unknown.clone(), hint: suggestion(unknown, names()) });
        }
        let mut wanted: BTreeSet<String> = asked.iter().cloned().collect();
        if matches!(part, Part::Until(_)) {
            for name in asked {
                if self.graph.contains(name) {
                    wanted.extend(self.graph.ancestors(name).into_iter().map(str::to_owned));
                } else {
                    wanted.extend(self.graph.tasks().map(str::to_owned));
                }
            }
        }
        Ok(wanted)
    }
}

/// What references to the tasks that are left out stand for, as far as the earlier run tells.
fn given(pipeline: &PreparedPipeline, out: &[PreparedPipelineTask], earlier: &[Child]) -> Replacements {
    let facts = Facts { children: earlier.to_vec(), ..Facts::default() };
    let others = PreparedPipeline { tasks: out.to_vec(), ..pipeline.clone() };
    let progress = Progress::of(&others, &facts);
    let mut table = values::propagated(&others, &progress);
    for task in out {
        let name = task.task.name.as_str();
        if let Some(runs) = runs(task, &progress) {
            table.string(format!("tasks.{name}.matrix.length"), runs.to_string());
        }
        for result in progress.results(task) {
            if let ParamValue::Array(items) = &result.value {
                let key = format!("tasks.{name}.matrix.{}.length", result.name);
                table.string(key, items.len().to_string());
            }
        }
        if !task.finally {
            table.string(format!("tasks.{name}.status"), values::status(name, &progress));
            table.string(format!("tasks.{name}.reason"), progress.reason(name));
        }
    }
    table
}

fn missing(
    kept: &[PreparedPipelineTask],
    out: &[PreparedPipelineTask],
    known: &Replacements,
) -> Vec<MissingResult> {
    let left_out = |name: &str| out.iter().find(|task| task.task.name == name);
    let mut missing: Vec<MissingResult> = Vec::new();
    for task in kept {
        for key in task.keys.iter().filter(|key| !known.knows(key)) {
            let result = task_result(key).map(|r| (r.producer, Some(r.result)));
            let Some((producer, result)) = result.or_else(|| matrix_length(key)) else { continue };
            let Some(producer) = left_out(producer) else { continue };
            let found = MissingResult {
                task: task.task.name.clone(),
                producer: producer.task.name.clone(),
                result: result.map(str::to_owned),
            };
            if !missing.contains(&found) {
                missing.push(found);
            }
        }
    }
    missing
}

/// How many runs the task had, or has by what the pipeline says.
fn runs(task: &PreparedPipelineTask, progress: &Progress<'_>) -> Option<usize> {
    let had = progress.children(&task.task.name).len();
    let written = || {
        let (params, include) = matrix_lists(&task.task);
        let lists = task.task.matrix.iter().flat_map(|m| &m.params);
        let all_lists = task.task.is_matrixed() && lists.into_iter().all(|p| p.value.as_array().is_some());
        all_lists.then(|| matrix::combinations(&params, &include).len())
    };
    if had > 0 { Some(had) } else { written() }
}

/// Puts in what is known, and forgets whom the task waits for that is not there.
fn fill(task: &mut PipelineTask, known: &Replacements, kept: &dyn Fn(&str) -> bool) {
    fields::replace(task, known);
    task.run_after.retain(|parent| kept(parent));
}

/// Whether one of `kept` waits for the task in the whole pipeline.
fn is_before(task: &PreparedPipelineTask, kept: &[PreparedPipelineTask], whole: &Graph) -> bool {
    let waits =
        |k: &PreparedPipelineTask| k.finally || whole.ancestors(&k.task.name).contains(&*task.task.name);
    !task.finally && kept.iter().any(waits)
}

/// Workspaces on claims that this run makes, used on both sides.
fn unwritten(
    pipeline: &PreparedPipeline,
    kept: &[PreparedPipelineTask],
    before: &[PreparedPipelineTask],
) -> Vec<String> {
    let used = |tasks: &[PreparedPipelineTask], name: &str| {
        tasks.iter().flat_map(|t| &t.task.workspaces).any(|w| w.pipeline_workspace() == name)
    };
    let own = pipeline.run.workspaces.iter().filter(|binding| {
        let claim = binding.persistent_volume_claim.as_ref().map(|c| &c.claim_name);
        pipeline.claims.iter().any(|c| Some(&c.name) == claim)
    });
    own.map(|b| b.name.clone()).filter(|name| used(kept, name) && used(before, name)).collect()
}

/// Why a part of a pipeline cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// There is no such task.
    #[error("the pipeline has no task `{task}`; {hint}")]
    Unknown {
        /// What was asked for.
        task: String,
        /// What was probably meant, or what there is.
        hint: String,
    },
    /// Tasks that are left out would give results that the others need.
    #[error("{}", list(.0))]
    Missing(Vec<MissingResult>),
}

/// A result that a task needs and that nobody gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingResult {
    /// The task that needs it.
    pub task: String,
    /// The task that gives it.
    pub producer: String,
    /// The result; none when it is the number of the producer's runs.
    pub result: Option<String>,
}

impl fmt::Display for MissingResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, producer, result } = self;
        match result {
            Some(result) => write!(f, "task `{task}` needs the result `{result}` of `{producer}`"),
            None => write!(f, "task `{task}` needs the number of runs of `{producer}`"),
        }
    }
}

fn list(missing: &[MissingResult]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
