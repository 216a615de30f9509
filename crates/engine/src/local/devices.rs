//! Devices of this machine that a container gets: all when it is privileged, else those that it asks for as extended
//! resources (tekton.md §2.28).

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use oci_spec::OciSpecError;
use oci_spec::runtime::{LinuxDevice, LinuxDeviceBuilder, LinuxDeviceType};
use tekton::types::ResourceRequirements;

/// Folders of /dev that are file systems of their own; every container has its own of them.
const OWN: [&str; 4] = ["pts", "shm", "mqueue", "hugepages"];

/// Devices that every runtime makes.
const DEFAULT: [&str; 8] = ["null", "zero", "full", "random", "urandom", "tty", "console", "ptmx"];

/// More than any machine has.
const MOST: usize = 4096;

/// All devices of this machine.
pub fn all() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("/dev")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            // Links are not followed: they lead to what is found anyway.
            let Ok(kind) = entry.file_type() else { continue };
            let top = folder == Path::new("/dev");
            if kind.is_dir() && !(top && OWN.iter().any(|own| name == *own)) {
                folders.push(path);
            } else if (kind.is_char_device() || kind.is_block_device())
                && !(top && DEFAULT.iter().any(|own| name == *own))
                && found.len() < MOST
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The devices behind the extended resources that a container asks for, and what this machine does not have of them, for
/// people.
pub fn wanted(resources: &ResourceRequirements) -> (Vec<PathBuf>, Vec<String>) {
    let names: BTreeSet<&String> = resources.limits.keys().chain(resources.requests.keys()).collect();
    let (mut devices, mut lacking) = (Vec::new(), Vec::new());
    for name in names.into_iter().filter(|name| is_extended(name)) {
        match device(name) {
            Some(path) if path.exists() => devices.push(path),
            Some(path) => {
                lacking.push(format!("{name} is asked for, but this machine has no {}", path.display()))
            }
            None => lacking.push(format!("{name} is asked for; what that is on this machine is not known")),
        }
    }
    (devices, lacking)
}

/// Whether it is a resource that a device plug-in gives: its name has a domain other than Kubernetes' own.
fn is_extended(name: &str) -> bool {
    name.split_once('/').is_some_and(|(domain, _)| !domain.ends_with("kubernetes.io"))
}

/// The file that widely used device plug-ins give for a resource.
fn device(name: &str) -> Option<PathBuf> {
    let (domain, name) = name.split_once('/')?;
    let below = match (domain, name) {
        ("devices.kubevirt.io", "tun") => "net/tun",
        ("devices.kubevirt.io", name @ ("kvm" | "vhost-net" | "vhost-vsock" | "sev")) => name,
        ("github.com", "fuse") => "fuse",
        ("smarter-devices" | "squat.ai", name @ ("kvm" | "fuse" | "loop-control")) => name,
        _ => return None,
    };
    Some(Path::new("/dev").join(below))
}

/// A device as the runtime makes it anew in the container: for everybody there, or `as_here` for those who may use it on
/// this machine. `None` for one that has gone.
///
/// # Errors
/// Values that make no runtime specification.
pub fn describe(path: &Path, as_here: bool) -> Result<Option<LinuxDevice>, OciSpecError> {
    let Ok(meta) = fs::metadata(path) else { return Ok(None) };
    let kind = match meta.file_type() {
        kind if kind.is_char_device() => LinuxDeviceType::C,
        kind if kind.is_block_device() => LinuxDeviceType::B,
        _ => return Ok(None),
    };
    let (major, minor) = (rustix::fs::major(meta.rdev()), rustix::fs::minor(meta.rdev()));
    let (mode, uid, gid) =
        if as_here { (meta.mode() & 0o777, meta.uid(), meta.gid()) } else { (0o666, 0, 0) };
    let device = LinuxDeviceBuilder::default()
        .path(path)
        .typ(kind)
        .major(i64::from(major))
        .minor(i64::from(minor))
        .file_mode(mode)
        .uid(uid)
        .gid(gid);
    device.build().map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn extended_resources_are_devices() {
        let resources: ResourceRequirements = serde_json::from_value(json!({
            "limits": {"cpu": "1", "memory": "1Gi", "hugepages-2Mi": "1", "nvidia.com/gpu": "1",
                "devices.kubevirt.io/sev": "1", "pods.kubernetes.io/x": "1"},
            "requests": {"nvidia.com/gpu": "1"},
        }))
        .unwrap();
        let (devices, lacking) = wanted(&resources);
        let sev = Path::new("/dev/sev");
        assert_eq!(devices, if sev.exists() { vec![sev.to_owned()] } else { Vec::new() });
        assert!(
            lacking
                .iter()
                .any(|l| l == "nvidia.com/gpu is asked for; what that is on this machine is not known")
        );
        assert_eq!(lacking.len() + devices.len(), 2, "{lacking:?}");
    }

    #[test]
    fn devices_are_described_by_their_numbers() {
        let null = describe(Path::new("/dev/null"), false).unwrap().unwrap();
        assert_eq!((null.typ(), null.major(), null.minor()), (LinuxDeviceType::C, 1, 3));
        assert_eq!(describe(Path::new("/etc/passwd"), true).unwrap(), None);
        assert!(all().iter().all(|path| !path.starts_with("/dev/pts") && path != Path::new("/dev/null")));
    }
}
