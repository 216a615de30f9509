//! The remote references of a document.

use tekton::load::{Document, Object};
use tekton::types::{Param, PipelineSpec, Step, TaskSpec};

use crate::definitions::is_at_hand;
use crate::object::Wanted;

/// A remote reference of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference<'a> {
    /// Where it stands: `spec.tasks[0].taskRef`.
    pub path: String,
    /// What it wants.
    pub wanted: Wanted,
    /// The resolver.
    pub resolver: &'a str,
    /// Its parameters as they are written.
    pub params: &'a [Param],
}

/// All references of a document that the documents at hand do not answer, in the order of the text.
pub fn references(document: &Document) -> Vec<Reference<'_>> {
    let mut walk = Walk(Vec::new());
    match &document.object {
        Object::Task(task) => walk.task("spec", &task.spec),
        Object::Pipeline(found) => walk.pipeline("spec", &found.spec),
        Object::TaskRun(run) => {
            if let Some(r) = &run.spec.task_ref {
                walk.found("spec.taskRef".to_owned(), Wanted::Task, &r.resolver, &r.params);
            }
            if let Some(task) = &run.spec.task_spec {
                walk.task("spec.taskSpec", task);
            }
        }
        Object::PipelineRun(run) => {
            if let Some(r) = &run.spec.pipeline_ref {
                walk.found("spec.pipelineRef".to_owned(), Wanted::Pipeline, &r.resolver, &r.params);
            }
            if let Some(found) = &run.spec.pipeline_spec {
                walk.pipeline("spec.pipelineSpec", found);
            }
        }
        _ => {}
    }
    walk.0
}

struct Walk<'a>(Vec<Reference<'a>>);

impl<'a> Walk<'a> {
    fn found(&mut self, path: String, wanted: Wanted, resolver: &'a str, params: &'a [Param]) {
        if !is_at_hand(resolver) {
            self.0.push(Reference { path, wanted, resolver, params });
        }
    }

    fn task(&mut self, at: &str, task: &'a TaskSpec) {
        self.steps(at, &task.steps);
    }

    fn steps(&mut self, at: &str, steps: &'a [Step]) {
        for (i, step) in steps.iter().enumerate() {
            if let Some(r) = &step.r#ref {
                self.found(format!("{at}.steps[{i}].ref"), Wanted::StepAction, &r.resolver, &r.params);
            }
        }
    }

    fn pipeline(&mut self, at: &str, pipeline: &'a PipelineSpec) {
        for (list, tasks) in [("tasks", &pipeline.tasks), ("finally", &pipeline.finally)] {
            for (i, task) in tasks.iter().enumerate() {
                let at = format!("{at}.{list}[{i}]");
                if let Some(r) = &task.task_ref {
                    self.found(format!("{at}.taskRef"), Wanted::Task, &r.resolver, &r.params);
                }
                if let Some(r) = &task.pipeline_ref {
                    self.found(format!("{at}.pipelineRef"), Wanted::Pipeline, &r.resolver, &r.params);
                }
                if let Some(inline) = &task.task_spec {
                    self.task(&format!("{at}.taskSpec"), &inline.task);
                }
                if let Some(inner) = &task.pipeline_spec {
                    self.pipeline(&format!("{at}.pipelineSpec"), inner);
                }
            }
        }
    }
}
