//! A directory tree as lines of text, to compare two.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use base::Digest;

/// One line for each path: kind, mode, owner, times, device, attributes, content. Directories' own times are left out
/// when `dir_times` is false.
///
/// # Panics
/// When something cannot be read.
pub fn describe(root: &Path, dir_times: bool) -> Vec<String> {
    let mut lines = Vec::new();
    walk(root, root, dir_times, &mut lines);
    lines.sort();
    lines
}

fn walk(root: &Path, path: &Path, dir_times: bool, lines: &mut Vec<String>) {
    let m = fs::symlink_metadata(path).expect("a path can be looked at");
    let kind = m.file_type();
    let name = path
        .strip_prefix(root)
        .expect("a path is below its root")
        .as_os_str()
        .as_bytes()
        .escape_ascii()
        .to_string();
    let content = if kind.is_file() {
        Digest::of(fs::read(path).expect("a file can be read")).short()
    } else if kind.is_symlink() {
        fs::read_link(path).expect("a link can be read").as_os_str().as_bytes().escape_ascii().to_string()
    } else if kind.is_char_device() || kind.is_block_device() {
        format!("{:x}", m.rdev())
    } else {
        String::new()
    };
    let kind = match () {
        () if kind.is_dir() => 'd',
        () if kind.is_file() => 'f',
        () if kind.is_symlink() => 'l',
        () if kind.is_char_device() => 'c',
        () if kind.is_block_device() => 'b',
        () if kind.is_fifo() => 'p',
        () => '?',
    };
    let time =
        if kind == 'd' && !dir_times { String::new() } else { format!("{}.{}", m.mtime(), m.mtime_nsec()) };
    let links = if kind == 'd' { 0 } else { m.nlink() };
    let xattrs = xattrs(path).join(",");
    lines.push(format!(
        "{name} {kind} {:o} {}:{} {time} links={links} [{xattrs}] {content}",
        m.mode() & 0o7777,
        m.uid(),
        m.gid()
    ));
    if kind == 'd' {
        for entry in fs::read_dir(path).expect("a folder can be read") {
            walk(root, &entry.expect("a folder can be read").path(), dir_times, lines);
        }
    }
}

/// `name=value` of all attributes.
///
/// # Panics
/// When they cannot be read.
pub fn xattrs(path: &Path) -> Vec<String> {
    let mut names = vec![0; 4096];
    let n = rustix::fs::llistxattr(path, &mut names[..]).expect("attributes can be listed");
    let mut found = Vec::new();
    for name in names[..n].split(|b| *b == 0).filter(|n| !n.is_empty()) {
        let mut value = vec![0; 4096];
        let n = rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value[..]).expect("it was listed");
        found.push(format!("{}={}", name.escape_ascii(), value[..n].escape_ascii()));
    }
    found.sort();
    found
}
