//! A small stream for tests.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use base::{Digest, Source};

use crate::check::check;
use crate::definition::{self, Component, Definition, Origin, Patch, Platform};
use crate::graph::Graphs;
use crate::plan::{Found, KnownBuilds, LastBuild};
use crate::source::{SourceError, Sources, Tree};
use crate::task::Tasks;

/// Nothing was built before.
pub struct Nothing;

impl KnownBuilds for Nothing {
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Found>> {
        vec![None; wanted.len()]
    }

    fn last(&self, _: Platform, _: &str) -> Option<LastBuild> {
        None
    }
}

/// Containerfiles by component folder.
pub struct Files(pub BTreeMap<&'static str, &'static str>);

impl Sources for Files {
    fn tree(&self, _: &str, component: &Component, apart: Option<&str>) -> Result<Tree, SourceError> {
        let Origin::Path(path) = &component.source else {
            unreachable!("what is from git counts by its commit")
        };
        let file = apart.and_then(|apart| self.0.get(format!("{path}/{apart}").as_str()));
        Ok(Tree { digest: Digest::of(path), apart: file.map(Digest::of) })
    }

    fn patch(&self, patch: &Patch) -> Result<Source, SourceError> {
        let missing = || SourceError::NoPatch { file: patch.file.clone(), stream: "mini".to_owned() };
        let text = self.0.get(patch.file.as_str()).ok_or_else(missing)?;
        Ok(Source::new(patch.file.as_str(), *text))
    }

    fn file(&self, name: &str, component: &Component, path: &str) -> Result<Option<Source>, SourceError> {
        match &component.source {
            Origin::Path(folder) => {
                let at = format!("{folder}/{path}");
                Ok(self.0.get(at.as_str()).map(|text| Source::new(at.as_str(), *text)))
            }
            _ => Err(SourceError::NotFetched { component: name.to_owned() }),
        }
    }
}

/// Tasks that keep the contract.
pub const TASKS: &str = "
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: containerfile}
spec:
  params:
  - {name: context}
  - {name: containerfile, default: Containerfile}
  - {name: repository}
  - {name: inputs}
  - {name: bases, type: array}
  - {name: operands, type: array, default: []}
  - {name: args, type: array, default: []}
  - {name: labels, type: array, default: []}
  - {name: packages, type: array, default: []}
  results: [{name: image}]
  workspaces: [{name: source}, {name: cache, optional: true}]
  steps: [{image: toolbox}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: debian-base}
spec:
  params:
  - {name: containerfile, default: \"\"}
  - {name: packages, type: array, default: []}
  results: [{name: image}]
  steps: [{image: toolbox}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: other-base}
spec:
  params:
  - {name: containerfile, default: \"\"}
  - {name: packages, type: array, default: []}
  results: [{name: image}]
  steps: [{image: another-toolbox}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: test-etcd}
spec:
  params: [{name: image}, {name: port, default: \"2379\"}, {name: hosts, type: array, default: []}, {name: test, default: x}]
  workspaces: [{name: evidence}]
  steps: [{image: toolbox}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: assemble}
spec:
  params: [{name: images, type: array}, {name: stream}, {name: version}, {name: base}, {name: repository}, {name: published}, {name: platforms, type: array, default: [linux/amd64]}, {name: insecure, default: \"false\"}]
  results: [{name: image, description: The payload.}]
  steps: [{image: sw}]
---
# Decides.
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: verdict}
spec:
  params: [{name: release}, {name: outcomes, type: array}]
  workspaces: [{name: evidence}]
  results: [{name: verdict}]
  steps: [{image: sw}]
";

/// A base and a component on it.
pub const STREAM: &str = r#"apiVersion: streamwright.dev/v1alpha1
kind: Stream
name: mini
version: 0.1.0
repository: localhost:5757/mini
releaseBase: etcd
bases:
  mini/base: {component: base}
components:
  base:
    task: debian-base
    payload: false
    source: {path: components/base}
    packages: [bash]
  etcd:
    source: {path: components/etcd}
    packages: [etcd-server]
tests:
  etcd:
    task: test-etcd
    images: {image: etcd}
"#;

/// The Containerfiles of [`STREAM`].
pub fn files() -> Files {
    Files(BTreeMap::from([("components/etcd/Containerfile", "FROM mini/base\n")]))
}

/// The tasks of [`TASKS`].
pub fn tasks() -> Tasks {
    Tasks::new(&[Source::new("tasks/all.yaml", TASKS)], &[]).unwrap()
}

/// A sound stream file, checked against [`files`].
pub fn checked(text: &str, files: &Files) -> (Definition, Graphs) {
    let definition = definition::parse(&Source::new("stream.yaml", text)).unwrap();
    let checked = check(&definition, files, &tasks()).unwrap_or_else(|e| panic!("{}", e.render(false)));
    (definition, checked.graphs)
}
