//! The stream that comes with the program, from its text to Tekton YAML; packages are made up.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use base::{Diagnostics, Digest, Source};
use stream::definition::{self, Definition, Platform};
use stream::graph::Graphs;
use stream::key::{self, Inputs};
use stream::lock::{self, Lock, Pin, ResolveCommit, ResolveError, ResolveImage, ResolvePackages, Resolvers};
use stream::plan::{Found, KnownBuilds, LastBuild, plan};
use stream::render::{Request, render};
use stream::source::folder::Folder;
use stream::task::Tasks;
use tekton::catalog::Catalog;
use tekton::lint::{comment::Comments, lint};
use tekton::load::load;
use tekton::validate::{Features, validate_with};

struct MadeUp;

impl ResolvePackages for MadeUp {
    fn packages(&self, wanted: &[String], _: &[Pin], _: Platform) -> Result<Vec<Pin>, ResolveError> {
        let pin = |name: &String| Pin { name: name.clone(), version: "1".into(), sha256: Digest::of(name) };
        Ok(wanted.iter().map(pin).collect())
    }
}

impl ResolveImage for MadeUp {
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        Ok(Digest::of(reference))
    }
}

impl ResolveCommit for MadeUp {
    fn commit(&self, _: &str, reference: &str) -> Result<String, ResolveError> {
        Ok(Digest::of(reference).hex()[..40].to_owned())
    }
}

struct Nothing;

impl KnownBuilds for Nothing {
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Found>> {
        vec![None; wanted.len()]
    }

    fn last(&self, _: Platform, _: &str) -> Option<LastBuild> {
        None
    }
}

struct Loaded {
    definition: Definition,
    graphs: Graphs,
    lock: Lock,
    inputs: BTreeMap<Platform, BTreeMap<String, Inputs>>,
    tasks: Tasks,
}

fn shown<T>(result: Result<T, Diagnostics>) -> T {
    result.unwrap_or_else(|findings| panic!("{}", findings.render(false)))
}

/// The repository's own tasks.
fn shipped() -> Vec<Source> {
    Folder::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).tasks().unwrap()
}

fn prepare(folder: &Folder, shipped: &[Source]) -> Loaded {
    let tasks = shown(Tasks::new(&folder.tasks().unwrap(), shipped));
    let definition = shown(definition::parse(&folder.text("stream.yaml").unwrap().unwrap()));
    let checked = shown(stream::check(&definition, folder, &tasks));
    let graphs = checked.graphs;
    let resolvers = Resolvers { packages: &MadeUp, images: &MadeUp, commits: &MadeUp };
    let lock = shown(lock::make(
        &graphs,
        &definition.places,
        resolvers,
        None,
        "2026-01-02T03:04:05Z".parse().unwrap(),
    ));
    assert_eq!(lock::stale(&graphs, &lock), []);
    let inputs = shown(key::inputs(&graphs, &definition.places, &lock, folder, &tasks));
    Loaded { definition, graphs, lock, inputs, tasks }
}

#[test]
fn from_text_to_tekton() {
    let folder = Folder::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../streams/debian-mini"));
    let Loaded { definition, graphs, lock, inputs, tasks } = prepare(&folder, &shipped());
    if let Some(own) = folder.text("stream.lock").unwrap() {
        let stale = lock::stale(&graphs, &shown(lock::text::parse(&own)));
        assert_eq!(stale, [], "the lock beside the stream is not of this stream any more");
    }
    let plan = plan(&graphs, &lock, &inputs, &Nothing, &BTreeSet::new());
    assert_eq!(plan.counts.build, definition.stream.components.len());
    assert_eq!(plan.components[0].component, "base");
    let rendered = shown(render(Request { graphs: &graphs, lock: &lock, plan: &plan, tasks: &tasks }));

    let source = Source::new("rendered.yaml", rendered.text());
    let loaded = shown(load(&source));
    assert_eq!(loaded.warnings, Diagnostics::default());
    // Nothing in it is odd but what its tasks allow with a reason.
    let comments = Comments::of(&source);
    let odd = Diagnostics(lint(&loaded.documents).into_iter().filter(|d| !comments.allow(d)).collect());
    assert_eq!(odd, Diagnostics::default(), "{}", odd.render(false));
    for document in &loaded.documents {
        // What a stock Tekton's admission says of it.
        let found = validate_with(document, &Features::stock());
        assert_eq!(found, Diagnostics::default(), "{}", found.render(false));
    }
    let catalog = shown(Catalog::new(loaded.documents, &mut |name| format!("{name}x")));
    let pipeline = catalog.pipeline("debian-mini").unwrap();
    assert_eq!(
        pipeline.spec.tasks.len(),
        definition.stream.components.len() + 1 + definition.stream.tests.len()
    );
    for task in pipeline.spec.all_tasks() {
        let declared = &catalog.task(&task.task_ref.as_ref().unwrap().name).unwrap().spec;
        let given: BTreeSet<&str> = task.params.iter().map(|param| param.name.as_str()).collect();
        for param in &declared.params {
            assert!(
                param.default.is_some() || given.contains(param.name.as_str()),
                "{}: {}",
                task.name,
                param.name
            );
        }
        for param in &task.params {
            let kind = declared.params.iter().find(|p| p.name == param.name).unwrap().kind();
            assert_eq!(kind, param.value.kind(), "{}: {}", task.name, param.name);
        }
    }
}

/// A stream of 190 components on one base, in a real folder, is keyed, planned and rendered in well under the time that people
/// notice. Generous: this is to find a mistake in the order of growth, not to measure.
#[test]
fn many_components() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut text = "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: many\nversion: 0.1.0\nrepository: localhost:1/many\nreleaseBase: c0\nbases:\n  base: {component: base}\n  mid: {component: c0}\ncomponents:\n  base: {payload: false, source: {path: base}, packages: [bash]}\n".to_owned();
    std::fs::create_dir_all(dir.path().join("base")).unwrap();
    std::fs::write(dir.path().join("base/Containerfile"), "FROM scratch\n").unwrap();
    for i in 0..190 {
        text += &format!("  c{i}: {{source: {{path: c/{i}}}, packages: [p{i}]}}\n");
        let from = if i % 10 == 1 { "FROM base AS build\nFROM mid\n" } else { "FROM base\n" };
        std::fs::create_dir_all(dir.path().join(format!("c/{i}/manifests"))).unwrap();
        std::fs::write(dir.path().join(format!("c/{i}/Containerfile")), from).unwrap();
        std::fs::write(dir.path().join(format!("c/{i}/manifests/a.yaml")), "kind: ConfigMap\n").unwrap();
    }
    std::fs::write(dir.path().join("stream.yaml"), text).unwrap();
    let folder = Folder::new(dir.path());
    let shipped = shipped();
    let started = Instant::now();
    let loaded = prepare(&folder, &shipped);
    let prepared = started.elapsed();
    let plan = plan(&loaded.graphs, &loaded.lock, &loaded.inputs, &Nothing, &BTreeSet::new());
    let planned = started.elapsed();
    let request = Request { graphs: &loaded.graphs, lock: &loaded.lock, plan: &plan, tasks: &loaded.tasks };
    let text = shown(render(request)).text();
    println!(
        "prepared {prepared:?}, planned {planned:?}, rendered {:?}, {} bytes",
        started.elapsed(),
        text.len()
    );
    assert_eq!(plan.components.len(), 191);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
