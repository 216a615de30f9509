//! Real files: upstream's examples, OKD's pipelines.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base::Source;
use tekton::load::{Object, load};
use tekton::types::{Pipeline, PipelineRun, StepAction, Task, TaskRun};
use tekton::validate::validate;

/// Every `.yaml` below `dir`, sorted.
fn yaml_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path, below: &Path) -> Source {
    let name = path.strip_prefix(below).unwrap().display().to_string();
    Source::new(name, std::fs::read_to_string(path).unwrap())
}

fn count(objects: &[Object]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for object in objects {
        *counts.entry(object.kind()).or_default() += 1;
    }
    counts
}

/// Writing an object and reading it again gives the same object.
fn round_trip(object: &Object) {
    macro_rules! check {
        ($type:ty, $object:expr) => {{
            let json = serde_json::to_string($object).unwrap();
            let again: $type = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
            assert_eq!(&again, $object);
            let nodes = tekton::yaml::parse(&Source::new("json", json.as_str())).unwrap();
            let source = Source::new("json", json);
            let again: $type =
                tekton::decode::decode(&nodes[0], &source, tekton::decode::Keys::Exact).unwrap();
            assert_eq!(&again, $object);
        }};
    }
    match object {
        Object::Task(o) => check!(Task, o),
        Object::Pipeline(o) => check!(Pipeline, o),
        Object::TaskRun(o) => check!(TaskRun, o),
        Object::PipelineRun(o) => check!(PipelineRun, o),
        Object::StepAction(o) => check!(StepAction, o),
        Object::ConfigMap(o) => check!(tekton::types::ConfigMap, o),
        Object::Secret(o) => check!(tekton::types::Secret, o),
        Object::ServiceAccount(o) => check!(tekton::types::ServiceAccount, o),
        Object::PersistentVolumeClaim(o) => check!(tekton::types::PersistentVolumeClaim, o),
        Object::Other { .. } => {}
    }
}

/// Path and kinds of every example, from the reference table beside the fixtures.
fn table(fixtures: &Path) -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(fixtures.join("../reference/tekton-examples.tsv")).unwrap_or_default();
    let row = |line: &str| {
        let mut columns = line.split('\t');
        let path = columns.next()?.strip_prefix("examples/v1/")?.to_owned();
        Some((path, columns.next()?.split(',').map(str::to_owned).collect()))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn all_upstream_examples_load_and_round_trip() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let dir = fixtures.join("tekton-examples");
    let table = table(&fixtures);
    let (mut objects, mut refused) = (Vec::new(), Vec::new());
    let mut compared = 0;
    for path in yaml_files(&dir) {
        let source = read(&path, &dir);
        let loaded = load(&source).unwrap_or_else(|e| panic!("{}\n{}", path.display(), e.render(false)));
        let kinds: Vec<&str> = loaded.documents.iter().map(|d| d.object.kind()).collect();
        if let Some(expected) = table.get(source.name()) {
            assert_eq!(&kinds, expected, "{}", source.name());
            compared += 1;
        }
        refused.extend(
            loaded
                .documents
                .iter()
                .flat_map(|d| validate(d).0)
                .map(|d| format!("{} {}", d.location().unwrap(), d.help.unwrap_or(d.message))),
        );
        objects.extend(loaded.documents.into_iter().map(|d| d.object));
    }
    // Its script builds the reference in the shell, so no cluster takes it; upstream does not run it.
    insta::assert_snapshot!(refused.join("\n"), @"pipelineruns/no-ci/compressed-results-pipeline.yaml:54:61 `digest-${i}` is not declared");
    assert!(table.is_empty() || compared > 100, "only {compared} examples are in the table");
    objects.iter().for_each(round_trip);
    insta::assert_compact_debug_snapshot!(count(&objects), @r#"{"ClusterRoleBinding": 1, "ConfigMap": 9, "LimitRange": 2, "PersistentVolumeClaim": 7, "Pipeline": 27, "PipelineRun": 66, "Secret": 21, "SecretProviderClass": 1, "ServiceAccount": 9, "StepAction": 5, "Task": 58, "TaskRun": 65}"#);
}

/// Loads what is below `dir`: the objects of the files that load, and what is said about the objects and the files.
fn load_all(fixtures: &Path, dir: &str) -> (Vec<Object>, Vec<String>) {
    let dir = fixtures.join(dir);
    let (mut objects, mut refused) = (Vec::new(), Vec::new());
    for path in yaml_files(&dir) {
        match load(&read(&path, &dir)) {
            Ok(loaded) => {
                for document in loaded.documents {
                    refused.extend(validate(&document).0.iter().map(ToString::to_string));
                    objects.push(document.object);
                }
            }
            Err(problems) => refused.extend(problems.0.iter().map(ToString::to_string)),
        }
    }
    objects.iter().for_each(round_trip);
    (objects, refused)
}

#[test]
fn okd_coreos_pipeline_loads() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let (objects, refused) = load_all(&fixtures, "okd-coreos-pipeline");
    insta::assert_compact_debug_snapshot!(count(&objects), @r#"{"BuildConfig": 2, "CronJob": 5, "DaemonSet": 1, "EventListener": 2, "ImageStream": 3, "Kustomization": 31, "MachineConfig": 1, "Namespace": 4, "PersistentVolume": 4, "PersistentVolumeClaim": 4, "Pipeline": 1, "PipelineRun": 8, "Role": 1, "RoleBinding": 2, "ServiceAccount": 1, "StorageClass": 1, "Task": 10, "TriggerBinding": 2, "TriggerTemplate": 2}"#);
    insta::assert_snapshot!(refused.join("\n"), @"base/image.openshift.io/imagestreams/okd-artifacts/imagestream.yaml:27:6: this is not YAML: while parsing a block collection, did not find expected '-' indicator");
}

#[test]
fn okd_payload_pipeline_loads() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let (objects, refused) = load_all(&fixtures, "okd-payload-pipeline");
    insta::assert_compact_debug_snapshot!(count(&objects), @r#"{"Build": 1, "BuildConfig": 189, "ClusterBuildStrategy": 1, "ClusterRole": 1, "ClusterRoleBinding": 1, "ConfigMap": 2, "Deployment": 1, "ImageStream": 2, "Job": 1, "Kustomization": 6, "Namespace": 2, "OAuthClient": 1, "Pipeline": 4, "Role": 3, "RoleBinding": 5, "Route": 1, "Service": 1, "ServiceAccount": 2, "Task": 2, "WorkflowTemplate": 8}"#);
    insta::assert_snapshot!(refused.join("\n"), @"
    argo-workflows/okd-workflows/kustomization.yaml:1:1: this object has no `apiVersion`
    argo-workflows/okd-workflows/kustomization.yaml:1:1: this object has no `kind`
    pipelines/full-rebuild.yaml:27:7: invalid value: custom task ref must specify apiVersion: spec.tasks[0].taskRef.apiVersion
    pipelines/full-rebuild.yaml:39:7: invalid value: custom task ref must specify apiVersion: spec.tasks[1].taskRef.apiVersion
    pipelines/full-rebuild.yaml:385:7: invalid value: custom task ref must specify apiVersion: spec.tasks[21].taskRef.apiVersion
    pipelines/mco-layered.yaml:27:7: invalid value: custom task ref must specify apiVersion: spec.tasks[0].taskRef.apiVersion
    pipelines/mco-layered.yaml:39:7: invalid value: custom task ref must specify apiVersion: spec.tasks[1].taskRef.apiVersion
    pipelines/mco-layered.yaml:51:7: invalid value: custom task ref must specify apiVersion: spec.tasks[2].taskRef.apiVersion
    pipelines/mco-layered.yaml:61:7: invalid value: custom task ref must specify apiVersion: spec.tasks[3].taskRef.apiVersion
    pipelines/mco-layered.yaml:72:7: invalid value: custom task ref must specify apiVersion: spec.tasks[4].taskRef.apiVersion
    ");
}
