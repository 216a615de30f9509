//! Volumes of a pod as folders of this machine (tekton.md §2.15).

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tekton::catalog::Catalog;
use tekton::contents::{Contents, Kind, ObjectError, required};
use tekton::types::Volume;
use tekton::types::core::volume::{DownwardApiVolumeFile, KeyToPath, ProjectedVolumeSource};

use super::bundle::What;
use super::downward::{PodFacts, resource};
use super::token;

/// Persistent claims: named folders that outlive runs.
#[derive(Debug, Clone)]
pub struct Claims {
    /// Where claims without an own folder are kept.
    pub dir: PathBuf,
    /// Claims that are a certain folder of this machine, and whether it may only be read.
    pub folders: BTreeMap<String, (PathBuf, bool)>,
}

/// Where the volumes of one pod are made.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    /// Empty folders, on disk.
    pub disk: &'a Path,
    /// Secrets and the like, in memory.
    pub memory: &'a Path,
    /// Persistent claims.
    pub claims: &'a Claims,
    /// Objects that came with the run.
    pub catalog: &'a Catalog,
    /// What the downward API tells.
    pub pod: &'a PodFacts,
}

impl Places<'_> {
    /// Makes a volume.
    ///
    /// # Errors
    /// When it refers to something missing, or has no meaning on one machine.
    pub fn make(&self, volume: &Volume) -> Result<What, VolumeError> {
        let name = &volume.name;
        if let Some(v) = &volume.empty_dir {
            if v.medium == "Memory" {
                let size = v.size_limit.as_ref().and_then(tekton::types::Quantity::units);
                return Ok(writable(in_memory(self.memory, name, size)?));
            }
            return Ok(writable(empty(self.disk, name)?));
        }
        if let Some(v) = &volume.config_map {
            let found = required(self.catalog, Kind::ConfigMap, &v.name, v.optional)?;
            let files = select(found, &v.items, v.optional, Kind::ConfigMap, &v.name)?;
            return self.files(name, files, v.default_mode);
        }
        if let Some(v) = &volume.secret {
            let found = required(self.catalog, Kind::Secret, &v.secret_name, v.optional)?;
            let files = select(found, &v.items, v.optional, Kind::Secret, &v.secret_name)?;
            return self.files(name, files, v.default_mode);
        }
        if let Some(v) = &volume.projected {
            return self.files(name, self.project(v)?, v.default_mode);
        }
        if let Some(v) = &volume.downward_api {
            return self.files(name, self.downward(&v.items)?, v.default_mode);
        }
        if let Some(v) = &volume.persistent_volume_claim {
            let (path, fixed) = self.claim(&v.claim_name)?;
            return Ok(What::Bind { source: path, read_only: v.read_only || fixed });
        }
        if let Some(v) = &volume.host_path {
            return host_path(&v.path, v.r#type.as_deref().unwrap_or_default());
        }
        if *volume == (Volume { name: name.clone(), ..Volume::default() }) {
            // Kubernetes takes a volume that says nothing for an emptyDir.
            return Ok(writable(empty(self.disk, name)?));
        }
        Err(VolumeError::Unsupported { name: name.clone() })
    }

    /// The folder of a persistent claim, made if it is new, and whether it may only be read.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn claim(&self, name: &str) -> Result<(PathBuf, bool), VolumeError> {
        if let Some((path, read_only)) = self.claims.folders.get(name) {
            fs::read_dir(path).map_err(|e| VolumeError::Folder { path: path.clone(), source: e })?;
            return Ok((path.clone(), *read_only));
        }
        // Names of claims are DNS names; anything else could leave the folder.
        if Path::new(name).components().collect::<Vec<_>>() != [Component::Normal(name.as_ref())] {
            return Err(VolumeError::ClaimName(name.to_owned()));
        }
        let path = self.claims.dir.join(name);
        if !path.exists() {
            empty(&self.claims.dir, name)?;
        }
        Ok((path, false))
    }

    fn project(&self, projected: &ProjectedVolumeSource) -> Result<Files, VolumeError> {
        let mut files = Files::new();
        for source in &projected.sources {
            for (kind, object) in [(Kind::Secret, &source.secret), (Kind::ConfigMap, &source.config_map)] {
                if let Some(o) = object {
                    let found = required(self.catalog, kind, &o.name, o.optional)?;
                    files.extend(select(found, &o.items, o.optional, kind, &o.name)?);
                }
            }
            if let Some(d) = &source.downward_api {
                files.extend(self.downward(&d.items)?);
            }
            if let Some(t) = &source.service_account_token {
                let now = Timestamp::now().as_second();
                let token = token::unsigned(self.pod, &t.audience, t.expiration_seconds, now);
                files.insert(t.path.clone(), (token.into_bytes(), None));
            }
        }
        Ok(files)
    }

    fn downward(&self, items: &[DownwardApiVolumeFile]) -> Result<Files, VolumeError> {
        items
            .iter()
            .map(|item| {
                let field = item.field_ref.as_ref().and_then(|f| self.pod.field(&f.field_path));
                let amount = item
                    .resource_field_ref
                    .as_ref()
                    .and_then(|r| resource(&r.resource, r.divisor.units().unwrap_or(1)));
                let text = field.or(amount).ok_or_else(|| VolumeError::Downward(item.path.clone()))?;
                Ok((item.path.clone(), (text.into_bytes(), item.mode)))
            })
            .collect()
    }

    fn files(&self, name: &str, files: Files, default_mode: Option<i32>) -> Result<What, VolumeError> {
        let dir = empty(self.memory, name)?;
        for (path, (bytes, mode)) in files {
            let inside = Path::new(&path);
            if !inside.components().all(|c| matches!(c, Component::Normal(_))) {
                return Err(VolumeError::FilePath(path));
            }
            let file = dir.join(inside);
            let failed = |e| VolumeError::Folder { path: file.clone(), source: e };
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            fs::write(&file, bytes).map_err(failed)?;
            let mode = mode.or(default_mode).and_then(|m| u32::try_from(m).ok()).unwrap_or(0o644);
            fs::set_permissions(&file, fs::Permissions::from_mode(mode & 0o7777)).map_err(failed)?;
        }
        Ok(What::Bind { source: dir, read_only: true })
    }
}

/// Content and mode by path.
type Files = BTreeMap<String, (Vec<u8>, Option<i32>)>;

fn select(
    mut found: Contents,
    items: &[KeyToPath],
    optional: Option<bool>,
    kind: Kind,
    name: &str,
) -> Result<Files, VolumeError> {
    if items.is_empty() {
        return Ok(found.into_iter().map(|(key, bytes)| (key, (bytes, None))).collect());
    }
    let mut files = Files::new();
    for item in items {
        match found.remove(&item.key) {
            Some(bytes) => drop(files.insert(item.path.clone(), (bytes, item.mode))),
            None if optional == Some(true) => {}
            None => {
                let (name, key) = (name.to_owned(), item.key.clone());
                return Err(ObjectError::MissingKey { kind, name, key }.into());
            }
        }
    }
    Ok(files)
}

/// An empty folder that everybody may write, as an emptyDir is.
///
/// # Errors
/// When it cannot be made.
pub fn empty(parent: &Path, name: &str) -> Result<PathBuf, VolumeError> {
    let path = parent.join(name);
    let made = fs::create_dir_all(&path)
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o777)));
    made.map_err(|e| VolumeError::Folder { path: path.clone(), source: e })?;
    Ok(path)
}

/// Like [`empty`], with a file system of its own in memory, which all containers of the pod share. `size` in bytes.
fn in_memory(parent: &Path, name: &str, size: Option<u64>) -> Result<PathBuf, VolumeError> {
    let path = empty(parent, name)?;
    let options = format!("mode=0777{}", size.map(|s| format!(",size={s}")).unwrap_or_default());
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    CString::new(options)
        .map_err(io::Error::from)
        .and_then(|options| Ok(mount("tmpfs", &path, "tmpfs", flags, Some(options.as_c_str()))?))
        .map_err(|e| VolumeError::Folder { path: path.clone(), source: e })?;
    Ok(path)
}

/// Gives back the memory of an [`emptyDir`](Places::make) in memory; of another volume there is none.
pub fn release(parent: &Path, volume: &Volume) -> io::Result<()> {
    if volume.empty_dir.as_ref().is_some_and(|v| v.medium == "Memory") {
        unmount(parent.join(&volume.name), UnmountFlags::DETACH)?;
    }
    Ok(())
}

fn writable(source: PathBuf) -> What {
    What::Bind { source, read_only: false }
}

fn host_path(path: &str, kind: &str) -> Result<What, VolumeError> {
    let source = PathBuf::from(path);
    let failed = |e| VolumeError::Folder { path: source.clone(), source: e };
    match kind {
        "DirectoryOrCreate" => fs::create_dir_all(&source).map_err(failed)?,
        "FileOrCreate" => {
            drop(fs::OpenOptions::new().append(true).create(true).open(&source).map_err(failed)?)
        }
        _ => {
            fs::metadata(&source).map_err(failed)?;
        }
    }
    Ok(writable(source))
}

/// Why a volume could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// A config map or secret.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A folder or file of this machine.
    #[error("cannot use {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A kind of volume that needs a cluster.
    #[error(
        "volume `{name}` is of a kind that needs a cluster; use emptyDir, configMap, secret, projected, downwardAPI, persistentVolumeClaim or hostPath"
    )]
    Unsupported {
        /// The volume.
        name: String,
    },
    /// A field that the downward API does not have.
    #[error("file `{0}` of the downward API asks for a field that does not exist")]
    Downward(String),
    /// A key's path leaves the volume.
    #[error("path `{0}` of a volume item must be relative and without `..`")]
    FilePath(String),
    /// Not a name.
    #[error("`{0}` is not a name for a persistent volume claim")]
    ClaimName(String),
}
