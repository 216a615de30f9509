//! The inputs of every component of a stream.

use std::collections::BTreeMap;

use base::{Diagnostic, Diagnostics, Digest};

use super::{Input, Inputs};
use crate::definition::{Component, Origin, Places};
use crate::graph::Graph;
use crate::lock::Lock;
use crate::source::Sources;
use crate::task::Tasks;

/// Gathers the inputs of all components that are built.
///
/// # Errors
/// Sources that cannot be read, each with its place in the stream file.
pub fn inputs(
    graph: &Graph,
    places: &Places,
    lock: &Lock,
    sources: &dyn Sources,
    tasks: &Tasks,
) -> Result<BTreeMap<String, Inputs>, Diagnostics> {
    let mut all = BTreeMap::new();
    let mut findings = Diagnostics::default();
    for (name, component) in &graph.stream.components {
        let Some(node) = graph.nodes.get(name).filter(|_| component.prebuilt().is_none()) else { continue };
        // The Containerfile counts for itself, so that a plan can tell it from the other files.
        let apart = node.containerfile.as_ref().map(|_| component.containerfile_path());
        let tree = match sources.tree(name, component, apart) {
            Ok(tree) => tree,
            Err(error) => {
                let finding = Diagnostic::error(
                    "unreadable-source",
                    format!("cannot read the source of `{name}`: {error}"),
                );
                findings.push(places.at(&["components", name, "source"], finding));
                continue;
            }
        };
        let mut inputs = BTreeMap::from([
            (Input::Source, tree.to_string()),
            (Input::Platform, graph.stream.platform.as_str().to_owned()),
            (Input::Epoch, lock.epoch.to_string()),
        ]);
        if let Some(task) = tasks.get(&component.task) {
            inputs.insert(Input::Task, format!("{} {}", component.task, task.digest()));
        }
        if let Some(file) = &node.containerfile {
            inputs.insert(Input::Containerfile, Digest::of(file.text()).to_string());
        }
        let named = component.args.iter().map(|(k, v)| (Input::Arg(k.clone()), v.clone()));
        let labels = labels(graph, lock, name, component, tree);
        let named = named.chain(labels.into_iter().map(|(k, v)| (Input::Label(k), v)));
        let pins = lock
            .pins(name)
            .iter()
            .map(|pin| (Input::Package(pin.name.clone()), format!("{} {}", pin.version, pin.sha256)));
        inputs.extend(named.chain(pins));
        all.insert(name.clone(), Inputs(inputs));
    }
    findings.into_result(all)
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
    tree: Digest,
) -> BTreeMap<String, String> {
    let (id, reference, location) = match &component.source {
        Origin::Git(git) => {
            let commit = lock.commits.get(name).map(|c| c.commit.clone()).unwrap_or_default();
            (commit, git.reference.clone(), git.url.clone())
        }
        Origin::Path(path) => {
            let stream = component.inherited.as_deref().unwrap_or(&graph.stream.name);
            (format!("tree-{}", tree.short()), String::new(), format!("{stream}/{path}"))
        }
        Origin::Image(_) => return component.labels.clone(),
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
