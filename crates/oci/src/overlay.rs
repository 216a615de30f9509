//! Stacks directories with overlayfs, through the mount interface that takes one layer at a time: `mount(2)` takes one page
//! of options, which about fifty layers fill.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount_bind, mount_remount, move_mount,
    unmount as umount,
};

/// Most layers that overlayfs stacks.
pub const MAX_LAYERS: usize = 500;

/// Longest text that the kernel takes as one mount option.
const MAX_OPTION: usize = 255;

/// What to stack, and how.
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    /// Directories that are only read, highest first.
    pub lower: &'a [PathBuf],
    /// Where changes go and an empty directory beside it (same file system) for work on them; without, nothing can change.
    pub upper: Option<(&'a Path, &'a Path)>,
    /// Hidden files are marked with `user.overlay.*` attributes; necessary without root.
    pub user_xattr: bool,
    /// Do not wait for the disk: for changes that are thrown away, or that a crash may take.
    pub volatile: bool,
}

/// Why a mount did not work.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {reason}", target.display())]
pub struct OverlayError {
    /// `mount an overlay at`, `unmount`.
    action: &'static str,
    /// Where.
    target: PathBuf,
    /// Why, and what to do.
    reason: String,
    /// What the system says.
    pub source: io::Error,
}

/// Stacks `lower` (highest first) with changes going to `upper`, at the directory `target`.
///
/// # Errors
/// When the kernel refuses; the message says what it lacks.
pub fn mount(lower: &[PathBuf], upper: &Path, work: &Path, target: &Path) -> Result<(), OverlayError> {
    Overlay { lower, upper: Some((upper, work)), user_xattr: false, volatile: false }.mount(target)
}

/// Stacks `lower` (highest first) read-only, at the directory `target`.
///
/// # Errors
/// When the kernel refuses; the message says what it lacks.
pub fn mount_read_only(lower: &[PathBuf], target: &Path) -> Result<(), OverlayError> {
    Overlay { lower, upper: None, user_xattr: false, volatile: false }.mount(target)
}

/// Unmounts what is at `target`. When something there is still in use, it disappears now and ends with its last user.
///
/// # Errors
/// When nothing is mounted there, or it is not permitted.
pub fn unmount(target: &Path) -> Result<(), OverlayError> {
    let result = match umount(target, UnmountFlags::NOFOLLOW) {
        Err(Errno::BUSY) => umount(target, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH),
        other => other,
    };
    result.map_err(|e| {
        let reason = match e {
            Errno::INVAL => "nothing is mounted there".to_owned(),
            e => explain(e, ""),
        };
        OverlayError { action: "unmount", target: target.to_owned(), reason, source: e.into() }
    })
}

impl Overlay<'_> {
    /// Mounts at the directory `target`.
    ///
    /// # Errors
    /// When the kernel refuses; the message says what it lacks.
    pub fn mount(&self, target: &Path) -> Result<(), OverlayError> {
        let failed = |(e, log): (Errno, String)| OverlayError {
            action: "mount an overlay at",
            target: target.to_owned(),
            reason: explain(e, &log),
            source: e.into(),
        };
        if let ([only], None) = (self.lower, self.upper) {
            // Overlayfs refuses a single layer that nothing is written over. Alone, it is its own picture.
            return bind_read_only(only, target).map_err(|e| failed((e, String::new())));
        }
        self.stack(target).map_err(failed)
    }

    fn stack(&self, target: &Path) -> Result<(), (Errno, String)> {
        if self.lower.is_empty() || self.lower.len() > MAX_LAYERS {
            let log = format!("{} layers given, 1 to {MAX_LAYERS} can be stacked", self.lower.len());
            return Err((Errno::INVAL, log));
        }
        let silent = |e| (e, String::new());
        let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(silent)?;
        let said = |e| (e, log(&fs));
        // Kept open until the kernel has taken over the layers that are named through them.
        let mut open = Vec::new();
        for (i, layer) in self.lower.iter().enumerate() {
            set_path(&fs, "lowerdir+", layer, &mut open).map_err(|e| match (i, e) {
                (0, Errno::INVAL) if log(&fs).is_empty() => {
                    (e, "it does not know the option `lowerdir+`, so it is older than Linux 6.7".to_owned())
                }
                _ => (e, format!("layer {}: {}", layer.display(), log(&fs))),
            })?;
        }
        if let Some((upper, work)) = self.upper {
            set_path(&fs, "upperdir", upper, &mut open).map_err(said)?;
            set_path(&fs, "workdir", work, &mut open).map_err(said)?;
            if self.volatile {
                fsconfig_set_flag(&fs, "volatile").map_err(said)?;
            }
        } else {
            fsconfig_set_flag(&fs, "ro").map_err(said)?;
        }
        if self.user_xattr {
            fsconfig_set_flag(&fs, "userxattr").map_err(said)?;
        }
        fsconfig_create(&fs).map_err(said)?;
        let attributes =
            if self.upper.is_none() { MountAttrFlags::MOUNT_ATTR_RDONLY } else { MountAttrFlags::empty() };
        let mount = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes).map_err(said)?;
        move_mount(&mount, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).map_err(silent)
    }
}

/// Sets an option to a path. One that is too long for an option, or has a backslash, which kernels read as an escape in
/// some of these options and versions, is named through an open file descriptor.
fn set_path(fs: &OwnedFd, option: &str, path: &Path, open: &mut Vec<OwnedFd>) -> Result<(), Errno> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() <= MAX_OPTION && !bytes.contains(&b'\\') {
        return fsconfig_set_string(fs, option, path);
    }
    let fd = rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let name = format!("/proc/self/fd/{}", fd.as_raw_fd());
    open.push(fd);
    fsconfig_set_string(fs, option, name)
}

fn bind_read_only(dir: &Path, target: &Path) -> Result<(), Errno> {
    mount_bind(dir, target)?;
    mount_remount(target, MountFlags::BIND | MountFlags::RDONLY, "").inspect_err(|_| {
        let _ = umount(target, UnmountFlags::DETACH);
    })
}

/// What the kernel wrote about the mount that is being made.
fn log(fs: &OwnedFd) -> String {
    let mut lines = Vec::new();
    let mut buffer = [0; 1024];
    // One message for each read; at the end comes ENODATA.
    while let Ok(n @ 1..) = rustix::io::read(fs, &mut buffer) {
        // `e overlay: …`: the letter is the severity.
        let text = String::from_utf8_lossy(&buffer[..n]);
        lines.push(text.trim().split_once(' ').map_or("", |(_, message)| message).to_owned());
    }
    lines.join("; ")
}

fn explain(e: Errno, log: &str) -> String {
    let said = if log.is_empty() { String::new() } else { format!(": {log}") };
    match e {
        Errno::NOSYS => {
            "this kernel (or the sandbox around this process) lacks the mount calls fsopen and move_mount; \
             Linux 6.7 or newer is needed"
                .to_owned()
        }
        Errno::NODEV => "this kernel has no overlayfs; load the module `overlay`".to_owned(),
        Errno::PERM | Errno::ACCESS => format!(
            "mounting is not permitted here{said}; it takes root, or a user namespace with its own mount namespace \
             (`sw doctor` checks both)"
        ),
        Errno::INVAL => format!("the kernel refuses these layers{said}"),
        Errno::NOENT => format!("a directory does not exist{said}"),
        Errno::BUSY => format!("a directory is used by another overlay or is a mount point{said}"),
        e => format!("{}{said}", io::Error::from(e)),
    }
}
