//! Tasks and pipelines, under their own name or inline.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::place::At;
use super::trust::Trust;
use crate::load::{Document, Object};
use crate::types::{PipelineSpec, PipelineTask, TaskSpec};

/// A task's specification.
pub(super) struct TaskScope<'a> {
    pub(super) at: At<'a>,
    pub(super) spec: &'a TaskSpec,
    /// What may use the task's params and workspaces: the task itself, or all of the run it is written in.
    pub(super) used_in: At<'a>,
    /// Whether it is a part of a pipeline.
    pub(super) in_pipeline: bool,
    /// Workspaces that it may use without declaring them; none when it stands alone.
    pub(super) outer_workspaces: Option<Rc<BTreeSet<&'a str>>>,
    pub(super) trust: Rc<Trust>,
}

/// A pipeline's specification.
pub(super) struct PipelineScope<'a> {
    pub(super) at: At<'a>,
    pub(super) spec: &'a PipelineSpec,
    /// What may use the pipeline's params and workspaces.
    pub(super) used_in: At<'a>,
}

impl<'a> PipelineScope<'a> {
    /// All tasks with their places.
    pub(super) fn tasks(&self) -> impl Iterator<Item = (At<'a>, &'a PipelineTask)> + use<'a> {
        let (at, spec) = (self.at.clone(), self.spec);
        let lists = [("tasks", &spec.tasks), ("finally", &spec.finally)];
        lists.into_iter().flat_map(move |(list, tasks)| {
            let at = at.clone();
            tasks.iter().enumerate().map(move |(i, task)| (at.index(list, i), task))
        })
    }
}

/// What a document specifies, from the outside in.
#[derive(Default)]
pub(super) struct Scopes<'a> {
    pub(super) tasks: Vec<TaskScope<'a>>,
    pub(super) pipelines: Vec<PipelineScope<'a>>,
}

impl<'a> Scopes<'a> {
    pub(super) fn of(document: &'a Document) -> Self {
        let mut scopes = Self::default();
        let at = At::spec(document);
        let none = Rc::new(Trust::default());
        match &document.object {
            Object::Task(task) => scopes.tasks.push(TaskScope {
                used_in: at.clone(),
                at,
                spec: &task.spec,
                in_pipeline: false,
                outer_workspaces: None,
                trust: Rc::new(none.declares(&task.spec.params)),
            }),
            Object::TaskRun(run) => {
                if let Some(spec) = &run.spec.task_spec {
                    let outer = run.spec.workspaces.iter().map(|w| w.name.as_str()).collect();
                    scopes.tasks.push(TaskScope {
                        at: at.field("taskSpec"),
                        spec,
                        used_in: at,
                        in_pipeline: false,
                        outer_workspaces: Some(Rc::new(outer)),
                        trust: Rc::new(none.declares_with_defaults(&spec.params).given(&run.spec.params)),
                    });
                }
            }
            Object::Pipeline(pipeline) => {
                let trust = Rc::new(none.declares(&pipeline.spec.params));
                scopes.pipeline(at.clone(), &pipeline.spec, &at, &BTreeSet::new(), &trust);
            }
            Object::PipelineRun(run) => {
                if let Some(spec) = &run.spec.pipeline_spec {
                    let trust = none.declares_with_defaults(&spec.params).given(&run.spec.params);
                    let outer = run.spec.workspaces.iter().map(|w| w.name.as_str()).collect();
                    scopes.pipeline(at.field("pipelineSpec"), spec, &at, &outer, &Rc::new(trust));
                }
            }
            _ => {}
        }
        scopes
    }

    fn pipeline(
        &mut self,
        at: At<'a>,
        spec: &'a PipelineSpec,
        used_in: &At<'a>,
        outer: &BTreeSet<&'a str>,
        trust: &Rc<Trust>,
    ) {
        let scope = PipelineScope { at, spec, used_in: used_in.clone() };
        let mut workspaces = outer.clone();
        workspaces.extend(spec.workspaces.iter().map(|w| w.name.as_str()));
        let workspaces = Rc::new(workspaces);
        for (at, task) in scope.tasks() {
            if let Some(inline) = task.inline() {
                let at = at.field("taskSpec");
                self.tasks.push(TaskScope {
                    used_in: at.clone(),
                    at,
                    spec: inline,
                    in_pipeline: true,
                    outer_workspaces: Some(Rc::clone(&workspaces)),
                    trust: Rc::new(trust.inside(task, &inline.params)),
                });
            } else if let Some(inline) = &task.pipeline_spec {
                let at = at.field("pipelineSpec");
                let trust = Rc::new(trust.inside(task, &inline.params));
                self.pipeline(at.clone(), inline, &at, &workspaces, &trust);
            }
        }
        self.pipelines.push(scope);
    }
}
