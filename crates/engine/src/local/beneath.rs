//! Places below a folder that steps write to, found and kept without trusting the links that they may have left there.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat2};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, mount_bind_recursive, unmount};

const PLACE: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Opens `sub` below `root`. What is missing is made as folders that everybody may write, if `make`. No link is followed:
/// a step may have left one that points out of the volume.
///
/// # Errors
/// When `sub` is not a plain relative path, leads over a link, or cannot be opened or made.
pub fn open(root: &Path, sub: &Path, make: bool) -> io::Result<OwnedFd> {
    let strict = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let mut at = rustix::fs::open(root, PLACE, Mode::empty())?;
    for component in sub.components() {
        let name = match component {
            Component::Normal(name) => name,
            Component::CurDir => continue,
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "it must be relative and without `..`",
                ));
            }
        };
        let open = || openat2(&at, name, PLACE, Mode::empty(), strict);
        at = match open() {
            Err(Errno::NOENT) if make => {
                make_folder(&at, Path::new(name), 0o777)?;
                let made = open()?;
                // Whatever the umask took away.
                fs::set_permissions(descriptor(&made), fs::Permissions::from_mode(0o777))?;
                made
            }
            Err(Errno::LOOP) => {
                return Err(io::Error::other(format!(
                    "{} is a link, which may lead out of it",
                    name.to_string_lossy()
                )));
            }
            other => other?,
        };
    }
    Ok(at)
}

/// Makes the folder that `path` is to a process whose root is `root`; links are followed as that process would.
///
/// # Errors
/// When it cannot be made.
pub fn make_inside(root: &Path, path: &Path) -> io::Result<()> {
    let root = rustix::fs::open(root, PLACE, Mode::empty())?;
    let open = |path: &Path| openat2(&root, path, PLACE, Mode::empty(), ResolveFlags::IN_ROOT);
    let mut above = root.try_clone()?;
    let mut walked = PathBuf::from("/");
    for component in path.components() {
        let Component::Normal(name) = component else { continue };
        walked.push(name);
        above = match open(&walked) {
            Err(Errno::NOENT) => {
                make_folder(&above, Path::new(name), 0o755)?;
                open(&walked)?
            }
            other => other?,
        };
    }
    Ok(())
}

fn make_folder(at: &OwnedFd, name: &Path, mode: u32) -> io::Result<()> {
    match mkdirat(at, name, Mode::from_raw_mode(mode)) {
        // A container beside this one was faster.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Shows `place` under the new path `at`, where no step can put something else before it is mounted into a container.
/// [`unpin`] takes it away again.
///
/// # Errors
/// When the kernel refuses.
pub fn pin(place: &OwnedFd, at: &Path) -> io::Result<()> {
    if FileType::from_raw_mode(fstat(place)?.st_mode).is_dir() {
        fs::create_dir_all(at)?;
    } else {
        at.parent().map(fs::create_dir_all).transpose()?;
        fs::File::create(at)?;
    }
    Ok(mount_bind_recursive(descriptor(place), at)?)
}

/// Takes away all that is pinned in the folder `dir`, which need not exist.
///
/// # Errors
/// When the kernel refuses. Then nothing around `dir` must be removed: it would remove what is shown there.
pub fn unpin(dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        unmount(entry?.path(), UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)?;
    }
    Ok(())
}

fn descriptor(place: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", place.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir_all(root.join("a")).unwrap();
        fs::create_dir(&outside).unwrap();
        symlink(&outside, root.join("last")).unwrap();
        symlink("../../outside", root.join("a/middle")).unwrap();
        symlink("a", root.join("inner")).unwrap();
        for sub in ["last", "last/x", "a/middle", "a/middle/x", "inner", "../outside", "/etc", "a/.."] {
            open(&root, Path::new(sub), true).unwrap_err();
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        open(&root, Path::new("./a/b/c"), true).unwrap();
        let made = fs::metadata(root.join("a/b/c")).unwrap();
        assert_eq!(made.permissions().mode() & 0o7777, 0o777);
        assert_eq!(open(&root, Path::new("x"), false).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn folders_in_a_root_follow_its_own_links() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("run")).unwrap();
        fs::create_dir_all(root.join("var")).unwrap();
        symlink("/run", root.join("var/run")).unwrap();
        symlink("../../../..", root.join("up")).unwrap();
        make_inside(&root, Path::new("/var/run/a/b")).unwrap();
        make_inside(&root, Path::new("/up/c")).unwrap();
        assert!(root.join("run/a/b").is_dir());
        assert!(root.join("c").is_dir() && !dir.path().join("c").exists());
    }
}
