//! Whether a run, its files and the command line fit together, before anything starts: what the engine would find out
//! later is said with its place and with what to type.

use base::diagnostic::{did_you_mean, suggestion};
use base::{Diagnostic, Diagnostics};
use tekton::catalog::Catalog;
use tekton::load::{Document, Object};
use tekton::prepare::Settings;
use tekton::types::{Param, ParamSpec, ParamType, PipelineSpec, TaskRef, WorkspaceBinding};

use crate::cli::RunArgs;

/// Everything that is missing for the run at position `chosen`, and everything on the command line that it has no use for.
pub fn check(catalog: &Catalog, chosen: usize, args: &RunArgs, settings: &Settings) -> Diagnostics {
    let mut check = Check { catalog, args, settings, found: Diagnostics::default() };
    let run = &catalog.documents()[chosen];
    match &run.object {
        Object::TaskRun(object) => {
            check.pending(run, &object.spec.status);
            check.managed(run, object.spec.managed_by.as_deref());
            if object.spec.debug.is_some() {
                check.breakpoints(run);
            }
            check.task_run(run, &object.spec);
        }
        Object::PipelineRun(object) => {
            check.pending(run, &object.spec.status);
            check.managed(run, object.spec.managed_by.as_deref());
            check.pipeline_run(run, &object.spec);
        }
        _ => {}
    }
    check.found
}

struct Check<'a> {
    catalog: &'a Catalog,
    args: &'a RunArgs,
    settings: &'a Settings,
    found: Diagnostics,
}

/// What a task or pipeline declares, and where.
struct Declared<'a> {
    document: &'a Document,
    /// Path of the spec in the document.
    at: &'static str,
    params: &'a [ParamSpec],
    /// Name, and whether it may be left out.
    workspaces: Vec<(&'a str, bool)>,
}

impl<'a> Check<'a> {
    /// Another controller's run is run here all the same: there is nobody else.
    fn managed(&mut self, run: &Document, by: Option<&str>) {
        let Some(by) = by.filter(|by| !by.is_empty() && *by != "tekton.dev/pipeline") else { return };
        let message = format!("the run is managed by {by}: Tekton's own controller would leave it alone");
        let place = run.node.span_of("spec.managedBy");
        let help = "it is run here as if the field were not there";
        self.found.push(Diagnostic::warning("managed-elsewhere", message).at(&run.source, place).help(help));
    }

    fn pending(&mut self, run: &Document, status: &str) {
        if !matches!(status, "PipelineRunPending" | "TaskRunPending") {
            return;
        }
        let message = format!("the run is to wait until somebody clears its status {status}");
        let place = run.node.span_of("spec.status");
        let help = "remove the field to run it now";
        self.found.push(Diagnostic::error("pending-run", message).at(&run.source, place).help(help));
    }

    fn breakpoints(&mut self, run: &Document) {
        let message = "breakpoints have no effect here: the run does not stop at them";
        let place = run.node.span_of("spec.debug");
        self.found.push(Diagnostic::warning("no-breakpoints", message).at(&run.source, place));
    }

    fn custom(&mut self, document: &Document, path: &str, api_version: &str, kind: &str) {
        let message = format!(
            "{kind} of {api_version} is a custom task: it needs a controller of its own, which is not here"
        );
        let place = document.node.span_of(path);
        let help = "use a Task in its place, or leave it out";
        self.found.push(Diagnostic::error("custom-task", message).at(&document.source, place).help(help));
    }

    fn task_run(&mut self, run: &'a Document, spec: &'a tekton::types::TaskRunSpec) {
        let target = match (&spec.task_ref, &spec.task_spec) {
            (Some(reference), _) => {
                self.task_exists(run, "spec.taskRef", reference);
                self.catalog
                    .task(&reference.name)
                    .filter(|_| is_local(reference))
                    .map(|task| (&task.spec, true))
            }
            (None, inline) => inline.as_ref().map(|spec| (spec, false)),
        };
        let Some((task, referenced)) = target else { return };
        let document = self.target(run, "Task", spec.task_ref.as_ref().map(|r| r.name.as_str()));
        let declared = Declared {
            document,
            at: if referenced { "spec" } else { "spec.taskSpec" },
            params: &task.params,
            workspaces: task
                .workspaces
                .iter()
                .map(|w| (w.name.as_str(), w.optional || self.settings.workspace_binding.is_some()))
                .collect(),
        };
        self.fits(&declared, &spec.params, &spec.workspaces, referenced);
    }

    fn pipeline_run(&mut self, run: &'a Document, spec: &'a tekton::types::PipelineRunSpec) {
        let (pipeline, referenced) = match (&spec.pipeline_ref, &spec.pipeline_spec) {
            (Some(reference), _) if !reference.resolver.is_empty() => return,
            (Some(reference), _) => match self.catalog.pipeline(&reference.name) {
                Some(pipeline) => (&pipeline.spec, true),
                None => return self.missing(run, "spec.pipelineRef.name", "Pipeline", &reference.name),
            },
            (None, Some(inline)) => (inline, false),
            (None, None) => return,
        };
        let document = self.target(run, "Pipeline", spec.pipeline_ref.as_ref().map(|r| r.name.as_str()));
        let at = if referenced { "spec" } else { "spec.pipelineSpec" };
        self.tasks_exist(document, at, pipeline, &mut Vec::new());
        let declared = Declared {
            document,
            at,
            params: &pipeline.params,
            workspaces: pipeline.workspaces.iter().map(|w| (w.name.as_str(), w.optional)).collect(),
        };
        self.fits(&declared, &spec.params, &spec.workspaces, referenced);
    }

    /// The document that declares what the run needs: the referenced one, or the run itself.
    fn target(&self, run: &'a Document, kind: &'static str, name: Option<&str>) -> &'a Document {
        name.and_then(|name| self.catalog.document(kind, name)).unwrap_or(run)
    }

    /// The tasks of a pipeline and of those in it; `seen` are referenced pipelines that were looked at.
    fn tasks_exist(
        &mut self,
        document: &'a Document,
        at: &str,
        pipeline: &'a PipelineSpec,
        seen: &mut Vec<&'a str>,
    ) {
        for (list, tasks) in [("tasks", &pipeline.tasks), ("finally", &pipeline.finally)] {
            for (i, task) in tasks.iter().enumerate() {
                let at = format!("{at}.{list}[{i}]");
                if let Some(embedded) = task.task_spec.as_ref().filter(|t| t.is_custom()) {
                    let path = format!("{at}.taskSpec.apiVersion");
                    self.custom(document, &path, &embedded.api_version, &embedded.kind);
                }
                if let Some(reference) = &task.task_ref {
                    self.task_exists(document, &format!("{at}.taskRef"), reference);
                }
                if let Some(inline) = &task.pipeline_spec {
                    self.tasks_exist(document, &format!("{at}.pipelineSpec"), inline, seen);
                }
                if let Some(reference) = task.pipeline_ref.as_ref().filter(|r| r.resolver.is_empty()) {
                    self.pipeline_exists(document, &at, &reference.name, seen);
                }
            }
        }
    }

    fn pipeline_exists(&mut self, document: &'a Document, at: &str, name: &'a str, seen: &mut Vec<&'a str>) {
        match self.catalog.pipeline(name) {
            Some(pipeline) if !seen.contains(&name) => {
                seen.push(name);
                let document = self.target(document, "Pipeline", Some(name));
                self.tasks_exist(document, "spec", &pipeline.spec, seen);
            }
            Some(_) => {}
            None if name.contains("$(") => {}
            None => self.missing(document, &format!("{at}.pipelineRef.name"), "Pipeline", name),
        }
    }

    fn task_exists(&mut self, document: &'a Document, path: &str, reference: &TaskRef) {
        if reference.is_custom() {
            let path = format!("{path}.apiVersion");
            return self.custom(document, &path, &reference.api_version, &reference.kind);
        }
        // A name with a reference in it is known once the run is under way.
        let known = self.catalog.task(&reference.name).is_some() || reference.name.contains("$(");
        if is_local(reference) && !known {
            self.missing(document, &format!("{path}.name"), "Task", &reference.name);
        }
    }

    fn missing(&mut self, document: &Document, path: &str, kind: &'static str, name: &str) {
        let help = did_you_mean(name, self.catalog.names(kind))
            .unwrap_or_else(|| "name the file that has it on the command line too".to_owned());
        let message = format!("the files have no {kind} called `{name}`");
        let place = document.node.span_of(path);
        self.found.push(Diagnostic::error("missing-object", message).at(&document.source, place).help(help));
    }

    /// `strict`: what the command line gives must be declared. Inline specifications may use what they do not declare.
    fn fits(&mut self, declared: &Declared<'_>, params: &[Param], bound: &[WorkspaceBinding], strict: bool) {
        let Declared { document, at, .. } = declared;
        for param in declared.params {
            let name = &param.name;
            if param.default.is_some() || params.iter().any(|p| p.name == *name) {
                continue;
            }
            let example = match param.kind() {
                ParamType::Array => format!("--param '{name}=[\"A\", \"B\"]'"),
                ParamType::Object => format!("--param '{name}={{\"KEY\": \"VALUE\"}}'"),
                ParamType::String => format!("--param {name}=VALUE"),
            };
            let problem =
                Diagnostic::error("missing-param", format!("param `{name}` has no value and no default"));
            let place = document.node.span_of(&format!("{at}.params[{name}].name"));
            self.found.push(problem.at(&document.source, place).help(format!("give it one: {example}")));
        }
        for (name, optional) in &declared.workspaces {
            if *optional || bound.iter().any(|b| b.name == *name) {
                continue;
            }
            let problem = Diagnostic::error("missing-workspace", format!("workspace `{name}` is not bound"));
            let place = document.node.span_of(&format!("{at}.workspaces[{name}].name"));
            let help = format!("bind it to a folder: --workspace {name}=DIR");
            self.found.push(problem.at(&document.source, place).help(help));
        }
        if strict {
            let names: Vec<&str> = declared.params.iter().map(|p| p.name.as_str()).collect();
            self.known("param", &self.args.params, &names);
            let names: Vec<&str> = declared.workspaces.iter().map(|(name, _)| *name).collect();
            self.known("workspace", &self.args.workspaces, &names);
        }
    }

    fn known(&mut self, what: &str, given: &[(String, String)], names: &[&str]) {
        for (name, _) in given.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            let message = format!("--{what} {name}: there is no {what} of this name");
            let help = suggestion(name, names.iter().copied());
            self.found.push(Diagnostic::error("unknown-name", message).help(help));
        }
    }
}

/// Whether the reference is to a Task of the files, and not to a custom task or one that a resolver fetches.
fn is_local(reference: &TaskRef) -> bool {
    let api = &reference.api_version;
    reference.resolver.is_empty() && (api.is_empty() || api.starts_with("tekton.dev/"))
}
