//! Whether the tasks of a stream are there, and take and give what they must.

use std::collections::{BTreeMap, BTreeSet};

use base::diagnostic::suggestion;
use base::{Diagnostic, Diagnostics, Source, Span};
use tekton::types::{Duration, ParamType, TaskSpec};

use super::{Scope, reference_in};
use crate::contract::{
    BUILD, COMPONENT_PARAMS, COMPONENT_WORKSPACES, EVIDENCE_WORKSPACES, IMAGE_RESULT, Offered, TEST_PARAMS,
    offered,
};
use crate::definition::{Component, Platform, Test};
use crate::graph::Node;
use crate::task::TaskDefinition;

/// `nodes` are what components start from, by platform.
pub(super) fn check(
    scope: Scope<'_>,
    nodes: &BTreeMap<Platform, BTreeMap<String, Node>>,
    findings: &mut Diagnostics,
) {
    let mut met: BTreeSet<&str> = BTreeSet::new();
    for (name, component) in &scope.stream.components {
        let path = task_path(scope, name, component);
        let task_name = scope.stream.task_of(component);
        let Some(task) = find(scope, &path, task_name, findings) else { continue };
        // What is wrong with a task is said once, however many components use it.
        if met.insert(task_name) {
            let problems = component_task(task_name, task);
            findings.extend(problems.into_iter().map(|finding| used_here(scope, &path, finding)));
        }
        let bases = nodes.values().any(|nodes| nodes.get(name).is_some_and(|node| !node.bases.is_empty()));
        for (param, used) in [
            ("packages", !component.packages.is_empty()),
            ("args", !component.args.is_empty()),
            ("labels", !component.labels.is_empty()),
            ("bases", bases),
            ("operands", !component.operands.is_empty()),
        ] {
            let named = param == "packages" && task.param("pins").is_some();
            if used && !named && task.param(param).is_none() {
                let message =
                    format!("`{name}` has {param}, but the task `{task_name}` has no parameter `{param}`");
                let help = format!("declare it in the task, or take the {param} away");
                findings.push(scope.places.at(&path, Diagnostic::error("task-ignores", message).help(help)));
            }
        }
    }
    for (name, test) in &scope.stream.tests {
        check_test(scope, name, test, findings);
    }
}

/// Where the task that builds a component is named.
fn task_path<'a>(scope: Scope<'_>, name: &'a str, component: &Component) -> Vec<&'a str> {
    match (&component.task, &scope.stream.pipeline) {
        (None, Some(_)) => vec!["pipeline", "tasks", BUILD, "taskRef", "name"],
        // A task that is not written is the default one: there is only the component to point at.
        _ => vec!["components", name, "task"],
    }
}

/// Why a task cannot build components.
fn component_task(title: &str, task: &TaskDefinition) -> Vec<Diagnostic> {
    let mut found =
        unmet(title, &task.task.spec, task.place(), &COMPONENT_PARAMS, &COMPONENT_WORKSPACES, &|_| false);
    found.extend(without_image(title, task));
    found
}

pub(super) fn without_image(title: &str, task: &TaskDefinition) -> Option<Diagnostic> {
    if task.has_result(IMAGE_RESULT) {
        return None;
    }
    let (file, name) = task.place();
    let finding = Diagnostic::error(
        "result-missing",
        format!("the task `{title}` does not give the result `{IMAGE_RESULT}`"),
    );
    Some(
        finding
            .at(file, name)
            .help("let it write REPOSITORY@DIGEST of what it pushed into a result of this name"),
    )
}

/// The task called `name`, or a finding at `path`.
pub(super) fn find<'a>(
    scope: Scope<'a>,
    path: &[&str],
    name: &str,
    findings: &mut Diagnostics,
) -> Option<&'a TaskDefinition> {
    let task = scope.tasks.get(name);
    if task.is_none() {
        let finding = Diagnostic::error("unknown-task", format!("there is no task `{name}`"));
        let help = format!(
            "{}\ntasks are looked for in the stream's folder tasks/, then among those that come with the program",
            suggestion(name, scope.tasks.names())
        );
        findings.push(scope.places.at(path, finding).help(help));
    }
    task
}

/// What a task wants that nobody gives it. `set` says which parameters the stream or its pipeline sets.
pub(super) fn unmet(
    title: &str,
    task: &TaskSpec,
    (file, name): (&Source, Span),
    params: &[Offered],
    workspaces: &[&str],
    set: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for param in &task.params {
        match offered(params, &param.name) {
            _ if set(&param.name) => {}
            Some(offered) if offered.kind != param.kind() => {
                let message = format!(
                    "the task `{title}` declares `{}` as {}, but it is {}",
                    param.name,
                    with_article(param.kind()),
                    with_article(offered.kind)
                );
                let help = format!("write `type: {}`: it holds {}", offered.kind, offered.meaning);
                found.push(Diagnostic::error("param-type", message).at(file, name).help(help));
            }
            None if param.default.is_none() => {
                let message =
                    format!("the task `{title}` needs the parameter `{}`, which it does not get", param.name);
                let names: Vec<&str> = params.iter().map(|offered| offered.name).collect();
                let help = format!("give it a default, or use what there is: {}", names.join(", "));
                found.push(Diagnostic::error("param-missing", message).at(file, name).help(help));
            }
            _ => {}
        }
    }
    for workspace in &task.workspaces {
        if !workspace.optional && !workspaces.contains(&workspace.name.as_str()) {
            let message =
                format!("the task `{title}` needs the workspace `{}`, which it does not get", workspace.name);
            let help = format!("make it `optional: true`, or use what there is: {}", workspaces.join(", "));
            found.push(Diagnostic::error("workspace-missing", message).at(file, name).help(help));
        }
    }
    found
}

fn check_test(scope: Scope<'_>, name: &str, test: &Test, findings: &mut Diagnostics) {
    let places = scope.places;
    for (param, component) in &test.images {
        if !scope.stream.components.contains_key(component) {
            let message = format!("the test `{name}` uses the image of `{component}`, which does not exist");
            let finding = Diagnostic::error("unknown-component", message);
            let finding = places.at(&["tests", name, "images", param], finding);
            let instead = format!("leave the test out too:\noperations:\n  - removeTest: {{test: {name}}}");
            findings.push(scope.no_component(component, finding, &instead));
        }
        if test.params.contains_key(param) {
            let message = format!("the test `{name}` sets `{param}` as an image and as a parameter");
            let finding = Diagnostic::error("param-twice", message);
            let related = places.key(&["tests", name, "images", param]);
            findings.push(
                places
                    .at_key(&["tests", name, "params", param], finding)
                    .related(related.0, related.1, "the image")
                    .help("remove one of them"),
            );
        }
    }
    for (param, value) in &test.params {
        let path = ["tests", name, "params", param];
        findings.extend(reference_in(value, "the parameter").map(|finding| places.at(&path, finding)));
    }
    if let Some(text) = &test.timeout {
        match text.parse::<Duration>() {
            Ok(timeout) if timeout.nanos() > 0 => {}
            _ => {
                let finding =
                    Diagnostic::error("bad-timeout", format!("`{text}` is not a time that a test can take"));
                findings.push(
                    places.at(&["tests", name, "timeout"], finding).help("write it like 90s, 5m or 1h30m"),
                );
            }
        }
    }
    let Some(task) = find(scope, &["tests", name, "task"], &test.task, findings) else { return };
    for (field, keys) in [("images", &test.images), ("params", &test.params)] {
        for param in keys.keys() {
            let path = ["tests", name, field, param];
            match task.param(param) {
                None => {
                    let message = format!("the task `{}` has no parameter `{param}`", test.task);
                    let help = suggestion(param, task.task.spec.params.iter().map(|p| p.name.as_str()));
                    findings
                        .push(places.at_key(&path, Diagnostic::error("unknown-param", message)).help(help));
                }
                Some(spec) if spec.kind() != ParamType::String => {
                    let message = format!(
                        "`{param}` of the task `{}` is {}, and only texts can be set",
                        test.task,
                        with_article(spec.kind())
                    );
                    let help = "write `type: string` in the task";
                    findings.push(places.at_key(&path, Diagnostic::error("param-type", message)).help(help));
                }
                Some(_) => {}
            }
        }
    }
    let set = |param: &str| test.images.contains_key(param) || test.params.contains_key(param);
    let problems = unmet(&test.task, &task.task.spec, task.place(), &TEST_PARAMS, &EVIDENCE_WORKSPACES, &set);
    findings.extend(problems.into_iter().map(|finding| used_here(scope, &["tests", name, "task"], finding)));
}

/// Adds the line of the stream file that names the task.
pub(super) fn used_here(scope: Scope<'_>, path: &[&str], finding: Diagnostic) -> Diagnostic {
    let (source, span) = scope.places.value(path);
    finding.related(source, span, "used here")
}

fn with_article(kind: ParamType) -> String {
    match kind {
        ParamType::String => "a string".to_owned(),
        other => format!("an {other}"),
    }
}
