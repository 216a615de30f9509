//! `sw validate`: findings with places, in three forms.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

const BAD: &str = "\
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: t}
spec:
  steps:
  - name: Bad_Name
    image: i@sha256:0000000000000000000000000000000000000000000000000000000000000000
    script: echo $(params.missing)
";

fn validate(args: &[&str], folder: &Path) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sw"));
    let Output { status, stdout, stderr } =
        command.arg("validate").args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn refusals_have_a_place_and_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.yaml"), BAD).unwrap();
    let (code, stdout, stderr) = validate(&["bad.yaml"], dir.path());
    assert_eq!(code, Some(2), "{stdout}");
    assert!(stdout.contains("bad.yaml:6:11"), "{stdout}");
    assert!(stdout.contains("$(params.missing)"), "{stdout}");
    assert_eq!(stderr, "1 files, 1 objects: 2 errors, 0 warnings\n");

    let (_, stdout, _) = validate(&["bad.yaml", "-o", "json"], dir.path());
    let findings: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&findings[0]["file"], &findings[0]["line"]), (&"bad.yaml".into(), &6.into()), "{stdout}");

    let (_, stdout, _) = validate(&["bad.yaml", "-o", "sarif"], dir.path());
    let log: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 2, "{stdout}");
}

#[test]
fn folders_are_searched_and_good_files_pass() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
    let good = BAD.replace("Bad_Name", "good-name").replace("$(params.missing)", "hi");
    std::fs::write(dir.path().join("a/b/good.yaml"), good).unwrap();
    std::fs::write(dir.path().join("a/notes.txt"), "not yaml: [").unwrap();
    let (code, _, stderr) = validate(&["a"], dir.path());
    assert_eq!((code, stderr.as_str()), (Some(0), "1 files, 1 objects: 0 errors, 0 warnings\n"));
    let (code, _, stderr) = validate(&["missing.yaml"], dir.path());
    assert_eq!(code, Some(2));
    assert!(stderr.contains("cannot read missing.yaml"), "{stderr}");
}

const ODD: &str = "\
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: t}
spec:
  params: [{name: who}]
  steps:
  - image: alpine
    script: |
      echo $(params.who)
";

#[test]
fn warnings_can_be_denied_and_allowed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("odd.yaml"), ODD).unwrap();
    let (code, stdout, stderr) = validate(&["odd.yaml"], dir.path());
    assert_eq!((code, stderr.as_str()), (Some(0), "1 files, 1 objects: 0 errors, 2 warnings\n"));
    assert!(stdout.contains("warning[floating-image]") && stdout.contains("odd.yaml:7:12"), "{stdout}");
    assert!(stdout.contains("warning[shell-injection]") && stdout.contains("odd.yaml:9:12"), "{stdout}");
    assert_eq!(validate(&["odd.yaml", "--deny-warnings"], dir.path()).0, Some(2));

    let (_, stdout, _) = validate(&["odd.yaml", "-o", "sarif"], dir.path());
    let log: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["level"], "warning");
    let rule = &log["runs"][0]["tool"]["driver"]["rules"][0];
    assert!(rule["shortDescription"]["text"].as_str().unwrap().contains("image without a tag"), "{rule}");

    let allow = ["odd.yaml", "--deny-warnings", "--allow", "floating-image", "--allow", "shell-injection"];
    let (code, stdout, stderr) = validate(&allow, dir.path());
    assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
    let (code, _, stderr) = validate(&["odd.yaml", "--allow", "floating-images"], dir.path());
    assert_eq!(code, Some(2));
    assert!(stderr.contains("did you mean `floating-image`?"), "{stderr}");

    let commented = ODD.replace("image: alpine", "image: alpine # sw: allow floating-image");
    let commented = format!("# sw: allow shell-injection, nothing-such\n{commented}");
    std::fs::write(dir.path().join("odd.yaml"), commented).unwrap();
    let (_, stdout, stderr) = validate(&["odd.yaml"], dir.path());
    assert!(
        stdout.contains("warning[unknown-lint]: there is no warning `nothing-such` to allow"),
        "{stdout}"
    );
    assert_eq!(stderr, "1 files, 1 objects: 0 errors, 1 warnings\n");
}

#[test]
fn files_are_compared_with_each_other() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), ODD).unwrap();
    let pipeline = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  tasks:\n  - name: x\n    taskRef: {name: t}\n    params: [{name: whom, value: you}]\n";
    std::fs::write(dir.path().join("b.yaml"), pipeline).unwrap();
    let (_, alone, _) = validate(&["b.yaml"], dir.path());
    assert_eq!(alone, "");
    let (_, together, _) = validate(&["b.yaml", "a.yaml", "-o", "json"], dir.path());
    let findings: Vec<serde_json::Value> = serde_json::from_str(&together).unwrap();
    let codes: Vec<&str> = findings.iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["missing-param", "undeclared-param", "floating-image", "shell-injection"]);
}
