//! The tasks of a template to those of a Tekton pipeline: one for each component and test.

use std::collections::BTreeSet;

use base::{Diagnostic, Diagnostics};
use tekton::types::{Param, PipelineTask, TaskRef, TaskSpec, WorkspacePipelineTaskBinding};

use super::offer::{Offer, Values, is_forced};
use super::pins::PINS;
use crate::contract::{ALL_WORKSPACES, BUILD, COMPONENT_WORKSPACES, EVIDENCE_WORKSPACES, TEST};
use crate::definition::pipeline::{Each, PipelineTemplate};
use crate::definition::{Platform, TemplateTask};
use crate::template::reference::{Instance, Meaning, replace};
use crate::template::{Order, offered};

/// A template with all that its tasks are made of.
pub(super) struct Expansion<'a> {
    pub values: Values<'a>,
    pub order: &'a Order,
}

impl<'a> Expansion<'a> {
    fn template(&self) -> &'a PipelineTemplate {
        self.values.request.graphs.stream.pipeline()
    }

    /// The pipeline tasks of the graph, bases before what starts from them.
    ///
    /// # Errors
    /// A component that is to be built whatever there is, with a task that cannot be told so; references that can mean nothing.
    pub fn graph(&self) -> Result<Vec<PipelineTask>, Diagnostics> {
        let tasks = self.order.sequence().iter();
        self.expand(tasks.filter_map(|name| self.template().tasks.get_key_value(name)))
    }

    /// The pipeline tasks that run at the end.
    ///
    /// # Errors
    /// See [`graph`](Self::graph).
    pub fn finally(&self) -> Result<Vec<PipelineTask>, Diagnostics> {
        self.expand(self.template().finally.iter())
    }

    fn expand(
        &self,
        tasks: impl Iterator<Item = (&'a String, &'a TemplateTask)>,
    ) -> Result<Vec<PipelineTask>, Diagnostics> {
        let mut expanded = Vec::new();
        let mut findings = Diagnostics::default();
        for (name, task) in tasks {
            for instance in self.instances(task.each) {
                match self.one(name, task, instance) {
                    Ok(task) => expanded.push(task),
                    Err(finding) => findings.push(*finding),
                }
            }
        }
        findings.into_result(expanded)
    }

    /// What a task is done for: nothing in particular, every component that is built, or every test.
    fn instances(&self, each: Option<Each>) -> Vec<Option<Instance<'a>>> {
        let Some(each) = each else { return vec![None] };
        let mut instances = Vec::new();
        for graph in self.values.request.graphs.iter() {
            let (platform, stream) = (graph.platform, &graph.stream);
            let instance = |name: &'a str| Some(Instance { each, name, platform });
            match each {
                Each::Component => {
                    let built = |name: &&str| stream.components.get(*name).is_some_and(|c| !c.is_prebuilt());
                    instances.extend(graph.order().filter(built).map(instance));
                }
                Each::Test => instances.extend(stream.tests.keys().map(|name| instance(name))),
            }
        }
        instances
    }

    fn one(
        &self,
        name: &str,
        task: &TemplateTask,
        instance: Option<Instance<'_>>,
    ) -> Result<PipelineTask, Box<Diagnostic>> {
        let request = self.values.request;
        let mut made = self.replaced(name, task, instance)?;
        let mut workspaces = &ALL_WORKSPACES[..];
        let offer = match (instance, name) {
            (Some(Instance { each: Each::Component, name: component, platform }), _) => {
                if name == BUILD {
                    workspaces = &COMPONENT_WORKSPACES;
                    self.build(&mut made, component, platform)?;
                }
                self.values.component(platform, component).unwrap_or_default()
            }
            (Some(Instance { each: Each::Test, name: test, platform }), _) => {
                let Some(definition) = request.graphs.stream.tests.get(test) else { return Ok(made) };
                if name == TEST {
                    workspaces = &EVIDENCE_WORKSPACES;
                    made.task_ref = Some(TaskRef::named(definition.task.as_str()));
                    let own = definition.timeout.as_deref().and_then(|text| text.parse().ok());
                    made.timeout = own.or(made.timeout);
                }
                self.values.test(platform, test, definition)
            }
            (None, _) => self.values.once(),
        };
        made.name =
            self.values.names.task(name, instance.map(|i| (i.name, i.platform))).unwrap_or(name).to_owned();
        made.run_after = self.run_after(name, instance);
        let by_name = made.task_ref.as_ref().filter(|r| r.resolver.is_empty() && !r.is_custom());
        let spec = match by_name {
            Some(reference) => request.tasks.get(&reference.name).map(|task| &task.task.spec),
            None => offered::spec(request.tasks, task),
        };
        if let Some(spec) = spec {
            made.params = declared(spec, made.params, offer);
            made.workspaces = bindings(spec, made.workspaces, workspaces);
        }
        Ok(made)
    }

    /// The fields of a template task with its references replaced.
    fn replaced(
        &self,
        name: &str,
        task: &TemplateTask,
        instance: Option<Instance<'_>>,
    ) -> Result<PipelineTask, Box<Diagnostic>> {
        let made = task.pipeline_task();
        let failed =
            |message: String| Box::new(Diagnostic::error("unwritable", format!("`{name}`: {message}")));
        let mut value = serde_json::to_value(&made).map_err(|e| failed(e.to_string()))?;
        replace(&mut value, self, instance)
            .map_err(|several| failed(format!("`{several}` is several tasks here")))?;
        serde_json::from_value(value).map_err(|e| failed(e.to_string()))
    }

    /// Lets the component's own task do it.
    fn build(
        &self,
        made: &mut PipelineTask,
        component: &str,
        platform: Platform,
    ) -> Result<(), Box<Diagnostic>> {
        let request = self.values.request;
        let stream = &request.graphs.stream;
        let Some(definition) = stream.components.get(component) else { return Ok(()) };
        let name = stream.task_of(definition);
        made.task_ref = Some(TaskRef::named(name));
        let (Some(task), Some(planned)) = (request.tasks.get(name), request.plan.on(platform, component))
        else {
            return Ok(());
        };
        let cannot = |code, what: String, param: &str, help: &str| {
            if task.param(param).is_some() {
                return Ok(());
            }
            let message =
                format!("`{component}` cannot be {what}: its task `{name}` has no parameter `{param}`");
            let (file, span) = task.place();
            Err(Box::new(Diagnostic::error(code, message).at(file, span).help(help)))
        };
        if is_forced(planned) {
            let help = "declare `force`, with the default \"false\", and build without a look-up when it is \"true\"";
            cannot("cannot-force", "forced".to_owned(), "force", help)?;
        }
        if let Some(knob) =
            request.graphs.on(platform).and_then(|graph| graph.nodes.get(component)?.policy.knob())
        {
            let help = "declare `rebuild`, with the default \"transitive\", and `keys`, and pass both to `sw cache`, as the task \
                        containerfile does";
            cannot("cannot-hold-back", format!("held back by `{knob}`"), "rebuild", help)?;
        }
        Ok(())
    }

    fn run_after(&self, name: &str, instance: Option<Instance<'_>>) -> Vec<String> {
        let mut found = BTreeSet::new();
        for other in self.order.run_after(name) {
            self.waited_for(other, instance, &mut found);
        }
        found.into_iter().collect()
    }

    /// The pipeline tasks that are `other` for who waits for it; where there are none, those that it would have waited for.
    fn waited_for(&self, other: &str, instance: Option<Instance<'_>>, found: &mut BTreeSet<String>) {
        if let Some(one) = self.one_name(other, instance) {
            found.insert(one);
            return;
        }
        let all = self.all(other, instance);
        if all.is_empty() {
            self.order.waits(other).for_each(|earlier| self.waited_for(earlier, instance, found));
        }
        found.extend(all.into_iter().filter_map(|each| self.one_name(other, Some(each))));
    }

    fn one_name(&self, task: &str, instance: Option<Instance<'_>>) -> Option<String> {
        let each = self.template().task(task)?.each;
        let of = match each {
            None => None,
            Some(each) => {
                let instance = instance.filter(|instance| instance.each == each)?;
                Some((instance.name, instance.platform))
            }
        };
        self.values.names.task(task, of).map(str::to_owned)
    }
}

impl Meaning for Expansion<'_> {
    fn one(&self, task: &str, instance: Option<Instance<'_>>) -> Option<String> {
        self.one_name(task, instance)
    }

    fn all(&self, task: &str, instance: Option<Instance<'_>>) -> Vec<Instance<'_>> {
        let each = self.template().task(task).and_then(|task| task.each);
        let seen = |one: &Instance<'_>| instance.is_none_or(|instance| instance.platform == one.platform);
        self.instances(each).into_iter().flatten().filter(seen).collect()
    }
}

/// Of what is said and offered, what the task declares, in the task's order; what the template says counts. Defaults are not
/// repeated.
fn declared(task: &TaskSpec, said: Vec<Param>, mut offered: Offer) -> Vec<Param> {
    // Who takes the name of a list does not take the list.
    if task.params.iter().any(|spec| spec.name == PINS) {
        offered.retain(|(name, _)| name != "packages");
    }
    let mut params = Vec::new();
    for spec in &task.params {
        if let Some(own) = said.iter().find(|param| param.name == spec.name) {
            params.push(own.clone());
            continue;
        }
        let Some(index) = offered.iter().position(|(name, _)| *name == spec.name) else { continue };
        let (name, value) = offered.swap_remove(index);
        if spec.default.as_ref() != Some(&value) {
            params.push(Param::new(name, value));
        }
    }
    params
}

/// Of the pipeline's workspaces, those that the task declares, unless the template binds them otherwise.
fn bindings(
    task: &TaskSpec,
    said: Vec<WorkspacePipelineTaskBinding>,
    workspaces: &[&str],
) -> Vec<WorkspacePipelineTaskBinding> {
    let own = |name: &str| said.iter().find(|binding| binding.name == name).cloned();
    let by_name = |name: &str| {
        let declared = task.workspaces.iter().any(|workspace| workspace.name == name);
        declared.then(|| WorkspacePipelineTaskBinding {
            name: name.to_owned(),
            ..WorkspacePipelineTaskBinding::default()
        })
    };
    let given = workspaces.iter().filter(|name| own(name).is_none()).filter_map(|name| by_name(name));
    let given: Vec<_> = given.collect();
    given.into_iter().chain(said).collect()
}
