//! A view of this machine without control groups, for the built-in runtime without root.
//!
//! libcontainer moves every container into control groups of version 1 that it finds mounted, and gives up when it may
//! not. The mounts cannot be removed in a user namespace, nor hidden: it reads the list of mounts. So the runtime's process
//! gets a root of its own in which they were never mounted.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind_recursive, unmount};
use rustix::process::{chdir, pivot_root};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Where control groups are, and the folders above; only these are made anew.
const ABOVE: [&str; 2] = ["/sys", "/sys/fs"];
const CGROUPS: &str = "/sys/fs/cgroup";

/// Moves this process into such a view, made at the folder `at`, which may exist. All other mounts are shown as they are.
///
/// # Errors
/// When the kernel refuses.
pub fn enter(at: &Path) -> io::Result<()> {
    fs::create_dir_all(at)?;
    #[expect(unsafe_code, reason = "unsafe only for FILES, which could tear descriptors from other threads")]
    // SAFETY: FILES is not among the flags.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    mount("tmpfs", at, "tmpfs", MountFlags::empty(), None)?;
    show(Path::new("/"), at)?;
    let cgroups = at.join(CGROUPS.trim_start_matches('/'));
    fs::create_dir_all(cgroups)?;
    let before = std::env::current_dir()?;
    chdir(at)?;
    // Onto itself: the old root lies on top of the new one until it is unmounted (pivot_root(2)).
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    chdir(&before)?;
    Ok(())
}

/// Shows what is in `dir` in the folder `shown`.
fn show(dir: &Path, shown: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let (path, shown, kind) = (entry.path(), shown.join(entry.file_name()), entry.file_type()?);
        if path == Path::new(CGROUPS) {
            continue;
        }
        if kind.is_symlink() {
            symlink(fs::read_link(&path)?, shown)?;
        } else if ABOVE.iter().any(|above| path == Path::new(above)) {
            fs::create_dir(&shown)?;
            show(&path, &shown)?;
        } else {
            if kind.is_dir() {
                fs::create_dir(&shown)?;
            } else {
                File::create(&shown)?;
            }
            mount_bind_recursive(&path, &shown)?;
        }
    }
    Ok(())
}
