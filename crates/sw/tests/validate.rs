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
    image: i
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
