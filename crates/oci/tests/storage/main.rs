//! Store, unpack, overlay and layouts, each compared with a foreign tool where there is one.

#![allow(clippy::unwrap_used)]

mod crash;
mod evil;
mod layout;
mod overlay;
mod rebase;
mod store;
mod unpack;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use oci::{Store, StoredManifest};
use testkit::image::BuiltImage;

/// Stores an image with all its blobs.
fn put(store: &Store, repository: &str, tag: Option<&str>, image: &BuiltImage) -> StoredManifest {
    for blob in image.blobs() {
        store.put(blob).unwrap();
    }
    let digest = store.put_manifest(repository, image.media_type, &image.manifest, tag).unwrap();
    assert_eq!(digest, image.digest);
    store.manifest(repository, &digest.to_string()).unwrap().unwrap()
}

/// Whether this process may mount and make devices.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: this needs root");
    }
    root
}

/// A directory that every user may write.
fn open_to_all() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
    dir
}

/// This test program where every user can run it.
fn own_program(dir: &Path) -> PathBuf {
    let program = dir.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    program
}

/// Runs a program as user 65534.
fn as_ordinary_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.uid(65534).gid(65534).current_dir("/");
    command
}
