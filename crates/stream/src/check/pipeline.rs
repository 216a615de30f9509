//! Whether the pipeline has what every stream needs, and its tasks refer to what there is.

use std::collections::BTreeSet;

use base::diagnostic::suggestion;
use base::{Diagnostic, Diagnostics};
use tekton::types::TaskSpec;

use super::Scope;
use super::contract::{find, unmet, used_here, without_image};
use super::names::is_label;
use crate::contract::{ALL_WORKSPACES, ASSEMBLE, BUILD, EVIDENCE_WORKSPACES, TEST, VERDICT};
use crate::definition::pipeline::{Each, PipelineTemplate, TemplateTask};
use crate::template::reference::{TaskReference, Text, names, task_references, texts};
use crate::template::{Order, offered};

/// The tasks with a meaning: their names, where they stand, and what they are done for.
const ROLES: [(&str, &str, Option<Each>); 4] = [
    (BUILD, "tasks", Some(Each::Component)),
    (ASSEMBLE, "tasks", None),
    (TEST, "tasks", Some(Each::Test)),
    (VERDICT, "finally", None),
];

pub(super) fn check(scope: Scope<'_>, findings: &mut Diagnostics) {
    let template = scope.stream.pipeline();
    for (name, section, each) in ROLES {
        if name != TEST || !scope.stream.tests.is_empty() {
            findings.extend(role(scope, name, section, each));
        }
    }
    for (name, task) in template.all() {
        let one = One { scope, template, name, task, section: template.section(name) };
        one.check(findings);
    }
    match Order::new(template, scope.tasks) {
        Ok(order) => findings.extend(template.tasks.iter().filter_map(|(name, task)| {
            is_waited_for(scope, &order, name, task).err().map(|finding| *finding)
        })),
        Err(cycle) => findings.push(waits_for_itself(scope, &cycle)),
    }
}

/// What is wrong with a task that every pipeline has.
fn role(scope: Scope<'_>, name: &str, section: &str, each: Option<Each>) -> Option<Diagnostic> {
    let template = scope.stream.pipeline();
    let there = template.task(name).filter(|task| template.section(name) == section && task.each == each);
    if there.is_some() {
        return None;
    }
    let kind = each.map_or("that is done once".to_owned(), |each| format!("with `each: {}`", each.as_str()));
    let message = format!("the pipeline has no task `{name}` {kind} in `{section}`");
    let finding = Diagnostic::error("pipeline-incomplete", message);
    let help = match name {
        VERDICT => {
            "without a verdict nothing says whether a release is good; `replaceTask` lets another task judge"
        }
        ASSEMBLE => "without it there is no release; `replaceTask` lets another task assemble it",
        TEST => "the stream has tests; remove them with `removeTest` if they are not to run",
        _ => "without it there are no images; `setTask` with a `taskRef` lets another task build them",
    };
    let mut finding = scope.places.at(&["pipeline", section, name], finding).help(help);
    if let Some(removed) = scope.history.removed_task(name) {
        finding =
            finding.related(&removed.source, removed.span, format!("removed here, by `{}`", removed.stream));
    }
    Some(finding)
}

/// A failure of a task for which nothing waits would not keep a release from being accepted.
fn is_waited_for(
    scope: Scope<'_>,
    order: &Order,
    name: &str,
    task: &TemplateTask,
) -> Result<(), Box<Diagnostic>> {
    let judged = |later: &str| order.is_after(later, name);
    let role = ROLES.iter().any(|(role, ..)| *role == name);
    let tested = !scope.stream.tests.is_empty() && judged(TEST);
    // A place that does not exist is reported there.
    let known = |other: &Option<String>| {
        other.as_ref().is_none_or(|other| scope.stream.pipeline().tasks.contains_key(other))
    };
    let misplaced = !known(&task.after) || !known(&task.before);
    if role || judged(ASSEMBLE) || tested || task.on_error == "continue" || misplaced {
        return Ok(());
    }
    let message = format!("nothing waits for `{name}`: a release would be accepted whatever it finds");
    let finding =
        scope.places.at_key(&["pipeline", "tasks", name], Diagnostic::error("nothing-waits", message));
    let help = "write `before: assemble` or `before: test`; make it a test; or say `onError: continue` if it only informs";
    Err(Box::new(finding.help(help)))
}

fn waits_for_itself(scope: Scope<'_>, cycle: &[String]) -> Diagnostic {
    let message = format!("the pipeline waits for itself: {}", cycle.join(" → "));
    let said = |name: &&String| {
        let task = scope.stream.pipeline().tasks.get(*name);
        task.is_some_and(|task| task.after.is_some() || task.before.is_some() || !task.run_after.is_empty())
    };
    let first = cycle.iter().find(said).or(cycle.first()).map_or("", String::as_str);
    let finding = Diagnostic::error("pipeline-cycle", message);
    let help = "each waits for the next, by `after`, `before`, `runAfter` or a result that it uses; `runAfter` alone makes nothing \
                else wait";
    scope.places.at_key(&["pipeline", "tasks", first], finding).help(help)
}

/// A task of the template.
struct One<'a> {
    scope: Scope<'a>,
    template: &'a PipelineTemplate,
    name: &'a str,
    task: &'a TemplateTask,
    section: &'static str,
}

impl One<'_> {
    fn check(&self, findings: &mut Diagnostics) {
        if !is_label(self.name) {
            let finding =
                Diagnostic::error("bad-name", format!("`{}` cannot be the name of a task", self.name));
            let help = "use lower-case letters, digits and `-`, beginning with a letter";
            findings.push(self.scope.places.at_key(&self.path(&[]), finding).help(help));
        }
        self.order(findings);
        for text in texts(self.task) {
            self.references(&text, findings);
        }
        self.reference(findings);
    }

    fn path<'a>(&'a self, below: &[&'a str]) -> Vec<&'a str> {
        [&["pipeline", self.section, self.name][..], below].concat()
    }

    fn at(&self, below: &[&str], finding: Diagnostic) -> Diagnostic {
        self.scope.places.at(&self.path(below), finding)
    }

    /// `after`, `before` and `runAfter` name tasks of the graph.
    fn order(&self, findings: &mut Diagnostics) {
        let after = self.task.after.iter().map(|other| (vec!["after".to_owned()], other));
        let before = self.task.before.iter().map(|other| (vec!["before".to_owned()], other));
        let run_after = self.task.run_after.iter().enumerate();
        let run_after = run_after.map(|(i, other)| (vec!["runAfter".to_owned(), i.to_string()], other));
        for (path, other) in after.chain(before).chain(run_after) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            if self.section == "finally" {
                let message = format!("`{}` runs when all others are over, whatever they are", self.name);
                let finding = Diagnostic::error("order-in-finally", message);
                findings.push(self.at(&path, finding).help(format!("remove `{}`", path[0])));
            } else if !self.template.tasks.contains_key(other) || other == self.name {
                findings.push(self.unknown(&path, other));
            }
        }
    }

    fn unknown(&self, path: &[&str], other: &str) -> Diagnostic {
        if self.template.finally.contains_key(other) {
            let message =
                format!("`{}` cannot wait for `{other}`, which runs when all others are over", self.name);
            return self
                .at(path, Diagnostic::error("order-in-finally", message))
                .help("name a task of `tasks`");
        }
        let finding = Diagnostic::error(
            "unknown-pipeline-task",
            format!("`{}` refers to `{other}`, which the pipeline does not have", self.name),
        );
        let finding = self.at(path, finding);
        match self.scope.history.removed_task(other) {
            Some(removed) => {
                let note = format!("removed here, by `{}`", removed.stream);
                let help = format!("move or replace `{}` too, or leave `{other}` in", self.name);
                finding.related(&removed.source, removed.span, note).help(help)
            }
            None => finding.help(suggestion(other, self.template.tasks.keys().map(String::as_str))),
        }
    }

    /// What a text refers to is there, and is one where only one can be meant.
    fn references(&self, text: &Text, findings: &mut Diagnostics) {
        let path: Vec<&str> = text.path.iter().map(String::as_str).collect();
        let references = task_references(&text.text);
        for reference in &references {
            let Some(other) = self.template.tasks.get(reference.task) else {
                findings.push(self.unknown(&path, reference.task));
                continue;
            };
            if other.each.is_some() && other.each != self.task.each && !text.item {
                let message =
                    format!("`{}` is several tasks, and only one can be meant here", reference.task);
                let finding = self.at(&path, Diagnostic::error("several-tasks", message));
                let help = format!(
                    "make it an item of a list, which is repeated for all of them: `value: [\"{}\"]`",
                    text.text
                );
                findings.push(finding.help(help));
            }
            findings.extend(self.result(&path, reference));
        }
        let same = |each: Each| {
            let others = references.iter().filter_map(|r| self.template.tasks.get(r.task));
            self.task.each == Some(each) || others.into_iter().any(|other| other.each == Some(each))
        };
        let used = names(&text.text);
        for each in [Each::Component, Each::Test].into_iter().filter(|each| !same(*each)) {
            let own =
                |name: &&str| [".name", ".platform"].map(Some).contains(&name.strip_prefix(each.as_str()));
            for name in used.iter().copied().filter(own) {
                let message = format!(
                    "`$({name})` has no meaning in a task that is not done for each {}",
                    each.as_str()
                );
                let finding = self.at(&path, Diagnostic::error("no-meaning", message));
                findings.push(finding.help(format!("add `each: {}`, or write what is meant", each.as_str())));
            }
        }
    }

    /// What a reference wants of a task is given by it.
    fn result(&self, path: &[&str], reference: &TaskReference<'_>) -> Option<Diagnostic> {
        let Some(result) = reference.result() else {
            if self.section == "finally" && ["status", "reason"].contains(&reference.of) {
                return None;
            }
            let message = format!("`{}` of a task cannot be referred to here", reference.of);
            let help = "a result is `$(tasks.NAME.results.RESULT)`; tasks in `finally` also have `$(tasks.NAME.status)`";
            return Some(self.at(path, Diagnostic::error("unknown-reference", message)).help(help));
        };
        for (name, spec) in self.specs(reference.task) {
            if spec.results.iter().all(|declared| declared.name != result) {
                let message = format!("the task `{name}` does not give the result `{result}`");
                let finding = self.at(path, Diagnostic::error("unknown-result", message));
                let help = suggestion(result, spec.results.iter().map(|declared| declared.name.as_str()));
                return Some(finding.help(help));
            }
        }
        None
    }

    /// The Tekton tasks that a task of the template runs, as far as they are at hand.
    fn specs(&self, task: &str) -> Vec<(String, &TaskSpec)> {
        let Scope { stream, tasks, .. } = self.scope;
        let names: BTreeSet<&str> = match task {
            BUILD => {
                let built = stream.components.values().filter(|component| component.prebuilt().is_none());
                built.map(|component| stream.task_of(component)).collect()
            }
            TEST => stream.tests.values().map(|test| test.task.as_str()).collect(),
            _ => {
                let spec = self.template.task(task).and_then(|task| offered::spec(tasks, task));
                return spec.map(|spec| (task.to_owned(), spec)).into_iter().collect();
            }
        };
        let known = |name: &&str| Some(((*name).to_owned(), &tasks.get(name)?.task.spec));
        names.iter().filter_map(known).collect()
    }

    /// The Tekton task is there, and gets what it must.
    fn reference(&self, findings: &mut Diagnostics) {
        let Self { scope, name, task, .. } = *self;
        let says = (task.task_ref.is_some(), task.task_spec.is_some());
        let problem = match (name, says) {
            (TEST, (false, false)) => return,
            (TEST, _) => {
                Some(("each test names its own task", "remove it; `setTask` changes its other fields"))
            }
            (_, (true, true)) => Some(("it has both `taskRef` and `taskSpec`", "keep one of them")),
            (_, (false, false)) => {
                Some(("nothing says which Tekton task it is", "write `taskRef: {name: TASK}`"))
            }
            (BUILD | ASSEMBLE | VERDICT, _) if task.task_name().is_none() => Some((
                "its Tekton task must be one of the stream's folder tasks/ or of the program",
                "write `taskRef: {name: TASK}`: keys digest the text of the task that builds",
            )),
            _ => None,
        };
        if let Some((message, help)) = problem {
            let message = format!("`{name}` of the pipeline: {message}");
            findings.push(self.at(&["taskRef"], Diagnostic::error("pipeline-task", message)).help(help));
            return;
        }
        let path = self.path(&["taskRef", "name"]);
        // Components name the tasks that build, and are checked with them.
        if name == BUILD {
            return self.unknown_params(&self.specs(BUILD), findings);
        }
        let set = |param: &str| task.params.iter().any(|own| own.name == param);
        let params = offered::params(self.template, name, task);
        let workspaces =
            if name == ASSEMBLE || name == VERDICT { &EVIDENCE_WORKSPACES[..] } else { &ALL_WORKSPACES };
        if let Some(wanted) = task.task_name() {
            let Some(found) = find(scope, &path, wanted, findings) else { return };
            let mut problems = unmet(wanted, &found.task.spec, found.place(), &params, workspaces, &set);
            if name == ASSEMBLE {
                problems.extend(without_image(wanted, found));
            }
            findings.extend(problems.into_iter().map(|finding| used_here(scope, &path, finding)));
            self.unknown_params(&[(wanted.to_owned(), &found.task.spec)], findings);
        } else if let Some(inline) = offered::spec(scope.tasks, task) {
            let place = scope.places.key(&self.path(&["taskSpec"]));
            findings.extend(unmet(name, inline, place, &params, workspaces, &set));
            self.unknown_params(&[(name.to_owned(), inline)], findings);
        }
    }

    /// What is set is declared, by at least one of the tasks.
    fn unknown_params(&self, specs: &[(String, &TaskSpec)], findings: &mut Diagnostics) {
        let Some((first, _)) = specs.first() else { return };
        let declared = || specs.iter().flat_map(|(_, spec)| &spec.params);
        for (index, param) in self.task.params.iter().enumerate() {
            let path = ["params", &index.to_string(), "name"];
            match declared().find(|spec| spec.name == param.name) {
                None => {
                    let message = format!("the task `{first}` has no parameter `{}`", param.name);
                    let help = suggestion(&param.name, declared().map(|spec| spec.name.as_str()));
                    findings.push(self.at(&path, Diagnostic::error("unknown-param", message)).help(help));
                }
                Some(spec)
                    if spec.kind() != param.value.kind() && !param.value.to_string().starts_with("$(") =>
                {
                    let message =
                        format!("`{}` of the task `{first}` is of type {}", param.name, spec.kind());
                    let help = format!("write a value of that type, not of type {}", param.value.kind());
                    findings.push(self.at(&path, Diagnostic::error("param-type", message)).help(help));
                }
                Some(_) => {}
            }
        }
    }
}
