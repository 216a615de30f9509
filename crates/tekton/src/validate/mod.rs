//! What a cluster's admission says about an object, before anything runs (specification §3).
//!
//! Messages and field paths are Tekton's, so that users can search for them; position and advice are ours. Some of
//! Tekton's paths leave out a part of the way (`spec.steps[0].script` for what stands below `spec.taskSpec`); they are
//! told as they are, and the place is the real one.
//!
//! - [`features`]: what a cluster has turned on
//! - `finding`: a message with its paths
//! - `name`: what names may look like
//! - `variable`: references in texts
//! - `param`: declared parameters
//! - `usage`: how steps use parameters, contexts and results
//! - `step`: steps and sidecars
//! - `task`: tasks
//! - `reference`: references to tasks, pipelines and step actions
//! - `pipeline`: pipelines as a whole
//! - `pipeline_task`: each task of a pipeline
//! - `pipeline_params`: how pipeline tasks use parameters
//! - `results`: how pipeline tasks and pipeline results use results and states
//! - `matrix`: fan-out
//! - `guard`: when expressions
//! - `workspace`: workspace bindings
//! - `inline`: parameters that runs pass on to inline tasks
//! - `task_run`, `pipeline_run`: runs
//! - `step_action`: step actions

pub mod features;
mod finding;
mod guard;
mod inline;
mod matrix;
mod name;
mod param;
mod pipeline;
mod pipeline_params;
mod pipeline_run;
mod pipeline_task;
mod reference;
mod results;
mod step;
mod step_action;
mod task;
mod task_run;
mod usage;
mod variable;
mod workspace;

use base::Diagnostics;

pub use features::Features;

use crate::load::{Document, Object};
use finding::{At, Findings};

/// Everything that admission would refuse, with all of Tekton's features turned on; and, as warnings, what is certain to
/// fail once it runs.
pub fn validate(document: &Document) -> Diagnostics {
    validate_with(document, &Features::all())
}

/// Like [`validate`], for a cluster with these features.
pub fn validate_with(document: &Document, features: &Features) -> Diagnostics {
    let mut findings = Findings::new(features);
    let f = &mut findings;
    let spec = At::root("spec");
    if let Some(metadata) = document.object.metadata() {
        name::object(f, &metadata.name);
    }
    match &document.object {
        Object::Task(task) => {
            task::spec(f, &task.spec, &spec);
            usage::declared(f, &task.spec.steps, &task.spec.params, &spec, &spec);
        }
        Object::Pipeline(pipeline) => {
            pipeline::spec(f, &pipeline.spec, &spec);
            pipeline_params::alone(f, &pipeline.spec, &spec);
        }
        Object::TaskRun(run) => task_run::spec(f, &run.spec, &spec),
        Object::PipelineRun(run) => pipeline_run::spec(f, &run.spec, &spec),
        Object::StepAction(action) => step_action::spec(f, &action.spec, &spec),
        _ => return Diagnostics::default(),
    }
    findings.into_diagnostics(document)
}
