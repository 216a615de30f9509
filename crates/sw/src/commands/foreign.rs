//! Platforms of other processors: this machine plans for them and assembles their images, but it may be unable to run their programs.

use base::{Diagnostic, Diagnostics};
use engine::local::processor;
use stream::containerfile;
use stream::definition::{Component, Platform, Test};
use stream::graph::Graph;
use stream::plan::Action;
use stream::source::Sources;
use stream::template::reference::names;

use super::plan::Planned;
use super::stream::Loaded;
use crate::failure::Failure;

/// How many names a message has.
const SHOWN: usize = 8;

/// Refuses, before anything runs, what only a machine of another processor, or an emulator, can do. Containerfiles that are not
/// fetched yet are let pass.
///
/// # Errors
/// The components to build and the tests to run for such platforms, with what can be done.
pub fn check(planned: &Planned) -> Result<(), Failure> {
    let loaded = &planned.loaded;
    let mut findings = Diagnostics::default();
    let foreign =
        |graph: &&Graph| !processor::runs(&oci::Platform::new("linux", graph.platform.architecture()));
    for graph in loaded.graphs.iter().filter(foreign) {
        let on = graph.platform;
        let built = planned.plan.components.iter().filter(|one| {
            one.platform == on
                && one.prebuilt.is_none()
                && matches!(one.action, Action::Build | Action::Maybe)
        });
        let built: Vec<&str> =
            built.map(|one| one.component.as_str()).filter(|name| runs(loaded, graph, name)).collect();
        if let Some(first) = built.first() {
            let message = format!("this machine cannot run what builds for {on}: {}", some(&built));
            let help = format!(
                "{}{}; or name images that are there (`source: {{images: {{{on}: …}}}}`), or in `caches` where a machine of that \
                 processor pushes its builds",
                for_this_machine(loaded),
                elsewhere(on)
            );
            findings.push(finding(loaded, ["components", first], message, help));
        }
        let tests = graph.stream.tests.iter().filter(|(_, test)| runs_images(loaded, test));
        let tests: Vec<&str> = tests.map(|(name, _)| name.as_str()).collect();
        if let Some(first) = tests.first() {
            let message =
                format!("this machine cannot run the images that are tested on {on}: {}", some(&tests));
            let help = format!("{}; or leave them out there: `platforms` of a test", elsewhere(on));
            findings.push(finding(loaded, ["tests", first], message, help));
        }
    }
    Ok(findings.into_result(())?)
}

/// Whether the Containerfile of a component runs something. Of a component without one its task knows.
fn runs(loaded: &Loaded, graph: &Graph, name: &str) -> bool {
    let Some(component) = graph.stream.components.get(name) else { return false };
    let takes_one = |component: &Component| {
        loaded.tasks.get(graph.stream.task_of(component)).is_some_and(|task| task.takes_containerfile())
    };
    if !takes_one(component) {
        return false;
    }
    let file = loaded.folder.file(name, component, component.containerfile_path());
    let read = file
        .ok()
        .flatten()
        .and_then(|file| containerfile::parse(&file, &component.args, graph.platform.as_str()).ok());
    read.is_some_and(|read| read.runs)
}

/// Whether containers of a test are made from the images that it tests. Others look at images, with what this machine can run.
fn runs_images(loaded: &Loaded, test: &Test) -> bool {
    let Some(task) = loaded.tasks.get(&test.task) else { return false };
    let spec = &task.task.spec;
    let steps = spec.steps.iter().map(|step| &step.image);
    let mut images = steps.chain(spec.sidecars.iter().map(|sidecar| &sidecar.image));
    images.any(|image| {
        test.images.keys().any(|param| names(image).contains(&format!("params.{param}").as_str()))
    })
}

fn finding(loaded: &Loaded, path: [&str; 2], message: String, help: String) -> Diagnostic {
    let finding = Diagnostic::error("foreign-platform", message);
    loaded.definition.places.at_key(&path, finding).help(help)
}

/// What somebody wants who tries a stream on another machine than it was written on.
fn for_this_machine(loaded: &Loaded) -> String {
    match Platform::of_architecture(&oci::Platform::host().architecture) {
        Some(own) if loaded.graphs.on(own).is_none() => {
            format!(
                "build it for this machine, `platforms: [{own}]` in the stream or in an overlay on it; or "
            )
        }
        _ => String::new(),
    }
}

/// Where programs of another processor can be run.
fn elsewhere(platform: Platform) -> String {
    format!(
        "install an emulator that the kernel knows (qemu-user-static; `sw doctor` says whether it is found), or run the \
         pipeline of `sw render` in a cluster with nodes for {platform}"
    )
}

/// The first few names, and how many more there are.
fn some(names: &[&str]) -> String {
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
