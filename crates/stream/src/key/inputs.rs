//! The inputs of every component of a stream.

use std::collections::BTreeMap;

use base::{Diagnostic, Diagnostics, Digest, Hasher};

use super::{Input, Inputs};
use crate::definition::{Component, Origin, Places, Platform};
use crate::graph::{Graph, Graphs, Node};
use crate::lock::Lock;
use crate::source::{SourceError, Sources};
use crate::task::Tasks;

/// Gathers the inputs of all components that are built, by platform and component.
///
/// # Errors
/// Sources that cannot be read, each with its place in the stream file.
pub fn inputs(
    graphs: &Graphs,
    places: &Places,
    lock: &Lock,
    sources: &dyn Sources,
    tasks: &Tasks,
) -> Result<BTreeMap<Platform, BTreeMap<String, Inputs>>, Diagnostics> {
    let mut findings = Diagnostics::default();
    let mut all = BTreeMap::new();
    for graph in graphs.iter() {
        // Sources are the same on every platform, and so is what is wrong with them.
        let mut unreadable = Diagnostics::default();
        all.insert(graph.platform, on_one(graph, places, lock, sources, tasks, &mut unreadable));
        findings.extend(unreadable.0.into_iter().filter(|one| !findings.0.contains(one)).collect::<Vec<_>>());
    }
    findings.into_result(all)
}

/// The inputs on one platform.
fn on_one(
    graph: &Graph,
    places: &Places,
    lock: &Lock,
    sources: &dyn Sources,
    tasks: &Tasks,
    findings: &mut Diagnostics,
) -> BTreeMap<String, Inputs> {
    let mut all = BTreeMap::new();
    for (name, component) in &graph.stream.components {
        let Some(node) = graph.nodes.get(name).filter(|_| component.prebuilt().is_none()) else { continue };
        let mut inputs = match source(name, component, node, lock, sources) {
            Ok(found) => found,
            Err(error) => {
                let finding = Diagnostic::error(
                    "unreadable-source",
                    format!("cannot read the source of `{name}`: {error}"),
                );
                findings.push(places.at(&["components", name, "source"], finding));
                continue;
            }
        };
        let labels = labels(graph, lock, name, component, inputs.get(&Input::Source));
        inputs.insert(Input::Platform, graph.platform.as_str().to_owned());
        inputs.insert(Input::Epoch, lock.epoch.to_string());
        let task_name = graph.stream.task_of(component);
        if let Some(task) = tasks.get(task_name) {
            inputs.insert(Input::Task, format!("{task_name} {}", task.digest()));
        }
        let named = component.args.iter().map(|(k, v)| (Input::Arg(k.clone()), v.clone()));
        let named = named.chain(labels.into_iter().map(|(k, v)| (Input::Label(k), v)));
        let pins = lock
            .pins(graph.platform, name)
            .iter()
            .map(|pin| (Input::Package(pin.name.clone()), format!("{} {}", pin.version, pin.sha256)));
        inputs.extend(named.chain(pins));
        all.insert(name.clone(), Inputs(inputs));
    }
    all
}

/// What the component is made from, and what is done to that before it is built.
///
/// The commit of a source in git stands for every file, so that nothing needs to be fetched for a plan. Of a folder the
/// Containerfile counts for itself, so that a plan can tell it from the other files.
fn source(
    name: &str,
    component: &Component,
    node: &Node,
    lock: &Lock,
    sources: &dyn Sources,
) -> Result<BTreeMap<Input, String>, SourceError> {
    let mut inputs = BTreeMap::new();
    match &component.source {
        Origin::Git(git) => {
            let commit = lock.commits.get(name).map(|known| known.commit.clone()).unwrap_or_default();
            inputs.insert(Input::Commit, commit);
            if git.path != "." {
                inputs.insert(Input::Folder, git.path.clone());
            }
            inputs.insert(Input::Containerfile, component.containerfile_path().to_owned());
        }
        Origin::Path(_) | Origin::Image(_) | Origin::Images(_) => {
            let apart = node.containerfile.as_ref().map(|_| component.containerfile_path());
            let tree = sources.tree(name, component, apart)?;
            inputs.insert(Input::Source, tree.digest.to_string());
            inputs.extend(tree.apart.map(|text| (Input::Containerfile, text.to_string())));
        }
    }
    for (index, patch) in component.patches.iter().enumerate() {
        let text = Digest::of(sources.patch(patch)?.text());
        inputs.insert(Input::Patch(index + 1, patch.file.clone()), text.to_string());
    }
    for (index, edit) in component.edits.iter().enumerate() {
        let mut hasher = Hasher::new();
        hasher.field(&edit.text);
        hasher.field(&edit.with);
        inputs.insert(Input::Edit(index + 1), hasher.finish().to_string());
    }
    for (index, base) in component.from.iter().flatten().enumerate() {
        inputs.insert(Input::From(index + 1), base.clone());
    }
    Ok(inputs)
}

/// The labels of a component's image: for an image of the payload where its source is from, in the words of OpenShift's
/// builds; and its own, which win. A base that is not in the payload has only its own, so that a change of its source
/// which does not change the image ends there.
///
/// For a git source that is commit, reference and address. A folder of the stream has no commit of its own: the digest of
/// its tree stands for one, so that the labels change when the source does and not with every commit around it.
fn labels(
    graph: &Graph,
    lock: &Lock,
    name: &str,
    component: &Component,
    tree: Option<&String>,
) -> BTreeMap<String, String> {
    let (id, reference, location) = match &component.source {
        Origin::Git(git) => {
            let commit = lock.commits.get(name).map(|c| c.commit.clone()).unwrap_or_default();
            (commit, git.reference.clone(), git.url.clone())
        }
        Origin::Path(path) => {
            let stream = component.inherited.as_deref().unwrap_or(&graph.stream.name);
            let tree = tree.and_then(|tree| tree.parse::<Digest>().ok());
            let tree = tree.map(|tree| tree.short()).unwrap_or_default();
            (format!("tree-{tree}"), String::new(), format!("{stream}/{path}"))
        }
        Origin::Image(_) | Origin::Images(_) => return component.labels.clone(),
    };
    if component.payload_tag(name).is_none() {
        return component.labels.clone();
    }
    let mut labels = BTreeMap::from([
        ("io.openshift.build.commit.id".to_owned(), id),
        ("io.openshift.build.commit.ref".to_owned(), reference),
        ("io.openshift.build.source-location".to_owned(), location),
    ]);
    labels.extend(component.labels.clone());
    labels
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base::Source;

    use super::*;
    use crate::definition::ApiVersion;
    use crate::lock::{Commit, Kind};
    use crate::sample::{self, STREAM};

    /// The inputs of `etcd` from git at `commit`, with `said` of it in the stream, and this text as its patch.
    fn of(commit: &str, said: &str, patch: &'static str) -> Inputs {
        let text = STREAM
            .replace(
                "source: {path: components/etcd}\n    packages: [etcd-server]",
                &format!("source: {{git: {{url: https://git.example/etcd, ref: main}}}}\n    {said}"),
            )
            .replace("    packages: [bash]\n", "");
        let sources = sample::Files(BTreeMap::from([("patches/a.patch", patch)]));
        let tasks = sample::tasks();
        let definition = crate::definition::parse(&Source::new("stream.yaml", text)).unwrap();
        let graphs = crate::check(&definition, &sources, &tasks).unwrap().graphs;
        let known = Commit {
            url: "https://git.example/etcd".to_owned(),
            reference: "main".to_owned(),
            commit: commit.to_owned(),
        };
        let lock = Lock {
            api_version: ApiVersion::V1Alpha1,
            kind: Kind::Lock,
            stream: "mini".to_owned(),
            from: None,
            epoch: 0,
            packages: BTreeMap::new(),
            images: BTreeMap::new(),
            commits: BTreeMap::from([("etcd".to_owned(), known)]),
        };
        let mut all = inputs(&graphs, &definition.places, &lock, &sources, &tasks).unwrap();
        all.remove(&Platform::Amd64).unwrap().remove("etcd").unwrap()
    }

    #[test]
    fn a_commit_stands_for_the_files_of_a_repository() {
        let plain = of("c1", "from: [mini/base]", "");
        assert_eq!(plain.0[&Input::Commit], "c1");
        assert_eq!(plain, of("c1", "from: [mini/base]", "not used"));
        let digests: Vec<Digest> = [
            plain,
            of("c2", "from: [mini/base]", ""),
            of("c1", "from: [mini/base, mini/base]", ""),
            of("c1", "from: [mini/base]\n    containerfile: Dockerfile", ""),
            of("c1", "from: [mini/base]\n    edits: [{match: a, with: b}]", ""),
            of("c1", "from: [mini/base]\n    edits: [{match: a, with: c}]", ""),
            of("c1", "from: [mini/base]\n    patches: [patches/a.patch]", "one"),
            of("c1", "from: [mini/base]\n    patches: [patches/a.patch]", "two"),
        ]
        .iter()
        .map(Inputs::digest)
        .collect();
        for (index, digest) in digests.iter().enumerate() {
            assert_eq!(digests.iter().position(|other| other == digest), Some(index));
        }
    }
}
