//! What folders build is what kubectl builds: `cases/*/expected.yaml` is what `kubectl kustomize` (kustomize 5.8) printed.
//! Where a kubectl is that has kustomize 5, it is asked again.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use base::Source;
use kustomize::{Disk, build};
use serde_json::Value;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn documents(text: &str) -> Vec<Value> {
    let nodes = tekton::yaml::parse(&Source::new("expected", text)).unwrap();
    nodes.iter().filter(|node| !node.is_null()).map(tekton::yaml::Node::to_json).collect()
}

fn built(folder: &Path) -> Vec<Value> {
    let built = build(&Disk, folder).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    built.objects.into_iter().map(|object| object.value).collect()
}

/// Object by object, so that a difference can be read.
fn assert_same(ours: &[Value], theirs: &[Value], folder: &Path) {
    let name = |value: &Value| format!("{} {}", value["kind"], value["metadata"]["name"]);
    let names = |all: &[Value]| all.iter().map(name).collect::<Vec<_>>();
    assert_eq!(names(ours), names(theirs), "{}", folder.display());
    for (our, their) in ours.iter().zip(theirs) {
        assert!(our == their, "{}: ours\n{our:#}\nkubectl's\n{their:#}", folder.display());
    }
}

/// What kubectl builds; none when there is no kubectl with kustomize 5.
fn kubectl(folder: &Path) -> Option<Vec<Value>> {
    let version = Command::new("kubectl").args(["version", "--client"]).output().ok()?;
    if !String::from_utf8_lossy(&version.stdout).contains("Kustomize Version: v5") {
        return None;
    }
    let output = Command::new("kubectl").arg("kustomize").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(documents(&String::from_utf8(output.stdout).unwrap()))
}

#[test]
fn cases_are_built_as_recorded() {
    for case in cases() {
        let expected = documents(&std::fs::read_to_string(case.join("expected.yaml")).unwrap());
        assert_same(&built(&case), &expected, &case);
        if let Some(theirs) = kubectl(&case) {
            assert_same(&theirs, &expected, &case);
        }
    }
}

/// Folders of the projects that this is for. Two cannot be built by anybody: one fetches, one is not YAML.
#[test]
fn real_folders_are_built_like_kubectl_does() {
    let Some(fixtures) = testkit::fixtures() else {
        println!("skipped: fixtures are not here");
        return;
    };
    let mut folders = Vec::new();
    for project in ["okd-payload-pipeline", "okd-coreos-pipeline"] {
        find(&fixtures.join(project), &mut folders);
    }
    assert!(folders.len() > 30, "{folders:?}");
    for folder in folders {
        match folder.file_name().unwrap().to_str().unwrap() {
            "operator-deployment" => refused(&folder, "argo-workflows/releases/download"),
            "okd-artifacts" => refused(&folder, "imagestream.yaml:"),
            _ => {
                let ours = built(&folder);
                assert!(!ours.is_empty());
                // Those that include the others.
                let whole =
                    ["variants", "environments"].iter().any(|part| folder.parent().unwrap().ends_with(part));
                if let Some(theirs) = whole.then(|| kubectl(&folder)).flatten() {
                    assert_same(&ours, &theirs, &folder);
                }
            }
        }
    }
}

fn refused(folder: &Path, because: &str) {
    let problems = build(&Disk, folder).unwrap_err();
    assert!(problems.to_string().contains(because), "{problems}");
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            find(&entry.path(), found);
        } else if entry.file_name() == "kustomization.yaml" {
            found.push(folder.to_owned());
        }
    }
}
