//! Without root: a user namespace in which an ordinary user is root over what is theirs.
//!
//! The user's id becomes 0. With `newuidmap`, `newgidmap` and a range for the user in /etc/subuid and /etc/subgid, the ids
//! from 1 on are those of the range; without, 0 is the only one: then everything in a container belongs to its root, and
//! nothing can run as somebody else. The kernel decides the rest: no control groups, no devices, no ports below 1024.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{getegid, geteuid, getpid};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::bundle::User;

/// Ids of a whole machine.
const ALL: u64 = u32::MAX as u64;

/// Whether this process is in a user namespace other than the machine's, whoever made it.
pub fn is_inside() -> bool {
    static INSIDE: OnceLock<bool> = OnceLock::new();
    *INSIDE.get_or_init(|| mapped("uid") < ALL)
}

/// The id of this user outside.
pub fn outer_uid() -> u32 {
    let own = rustix::process::getuid().as_raw();
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let extents = map.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map_while(|n| n.parse::<u32>().ok());
        Some((numbers.next()?, numbers.next()?, numbers.next()?))
    });
    let mut outer = extents.filter_map(|(inside, outside, count)| {
        let offset = own.checked_sub(inside).filter(|offset| *offset < count)?;
        outside.checked_add(offset)
    });
    outer.next().unwrap_or(own)
}

/// How many users there are here: 1 when nobody gave this user more.
pub fn ids() -> u64 {
    mapped("uid")
}

/// How many ids there are here, from 0 on. `kind` is `uid` or `gid`.
fn mapped(kind: &str) -> u64 {
    let map = fs::read_to_string(format!("/proc/self/{kind}_map")).unwrap_or_default();
    let counts = map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok());
    // Without /proc, there is nothing to be known; root then has what root has.
    counts.reduce(|a, b| a + b).unwrap_or(ALL)
}

/// A user as this namespace can have it: without groups that it does not know.
///
/// # Errors
/// When there is no such user or primary group here.
pub fn known(mut user: User) -> Result<User, String> {
    let (uids, gids) = (mapped("uid"), mapped("gid"));
    let check = |what: &str, id: u32, most: u64| {
        if u64::from(id) < most {
            return Ok(());
        }
        Err(match most {
            1 => format!(
                "it would run as {what} {id}, but without root only {what} 0 is there; install the package \
                 uidmap and give this user ids in /etc/subuid and /etc/subgid, or run as root"
            ),
            _ => format!(
                "it would run as {what} {id}, but without root there are only {what}s below {most}; give this user \
                 more in /etc/subuid and /etc/subgid, or run as root"
            ),
        })
    };
    check("user", user.uid, uids)?;
    check("group", user.gid, gids)?;
    // A namespace with one id cannot set groups at all (user_namespaces(7)).
    user.groups.retain(|group| gids > 1 && u64::from(*group) < gids);
    Ok(user)
}

/// Makes the namespace and enters it. The process must have one thread.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn enter() -> io::Result<()> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    // The tools must be started outside: inside, they would not be root's.
    let ranges =
        [("newuidmap", uid, range("/etc/subuid", uid)), ("newgidmap", gid, range("/etc/subgid", uid))];
    let mappers = ranges.map(|(tool, id, range)| Mapper::start(tool, id, range?));
    #[expect(unsafe_code, reason = "unsafe only for FILES, which could tear descriptors from other threads")]
    // SAFETY: FILES is not among the flags.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }?;
    let [uids, gids] = mappers.map(|mapper| mapper.is_some_and(Mapper::map));
    if !uids {
        fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    }
    if !gids {
        // Otherwise groups that keep the user out of something could be left.
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    }
    Ok(())
}

/// First id and number of ids that the administrator gave `uid`, in the form of /etc/subuid (subuid(5)).
fn range(file: &str, uid: u32) -> Option<(u32, u32)> {
    let name = user_name(&fs::read_to_string("/etc/passwd").unwrap_or_default(), uid);
    parse_range(&fs::read_to_string(file).ok()?, uid, name.as_deref())
}

fn user_name(passwd: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

fn parse_range(text: &str, uid: u32, name: Option<&str>) -> Option<(u32, u32)> {
    let uid = uid.to_string();
    text.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let (first, count) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (owner == uid || Some(owner) == name).then_some((first, count))
    })
}

/// newuidmap or newgidmap, waiting for this process to be in its new namespace.
struct Mapper(Child);

impl Mapper {
    fn start(tool: &str, id: u32, (first, count): (u32, u32)) -> Option<Self> {
        let numbers = [getpid().as_raw_nonzero().get().unsigned_abs(), 0, id, 1, 1, first, count];
        let child = Command::new("sh")
            .args(["-c", r#"read -r go && exec "$0" "$@""#, tool])
            .args(numbers.map(|n| n.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        child.ok().map(Self)
    }

    /// Whether it did its work.
    fn map(mut self) -> bool {
        let told = self.0.stdin.take().is_some_and(|mut stdin| stdin.write_all(b"\n").is_ok());
        told && self.0.wait().is_ok_and(|status| status.success())
    }
}

/// What keeps the user with this id from having more than one, and what to do; `None` when nothing does.
pub fn lacks(uid: u32) -> Option<(String, String)> {
    let on_path = |tool: &str| {
        std::env::var_os("PATH").is_some_and(|p| std::env::split_paths(&p).any(|d| d.join(tool).is_file()))
    };
    if !on_path("newuidmap") || !on_path("newgidmap") {
        return Some(("newuidmap and newgidmap are not installed".into(), "apt-get install uidmap".into()));
    }
    ["/etc/subuid", "/etc/subgid"].iter().find(|file| range(file, uid).is_none()).map(|file| {
        let name = user_name(&fs::read_to_string("/etc/passwd").unwrap_or_default(), uid);
        let name = name.unwrap_or_else(|| uid.to_string());
        let advice =
            format!("as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}");
        (format!("{file} has no range for {name}"), advice)
    })
}

/// What of this machine's settings forbids user namespaces, and what to do.
pub fn forbidden() -> Option<(String, String)> {
    let settings = [
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("user.max_user_namespaces", "0", "10000"),
    ];
    settings.into_iter().find_map(|(name, forbids, allows)| {
        let path = Path::new("/proc/sys").join(name.replace('.', "/"));
        let value = fs::read_to_string(path).ok()?;
        (value.trim() == forbids).then(|| {
            (format!("{name} is {forbids}"), format!("as root: sysctl {name}={allows}; or run as root"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_by_name_or_number() {
        let text = "# none\nother:1:2\nme:100000:65536\n1000:300000:10\n";
        assert_eq!(parse_range(text, 1000, Some("me")), Some((100_000, 65536)));
        assert_eq!(parse_range(text, 1000, None), Some((300_000, 10)));
        assert_eq!(parse_range(text, 7, Some("you")), None);
        assert_eq!(user_name("root:x:0:0::/:\nme:x:1000:1000::/home/me:\n", 1000).as_deref(), Some("me"));
    }
}
