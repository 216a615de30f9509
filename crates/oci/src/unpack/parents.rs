//! Directories that a layer uses but does not describe.
//!
//! Some builders write `tmp/x` without `tmp/`. Other runtimes unpack layers over each other, so the directory keeps what a
//! lower layer said about it. Here each layer is unpacked for itself, and overlayfs takes mode and owner of a directory
//! from the highest layer that has it: the made-up one. A layer on top of all puts that right.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::beneath::{self, times};

/// What a directory shall be.
pub(super) struct Description {
    mode: u32,
    owner: (u32, u32),
    mtime: (i64, u32),
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Description {
    /// Whether it is what a made-up directory is anyway; times do not count.
    fn is_plain(&self) -> bool {
        self.mode == 0o755 && self.owner == (0, 0) && self.xattrs.is_empty()
    }
}

/// What a layer has at the path of a directory.
enum Found {
    /// Nothing; layers below may.
    Nothing,
    /// Something that hides the layers below.
    End,
    /// A directory; whether layers below show through.
    Dir { file: File, open_below: bool },
}

/// The directories to correct, for a stack of layers (highest first) with the paths that each layer made up.
pub(super) fn complete(
    stack: &[(&Path, BTreeSet<Vec<u8>>)],
    opaque: &[u8],
) -> io::Result<BTreeMap<Vec<u8>, Description>> {
    let mut corrections = BTreeMap::new();
    let made_up: BTreeSet<&Vec<u8>> = stack.iter().flat_map(|(_, implied)| implied).collect();
    for path in made_up {
        if let Some(description) = described_below(stack, path, opaque)?
            && !description.is_plain()
        {
            corrections.insert(path.clone(), description);
        }
    }
    // The way to a corrected directory is in the new layer too, so it must be described there as well.
    let ways: BTreeSet<Vec<u8>> = corrections.keys().flat_map(|path| prefixes(path)).collect();
    for way in ways {
        if let std::collections::btree_map::Entry::Vacant(vacant) = corrections.entry(way)
            && let Some(description) = top(stack, vacant.key(), opaque)?
        {
            vacant.insert(description);
        }
    }
    Ok(corrections)
}

/// Writes the corrections as a layer into the empty directory `dir`.
pub(super) fn write(corrections: &BTreeMap<Vec<u8>, Description>, dir: &Path) -> io::Result<()> {
    // A directory comes before those in it; made first, described last, deepest first.
    for path in corrections.keys().filter(|path| !path.is_empty()) {
        fs::create_dir(dir.join(OsStr::from_bytes(path)))?;
    }
    for (path, description) in corrections.iter().rev() {
        let path = dir.join(OsStr::from_bytes(path));
        let file = File::open(&path)?;
        let (uid, gid) = description.owner;
        match std::os::unix::fs::fchown(&file, Some(uid), Some(gid)) {
            Err(e) if e.kind() != io::ErrorKind::PermissionDenied => return Err(e),
            _ => {}
        }
        for (name, value) in &description.xattrs {
            beneath::set_xattr(file.as_fd(), b".", name, value)?;
        }
        rustix::fs::fchmod(&file, Mode::from_raw_mode(description.mode))?;
        rustix::fs::futimens(&file, &times(description.mtime))?;
    }
    Ok(())
}

/// What a layer below says about a directory whose highest layer made it up; `None` when that is not so or none says more.
fn described_below(
    stack: &[(&Path, BTreeSet<Vec<u8>>)],
    path: &[u8],
    opaque: &[u8],
) -> io::Result<Option<Description>> {
    let mut below = false;
    for (layer, implied) in stack {
        match find(layer, path, opaque)? {
            Found::Nothing => {}
            Found::End => return Ok(None),
            Found::Dir { file, .. } if !implied.contains(path) => {
                return if below { describe(&file).map(Some) } else { Ok(None) };
            }
            Found::Dir { open_below: false, .. } => return Ok(None),
            Found::Dir { .. } => below = true,
        }
    }
    Ok(None)
}

/// What the highest layer that has the directory says about it.
fn top(stack: &[(&Path, BTreeSet<Vec<u8>>)], path: &[u8], opaque: &[u8]) -> io::Result<Option<Description>> {
    for (layer, _) in stack {
        if let Found::Dir { file, .. } = find(layer, path, opaque)? {
            return describe(&file).map(Some);
        }
    }
    Ok(None)
}

/// Looks for a directory in one layer, one component after the other, without following symlinks.
fn find(layer: &Path, path: &[u8], opaque: &[u8]) -> io::Result<Found> {
    let mut file = File::open(layer)?;
    let mut open_below = true;
    for name in path.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        file = match rustix::fs::openat(&file, name, flags, Mode::empty()) {
            Ok(next) => next.into(),
            Err(Errno::NOENT) if open_below => return Ok(Found::Nothing),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => return Ok(Found::End),
            Err(e) => return Err(e.into()),
        };
        let mut value = [0; 1];
        open_below &= rustix::fs::fgetxattr(&file, opaque, &mut value[..]) != Ok(1) || value != *b"y";
    }
    Ok(Found::Dir { file, open_below })
}

fn describe(dir: &File) -> io::Result<Description> {
    let stat: Stat = rustix::fs::fstat(dir)?;
    debug_assert_eq!(beneath::kind(&stat), FileType::Directory);
    let mut names = vec![0; rustix::fs::flistxattr_query(dir)?];
    let length = rustix::fs::flistxattr(dir, &mut names[..])?;
    let mut xattrs = Vec::new();
    for name in names[..length].split(|b| *b == 0).filter(|name| !name.is_empty()) {
        if name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.") {
            continue;
        }
        let mut value = vec![0; 64 << 10];
        let length = rustix::fs::fgetxattr(dir, name, &mut value[..])?;
        value.truncate(length);
        xattrs.push((name.to_vec(), value));
    }
    Ok(Description {
        mode: stat.st_mode & 0o7777,
        owner: (stat.st_uid, stat.st_gid),
        mtime: (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or_default()),
        xattrs,
    })
}

/// All directories on the way to `path`: the root, `a`, `a/b` for `a/b/c`.
fn prefixes(path: &[u8]) -> Vec<Vec<u8>> {
    let inner = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| path[..i].to_vec());
    std::iter::once(Vec::new()).chain(inner).collect()
}
