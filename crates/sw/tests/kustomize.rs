//! `-k`, and folders as input: what commands read besides files.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

const TASK: &str = "# The first line is a comment.
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: hello}
spec:
  params: [{name: who, default: world}]
  steps:
    - name: say
      image: debian
      script: echo $(params.WHO)
---
apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: {name: ears}
";

fn sw(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sw"));
    let output = command.args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// `base/` with a task of this text, and `top/` over it.
fn folders(task: &str, top: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("base/kustomization.yaml", "resources: [task.yaml]\n");
    write("base/task.yaml", task);
    write("top/kustomization.yaml", &format!("resources: [../base]\nnamePrefix: team-\n{top}"));
    dir
}

#[test]
fn findings_lead_to_the_file_that_was_written() {
    let dir = folders(TASK, "");
    let (code, out, _) = sw(dir.path(), &["validate", "-k", "top"]);
    assert_eq!(code, Some(2));
    assert!(out.contains("--> base/task.yaml:10:15\n"), "{out}");
    let skipped = "base/task.yaml:13:7: skipped EventListener team-ears (triggers.tekton.dev/v1beta1): it is not used here\n";
    assert!(out.contains(skipped), "{out}");
    let about = out.matches("EventListener").count();
    assert_eq!(about, 1, "what is skipped is one line: {out}");
}

#[test]
fn what_a_patch_wrote_is_shown_as_built() {
    let patch =
        "patches: [{target: {kind: Task}, patch: '[{op: replace, path: /spec/steps/0/name, value: UPPER}]'}]";
    let dir = folders(&TASK.replace("WHO", "who"), patch);
    let (code, out, _) = sw(dir.path(), &["validate", "-k", "top"]);
    assert_eq!(code, Some(2));
    assert!(out.contains("--> top (built from base/task.yaml:2):"), "{out}");
    assert!(out.contains("- name: UPPER"), "{out}");
}

#[test]
fn a_graph_of_what_was_built() {
    let dir = folders(&TASK.replace("WHO", "who"), "");
    let (code, out, err) = sw(dir.path(), &["graph", "-k", "top"]);
    assert_eq!((code, out.as_str()), (Some(0), "task team-hello\n  step say  debian\n"), "{err}");
}

#[test]
fn a_folder_is_all_its_files_but_its_kustomizations() {
    let dir = folders(&TASK.replace("WHO", "who"), "");
    let (code, out, err) = sw(dir.path(), &["graph", "."]);
    assert_eq!((code, out.as_str()), (Some(0), "task hello\n  step say  debian\n"), "{err}");
    assert!(err.contains("skipped ./top/kustomization.yaml: build it with -k ./top\n"), "{err}");
}

#[test]
fn what_cannot_be_built_says_where_and_why() {
    let dir = folders(TASK, "helmCharts: [{name: x}]\n");
    let (code, _, err) = sw(dir.path(), &["run", "-k", "top"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("top/kustomization.yaml:3:1") && err.contains("helm template"), "{err}");
    let (code, _, err) = sw(dir.path(), &["graph", "-k", "nowhere"]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("cannot read nowhere") && err.contains("name a folder with a kustomization.yaml"),
        "{err}"
    );
}
