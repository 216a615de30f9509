//! Packages chosen by the apt of this machine, and commits by its git.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use base::Digest;
use stream::definition::Platform;
use stream::lock::debian::Apt;
use stream::lock::git::LsRemote;
use stream::lock::{Pin, ResolveCommit, ResolveError, ResolvePackages};
use tempfile::TempDir;

/// apt, if it knows Debian's archives.
fn apt() -> Option<(TempDir, Apt)> {
    let known = Command::new("apt-cache").args(["show", "dash"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        println!("skipped: apt does not know any packages (run `apt-get update`)");
        return None;
    }
    let dir = TempDir::new().unwrap();
    let apt = Apt::new(dir.path().join("apt"));
    Some((dir, apt))
}

fn names(pins: &[Pin]) -> Vec<&str> {
    pins.iter().map(|pin| pin.name.as_str()).collect()
}

fn wanted(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn packages_come_with_what_they_need_and_without_what_is_there() {
    let Some((_dir, apt)) = apt() else { return };
    let base = apt.packages(&wanted(&["dash", "libc6"]), &[], Platform::Amd64).unwrap();
    assert!(names(&base).contains(&"libgcc-s1"), "{:?}", names(&base));
    // The answer of apt about one of them, asked in another way.
    let shown = Command::new("apt-cache")
        .args(["show", &format!("dash={}", base.iter().find(|p| p.name == "dash").unwrap().version)])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let sha256 = shown.lines().find_map(|line| line.strip_prefix("SHA256: ")).unwrap();
    assert_eq!(base.iter().find(|p| p.name == "dash").unwrap().sha256.hex(), sha256);

    let more = apt.packages(&wanted(&["dash", "jq"]), &base, Platform::Amd64).unwrap();
    assert!(names(&more).contains(&"jq") && names(&more).contains(&"libjq1"), "{:?}", names(&more));
    assert!(base.iter().all(|pin| !names(&more).contains(&pin.name.as_str())), "{:?}", names(&more));
    assert_eq!(apt.packages(&wanted(&["dash"]), &base, Platform::Amd64), Ok(vec![]));
}

#[test]
fn what_does_not_exist_is_named() {
    let Some((_dir, apt)) = apt() else { return };
    for name in ["no-such-package", "dash-", "awk", "--help"] {
        let error = apt.packages(&wanted(&["jq", name]), &[], Platform::Amd64).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("a package `{name}` does not exist")),
            "{name}: {error}"
        );
    }
}

/// Nobody guesses that apt must be told of a processor before it fetches lists for it.
#[test]
fn lists_of_another_processor_are_fetched_otherwise() {
    let Some((_dir, apt)) = apt() else { return };
    let other = if cfg!(target_arch = "s390x") { Platform::Arm64 } else { Platform::S390x };
    let error = apt.packages(&wanted(&["no-such-package"]), &[], other).unwrap_err().to_string();
    let advice = format!("run `dpkg --add-architecture {} && apt-get update`", other.architecture());
    assert!(error.ends_with(&advice), "{error}");
}

#[test]
fn a_base_that_the_archive_no_longer_has() {
    let Some((_dir, apt)) = apt() else { return };
    let gone = Pin { name: "dash".into(), version: "0.0.1-1".into(), sha256: Digest::of("") };
    let error = apt.packages(&wanted(&["jq"]), &[gone], Platform::Amd64).unwrap_err().to_string();
    insta::assert_snapshot!(error, @"`dash` 0.0.1-1, which a base image brings, does not exist in the archive any more; `sw update` chooses the packages of the base anew");
}

#[test]
fn commits_of_a_repository() {
    let dir = TempDir::new().unwrap();
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(dir.path())
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(arguments)
            .output();
        output.is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q", "-b", "main"]) {
        println!("skipped: git is not installed");
        return;
    }
    assert!(git(&["commit", "-q", "--allow-empty", "-m", "one"]) && git(&["tag", "-a", "v1", "-m", "one"]));
    let url = dir.path().to_str().unwrap();
    let main = LsRemote.commit(url, "main").unwrap();
    assert_eq!(LsRemote.commit(url, "v1"), Ok(main.clone()));
    assert_eq!(LsRemote.commit(url, &main), Ok(main.clone()));
    assert!(matches!(LsRemote.commit(url, "none"), Err(ResolveError::Unknown { .. })));
    assert!(matches!(LsRemote.commit("/no/such/place", "main"), Err(ResolveError::Failed { .. })));
    assert!(matches!(
        LsRemote.commit("--upload-pack=touch /tmp/x", "main"),
        Err(ResolveError::Failed { .. })
    ));
}

#[test]
fn packages_that_left_the_archive_are_found() {
    let Some((_dir, apt)) = apt() else { return };
    let there = apt.packages(&wanted(&["dash"]), &[], Platform::Amd64).unwrap();
    assert_eq!(apt.gone(&there, Platform::Amd64), Ok([].into()));
    let dash = there.iter().find(|pin| pin.name == "dash").unwrap();
    let older = Pin { version: "0.0-1".into(), ..dash.clone() };
    let other = Pin { sha256: Digest::of("another file"), ..dash.clone() };
    let asked = [&there[..], &[older.clone(), other.clone()]].concat();
    assert_eq!(apt.gone(&asked, Platform::Amd64), Ok([older, other].into()));
}
