//! Whether a runtime works on this machine: runs `true` from this machine's own root.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::limits::{Controllers, Limits};

use super::bundle::{ContainerSpec, Privileges, User};
use super::container::Container;
use super::images::{Resolved, mount};
use super::runtime::Runtime;
use super::stop::Stop;

/// Runs one container and gives the time it took. Needs the private namespaces of [`super::confine`].
///
/// # Errors
/// Why it did not work, for people.
pub fn run(runtime: &str, this: &Path) -> Result<Duration, String> {
    let dir = tempfile::tempdir().map_err(|e| format!("cannot make a folder: {e}"))?;
    let rootfs = mount(&Resolved::Host, dir.path())?;
    let result = run_in(&Runtime::new(runtime, this), dir.path(), &rootfs);
    // The folder could not be removed while something is mounted in it.
    let unmounted = oci::overlay::unmount(&rootfs).map_err(|e| e.to_string());
    result.and_then(|time| unmounted.map(|()| time))
}

fn run_in(runtime: &Runtime, dir: &Path, rootfs: &Path) -> Result<Duration, String> {
    // With all limits that this machine claims to enforce.
    let wanted =
        Limits { cpu: Some(1000), memory: Some(256 << 20), processes: Some(256), ..Limits::default() };
    let (limits, _) = Controllers::here().enforceable(wanted);
    let id = format!("trial-{}", base::name::suffix());
    let spec = ContainerSpec {
        rootfs: rootfs.to_owned(),
        args: vec!["true".to_owned()],
        env: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        cwd: "/".to_owned(),
        user: User::default(),
        hostname: "trial".to_owned(),
        mounts: Vec::new(),
        privileges: Privileges::default(),
        limits,
        terminal: false,
        cgroup: format!("/streamwright-{id}"),
    };
    let started = Instant::now();
    let ignore = Box::new(|_: &[u8]| ());
    let stop = Stop::new().map_err(|e| e.to_string())?;
    let deadline = Some(started + Duration::from_secs(20));
    let ended = Container::start(runtime, &spec, dir, &dir.join("state"), &id, ignore, None)
        .and_then(|container| container.wait(deadline, &stop, Duration::ZERO))
        .map_err(|e| e.to_string())?;
    match (ended.runtime_error, ended.code) {
        (Some(error), _) => Err(error),
        (None, 0) => Ok(started.elapsed()),
        (None, code) => Err(format!("`true` ended with code {code} in a container")),
    }
}
