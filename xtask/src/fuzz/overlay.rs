//! Overlays: applied to a small stream, checked, shown, and looked at for findings.

use std::collections::BTreeMap;

use base::{Digest, Source};
use stream::definition::{ApiVersion, Component, Definition, File, Patch, parse, parse_file};
use stream::graph::{Graph, Graphs};
use stream::lint::{ImagePlatforms, Subject, review};
use stream::lock::{Commit, Kind, Lock};
use stream::overlay::{flatten, show};
use stream::source::{SourceError, Sources, Tree};
use stream::task::Tasks;

/// A stream with what the overlay of the reference is about.
const BELOW: &str = "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: below\nversion: 1.0.0\nrepository: r.example/below\nreleaseBase: etcd\nbases:\n  my-stream/base: {component: base}\ncomponents:\n  base: {payload: false, source: {path: base}, packages: [bash]}\n  etcd: {source: {git: {url: https://g.example/etcd, ref: main}}, from: [my-stream/base]}\n  cli: {source: {git: {url: https://g.example/etcd, ref: main}}, from: [my-stream/base]}\n  router: {source: {path: router}, packages: [haproxy]}\n  prometheus: {source: {path: prometheus}}\ntests:\n  etcd: {task: test-etcd, images: {image: etcd}}\n  prometheus: {task: test-x, images: {image: prometheus}}\nwaivers:\n  - {code: mismatched-siblings, component: cli, why: known}\n";

/// Every source is one file.
struct OneFile;

impl Sources for OneFile {
    fn tree(&self, name: &str, _: &Component, _: Option<&str>) -> Result<Tree, SourceError> {
        Ok(Tree { digest: Digest::of(name), apart: None })
    }

    fn patch(&self, patch: &Patch) -> Result<Source, SourceError> {
        Ok(Source::new(patch.file.as_str(), ""))
    }

    fn file(&self, name: &str, _: &Component, path: &str) -> Result<Option<Source>, SourceError> {
        Ok(Some(Source::new(format!("{name}/{path}"), "FROM my-stream/base\nARG A\n")))
    }
}

/// Takes the text as the file of an overlay on [`BELOW`].
pub(super) fn overlays(text: &str) {
    let Ok(File::Overlay(overlay)) = parse_file(&Source::new("input.yaml", text)) else { return };
    let below = parse(&Source::new("below.yaml", BELOW)).expect("the stream below is sound");
    let flat = match flatten(&below, &overlay) {
        Ok(flat) => flat,
        Err(problems) => {
            problems.0.iter().take(5).for_each(|p| drop(p.render(false)));
            return;
        }
    };
    let tasks = Tasks::new(&[], &[]).expect("no task is no wrong task");
    if let Err(problems) = stream::check(&flat, &OneFile, &tasks) {
        problems.0.iter().take(5).for_each(|p| drop(p.render(false)));
    }
    drop(show::lines(&flat));
    drop(show::differences(&below, &flat));
    findings(&flat, &tasks);
}

/// As if the lock had another commit for each component.
fn findings(flat: &Definition, tasks: &Tasks) {
    let (bases, _) = stream::check::bases(flat, &OneFile, tasks);
    let graphs: Result<Vec<Graph>, _> = bases
        .into_iter()
        .map(|(platform, bases)| Graph::new(flat.stream.on(platform), platform, bases.nodes))
        .collect();
    let Ok(graphs) = graphs else { return };
    let graphs = Graphs::new(flat.stream.clone(), graphs);
    let commit = |name: &String| {
        let commit = Commit { url: String::new(), reference: String::new(), commit: Digest::of(name).hex() };
        (name.clone(), commit)
    };
    let lock = Lock {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::Lock,
        stream: String::new(),
        from: None,
        epoch: 0,
        packages: BTreeMap::new(),
        images: BTreeMap::new(),
        commits: flat.stream.components.keys().map(commit).collect(),
    };
    let today = jiff::civil::date(2026, 11, 22);
    let reviewed = review(Subject {
        definition: flat,
        graphs: &graphs,
        lock: &lock,
        images: &ImagePlatforms::default(),
        today,
    });
    reviewed.open.iter().take(5).for_each(|finding| drop(finding.diagnostic.render(false)));
}
