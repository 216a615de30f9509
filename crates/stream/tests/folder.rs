//! Sources below a folder on a real file system.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use base::Digest;
use stream::definition::Component;
use stream::source::folder::Folder;
use stream::source::{SourceError, Sources};
use tempfile::TempDir;

/// A component whose source is the folder at `path`.
fn at(path: &str) -> Component {
    serde_json::from_value(serde_json::json!({"source": {"path": path}})).unwrap()
}

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// A stream with one component.
fn sample() -> (TempDir, Folder) {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "components/etcd/Containerfile", "FROM x\n");
    write(dir.path(), "components/etcd/bin/run", "#!/bin/sh\n");
    write(dir.path(), "components/etcd/manifests/a.yaml", "a");
    symlink("bin/run", dir.path().join("components/etcd/link")).unwrap();
    let folder = Folder::new(dir.path());
    (dir, folder)
}

fn digest(folder: &Folder) -> String {
    folder.tree("x", &at("components/etcd"), None).unwrap().digest.to_string()
}

#[test]
fn two_copies_are_alike() {
    let ((_a, first), (_b, second)) = (sample(), sample());
    assert_eq!(digest(&first), digest(&second));
    assert_eq!(first.tree("x", &at("./components/etcd/"), None).unwrap().digest.to_string(), digest(&second));
}

#[test]
fn what_a_build_sees_counts() {
    let (dir, folder) = sample();
    let root = dir.path().join("components/etcd");
    let mut seen = vec![digest(&folder)];
    let mut changed = |what: &str| {
        let now = digest(&folder);
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    fs::write(root.join("manifests/a.yaml"), "b").unwrap();
    changed("content");
    fs::set_permissions(root.join("bin/run"), fs::Permissions::from_mode(0o755)).unwrap();
    changed("the executable bit");
    fs::rename(root.join("manifests/a.yaml"), root.join("manifests/b.yaml")).unwrap();
    changed("a name");
    fs::remove_file(root.join("link")).unwrap();
    symlink("bin", root.join("link")).unwrap();
    changed("the target of a link");
    fs::create_dir(root.join("empty")).unwrap();
    changed("a folder");
}

#[test]
fn what_differs_between_checkouts_does_not_count() {
    let (dir, folder) = sample();
    let before = digest(&folder);
    let root = dir.path().join("components/etcd");
    write(&root, ".git/HEAD", "ref: refs/heads/main");
    write(&root, "bin/.git", "gitdir: elsewhere");
    fs::set_permissions(root.join("bin/run"), fs::Permissions::from_mode(0o664)).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    fs::File::open(root.join("bin/run")).unwrap().set_modified(long_ago).unwrap();
    write(dir.path(), "components/other/x", "x");
    assert_eq!(digest(&folder), before);
}

#[test]
fn one_file_can_stand_apart() {
    let (dir, folder) = sample();
    let apart = |name| folder.tree("x", &at("components/etcd"), Some(name)).unwrap();
    let before = (apart("Containerfile"), apart("./Containerfile"));
    assert_eq!(before.0, before.1);
    write(dir.path(), "components/etcd/Containerfile", "FROM y\n");
    let after = apart("Containerfile");
    assert_eq!(after.digest, before.0.digest, "its content does not count");
    assert_eq!(after.apart, Some(Digest::of("FROM y\n")));
    fs::remove_file(dir.path().join("components/etcd/Containerfile")).unwrap();
    let gone = apart("Containerfile");
    assert_ne!(gone.digest, before.0.digest, "that it is there counts");
    assert_eq!(gone.apart, None);
}

#[test]
fn nothing_leads_out() {
    let outside = TempDir::new().unwrap();
    write(outside.path(), "secret", "s");
    for (link, target) in [
        ("components/etcd/out", "../../../etc/passwd"),
        ("components/etcd/out", "../other/x"),
        ("components/etcd/out", "/etc/passwd"),
        ("components/etcd/bin/out", "../../.."),
    ] {
        let (dir, folder) = sample();
        write(dir.path(), "components/other/x", "x");
        symlink(target, dir.path().join(link)).unwrap();
        let error = folder.tree("x", &at("components/etcd"), None).unwrap_err();
        assert!(matches!(error, SourceError::Outside { .. }), "{target}: {error}");
    }
    // Each link alone stays inside by its text; together they leave.
    let (dir, folder) = sample();
    let root = dir.path().join("components/etcd");
    fs::create_dir_all(root.join("p/q")).unwrap();
    symlink("../..", root.join("p/q/up")).unwrap();
    symlink("p/q/up/../x", root.join("out")).unwrap();
    assert!(matches!(folder.tree("x", &at("components/etcd"), None), Err(SourceError::Outside { .. })));

    // The component's folder, and its Containerfile.
    let (dir, folder) = sample();
    symlink(outside.path(), dir.path().join("components/evil")).unwrap();
    assert!(matches!(folder.tree("x", &at("components/evil"), None), Err(SourceError::Outside { .. })));
    assert!(matches!(folder.file("x", &at("components/evil"), "secret"), Err(SourceError::Outside { .. })));
    symlink(outside.path().join("secret"), dir.path().join("components/etcd/Containerfile.x")).unwrap();
    assert!(matches!(
        folder.file("x", &at("components/etcd"), "Containerfile.x"),
        Err(SourceError::Outside { .. })
    ));
    for path in ["../etcd/../../secret", "/etc/passwd"] {
        assert!(
            matches!(folder.file("x", &at("components/etcd"), path), Err(SourceError::Outside { .. })),
            "{path}"
        );
    }
}

#[test]
fn links_that_go_in_circles_end() {
    let (dir, folder) = sample();
    symlink("loop", dir.path().join("components/etcd/loop")).unwrap();
    let error = folder.tree("x", &at("components/etcd"), None).unwrap_err().to_string();
    assert!(error.contains("too many symbolic links"), "{error}");
}

#[test]
fn sockets_are_refused() {
    let (dir, folder) = sample();
    let _socket = UnixListener::bind(dir.path().join("components/etcd/s")).unwrap();
    assert!(matches!(folder.tree("x", &at("components/etcd"), None), Err(SourceError::Special(_))));
}

#[test]
fn files_are_read_as_text() {
    let (dir, folder) = sample();
    let file = folder.file("x", &at("components/etcd"), "Containerfile").unwrap().unwrap();
    assert_eq!(file.text(), "FROM x\n");
    assert_eq!(Path::new(file.name()), dir.path().join("components/etcd/Containerfile"));
    assert!(folder.file("x", &at("components/etcd"), "none").unwrap().is_none());
    assert!(folder.file("x", &at("components/none"), "Containerfile").unwrap().is_none());
    assert!(matches!(folder.tree("x", &at("components/none"), None), Err(SourceError::Missing(_))));
    fs::write(dir.path().join("components/etcd/binary"), [0xff, 0xfe]).unwrap();
    assert!(matches!(folder.file("x", &at("components/etcd"), "binary"), Err(SourceError::NotText(_))));
    fs::File::create(dir.path().join("components/etcd/big")).unwrap().set_len(5 << 20).unwrap();
    assert!(matches!(folder.file("x", &at("components/etcd"), "big"), Err(SourceError::TooBig { .. })));
}

#[test]
fn tasks_come_by_name() {
    let (dir, folder) = sample();
    assert_eq!(folder.tasks().unwrap(), []);
    write(dir.path(), "tasks/b.yaml", "b");
    write(dir.path(), "tasks/a.yml", "a");
    write(dir.path(), "tasks/README.md", "no");
    let texts: Vec<String> = folder.tasks().unwrap().iter().map(|source| source.text().to_owned()).collect();
    assert_eq!(texts, ["a", "b"]);
}

#[test]
fn files_are_replaced_whole() {
    let (dir, folder) = sample();
    folder.replace("stream.lock", "one").unwrap();
    folder.replace("stream.lock", "two").unwrap();
    assert_eq!(folder.text("stream.lock").unwrap().unwrap().text(), "two");
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing else is left: {names:?}");
    assert!(Folder::new(dir.path().join("none")).replace("stream.lock", "x").is_err());
}
