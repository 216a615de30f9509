//! File operations that cannot leave a directory, because the kernel resolves every path beneath it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;

/// A directory and what is beneath it.
pub(super) struct Beneath {
    root: OwnedFd,
}

impl Beneath {
    /// Opens the directory.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: rustix::fs::open(dir, flags, Mode::empty())? })
    }

    /// A directory by its path (empty for the root) for use as a parent. Symlinks on the way are followed while they stay
    /// beneath the root; one that is absolute or leads out gives `EXDEV`.
    pub(super) fn dir(&self, path: &[u8]) -> io::Result<OwnedFd> {
        self.open_dir(path, OFlags::PATH)
    }

    /// Like [`Beneath::dir`], but a descriptor that attributes and times can be set through, and not through a symlink
    /// at the end.
    pub(super) fn dir_itself(&self, path: &[u8]) -> io::Result<OwnedFd> {
        self.open_dir(path, OFlags::RDONLY | OFlags::NOFOLLOW)
    }

    fn open_dir(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let path = if path.is_empty() { b"." } else { path };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let flags = flags | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // EAGAIN: somebody renamed something meanwhile, so the kernel could not be sure about a `..` in a symlink.
        for _ in 0..16 {
            match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => {}
                result => return Ok(result?),
            }
        }
        Err(Errno::AGAIN.into())
    }
}

/// What is at a name, not followed; `None` for nothing.
pub(super) fn stat(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// The kind of a thing.
pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Whether it is what overlayfs takes for a whiteout: a character device 0/0.
pub(super) fn is_whiteout(stat: &Stat) -> bool {
    kind(stat) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// Makes a new file; fails when something is there.
pub(super) fn create(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600))?.into())
}

/// Removes whatever is at a name, directories with all they hold. Symlinks are not followed.
pub(super) fn remove(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR) => {}
        Err(e) => return Err(e.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        // Only without privileges: a directory that its owner may not read.
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::empty())?;
            rustix::fs::openat(parent, name, flags, Mode::empty())?
        }
        other => other?,
    };
    for entry in rustix::fs::Dir::read_from(&dir)? {
        let entry = entry?;
        let child = entry.file_name().to_bytes();
        if child == b"." || child == b".." {
            continue;
        }
        match remove(dir.as_fd(), child) {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                rustix::fs::fchmod(&dir, Mode::RWXU)?;
                remove(dir.as_fd(), child)?;
            }
            other => other?,
        }
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

/// Sets an attribute of whatever is at a name, not followed.
pub(super) fn set_xattr(
    parent: BorrowedFd<'_>,
    name: &[u8],
    attribute: &[u8],
    value: &[u8],
) -> io::Result<()> {
    // There is no call that takes a directory and a name; the link in /proc leads to the very directory that is open.
    let mut path = format!("/proc/self/fd/{}/", parent.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    Ok(rustix::fs::lsetxattr(path, attribute, value, XattrFlags::empty())?)
}

/// Access and modification at the same time, in seconds and nanoseconds since 1970.
pub(super) fn times((seconds, nanoseconds): (i64, u32)) -> Timestamps {
    let at = Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() };
    Timestamps { last_access: at, last_modification: at }
}
