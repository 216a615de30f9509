//! A Containerfile says the same to us and to buildah.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base::Source;
use stream::containerfile::parse;
use tempfile::TempDir;

/// buildah's word for what `FROM` means in `text`: it stops at an image that it does not have, and names it.
fn asked_of_buildah(folder: &Path, text: &str) -> Option<String> {
    std::fs::write(folder.join("Containerfile"), text).unwrap();
    let output = Command::new("buildah")
        .arg("--root")
        .arg(folder.join("root"))
        .arg("--runroot")
        .arg(folder.join("runroot"))
        .args([
            "--storage-driver",
            "vfs",
            "build",
            "--pull-never",
            "--isolation",
            "chroot",
            "--build-arg",
            "GIVEN=given",
        ])
        .arg(folder)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().find(|line| line.contains("image not known"))?;
    Some(
        line.strip_prefix("Error: creating build container: ")?.strip_suffix(": image not known")?.to_owned(),
    )
}

#[test]
fn arguments_in_from() {
    let dir = TempDir::new().unwrap();
    if asked_of_buildah(dir.path(), "FROM some/image\n").as_deref() != Some("some/image") {
        println!("skipped: buildah does not work here");
        return;
    }
    let args = BTreeMap::from([("GIVEN".to_owned(), "given".to_owned())]);
    for from in [
        "$A",
        "${A}:$A-b",
        "${B:-d}",
        "${EMPTY:-d}",
        "${A:+y}",
        "${B:-${A}/${C:-z}}",
        "r:$GIVEN",
        "${QUOTED}",
        "${LATER}",
    ] {
        let text = format!(
            "ARG A=x\nARG EMPTY=\nARG B\nARG C\nARG GIVEN=default\nARG QUOTED=\"in/quotes\"\nARG LATER=${{A}}/later\nFROM {from}\n"
        );
        let ours = parse(&Source::new("Containerfile", text.as_str()), &args, "linux/amd64").unwrap();
        assert_eq!(Some(ours.bases[0].name.clone()), asked_of_buildah(dir.path(), &text), "{from}");
    }
}
