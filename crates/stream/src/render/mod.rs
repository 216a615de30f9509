//! A stream as plain Tekton YAML: the tasks it uses, one pipeline, one run. Both engines take it, and `kubectl create` does.
//!
//! - [`names`]: names of pipeline tasks
//! - [`pipeline`]: the pipeline; `expand`: its tasks, of those of the template; `offer`: what these are given
//! - [`run`]: the run
//! - `pins`: pinned packages, beside the pipeline
//! - [`size`]: whether a cluster can keep it

mod expand;
pub mod names;
mod offer;
mod pins;
pub mod pipeline;
pub mod run;
pub mod size;

use std::collections::BTreeSet;

use base::{Diagnostic, Diagnostics};
use tekton::types::Pipeline;

pub use self::names::Names;
use self::size::Size;
use crate::graph::Graphs;
use crate::lock::Lock;
use crate::plan::Plan;
use crate::task::Tasks;
use crate::yaml;

/// What is rendered.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The stream on all its platforms; [`check`](crate::check::check) found it whole, with the same tasks.
    pub graphs: &'a Graphs,
    /// What its names resolved to; not stale.
    pub lock: &'a Lock,
    /// The plan, made with this lock.
    pub plan: &'a Plan,
    /// The tasks that there are.
    pub tasks: &'a Tasks,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its kind: `Task`, `ConfigMap`, `Pipeline` or `PipelineRun`.
    pub kind: &'static str,
    /// Its name; of a run, the beginning of it.
    pub name: String,
    /// Its text, with a line break at the end, without the line `---`.
    pub text: String,
}

/// The objects of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Tasks by name, packages by component, then the pipeline, then the run.
    pub documents: Vec<Document>,
    /// How large they are, in the same order.
    pub sizes: Vec<Size>,
    /// Which pipeline task does what.
    pub names: Names,
}

impl Rendered {
    /// What is too large for a cluster (errors) or nearly so (warnings). On this machine it runs all the same.
    pub fn findings(&self) -> Diagnostics {
        size::findings(&self.sizes)
    }

    /// All of it as one text. The same stream, lock and plan give the same text.
    pub fn text(&self) -> String {
        self.documents.iter().map(|document| document.text.as_str()).collect::<Vec<_>>().join("---\n")
    }
}

/// Renders a stream.
///
/// # Errors
/// What the plan asks of a task that cannot do it.
pub fn render(request: Request<'_>) -> Result<Rendered, Diagnostics> {
    let Request { graphs, tasks, .. } = request;
    let names = Names::new(graphs);
    let pipeline = pipeline::pipeline(request, &names)?;
    let run = run::run(graphs, &pipeline, &names);
    let (mut documents, mut sizes) = (Vec::new(), Vec::new());
    for name in used_tasks(&pipeline) {
        let Some(task) = tasks.get(name) else {
            return Err(Diagnostic::error("unknown-task", format!("there is no task `{name}`")).into());
        };
        documents.push(Document { kind: "Task", name: name.to_owned(), text: with_line_break(task.text()) });
        sizes.push(Size::of("Task", name, &task.task));
    }
    for config_map in pins::config_maps(request, &names, &pipeline) {
        let text = yaml::document(&config_map).map_err(unwritable)?;
        sizes.push(Size::of("ConfigMap", &config_map.metadata.name, &config_map));
        documents.push(Document { kind: "ConfigMap", name: config_map.metadata.name, text });
    }
    sizes.extend([Size::of_pipeline(&pipeline), Size::of_run(&run, &pipeline)]);
    let text = yaml::document(&pipeline).map_err(unwritable)?;
    documents.push(Document { kind: "Pipeline", name: pipeline.metadata.name, text });
    let text = yaml::document(&run).map_err(unwritable)?;
    documents.push(Document { kind: "PipelineRun", name: run.metadata.generate_name, text });
    Ok(Rendered { documents, sizes, names })
}

/// The names of all tasks that the pipeline refers to; others are found by resolvers, or are not Tekton's.
fn used_tasks(pipeline: &Pipeline) -> BTreeSet<&str> {
    let references = pipeline.spec.all_tasks().filter_map(|task| task.task_ref.as_ref());
    let by_name = references.filter(|reference| reference.resolver.is_empty() && !reference.is_custom());
    by_name.map(|reference| reference.name.as_str()).collect()
}

fn with_line_break(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

fn unwritable(error: serde_json::Error) -> Diagnostics {
    Diagnostic::error("unwritable", format!("cannot write the pipeline as YAML: {error}")).into()
}

#[cfg(test)]
mod tests;
