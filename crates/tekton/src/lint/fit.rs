//! What is passed to objects of the same files, and what of it they want.

use std::collections::{BTreeSet, HashMap};

use base::diagnostic::suggestion;

use super::code::{
    MISSING_PARAM, MISSING_WORKSPACE, UNDECLARED_PARAM, UNDECLARED_RESULT, UNDECLARED_WORKSPACE,
};
use super::found::{Found, KEPT};
use super::place::{At, texts, written};
use super::scope::{PipelineScope, Scopes};
use crate::load::{Document, Object};
use crate::substitute::reference;
use crate::types::{ParamSpec, PipelineTask, TaskRef};

/// Objects by kind and name.
pub(super) struct Known<'a> {
    objects: HashMap<(&'a str, &'a str), Vec<&'a Document>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(documents: &'a [Document]) -> Self {
        let mut objects: HashMap<_, Vec<&Document>> = HashMap::new();
        for document in documents {
            if let Some(metadata) = document.object.metadata().filter(|m| !m.name.is_empty()) {
                objects.entry((document.object.kind(), metadata.name.as_str())).or_default().push(document);
            }
        }
        Self { objects }
    }

    /// The object that `from` means by the name: the one of its own file, else the only one.
    fn get(&self, kind: &str, name: &str, from: &Document) -> Option<&'a Document> {
        let named = self.objects.get(&(kind, name))?;
        let mut near = named.iter().filter(|d| d.source.name() == from.source.name());
        match (near.next(), near.next(), named.len()) {
            (Some(document), None, _) => Some(document),
            (None, _, 1) => named.first().copied(),
            _ => None,
        }
    }

    fn task(&self, reference: Option<&TaskRef>, from: &Document) -> Option<Wanted<'a>> {
        let reference = reference.filter(|r| r.resolver.is_empty() && !r.is_custom())?;
        match &self.get("Task", &reference.name, from)?.object {
            Object::Task(task) => Some(Wanted {
                what: format!("task `{}`", reference.name),
                params: &task.spec.params,
                workspaces: task.spec.workspaces.iter().map(|w| (w.name.as_str(), w.optional)).collect(),
                results: task.spec.results.iter().map(|r| r.name.as_str()).collect(),
            }),
            _ => None,
        }
    }

    fn pipeline(&self, name: &str, resolver: &str, from: &Document) -> Option<Wanted<'a>> {
        match &self.get("Pipeline", name, from).filter(|_| resolver.is_empty())?.object {
            Object::Pipeline(pipeline) => Some(Wanted {
                what: format!("pipeline `{name}`"),
                params: &pipeline.spec.params,
                workspaces: pipeline.spec.workspaces.iter().map(|w| (w.name.as_str(), w.optional)).collect(),
                results: BTreeSet::new(),
            }),
            _ => None,
        }
    }
}

/// What an object wants to be given, and what it gives.
struct Wanted<'a> {
    what: String,
    params: &'a [ParamSpec],
    /// Name, and whether it may be left out.
    workspaces: Vec<(&'a str, bool)>,
    results: BTreeSet<&'a str>,
}

/// What is given to an object: names with their places.
#[derive(Default)]
struct Given<'a> {
    params: Vec<(&'a str, At<'a>)>,
    workspaces: Vec<(&'a str, At<'a>)>,
}

impl<'a> Given<'a> {
    fn params(&mut self, at: &At<'a>, params: &'a [crate::types::Param]) {
        let named = params.iter().enumerate();
        self.params.extend(named.map(|(i, p)| (p.name.as_str(), at.index("params", i).field("name"))));
    }

    fn workspaces(&mut self, at: &At<'a>, names: impl Iterator<Item = &'a str>) {
        let named = names.enumerate();
        self.workspaces.extend(named.map(|(i, name)| (name, at.index("workspaces", i).field("name"))));
    }
}

pub(super) fn pipeline(found: &mut Found<'_>, pipeline: &PipelineScope<'_>, known: &Known<'_>) {
    let document = pipeline.at.document;
    let mut results = HashMap::new();
    for (at, task) in pipeline.tasks() {
        let (wanted, field) = match &task.pipeline_ref {
            Some(child) => (known.pipeline(&child.name, &child.resolver, document), "pipelineRef"),
            None => (known.task(task.task_ref.as_ref(), document), "taskRef"),
        };
        let Some(wanted) = wanted else { continue };
        compare(found, &wanted, &of_task(&at, task), &at.field(field).field("name"));
        if task.task_ref.is_some() {
            results.insert(task.name.as_str(), wanted);
        }
    }
    undeclared_results(found, pipeline, &results);
}

fn of_task<'a>(at: &At<'a>, task: &'a PipelineTask) -> Given<'a> {
    let mut given = Given::default();
    given.params(at, &task.params);
    if let Some(matrix) = &task.matrix {
        let at = at.field("matrix");
        given.params(&at, &matrix.params);
        for (i, include) in matrix.include.iter().enumerate() {
            given.params(&at.index("include", i), &include.params);
        }
    }
    given.workspaces(at, task.workspaces.iter().map(|w| w.name.as_str()));
    given
}

pub(super) fn object(found: &mut Found<'_>, document: &Document, known: &Known<'_>) {
    let at = At::spec(document);
    let mut given = Given::default();
    match &document.object {
        Object::TaskRun(run) => {
            given.params(&at, &run.spec.params);
            given.workspaces(&at, run.spec.workspaces.iter().map(|w| w.name.as_str()));
            if let Some(wanted) = known.task(run.spec.task_ref.as_ref(), document) {
                compare(found, &wanted, &given, &at.field("taskRef").field("name"));
            }
        }
        Object::PipelineRun(run) => {
            given.params(&at, &run.spec.params);
            given.workspaces(&at, run.spec.workspaces.iter().map(|w| w.name.as_str()));
            let Some(reference) = &run.spec.pipeline_ref else { return };
            if let Some(wanted) = known.pipeline(&reference.name, &reference.resolver, document) {
                compare(found, &wanted, &given, &at.field("pipelineRef").field("name"));
            }
        }
        _ => {}
    }
    step_actions(found, document, known);
}

fn step_actions(found: &mut Found<'_>, document: &Document, known: &Known<'_>) {
    for task in &Scopes::of(document).tasks {
        for (i, step) in task.spec.steps.iter().enumerate() {
            let Some(reference) = step.r#ref.as_ref().filter(|r| r.resolver.is_empty()) else { continue };
            let action = known.get("StepAction", &reference.name, document).map(|d| &d.object);
            let Some(Object::StepAction(action)) = action else { continue };
            let at = task.at.index("steps", i);
            let mut given = Given::default();
            given.params(&at, &step.params);
            let wanted = Wanted {
                what: format!("step action `{}`", reference.name),
                params: &action.spec.params,
                workspaces: Vec::new(),
                results: BTreeSet::new(),
            };
            compare(found, &wanted, &given, &at.field("ref").field("name"));
        }
    }
}

/// `named` is where the object is named.
fn compare(found: &mut Found<'_>, wanted: &Wanted<'_>, given: &Given<'_>, named: &At<'_>) {
    let what = &wanted.what;
    let params: BTreeSet<&str> = wanted.params.iter().map(|p| p.name.as_str()).collect();
    let given_params: BTreeSet<&str> = given.params.iter().map(|(name, _)| *name).collect();
    for (name, at) in given.params.iter().filter(|(name, _)| !params.contains(name)).take(KEPT) {
        let message = format!("{what} declares no param `{name}`; the value is not used");
        found.at(&UNDECLARED_PARAM, at, message, suggestion(name, params.iter().copied()));
    }
    for param in wanted.params.iter().filter(|p| p.default.is_none()) {
        if !given_params.contains(param.name.as_str()) {
            let message = format!("{what} needs the param `{}`", param.name);
            found.at(&MISSING_PARAM, named, message, "pass it, or give it a default where it is declared");
        }
    }
    let workspaces: BTreeSet<&str> = wanted.workspaces.iter().map(|(name, _)| *name).collect();
    let given_workspaces: BTreeSet<&str> = given.workspaces.iter().map(|(name, _)| *name).collect();
    for (name, at) in given.workspaces.iter().filter(|(name, _)| !workspaces.contains(name)).take(KEPT) {
        let message = format!("{what} declares no workspace `{name}`");
        found.at(&UNDECLARED_WORKSPACE, at, message, suggestion(name, workspaces.iter().copied()));
    }
    for (wanted, _) in wanted.workspaces.iter().filter(|(_, optional)| !optional) {
        if !given_workspaces.contains(wanted) {
            let message = format!("{what} needs the workspace `{wanted}`");
            found.at(&MISSING_WORKSPACE, named, message, "bind it, or declare it `optional: true`");
        }
    }
}

fn undeclared_results(
    found: &mut Found<'_>,
    pipeline: &PipelineScope<'_>,
    tasks: &HashMap<&str, Wanted<'_>>,
) {
    let document = pipeline.at.document;
    let Some(node) = pipeline.at.node().filter(|_| !tasks.is_empty()) else { return };
    let mut wrong = Vec::new();
    texts(node, &mut |text, node| {
        for reference in written(text, node, &document.source) {
            let result =
                reference::task_result(reference.key).or_else(|| reference::finally_result(reference.key));
            let Some(result) = result else { continue };
            if let Some(task) = tasks.get(result.producer).filter(|t| !t.results.contains(result.result)) {
                wrong.push((reference, result, task));
            }
        }
    });
    for (reference, result, task) in wrong.into_iter().take(KEPT) {
        let message = format!("{} declares no result `{}`", task.what, result.result);
        found.span(
            &UNDECLARED_RESULT,
            reference.span,
            message,
            suggestion(result.result, task.results.iter().copied()),
        );
    }
}
