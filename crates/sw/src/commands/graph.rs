//! `sw graph`: a pipeline or task before it runs.

use base::Exit;
use resolve::Resolving;
use resolve::walk::references;
use tekton::catalog::Catalog;
use tekton::load::Object;
use tekton::outline;
use tekton::prepare::task::own_values;
use tekton::prepare::{Definitions, NotFound};
use tekton::types::{PipelineRun, TaskRun};

use super::Ended;
use super::inputs::read_all;
use super::remote::remote;
use super::run::choose;
use crate::cli::{GraphArgs, GraphFormat};
use crate::failure::Failure;
use crate::output::graph::{Outline, dot, mermaid, text};
use crate::settings::Home;

/// Draws what the files would run.
pub fn run(home: &Home, args: &GraphArgs) -> Result<Ended, Failure> {
    let mut documents = read_all(&args.inputs)?;
    let chosen = choose(&mut documents, args.name.as_deref())?;
    // Names are completed by numbers: the same files give the same picture.
    let mut unnamed = 0;
    let mut complete = |prefix: &str| {
        unnamed += 1;
        format!("{prefix}{unnamed}")
    };
    let catalog = Catalog::new(documents, &mut complete)?;
    // A graph of what is at hand needs no home folder.
    let remote = match catalog.documents().iter().any(|d| !references(d).is_empty()) {
        true => Some(remote(home, args.offline, None)?),
        false => None,
    };
    let resolving = remote.as_ref().map(|remote| Resolving { catalog: &catalog, remote });
    let definitions: &dyn Definitions = resolving.as_ref().map_or(&catalog, |resolving| resolving);
    let outline = match &catalog.documents()[chosen].object {
        Object::PipelineRun(run) => Outline::Pipeline(pipeline(run, definitions)?),
        Object::TaskRun(run) => Outline::Task(task(run, definitions)?),
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

fn pipeline(run: &PipelineRun, definitions: &dyn Definitions) -> Result<outline::PipelineOutline, Failure> {
    let (name, spec) = match (&run.spec.pipeline_ref, &run.spec.pipeline_spec) {
        (Some(reference), _) => {
            let mut reference = reference.clone();
            own_values(&run.metadata, "pipelineRun", &run.spec.params).edit_params(&mut reference.params);
            let found = definitions.pipeline(&reference).map_err(|e| missing(&e))?;
            (found.metadata.name, found.spec)
        }
        (None, inline) => (run.metadata.name.clone(), inline.clone().unwrap_or_default()),
    };
    outline::pipeline(&name, &spec, &run.spec.params, definitions).map_err(|e| Failure::new(Exit::Invalid, e))
}

fn task(run: &TaskRun, definitions: &dyn Definitions) -> Result<outline::TaskOutline, Failure> {
    let (name, spec) = match (&run.spec.task_ref, &run.spec.task_spec) {
        (Some(reference), _) => {
            let mut reference = reference.clone();
            own_values(&run.metadata, "taskRun", &run.spec.params).edit_params(&mut reference.params);
            let found = definitions.task(&reference).map_err(|e| missing(&e))?;
            (found.metadata.name, found.spec)
        }
        (None, inline) => (run.metadata.name.clone(), inline.clone().unwrap_or_default()),
    };
    Ok(outline::task(&name, &spec, definitions))
}

fn missing(problem: &NotFound) -> Failure {
    match problem {
        NotFound::Name { .. } => Failure::invalid(format!("{problem}; add the file that defines it")),
        // It says so itself.
        NotFound::Resolver { .. } => Failure::invalid(problem.to_string()),
    }
}
