//! The folders and mounts of one attempt of a TaskRun (tekton.md §2.1).
//!
//! ```text
//! <dir>/workspace             /workspace            shared by all steps
//!      /tekton/home           /tekton/home
//!      /tekton/results        /tekton/results
//!      /tekton/artifacts      /tekton/artifacts
//!      /tekton/steps          /tekton/steps         read-only; links to /tekton/run/<i>/status
//!      /tekton/run/<i>        /tekton/run/<i>       read-only for all steps but <i>
//!      /tekton/scripts        /tekton/scripts       read-only
//!      /tekton/bin            /tekton/bin           read-only
//!      /volumes/<name>                              emptyDir volumes
//!      /containers/<name>     root file system of each container
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{Mode, OFlags, openat};
use tekton::prepare::paths::CREDENTIALS;
use tekton::types::VolumeMount;

use super::beneath;
use super::bundle::{ContainerSpec, Mounted, What};

/// The folders of one attempt.
#[derive(Debug)]
pub struct Pod {
    dir: PathBuf,
    /// Where parts of volumes are shown that containers mount.
    pins: PathBuf,
    pinned: AtomicUsize,
    volumes: BTreeMap<String, What>,
}

impl Pod {
    /// Makes the folders; `containers` are the container names of the steps, `step-…`, in order. `pins` is for mounts, and
    /// must not lie in a folder that is removed while something is mounted there.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn create(dir: &Path, pins: &Path, containers: &[String]) -> io::Result<Self> {
        for shared in ["workspace", "tekton/home", "tekton/results", "tekton/artifacts"] {
            folder(&dir.join(shared), 0o777)?;
        }
        for own in ["tekton/steps", "tekton/run", "tekton/scripts", "tekton/bin", "tekton/downward"] {
            folder(&dir.join(own), 0o755)?;
        }
        fs::write(dir.join("tekton/downward/ready"), "READY")?;
        for (i, container) in containers.iter().enumerate() {
            let run = dir.join(format!("tekton/run/{i}"));
            for inside in ["", "status", "status/results", "status/artifacts"] {
                folder(&run.join(inside), 0o777)?;
            }
            let target = format!("/tekton/run/{i}/status");
            symlink(&target, dir.join("tekton/steps").join(container))?;
            symlink(&target, dir.join(format!("tekton/steps/{i}")))?;
        }
        let (dir, pins) = (dir.to_owned(), pins.to_owned());
        Ok(Self { dir, pins, pinned: AtomicUsize::new(0), volumes: BTreeMap::new() })
    }

    /// Adds a volume that containers may mount.
    pub fn add_volume(&mut self, name: &str, what: What) {
        self.volumes.insert(name.to_owned(), what);
    }

    /// A volume that was added.
    pub fn volume(&self, name: &str) -> Option<&What> {
        self.volumes.get(name)
    }

    /// Where declared results appear.
    pub fn results(&self) -> PathBuf {
        self.dir.join("tekton/results")
    }

    /// Where the task's artifacts appear.
    pub fn artifacts(&self) -> PathBuf {
        self.dir.join("tekton/artifacts")
    }

    /// The folder that a step sees as `/tekton/run/<its index>` and cannot replace; its `status` in it, which is
    /// `/tekton/steps/<its name>`, it can.
    pub fn run(&self, index: usize) -> PathBuf {
        self.dir.join(format!("tekton/run/{index}"))
    }

    /// Where the root file system of a container is mounted; made when it is new.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn container(&self, name: &str) -> io::Result<PathBuf> {
        let dir = self.dir.join("containers").join(name);
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// Writes a script that containers can execute and gives its path in them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn script(&self, name: &str, text: &str) -> io::Result<String> {
        let path = self.dir.join("tekton/scripts").join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(format!("/tekton/scripts/{name}"))
    }

    /// Makes a working directory below /workspace.
    ///
    /// # Errors
    /// When it cannot be made, or lies in a volume that is mounted there (which then has to have it).
    pub fn working_dir(&self, path: &str) -> io::Result<()> {
        match path.strip_prefix("/workspace/") {
            Some(below) => beneath::open(&self.dir.join("workspace"), Path::new(below), true).map(drop),
            None => Ok(()),
        }
    }

    /// The file that `path` is in a container with these mounts, opened to take a copy of its output; folders are made.
    ///
    /// # Errors
    /// When the path is not absolute, leaves its mount, or cannot be made.
    pub fn open_for_output(&self, spec: &ContainerSpec, path: &str) -> io::Result<fs::File> {
        let place = place(spec, Path::new(path))?;
        let name = place.below.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
        let folder = place.below.parent().unwrap_or(Path::new(""));
        let folder = beneath::open(place.source, folder, !place.read_only)?;
        // Without NONBLOCK a pipe that a step left there would hold us.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        Ok(openat(&folder, name, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o666))?.into())
    }

    /// Makes the working directory of a container where it is missing; not every runtime does.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn own_working_dir(&self, spec: &ContainerSpec) -> io::Result<()> {
        let place = place(spec, Path::new(&spec.cwd))?;
        if place.source == spec.rootfs {
            beneath::make_inside(place.source, place.below)
        } else {
            beneath::open(place.source, place.below, !place.read_only).map(drop)
        }
    }

    /// Unmounts the root file system of a container that has ended.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn unmount(&self, container: &str) -> io::Result<()> {
        let rootfs = self.dir.join("containers").join(container).join("rootfs");
        rustix::mount::unmount(&rootfs, rustix::mount::UnmountFlags::DETACH)?;
        Ok(())
    }

    /// Removes everything; root file systems that are still mounted are unmounted first.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.dir.join("containers")).into_iter().flatten() {
            // Most were unmounted when their container ended.
            let _ = self.unmount(&entry?.file_name().to_string_lossy());
        }
        beneath::unpin(&self.pins)?;
        fs::remove_dir_all(&self.dir)
    }

    /// What a step sees: the implicit folders, unless it mounts something of its own there, and its mounts. `credentials` is
    /// the folder in memory with the step's credentials, if there are any.
    ///
    /// # Errors
    /// When a mount names no volume or leaves it.
    pub fn step_mounts(
        &self,
        index: usize,
        credentials: Option<PathBuf>,
        own: &[VolumeMount],
    ) -> Result<Vec<Mounted>, MountError> {
        let here = |path: &str| self.dir.join(path);
        let mut all: Vec<Mounted> = [
            ("/workspace", here("workspace"), false),
            ("/tekton/home", here("tekton/home"), false),
            ("/tekton/results", here("tekton/results"), false),
            ("/tekton/artifacts", here("tekton/artifacts"), false),
            ("/tekton/steps", here("tekton/steps"), true),
            ("/tekton/bin", here("tekton/bin"), true),
            ("/tekton/scripts", here("tekton/scripts"), true),
            ("/tekton/run", here("tekton/run"), true),
        ]
        .into_iter()
        .map(|(target, source, read_only)| bind(target, source, read_only))
        .collect();
        all.push(bind(&format!("/tekton/run/{index}"), here(&format!("tekton/run/{index}")), false));
        let what = match credentials {
            Some(source) => What::Bind { source, read_only: false },
            None => What::Memory { size: None, mode: 0o1777 },
        };
        all.push(Mounted { target: CREDENTIALS.into(), what });
        if index == 0 {
            all.push(bind("/tekton/downward", here("tekton/downward"), true));
        }
        self.with_own(all, own)
    }

    /// What a sidecar sees: only its mounts, and the scripts if it has one.
    ///
    /// # Errors
    /// When a mount names no volume or leaves it.
    pub fn sidecar_mounts(&self, has_script: bool, own: &[VolumeMount]) -> Result<Vec<Mounted>, MountError> {
        let scripts = has_script.then(|| bind("/tekton/scripts", self.dir.join("tekton/scripts"), true));
        self.with_own(scripts.into_iter().collect(), own)
    }

    fn with_own(&self, mut all: Vec<Mounted>, own: &[VolumeMount]) -> Result<Vec<Mounted>, MountError> {
        for mount in own {
            let target = PathBuf::from(&mount.mount_path);
            all.retain(|m| m.target != target);
            all.push(Mounted { target, what: self.own(mount)? });
        }
        // A mount inside another one must come after it.
        all.sort_by_key(|m| m.target.components().count());
        Ok(all)
    }

    fn own(&self, mount: &VolumeMount) -> Result<What, MountError> {
        let volume = self.volumes.get(&mount.name).ok_or_else(|| MountError::NoVolume(mount.name.clone()))?;
        let What::Bind { source, read_only } = volume else { return Ok(volume.clone()) };
        let source = if mount.sub_path.is_empty() {
            source.clone()
        } else {
            self.part(source, &mount.sub_path, *read_only)
                .map_err(|e| MountError::SubPath { path: mount.sub_path.clone(), source: e })?
        };
        Ok(What::Bind { source, read_only: *read_only || mount.read_only })
    }

    /// A path that shows `sub_path` of a volume for as long as this pod lives, whatever steps do to the volume meanwhile.
    fn part(&self, volume: &Path, sub_path: &str, read_only: bool) -> io::Result<PathBuf> {
        let place = beneath::open(volume, Path::new(sub_path), !read_only)?;
        let pin = self.pins.join(self.pinned.fetch_add(1, Ordering::Relaxed).to_string());
        beneath::pin(&place, &pin)?;
        Ok(pin)
    }
}

/// Where on this machine a path of a container is.
pub(super) struct Place<'a> {
    pub(super) source: &'a Path,
    pub(super) below: &'a Path,
    pub(super) read_only: bool,
}

pub(super) fn place<'a>(spec: &'a ContainerSpec, path: &'a Path) -> io::Result<Place<'a>> {
    let binds = spec.mounts.iter().filter_map(|m| match &m.what {
        What::Bind { source, read_only } => Some((m.target.as_path(), source.as_path(), *read_only)),
        What::Memory { .. } => None,
    });
    let root = (Path::new("/"), spec.rootfs.as_path(), false);
    let (target, source, read_only) = binds
        .chain([root])
        .filter(|(target, ..)| path.starts_with(target))
        .max_by_key(|(target, ..)| target.components().count())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path must be absolute"))?;
    let below = path.strip_prefix(target).map_err(io::Error::other)?;
    Ok(Place { source, below, read_only })
}

fn bind(target: &str, source: PathBuf, read_only: bool) -> Mounted {
    Mounted { target: target.into(), what: What::Bind { source, read_only } }
}

fn folder(path: &Path, mode: u32) -> io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Why a container's mounts cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// volumeMounts names a volume that the task does not have.
    #[error("volumeMounts name the volume `{0}`, which the task does not declare under volumes")]
    NoVolume(String),
    /// A subPath that is not inside its volume.
    #[error("cannot mount subPath `{path}`: {source}")]
    SubPath {
        /// The subPath.
        path: String,
        /// What is wrong with it.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn own_mounts_replace_implicit_ones_and_parents_come_first() {
        let dir = tempfile::tempdir().unwrap();
        let pins = dir.path().join("pins");
        let mut pod = Pod::create(dir.path(), &pins, &["step-a".into(), "step-b".into()]).unwrap();
        pod.add_volume("v", What::Bind { source: "/v".into(), read_only: false });
        let mount =
            |path: &str| VolumeMount { name: "v".into(), mount_path: path.into(), ..VolumeMount::default() };
        let mounts = pod.step_mounts(1, None, &[mount("/workspace/x"), mount("/workspace")]).unwrap();
        let position = |t: &str| mounts.iter().position(|m| m.target == Path::new(t)).unwrap();
        assert!(position("/workspace") < position("/workspace/x"));
        assert!(position("/tekton/run") < position("/tekton/run/1"));
        assert_eq!(mounts[position("/workspace")].what, What::Bind { source: "/v".into(), read_only: false });
        assert!(pod.step_mounts(0, None, &[VolumeMount { name: "w".into(), ..mount("/w") }]).is_err());
        assert_eq!(
            fs::read_link(dir.path().join("tekton/steps/step-b")).unwrap(),
            Path::new("/tekton/run/1/status")
        );
    }
}
