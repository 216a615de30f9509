//! `sw doctor`: whether this machine can build, and what to do where it cannot.

use std::fs;
use std::path::Path;

use base::{Exit, size};
use engine::limits::{Controllers, Limits};
use engine::local::{processor, rootless};
use serde::Serialize;

use super::Ended;
use super::engine::confined;
use crate::cli::{DoctorArgs, Format};
use crate::failure::Failure;
use crate::output::terminal::{GREEN, RED, YELLOW};
use crate::settings::Home;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    /// What to do; empty when it is fine.
    advice: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Fine,
    /// Some things will not work.
    Limited,
    /// Nothing can be built.
    Missing,
}

/// Looks at everything; exit code 4 when something is missing.
pub fn run(home: &Home, args: &DoctorArgs) -> Result<Ended, Failure> {
    // Trial mounts and containers belong into private namespaces; where those cannot be had, that is the finding.
    let refused = match confined() {
        Ok(Some(ended)) => return Ok(ended),
        Ok(None) => None,
        Err(refused) => Some(refused),
    };
    let this = std::env::current_exe()?;
    let mut checks = vec![kernel(), privileges()];
    match refused {
        Some(refused) => checks.push(namespaces_refused(&refused)),
        None => checks.extend([
            fine("namespaces", "mount and process namespaces can be made"),
            overlay(home),
            cgroups(),
            limits(),
            builtin_runtime(&this),
            other_runtime(&this),
        ]),
    }
    checks.extend([packages(), emulators(), disk(home)]);
    if args.output == Format::Json {
        anstream::println!("{}", serde_json::to_string_pretty(&checks)?);
    } else {
        for check in &checks {
            let (style, mark) = match check.state {
                State::Fine => (GREEN, "ok     "),
                State::Limited => (YELLOW, "limited"),
                State::Missing => (RED, "missing"),
            };
            anstream::println!("{style}{mark}{style:#}  {:<18} {}", check.name, check.found);
            if !check.advice.is_empty() {
                anstream::println!("{:9}{:<18} -> {}", "", "", check.advice);
            }
        }
    }
    let missing = checks.iter().any(|c| c.state == State::Missing);
    Ok(if missing { Exit::Host } else { Exit::Success }.into())
}

/// No machine needs emulators; whoever builds for several platforms wants to know.
fn emulators() -> Check {
    match processor::emulated().as_slice() {
        [] => fine(
            "other processors",
            "not emulated; for RUN and tests on other platforms install qemu-user-static",
        ),
        some => fine("other processors", format!("emulated: {}", some.join(", "))),
    }
}

fn fine(name: &'static str, found: impl Into<String>) -> Check {
    Check { name, state: State::Fine, found: found.into(), advice: String::new() }
}

fn problem(name: &'static str, state: State, found: impl Into<String>, advice: impl Into<String>) -> Check {
    Check { name, state, found: found.into(), advice: advice.into() }
}

/// Layers are given to overlayfs one by one (`lowerdir+`), which came with Linux 6.5.
fn kernel() -> Check {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|n| n.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= (6, 5) {
        return fine("kernel", format!("Linux {release}"));
    }
    problem(
        "kernel",
        State::Limited,
        format!("Linux {release}"),
        "images with many layers need Linux 6.5; on Debian 12 install linux-image-amd64 from bookworm-backports",
    )
}

/// Root, or what an ordinary user is in their namespace.
fn privileges() -> Check {
    const DOCS: &str = "docs/reference/rootless.md says what needs more";
    if !rustix::process::geteuid().is_root() {
        return problem("user", State::Missing, "an ordinary user without a user namespace", "run as root");
    }
    if !rootless::is_inside() {
        return fine("user", "root");
    }
    match rootless::ids() {
        0 | 1 => {
            let (why, advice) = rootless::lacks(rootless::outer_uid()).unwrap_or_else(|| {
                ("newuidmap or newgidmap failed".to_owned(), "apt-get install --reinstall uidmap".to_owned())
            });
            let found = format!("an ordinary user, with one id: {why}");
            problem("user", State::Limited, found, format!("{advice}; {DOCS}"))
        }
        ids => fine("user", format!("an ordinary user, with {ids} ids; {DOCS}")),
    }
}

/// Without namespaces nothing that needs them can be tried; this is what to see to first.
fn namespaces_refused(refused: &Failure) -> Check {
    let (found, advice) = rootless::forbidden().unwrap_or_else(|| {
        (refused.to_string(), "run as root; in a container, start it with --privileged".to_owned())
    });
    problem("namespaces", State::Missing, found, advice)
}

fn overlay(home: &Home) -> Check {
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default().contains("\toverlay");
    if !known {
        return problem("overlayfs", State::Missing, "the kernel does not offer it", "modprobe overlay");
    }
    match engine::local::images::try_overlay(home.dir()) {
        Ok(()) => fine("overlayfs", format!("works in {}", home.dir().display())),
        Err(e) => problem(
            "overlayfs",
            State::Missing,
            e,
            "put the folder on ext4 or xfs with `--home DIR` or STREAMWRIGHT_HOME; overlay on overlay does not work",
        ),
    }
}

fn cgroups() -> Check {
    let v2 = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let hybrid = Path::new("/sys/fs/cgroup/unified").exists();
    let v1 = Path::new("/sys/fs/cgroup/memory").exists();
    match (v2, hybrid, v1) {
        (true, ..) => fine("control groups", "version 2"),
        (false, true, _) => problem(
            "control groups",
            State::Limited,
            "version 1 and 2 (hybrid)",
            "the built-in runtime and runc work; crun refuses a hybrid host",
        ),
        (false, false, true) => fine("control groups", "version 1"),
        _ => problem(
            "control groups",
            State::Missing,
            "none mounted at /sys/fs/cgroup",
            "mount -t cgroup2 none /sys/fs/cgroup",
        ),
    }
}

/// What steps can be held to; the trial containers below have these limits.
fn limits() -> Check {
    let wanted = Limits { cpu: Some(1), memory: Some(1), processes: Some(1), ..Limits::default() };
    let (enforced, lacking) = Controllers::here().enforceable(wanted);
    let all = [("cpu", enforced.cpu), ("memory", enforced.memory), ("processes", enforced.processes)];
    let names: Vec<&str> = all.iter().filter(|(_, limit)| limit.is_some()).map(|(name, _)| *name).collect();
    let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    if lacking.is_empty() {
        return fine("limits of steps", found);
    }
    problem("limits of steps", State::Limited, found, lacking.join("; "))
}

fn builtin_runtime(this: &Path) -> Check {
    match engine::local::trial::run("builtin", this) {
        Ok(time) => fine("built-in runtime", format!("ran a container in {}", size::duration(time))),
        Err(e) => problem("built-in runtime", State::Missing, e, "try `--runtime runc`"),
    }
}

fn other_runtime(this: &Path) -> Check {
    match engine::local::trial::run("runc", this) {
        Ok(time) => fine("runc", format!("ran a container in {}", size::duration(time))),
        Err(e) => {
            problem("runc", State::Limited, e, "only needed for `--runtime runc`: apt-get install runc")
        }
    }
}

/// The Debian packages of the demo's tasks; `make deps` installs the same list.
fn packages() -> Check {
    const TOOLS: [(&str, &str); 3] =
        [("buildah", "buildah"), ("mmdebstrap", "mmdebstrap"), ("apt-get", "apt")];
    let missing: Vec<&str> =
        TOOLS.iter().filter(|(tool, _)| !on_path(tool)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return fine("packages", "buildah and mmdebstrap are installed");
    }
    problem(
        "packages",
        State::Limited,
        format!("not installed: {}", missing.join(", ")),
        format!("for streams that build with this machine's tools: apt-get install {}", missing.join(" ")),
    )
}

fn on_path(tool: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()))
}

fn disk(home: &Home) -> Check {
    const WANTED: u64 = 5 << 30;
    let existing = home.dir().ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(existing) {
        Ok(stat) => {
            let free = stat.f_bavail * stat.f_frsize;
            let found = format!("{} free for {}", size::bytes(free), home.dir().display());
            if free >= WANTED {
                fine("disk", found)
            } else {
                problem(
                    "disk",
                    State::Limited,
                    found,
                    "debian-mini needs 5 GiB; `--home DIR` uses another disk",
                )
            }
        }
        Err(e) => problem("disk", State::Limited, format!("{}: {e}", existing.display()), "check the folder"),
    }
}
