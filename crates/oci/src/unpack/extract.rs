//! From tar entries to files.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use base::Digest;
use rustix::fs::{AtFlags, FileType, Gid, Mode, Uid};
use rustix::io::Errno;

use super::beneath::{self, Beneath, times};
use super::content;
use super::directories::Directories;
use super::name::{self, Path, Place};
use super::{Limits, Notes, UnpackError};
use crate::layer::LayerReader;
use crate::layer::tar::{Entry, Kind, TarReader};

/// Which attributes overlayfs reads: those of root, or those that anybody may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    Trusted,
    User,
}

impl Namespace {
    pub(super) fn opaque(self) -> &'static [u8] {
        match self {
            Self::Trusted => b"trusted.overlay.opaque",
            Self::User => b"user.overlay.opaque",
        }
    }
}

/// What a layer became.
pub(super) struct Extracted {
    pub(super) notes: Notes,
    pub(super) diff_id: Digest,
    /// Directories that had to be made for what is in them, but that no entry described.
    pub(super) implied: BTreeSet<Vec<u8>>,
}

struct Extraction<'a> {
    layer: Digest,
    root: Beneath,
    limits: &'a Limits,
    namespace: Namespace,
    /// Only root can give files away.
    owners: bool,
    notes: Notes,
    dirs: Directories,
    /// The last entry's directory: the next entry mostly has the same.
    last_parent: Option<(Vec<u8>, OwnedFd)>,
}

/// Why one entry failed; the caller adds which.
enum Failure {
    Refused(String),
    /// Refused, because something on the way is not a directory.
    NoDirectory(String),
    System(io::Error),
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Self::System(e)
    }
}

impl From<Errno> for Failure {
    fn from(e: Errno) -> Self {
        Self::System(e.into())
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Refused(reason)
    }
}

/// Unpacks a layer into the empty directory `dir`. The caller compares the diff id.
pub(super) fn extract(
    reader: LayerReader<'_>,
    layer: Digest,
    dir: &std::path::Path,
    limits: &Limits,
    namespace: Namespace,
) -> Result<Extracted, UnpackError> {
    let root = Beneath::open(dir).map_err(UnpackError::at(dir))?;
    let mut extraction = Extraction {
        layer,
        root,
        limits,
        namespace,
        owners: rustix::process::geteuid().is_root(),
        notes: Notes::default(),
        dirs: Directories::new(),
        last_parent: None,
    };
    if !extraction.owners {
        extraction.notes.skip(b"", "owners are not kept: that takes root");
    }
    let mut tar = TarReader::new(reader);
    while let Some(entry) = tar.next_entry().map_err(|e| UnpackError::from_tar(&layer, e))? {
        extraction.count()?;
        extraction
            .apply(&entry, &mut tar)
            .map_err(|failure| extraction.explain(&entry.path, dir, failure))?;
    }
    let Extraction { root, mut notes, dirs, .. } = extraction;
    let implied = dirs.finish(&root).map_err(UnpackError::at(dir))?;
    let (diff_id, bytes) = tar.into_inner().finish().map_err(|e| UnpackError::from_tar(&layer, e.into()))?;
    notes.bytes = bytes;
    Ok(Extracted { notes, diff_id, implied })
}

impl Extraction<'_> {
    fn count(&mut self) -> Result<(), UnpackError> {
        self.notes.entries += 1;
        let too_large = |reason| UnpackError::TooLarge { layer: self.layer.short(), reason };
        if self.notes.entries > self.limits.entries {
            return Err(too_large(format!("more than {} entries", self.limits.entries)));
        }
        if self.dirs.bytes() > self.limits.directory_paths {
            let most = base::size::bytes(self.limits.directory_paths as u64);
            return Err(too_large(format!("more than {most} of directory names")));
        }
        Ok(())
    }

    fn explain(&self, entry: &[u8], dir: &std::path::Path, failure: Failure) -> UnpackError {
        let (layer, entry) = (self.layer.short(), entry.escape_ascii().to_string());
        match failure {
            Failure::Refused(reason) | Failure::NoDirectory(reason) => {
                UnpackError::Refused { layer, entry, reason }
            }
            Failure::System(e) if e.get_ref().is_some() => UnpackError::from_tar(&self.layer, e.into()),
            Failure::System(e) => match e.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    UnpackError::Full { dir: dir.to_owned() }
                }
                _ => UnpackError::Entry { layer, entry, source: e },
            },
        }
    }

    fn apply(&mut self, entry: &Entry, data: &mut impl Read) -> Result<(), Failure> {
        match name::place(&entry.path, self.limits)? {
            Place::Bookkeeping => self.notes.skip(&entry.path, "bookkeeping of an old storage driver"),
            Place::Root if entry.kind == Kind::Dir => self.describe_dir(b"", entry)?,
            Place::Root => return Err("only a directory can be the root".to_owned().into()),
            Place::Opaque(dir) => {
                let fd = self.parent(&dir)?;
                drop(fd);
                if dir.is_empty() {
                    self.notes.opaque_root = true;
                }
                self.set_opaque(&dir)?;
            }
            Place::Whiteout(path) => self.whiteout(&path)?,
            Place::Object(path) => self.object(&path, entry, data)?,
        }
        Ok(())
    }

    fn object(&mut self, path: &Path, entry: &Entry, data: &mut impl Read) -> Result<(), Failure> {
        if let Kind::Other(flag) = entry.kind {
            return Err(format!("entries of type `{}` are not supported", flag.escape_ascii()).into());
        }
        // Before the old thing is removed: it may be the target.
        let target = match entry.kind {
            Kind::Hardlink => match self.link_target(path, &entry.link)? {
                Some(target) => Some(target),
                None => return Ok(()),
            },
            _ => None,
        };
        let parent = self.parent(path.parent())?;
        let parent = parent.as_fd();
        let before = beneath::stat(parent, path.name())?;
        let mut hides_below = false;
        if let Some(stat) = &before {
            hides_below = beneath::is_whiteout(stat);
            let stays = entry.kind == Kind::Dir && beneath::kind(stat) == FileType::Directory;
            if !stays {
                beneath::remove(parent, path.name())?;
                self.dirs.forget(path.full());
                self.last_parent = None;
            }
        }
        match entry.kind {
            Kind::Dir => {
                match rustix::fs::mkdirat(parent, path.name(), Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(e) => return Err(e.into()),
                }
                self.describe_dir(path.full(), entry)?;
                if hides_below {
                    self.set_opaque(path.full())?;
                }
                return Ok(());
            }
            Kind::File => return self.file(parent, path, entry, data),
            Kind::Hardlink => {
                let (dir, name) = target.expect("looked up above for every hard link");
                rustix::fs::linkat(dir, name, parent, path.name(), AtFlags::empty())?;
                return Ok(());
            }
            Kind::Symlink => {
                if entry.link.is_empty() {
                    return Err("a symlink to nothing".to_owned().into());
                }
                rustix::fs::symlinkat(entry.link.as_slice(), parent, path.name())?;
            }
            Kind::Fifo | Kind::Char | Kind::Block => {
                if !self.node(parent, path, entry)? {
                    return Ok(());
                }
            }
            Kind::Other(_) => unreachable!("refused above"),
        }
        self.describe(parent, path, entry)
    }

    /// Directory and name of the file that a hard link is another name of; `None` when that is the link itself.
    fn link_target(&mut self, path: &Path, link: &[u8]) -> Result<Option<(OwnedFd, Vec<u8>)>, Failure> {
        let target = name::link_target(link, self.limits)?;
        if target == *path {
            return Ok(None);
        }
        let shown = link.escape_ascii();
        let missing =
            || Failure::Refused(format!("hard link to `{shown}`, which is not in this layer before it"));
        let dir = self.root.dir(target.parent()).map_err(|e| {
            match e.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::NOENT | Errno::NOTDIR) => missing(),
                Some(Errno::XDEV | Errno::LOOP) => {
                    Failure::Refused(format!("hard link to `{shown}`, which leads out of the layer"))
                }
                _ => e.into(),
            }
        })?;
        let stat = beneath::stat(dir.as_fd(), target.name())?.ok_or_else(missing)?;
        if beneath::kind(&stat) == FileType::Directory || beneath::is_whiteout(&stat) {
            return Err(format!("hard link to `{shown}`, which is not a file").into());
        }
        Ok(Some((dir, target.name().to_vec())))
    }

    fn file(
        &mut self,
        parent: BorrowedFd<'_>,
        path: &Path,
        entry: &Entry,
        data: &mut impl Read,
    ) -> Result<(), Failure> {
        let mut file = beneath::create(parent, path.name())?;
        content::write(&mut file, entry, data)?;
        self.own(&entry.path, rustix::fs::fchown(&file, uid(entry)?, gid(entry)?))?;
        // After the owner: changing that clears setuid and capabilities.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.mode))?;
        self.xattrs(parent, path.name(), entry)?;
        rustix::fs::futimens(&file, &times(entry.mtime))?;
        Ok(())
    }

    /// Makes a device or pipe; `false` when that is not permitted here.
    fn node(&mut self, parent: BorrowedFd<'_>, path: &Path, entry: &Entry) -> Result<bool, Failure> {
        let kind = match entry.kind {
            Kind::Char => FileType::CharacterDevice,
            Kind::Block => FileType::BlockDevice,
            _ => FileType::Fifo,
        };
        if entry.kind == Kind::Char && entry.device == (0, 0) {
            return Err("a character device 0/0, which would hide a file of another layer".to_owned().into());
        }
        let device = rustix::fs::makedev(entry.device.0, entry.device.1);
        match rustix::fs::mknodat(parent, path.name(), kind, Mode::from_raw_mode(entry.mode), device) {
            Ok(()) => Ok(true),
            Err(Errno::PERM) => {
                self.notes.skip(&entry.path, "device left out: making devices is not permitted here");
                Ok(false)
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Owner, mode, attributes, and times of what is neither file nor directory.
    fn describe(&mut self, parent: BorrowedFd<'_>, path: &Path, entry: &Entry) -> Result<(), Failure> {
        let (name, flags) = (path.name(), AtFlags::SYMLINK_NOFOLLOW);
        self.own(&entry.path, rustix::fs::chownat(parent, name, uid(entry)?, gid(entry)?, flags))?;
        if entry.kind != Kind::Symlink {
            rustix::fs::chmodat(parent, name, Mode::from_raw_mode(entry.mode), AtFlags::empty())?;
        }
        self.xattrs(parent, name, entry)?;
        rustix::fs::utimensat(parent, name, &times(entry.mtime), flags)?;
        Ok(())
    }

    /// Owner and attributes of a directory now, mode and times at the end.
    fn describe_dir(&mut self, path: &[u8], entry: &Entry) -> Result<(), Failure> {
        let dir = self.root.dir_itself(path)?;
        self.own(&entry.path, rustix::fs::fchown(&dir, uid(entry)?, gid(entry)?))?;
        self.xattrs(dir.as_fd(), b".", entry)?;
        self.dirs.described(path, entry.mode, entry.mtime);
        Ok(())
    }

    fn whiteout(&mut self, path: &Path) -> Result<(), Failure> {
        let parent = match self.parent(path.parent()) {
            // The layer has a file where those below had a directory; umoci hides what was in that one by one.
            Err(Failure::NoDirectory(_)) => return Ok(()),
            other => other?,
        };
        match beneath::stat(parent.as_fd(), path.name())? {
            // A whiteout only hides what layers below have (layer.md, "Whiteouts"): the directory that this layer has
            // itself no longer shows theirs.
            Some(stat) if beneath::kind(&stat) == FileType::Directory => self.set_opaque(path.full())?,
            Some(_) => {}
            None => {
                rustix::fs::mknodat(&parent, path.name(), FileType::CharacterDevice, Mode::empty(), 0)?;
                rustix::fs::utimensat(&parent, path.name(), &times((0, 0)), AtFlags::SYMLINK_NOFOLLOW)?;
            }
        }
        Ok(())
    }

    fn set_opaque(&self, dir: &[u8]) -> Result<(), Failure> {
        let fd = self.root.dir(dir)?;
        Ok(beneath::set_xattr(fd.as_fd(), b".", self.namespace.opaque(), b"y")?)
    }

    /// The directory that an entry goes into; what is missing of it is made.
    fn parent(&mut self, path: &[u8]) -> Result<OwnedFd, Failure> {
        if let Some((last, fd)) = &self.last_parent
            && last == path
        {
            return Ok(fd.try_clone()?);
        }
        let fd = match self.root.dir(path) {
            Ok(fd) => fd,
            Err(e) if e.kind() == io::ErrorKind::NotFound => self.make_parents(path)?,
            Err(e) => return Err(explain_parent(path, e)),
        };
        self.last_parent = Some((path.to_vec(), fd.try_clone()?));
        Ok(fd)
    }

    fn make_parents(&mut self, path: &[u8]) -> Result<OwnedFd, Failure> {
        let mut fd = self.root.dir(b"")?;
        let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(i, _)| i).chain([path.len()]);
        let mut start = 0;
        for end in ends {
            let (prefix, name) = (&path[..end], &path[start..end]);
            start = end + 1;
            fd = match self.root.dir(prefix) {
                Ok(next) => next,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    rustix::fs::mkdirat(&fd, name, Mode::RWXU).map_err(|e| match e {
                        Errno::EXIST => Failure::Refused(format!(
                            "`{}` is a symlink that leads nowhere in this layer",
                            prefix.escape_ascii()
                        )),
                        e => e.into(),
                    })?;
                    self.dirs.implied(prefix);
                    self.root.dir(prefix)?
                }
                Err(e) => return Err(explain_parent(prefix, e)),
            };
        }
        Ok(fd)
    }

    /// Takes the outcome of changing an owner.
    fn own(&mut self, entry: &[u8], outcome: Result<(), Errno>) -> Result<(), Failure> {
        match outcome {
            Ok(()) => Ok(()),
            Err(Errno::PERM | Errno::INVAL) if !self.owners => Ok(()),
            Err(e @ (Errno::PERM | Errno::INVAL)) => {
                self.notes.skip(entry, format!("owner not kept: {}", io::Error::from(e)));
                Ok(())
            }
            Err(e) => Err(e.into()),
        }
    }

    fn xattrs(&mut self, parent: BorrowedFd<'_>, name: &[u8], entry: &Entry) -> Result<(), Failure> {
        for (attribute, value) in &entry.xattrs {
            let shown = attribute.escape_ascii();
            if attribute.starts_with(b"trusted.overlay.") || attribute.starts_with(b"user.overlay.") {
                self.notes.skip(&entry.path, format!("attribute {shown} left out: it would steer overlayfs"));
                continue;
            }
            match beneath::set_xattr(parent, name, attribute, value) {
                Ok(()) => {}
                Err(e) => match e.raw_os_error().map(Errno::from_raw_os_error) {
                    Some(Errno::PERM | Errno::OPNOTSUPP | Errno::INVAL | Errno::RANGE | Errno::TOOBIG) => {
                        self.notes.skip(&entry.path, format!("attribute {shown} left out: {e}"));
                    }
                    _ => return Err(e.into()),
                },
            }
        }
        Ok(())
    }
}

fn explain_parent(path: &[u8], e: io::Error) -> Failure {
    let shown = path.escape_ascii();
    match e.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::XDEV) => Failure::Refused(format!("`{shown}` leads out of the layer through a symlink")),
        Some(Errno::LOOP) => Failure::Refused(format!("`{shown}` goes in circles through symlinks")),
        Some(Errno::NOTDIR) => Failure::NoDirectory(format!("`{shown}` is not a directory in this layer")),
        _ => e.into(),
    }
}

fn uid(entry: &Entry) -> Result<Option<Uid>, Failure> {
    id(entry.uid).map(Uid::from_raw).map(Some)
}

fn gid(entry: &Entry) -> Result<Option<Gid>, Failure> {
    id(entry.gid).map(Gid::from_raw).map(Some)
}

fn id(id: u64) -> Result<u32, Failure> {
    // The highest number means "leave it" to the kernel.
    u32::try_from(id)
        .ok()
        .filter(|id| *id != u32::MAX)
        .ok_or_else(|| Failure::Refused(format!("owner {id} is out of range")))
}
