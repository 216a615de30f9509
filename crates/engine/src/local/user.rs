//! Who a container runs as: `USER` of the image, overridden by the security context.
//!
//! Names are looked up in the container's own /etc/passwd and /etc/group, never in this machine's.

use std::path::Path;

use super::bundle::User;

/// An account line of a passwd file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

/// The user and the home directory, by the image's `USER` (`name`, `uid`, `name:group`, `uid:gid` or empty).
///
/// `run_as` overrides user and group ids. The home directory is that of the passwd entry, `/` without one.
///
/// # Errors
/// When a name is in neither file.
pub fn resolve(
    rootfs: &Path,
    image_user: &str,
    run_as: (Option<u32>, Option<u32>),
) -> Result<(User, String), UnknownUser> {
    let passwd = read(rootfs, "etc/passwd");
    let group = read(rootfs, "etc/group");
    let accounts = parse_passwd(&passwd);
    let (user_part, group_part) = match image_user.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (image_user, None),
    };
    let unknown = |name: &str| UnknownUser { name: name.to_owned() };
    let account = match run_as.0 {
        Some(uid) => accounts.iter().find(|a| a.uid == uid).cloned().or(Some(nameless(uid))),
        None if user_part.is_empty() => accounts.iter().find(|a| a.uid == 0).cloned().or(Some(nameless(0))),
        None => match user_part.parse::<u32>() {
            Ok(uid) => accounts.iter().find(|a| a.uid == uid).cloned().or(Some(nameless(uid))),
            Err(_) => accounts.iter().find(|a| a.name == user_part).cloned(),
        },
    };
    let account = account.ok_or_else(|| unknown(user_part))?;
    let gid = match (run_as, group_part) {
        ((_, Some(gid)), _) => gid,
        ((None, None), Some(g)) => {
            g.parse().ok().or_else(|| group_id(&group, g)).ok_or_else(|| unknown(g))?
        }
        _ => account.gid,
    };
    let groups = supplementary(&group, &account.name, gid);
    Ok((User { uid: account.uid, gid, groups }, account.home))
}

fn nameless(uid: u32) -> Account {
    Account { name: String::new(), uid, gid: 0, home: "/".to_owned() }
}

/// Reads a file of the container without following a link out of it; a missing or huge file counts as empty.
fn read(rootfs: &Path, path: &str) -> String {
    use std::io::Read;

    use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

    const LIMIT: u64 = 1024 * 1024;
    let open = || {
        let root = std::fs::File::open(rootfs).ok()?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
        let mut text = String::new();
        std::fs::File::from(file).take(LIMIT).read_to_string(&mut text).ok()?;
        Some(text)
    };
    open().unwrap_or_default()
}

fn parse_passwd(text: &str) -> Vec<Account> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            let home = fields.nth(1).filter(|h| !h.is_empty()).unwrap_or("/").to_owned();
            Some(Account { name, uid, gid, home })
        })
        .collect()
}

fn group_id(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    })
}

fn supplementary(text: &str, user: &str, primary: u32) -> Vec<u32> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':').skip(2);
            let gid = fields.next()?.parse().ok()?;
            let member = !user.is_empty() && fields.next()?.split(',').any(|m| m == user);
            (member && gid != primary).then_some(gid)
        })
        .collect()
}

/// The container has no such user or group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the image has no user or group `{name}` in /etc/passwd or /etc/group; set securityContext.runAsUser to a number"
)]
pub struct UnknownUser {
    name: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn rootfs() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:7:8::/srv:/bin/sh\n");
        write("etc/group", "root:x:0:\nwheel:x:10:root,app\nops:x:20:\n");
        dir
    }

    #[test]
    fn names_numbers_and_overrides() {
        let dir = rootfs();
        let of = |user: &str, run_as| {
            let (u, home) = resolve(dir.path(), user, run_as).unwrap();
            (u.uid, u.gid, u.groups, home)
        };
        let none = (None, None);
        assert_eq!(of("", none), (0, 0, vec![10], "/root".into()));
        assert_eq!(of("app", none), (7, 8, vec![10], "/srv".into()));
        assert_eq!(of("7", none), (7, 8, vec![10], "/srv".into()));
        assert_eq!(of("app:ops", none), (7, 20, vec![10], "/srv".into()));
        assert_eq!(of("1234:5", none), (1234, 5, vec![], "/".into()));
        assert_eq!(of("app", (Some(99), None)), (99, 0, vec![], "/".into()));
        assert_eq!(of("app", (None, Some(3))), (7, 3, vec![10], "/srv".into()));
        assert!(resolve(dir.path(), "nobody", none).unwrap_err().to_string().contains("`nobody`"));
    }

    #[test]
    fn passwd_is_never_read_outside_the_container() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("etc/passwd")).unwrap();
        // The link points into the container, at itself: nobody is known there.
        assert!(resolve(dir.path(), "daemon", (None, None)).is_err());
    }
}
