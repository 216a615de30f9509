//! Objects of `tekton.dev/v1beta1` as `tekton.dev/v1`.
//!
//! Works on the tree, so every value keeps its place. What v1beta1 calls differently is renamed or moved; what it had
//! and v1 ignores is dropped with a warning; what its admission refuses is an error; what only v1 knows is an error, too.

use base::{Diagnostic, Diagnostics, Source};

use crate::yaml::{Entry, Kind, Node};

/// Fields that steps and step templates still had in v1beta1; nothing reads them.
const IGNORED_IN_STEPS: [&str; 10] = [
    "ports",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "stdin",
    "stdinOnce",
    "tty",
];

/// Rewrites the tree of a v1beta1 `Task`, `ClusterTask`, `Pipeline`, `TaskRun` or `PipelineRun` in place. Trees of
/// other kinds stay as they are.
///
/// Gives warnings about what is dropped and errors about what v1beta1 refuses.
pub fn to_v1(object: &mut Node, kind: &str, source: &Source) -> Diagnostics {
    let mut conversion = Conversion { source, found: Diagnostics::default() };
    if let Some(spec) = object.get_mut_ignoring_case("spec") {
        match kind {
            "Task" | "ClusterTask" => conversion.task(spec, "spec"),
            "Pipeline" => conversion.pipeline(spec, "spec"),
            "TaskRun" => conversion.task_run(spec, "spec"),
            "PipelineRun" => conversion.pipeline_run(spec, "spec"),
            _ => {}
        }
    }
    if let Some(status) = object.get_mut_ignoring_case("status") {
        conversion.status(status);
    }
    conversion.found
}

struct Conversion<'a> {
    source: &'a Source,
    found: Diagnostics,
}

impl Conversion<'_> {
    fn task(&mut self, spec: &mut Node, path: &str) {
        self.refuse(
            spec,
            "resources",
            path,
            "PipelineResources are gone; use workspaces, params and results",
        );
        for (i, step) in items(spec, "steps").iter_mut().enumerate() {
            self.step(step, &format!("{path}.steps[{i}]"));
        }
        if let Some(template) = spec.get_mut_ignoring_case("stepTemplate") {
            self.step(template, &format!("{path}.stepTemplate"));
            template.take_ignoring_case("name");
        }
        for sidecar in items(spec, "sidecars") {
            self.rename(sidecar, "resources", "computeResources");
        }
    }

    fn step(&mut self, step: &mut Node, path: &str) {
        self.rename(step, "resources", "computeResources");
        for field in IGNORED_IN_STEPS {
            if let Some(entry) = step.take_ignoring_case(field) {
                let message = format!("`{field}` has no effect in steps: {path}.{field}");
                self.found
                    .push(Diagnostic::warning("ignored-field", message).at(self.source, entry.key_span));
            }
        }
    }

    fn pipeline(&mut self, spec: &mut Node, path: &str) {
        self.refuse(
            spec,
            "resources",
            path,
            "PipelineResources are gone; use workspaces, params and results",
        );
        for list in ["tasks", "finally"] {
            for (i, task) in items(spec, list).iter_mut().enumerate() {
                let path = format!("{path}.{list}[{i}]");
                self.refuse(
                    task,
                    "resources",
                    &path,
                    "PipelineResources are gone; use workspaces, params and results",
                );
                self.reference(task, "taskRef", &path);
                self.reference(task, "pipelineRef", &path);
                if let Some(inline) = task.get_mut_ignoring_case("taskSpec") {
                    self.task(inline, &format!("{path}.taskSpec"));
                }
                if let Some(inline) = task.get_mut_ignoring_case("pipelineSpec") {
                    self.pipeline(inline, &format!("{path}.pipelineSpec"));
                }
            }
        }
    }

    fn task_run(&mut self, spec: &mut Node, path: &str) {
        self.refuse(
            spec,
            "resources",
            path,
            "PipelineResources are gone; use workspaces, params and results",
        );
        self.reference(spec, "taskRef", path);
        if let Some(inline) = spec.get_mut_ignoring_case("taskSpec") {
            self.task(inline, &format!("{path}.taskSpec"));
        }
        self.overrides(spec);
    }

    fn pipeline_run(&mut self, spec: &mut Node, path: &str) {
        self.refuse(
            spec,
            "resources",
            path,
            "PipelineResources are gone; use workspaces, params and results",
        );
        self.reference(spec, "pipelineRef", path);
        if let Some(inline) = spec.get_mut_ignoring_case("pipelineSpec") {
            self.pipeline(inline, &format!("{path}.pipelineSpec"));
        }
        if spec.entry_ignoring_case("timeout").is_some() && spec.entry_ignoring_case("timeouts").is_some() {
            self.refuse(spec, "timeout", path, "`timeouts.pipeline` says the same; keep that");
        }
        self.move_into(spec, "timeout", "timeouts", "pipeline");
        self.unknown(
            spec,
            "taskRunTemplate",
            "`serviceAccountName` and `podTemplate`, without `taskRunTemplate`",
        );
        self.move_into(spec, "serviceAccountName", "taskRunTemplate", "serviceAccountName");
        self.move_into(spec, "podTemplate", "taskRunTemplate", "podTemplate");
        for run in items(spec, "taskRunSpecs") {
            self.rename(run, "taskServiceAccountName", "serviceAccountName");
            self.rename(run, "taskPodTemplate", "podTemplate");
            self.overrides(run);
        }
    }

    /// `stepOverrides` and `sidecarOverrides` of runs.
    fn overrides(&mut self, spec: &mut Node) {
        for (old, new) in [("stepOverrides", "stepSpecs"), ("sidecarOverrides", "sidecarSpecs")] {
            self.rename(spec, old, new);
            for container in items(spec, new) {
                self.rename(container, "resources", "computeResources");
            }
        }
    }

    fn status(&mut self, status: &mut Node) {
        for gone in ["taskRuns", "runs", "cloudEvents", "resourcesResult"] {
            status.take_ignoring_case(gone);
        }
        for old in ["taskResults", "pipelineResults"] {
            if let Some(entry) = status.take_ignoring_case(old) {
                status.put(Entry { key: "results".into(), ..entry });
            }
        }
        for attempt in items(status, "retriesStatus") {
            self.status(attempt);
        }
        if let Some(spec) = status.get_mut_ignoring_case("taskSpec") {
            self.task(spec, "status.taskSpec");
        }
        if let Some(spec) = status.get_mut_ignoring_case("pipelineSpec") {
            self.pipeline(spec, "status.pipelineSpec");
        }
    }

    fn reference(&mut self, holder: &mut Node, field: &str, path: &str) {
        if let Some(reference) = holder.get_mut_ignoring_case(field) {
            let help = "write `resolver: bundles` with params bundle, name and kind";
            self.refuse(reference, "bundle", &format!("{path}.{field}"), help);
        }
    }

    fn refuse(&mut self, holder: &mut Node, field: &str, path: &str, help: &str) {
        if let Some(entry) = holder.take_ignoring_case(field).filter(|e| !e.value.is_null()) {
            let message = format!("must not set the field(s): {path}.{field}");
            self.found.push(
                Diagnostic::error("forbidden-field", message).at(self.source, entry.key_span).help(help),
            );
        }
    }

    fn rename(&mut self, holder: &mut Node, old: &str, new: &str) {
        self.unknown(holder, new, &format!("`{old}`"));
        if let Some(entry) = holder.take_ignoring_case(old) {
            holder.put(Entry { key: new.to_owned(), ..entry });
        }
    }

    /// A name that only v1 has.
    fn unknown(&mut self, holder: &mut Node, field: &str, instead: &str) {
        if let Some(entry) = holder.take_ignoring_case(field) {
            self.found.push(
                Diagnostic::error("unknown-field", format!("unknown field \"{}\"", entry.key))
                    .at(self.source, entry.key_span)
                    .help(format!(
                        "in tekton.dev/v1beta1 write {instead}; or write apiVersion: tekton.dev/v1"
                    )),
            );
        }
    }

    fn move_into(&mut self, holder: &mut Node, field: &str, target: &str, name: &str) {
        let Some(entry) = holder.take_ignoring_case(field) else { return };
        if holder.get_mut_ignoring_case(target).is_none() {
            let value = Node { kind: Kind::Mapping(Vec::new()), span: entry.value.span };
            holder.put(Entry { key: target.to_owned(), key_span: entry.key_span, value });
        }
        if let Some(target) = holder.get_mut_ignoring_case(target) {
            target.put(Entry { key: name.to_owned(), ..entry });
        }
    }
}

fn items<'a>(holder: &'a mut Node, field: &str) -> &'a mut [Node] {
    holder.get_mut_ignoring_case(field).map_or(&mut [], Node::items_mut)
}
