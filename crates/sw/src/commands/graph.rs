//! `sw graph`: a pipeline or task before it runs.

use base::Exit;
use tekton::catalog::Catalog;
use tekton::load::Object;
use tekton::outline;
use tekton::prepare::{Definitions, NotFound};
use tekton::types::{PipelineRun, TaskRun};

use super::Ended;
use super::inputs::read_all;
use super::run::choose;
use crate::cli::{GraphArgs, GraphFormat};
use crate::failure::Failure;
use crate::output::graph::{Outline, dot, mermaid, text};

/// Draws what the files would run.
pub fn run(args: &GraphArgs) -> Result<Ended, Failure> {
    let mut documents = read_all(&args.inputs)?;
    let chosen = choose(&mut documents, args.name.as_deref())?;
    // Names are completed by numbers: the same files give the same picture.
    let mut unnamed = 0;
    let mut complete = |prefix: &str| {
        unnamed += 1;
        format!("{prefix}{unnamed}")
    };
    let catalog = Catalog::new(documents, &mut complete)?;
    let outline = match &catalog.documents()[chosen].object {
        Object::PipelineRun(run) => Outline::Pipeline(pipeline(run, &catalog)?),
        Object::TaskRun(run) => Outline::Task(task(run, &catalog)?),
        other => return Err(Failure::invalid(format!("a {} has no graph", other.kind()))),
    };
    match args.output {
        GraphFormat::Text => anstream::print!("{}", text::draw(&outline)),
        GraphFormat::Dot => anstream::print!("{}", dot::draw(&outline)),
        GraphFormat::Mermaid => anstream::print!("{}", mermaid::draw(&outline)),
        GraphFormat::Json => anstream::println!("{}", serde_json::to_string_pretty(&outline)?),
    }
    Ok(Exit::Success.into())
}

fn pipeline(run: &PipelineRun, catalog: &Catalog) -> Result<outline::PipelineOutline, Failure> {
    let (name, spec) = match (&run.spec.pipeline_ref, &run.spec.pipeline_spec) {
        (Some(reference), _) => {
            let found = Definitions::pipeline(catalog, reference).map_err(|e| missing(&e))?;
            (found.metadata.name, found.spec)
        }
        (None, inline) => (run.metadata.name.clone(), inline.clone().unwrap_or_default()),
    };
    outline::pipeline(&name, &spec, &run.spec.params, catalog).map_err(|e| Failure::new(Exit::Invalid, e))
}

fn task(run: &TaskRun, catalog: &Catalog) -> Result<outline::TaskOutline, Failure> {
    let (name, spec) = match (&run.spec.task_ref, &run.spec.task_spec) {
        (Some(reference), _) => {
            let found = Definitions::task(catalog, reference).map_err(|e| missing(&e))?;
            (found.metadata.name, found.spec)
        }
        (None, inline) => (run.metadata.name.clone(), inline.clone().unwrap_or_default()),
    };
    Ok(outline::task(&name, &spec, catalog))
}

fn missing(problem: &NotFound) -> Failure {
    match problem {
        NotFound::Name { .. } => Failure::invalid(format!("{problem}; add the file that defines it")),
        // It says so itself.
        NotFound::Resolver { .. } => Failure::invalid(problem.to_string()),
    }
}
