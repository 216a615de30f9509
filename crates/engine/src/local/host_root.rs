//! This machine's file system as a root for containers of an ordinary user.
//!
//! Root stacks one overlay over `/`. In a user namespace the kernel refuses that as long as something is mounted further
//! down, because it would show what those mounts hide. So folders are stacked one by one, and where one has a mount in it,
//! the folders in that. What belongs to the user, and the top levels of `/etc`, `/usr` and the like, can be changed; what is
//! deeper belongs to somebody else as before.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use oci::overlay::Overlay;
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_remount, unmount};
use rustix::process::geteuid;

/// Folders that are new in each container: mounts of its own, what is only root's, what is of this moment.
const NEW: [(&str, u32); 7] = [
    ("/proc", 0o555),
    ("/sys", 0o555),
    ("/dev", 0o755),
    ("/run", 0o755),
    ("/root", 0o700),
    ("/tmp", 0o1777),
    ("/var/tmp", 0o1777),
];

/// Where the program itself is put.
const PROGRAMS: (&str, u32) = ("/usr/local/bin", 0o755);

/// Folders with more in them are one overlay, if they can be; those with less are made anew, which leaves them writable
/// without an overlay that has to remember changes.
const FEW: usize = 8;

/// How deep folders with mounts in them are looked into.
const DEPTH: usize = 8;

/// What may be made in a folder that is itself in memory.
const IN_MEMORY: &CStr = c"size=64m,mode=0755";

/// Shows the root at the folder `rootfs`; changes go below `upper`, and `work` is for overlayfs.
///
/// # Errors
/// When it cannot be made. What this user may not see is empty.
pub fn mount_host(rootfs: &Path, upper: &Path, work: &Path) -> io::Result<()> {
    // One mount, so that unmounting it takes along all others.
    mount_bind(rootfs, rootfs)?;
    View { rootfs, upper, work, changes: 0 }.show_all(Path::new("/"), 0)
}

struct View<'a> {
    rootfs: &'a Path,
    upper: &'a Path,
    work: &'a Path,
    changes: usize,
}

impl View<'_> {
    fn show_all(&mut self, dir: &Path, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let shown = self.rootfs.join(path.strip_prefix("/").unwrap_or(&path));
            if kind.is_symlink() {
                symlink(fs::read_link(&path)?, shown)?;
            } else if kind.is_file() {
                fs::write(&shown, "")?;
                // A file that cannot be shown is an empty one.
                let _ = bind_read_only(&path, &shown);
            } else if kind.is_dir() {
                fs::create_dir(&shown)?;
                self.show_dir(&path, &shown, depth)?;
            }
        }
        Ok(())
    }

    fn show_dir(&mut self, path: &Path, shown: &Path, depth: usize) -> io::Result<()> {
        if let Some((_, mode)) = NEW.iter().find(|(new, _)| Path::new(new) == path) {
            if depth > 0 {
                // The folder around it may be in memory; this one takes what disks take.
                mount_bind(&self.change()?.0, shown)?;
            }
            return fs::set_permissions(shown, fs::Permissions::from_mode(*mode));
        }
        if access(path, Access::READ_OK | Access::EXEC_OK).is_err() || depth == DEPTH {
            return Ok(());
        }
        let few = fs::read_dir(path)?.take(FEW + 1).count() <= FEW;
        let own = fs::metadata(path)?.uid() == geteuid().as_raw();
        let done = match depth {
            0 if few && !own => return self.show_all(path, depth + 1),
            1.. if !own => match bind_read_only(path, shown) {
                // Something is mounted in it.
                Err(Errno::INVAL) => Err(io::Error::from(Errno::INVAL)),
                // A folder that cannot be shown is an empty one.
                _ => Ok(()),
            },
            _ => self.stack(path, shown),
        };
        if done.is_err() {
            // Many folders are made and removed faster in memory.
            mount("tmpfs", shown, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(IN_MEMORY))?;
            self.show_all(path, depth + 1)?;
        }
        Ok(())
    }

    /// Folders for changes and for work on them.
    fn change(&mut self) -> io::Result<(PathBuf, PathBuf)> {
        let number = self.changes.to_string();
        self.changes += 1;
        let folders = (self.upper.join(&number), self.work.join(&number));
        fs::create_dir(&folders.0)?;
        fs::create_dir(&folders.1)?;
        Ok(folders)
    }

    /// An overlay in which the folder itself is this user's.
    fn stack(&mut self, path: &Path, shown: &Path) -> io::Result<()> {
        let (upper, work) = self.change()?;
        fs::set_permissions(&upper, fs::metadata(path)?.permissions())?;
        for (new, mode) in NEW.into_iter().chain([PROGRAMS]) {
            if let Ok(inside) = Path::new(new).strip_prefix(path) {
                let folder = upper.join(inside);
                fs::create_dir_all(&folder)?;
                fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
            }
        }
        let lower = [path.to_owned()];
        let overlay =
            Overlay { lower: &lower, upper: Some((&upper, &work)), user_xattr: true, volatile: true };
        overlay.mount(shown).map_err(io::Error::other)
    }
}

/// Shows a file or folder in which nothing is mounted.
fn bind_read_only(path: &Path, shown: &Path) -> Result<(), Errno> {
    // What is forbidden on the mount that it comes from stays so (mount_namespaces(7)), and has to be repeated.
    let given = statvfs(path)?.f_flag;
    let mut flags = MountFlags::BIND | MountFlags::RDONLY;
    for (is, flag) in [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
    ] {
        flags.set(flag, given.contains(is));
    }
    mount_bind(path, shown)?;
    mount_remount(shown, flags, "").inspect_err(|_| {
        let _ = unmount(shown, UnmountFlags::DETACH);
    })
}
