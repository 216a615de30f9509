//! Puts credentials where a step looks for them: in `/tekton/creds`, which is memory, and in its HOME (tekton.md §2.9).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, ResolveFlags, Uid, fchown, fstat, mkdirat, openat, openat2, symlinkat,
    unlinkat,
};
use rustix::io::Errno;
use tekton::prepare::paths::CREDENTIALS;

use super::beneath;
use super::bundle::{ContainerSpec, Mounted, User, What};
use super::credentials::Credentials;
use super::pod::place;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Writes the files into `dir`, a folder in memory that is mounted as `/tekton/creds`, readable by `user` only.
///
/// # Errors
/// When they cannot be written.
pub fn into_memory(dir: &Path, credentials: &Credentials, user: &User) -> io::Result<()> {
    let dir = rustix::fs::open(dir, FOLDER, Mode::empty())?;
    put(&dir, credentials, user, How::Copy)
}

/// Puts the files into the HOME of a container that is not started yet: copies in its own root file system, which is thrown
/// away with it; in a volume, which may last, links to `/tekton/creds`.
///
/// # Errors
/// When there is no such folder, or it cannot be written.
pub fn into_home(spec: &ContainerSpec, credentials: &Credentials) -> io::Result<()> {
    let home = spec.env.iter().find(|(name, _)| name == "HOME").map_or("/", |(_, value)| value.as_str());
    let in_memory =
        |m: &Mounted| matches!(m.what, What::Memory { .. }) && Path::new(home).starts_with(&m.target);
    if spec.mounts.iter().any(in_memory) {
        return Err(io::Error::other("it is a volume in memory, which is made when the step starts"));
    }
    let place = place(spec, Path::new(home))?;
    if place.source != spec.rootfs {
        if place.read_only {
            return Err(Errno::ROFS.into());
        }
        let folder = beneath::open(place.source, place.below, false)?;
        return put(&openat(folder, ".", FOLDER, Mode::empty())?, credentials, &spec.user, How::Link);
    }
    if spec.privileges.read_only_root {
        return Err(Errno::ROFS.into());
    }
    let root = rustix::fs::open(place.source, FOLDER, Mode::empty())?;
    let below = if place.below.as_os_str().is_empty() { Path::new(".") } else { place.below };
    let folder = openat2(&root, below, FOLDER, Mode::empty(), ResolveFlags::IN_ROOT)?;
    put(&folder, credentials, &spec.user, How::Copy)
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Copy,
    Link,
}

fn put(to: &OwnedFd, credentials: &Credentials, user: &User, how: How) -> io::Result<()> {
    for (path, bytes) in &credentials.files {
        let (folder, name) = match path.split_once('/') {
            Some((folder, name)) => (Some(own_folder(to, folder, user)?), name),
            None => (None, path.as_str()),
        };
        let at = folder.as_ref().unwrap_or(to).as_fd();
        match unlinkat(at, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(e.into()),
        }
        match how {
            How::Copy => write(at, name, bytes, user)?,
            How::Link => symlinkat(format!("{CREDENTIALS}/{path}"), at, name)?,
        }
    }
    Ok(())
}

/// The folder `name`, which nobody else may enter if it is new. A link is not followed.
fn own_folder(to: &OwnedFd, name: &str, user: &User) -> io::Result<OwnedFd> {
    let made = match mkdirat(to, name, Mode::RWXU) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(e) => return Err(e.into()),
    };
    let folder = openat(to, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
    if made {
        give(folder.as_fd(), user)?;
    }
    Ok(folder)
}

fn write(at: BorrowedFd<'_>, name: &str, bytes: &[u8], user: &User) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(at, name, flags, Mode::RUSR | Mode::WUSR)?;
    give(file.as_fd(), user)?;
    File::from(file).write_all(bytes)
}

fn give(to: BorrowedFd<'_>, user: &User) -> io::Result<()> {
    let now = fstat(to)?;
    if (now.st_uid, now.st_gid) != (user.uid, user.gid) {
        fchown(to, Some(Uid::from_raw(user.uid)), Some(Gid::from_raw(user.gid)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::bundle::Privileges;
    use super::*;
    use crate::limits::Limits;

    fn credentials() -> Credentials {
        let files = [(".gitconfig", "[a]\n"), (".ssh/id_a", "key\n")];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into();
        Credentials { files, warnings: Vec::new() }
    }

    fn spec(rootfs: &Path, home: &str, mounts: Vec<Mounted>) -> ContainerSpec {
        let uid = rustix::process::geteuid().as_raw();
        let gid = rustix::process::getegid().as_raw();
        ContainerSpec {
            rootfs: rootfs.to_owned(),
            args: Vec::new(),
            env: vec![("HOME".into(), home.into())],
            cwd: "/".into(),
            user: User { uid, gid, groups: Vec::new() },
            hostname: String::new(),
            mounts,
            privileges: Privileges::default(),
            limits: Limits::default(),
            terminal: false,
            cgroup: String::new(),
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn copies_are_for_the_user_only_and_replace_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let (root, home) = (dir.path(), dir.path().join("root"));
        fs::create_dir(&home).unwrap();
        fs::write(home.join(".gitconfig"), "old").unwrap();
        into_home(&spec(root, "/root", Vec::new()), &credentials()).unwrap();
        assert_eq!(fs::read_to_string(home.join(".gitconfig")).unwrap(), "[a]\n");
        assert_eq!(fs::read_to_string(home.join(".ssh/id_a")).unwrap(), "key\n");
        assert_eq!((mode(&home.join(".ssh")), mode(&home.join(".ssh/id_a"))), (0o700, 0o600));
        let memory = root.join("memory");
        fs::create_dir(&memory).unwrap();
        into_memory(&memory, &credentials(), &spec(root, "/", Vec::new()).user).unwrap();
        assert_eq!(mode(&memory.join(".ssh/id_a")), 0o600);
    }

    #[test]
    fn volumes_get_no_secrets_but_links() {
        let dir = tempfile::tempdir().unwrap();
        let (root, volume) = (dir.path().join("root"), dir.path().join("volume"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&volume).unwrap();
        let what = |read_only| What::Bind { source: volume.clone(), read_only };
        let mounted = |read_only| vec![Mounted { target: "/home".into(), what: what(read_only) }];
        into_home(&spec(&root, "/home", mounted(true)), &credentials()).unwrap_err();
        into_home(&spec(&root, "/home", mounted(false)), &credentials()).unwrap();
        let memory = Mounted { target: "/home".into(), what: What::Memory { size: None, mode: 0o777 } };
        into_home(&spec(&root, "/home/me", vec![memory]), &credentials()).unwrap_err();
        let link = fs::read_link(volume.join(".ssh/id_a")).unwrap();
        assert_eq!(link, Path::new("/tekton/creds/.ssh/id_a"));
    }

    #[test]
    fn nothing_is_written_outside() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir_all(root.join("home")).unwrap();
        fs::create_dir(&outside).unwrap();
        symlink("../../outside", root.join("away")).unwrap();
        symlink("../../outside", root.join("home/.ssh")).unwrap();
        symlink(outside.join("stolen"), root.join("home/.gitconfig")).unwrap();
        into_home(&spec(&root, "/away", Vec::new()), &credentials()).unwrap_err();
        into_home(&spec(&root, "/home", Vec::new()), &credentials()).unwrap_err();
        into_home(&spec(&root, "/missing", Vec::new()), &credentials()).unwrap_err();
        let mut fixed = spec(&root, "/home", Vec::new());
        fixed.privileges.read_only_root = true;
        into_home(&fixed, &credentials()).unwrap_err();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}
