//! Which image a name means here: alias, local store, registry, in that order (design: image policy).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base::Digest;
use base::wildcard::matches;
use oci::client::{Client, Platforms, Progress};
use oci::overlay::Overlay;
use oci::unpack::{Layers, Lower};
use oci::{Image, ImageConfig, Platform, Reference, Store};

use super::{host_root, rootless};

/// Maps image names that match a pattern to something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// A whole reference in which `*` stands for any text.
    pub pattern: String,
    /// `host`, or another reference.
    pub target: String,
}

/// The target that stands for this machine's own root file system.
pub const HOST: &str = "host";

/// Finds images and prepares their layers. Shared by all tasks of a run.
pub struct Images {
    store: Store,
    layers: Layers,
    aliases: Vec<Alias>,
    known: Mutex<HashMap<(String, Platform), Arc<Resolved>>>,
}

/// What an image name means.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// This machine's root file system under a throw-away overlay.
    Host,
    /// Unpacked layers.
    Image {
        /// Digest of the image's manifest.
        digest: Digest,
        /// Its configuration.
        config: Box<ImageConfig>,
        /// The unpacked layers.
        lower: Lower,
    },
}

impl Images {
    /// Images from `store`.
    pub fn new(store: Store, layers: Layers, aliases: Vec<Alias>) -> Self {
        Self { store, layers, aliases, known: Mutex::default() }
    }

    /// What `image` means on `platform`, its layers unpacked; fetched with `client` when the store lacks it, unless that says why
    /// not.
    ///
    /// A reference by digest is looked up in the whole store whatever its registry is called; one by tag only under its
    /// full name.
    ///
    /// # Errors
    /// When the name is malformed, or no source has the image.
    pub fn resolve(
        &self,
        image: &str,
        platform: &Platform,
        client: Result<&Client, NotFetched>,
        progress: &dyn Progress,
    ) -> Result<Arc<Resolved>, ImageError> {
        let key = (image.to_owned(), platform.clone());
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let resolved = Arc::new(self.find(image, platform, client, progress)?);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, resolved.clone());
        Ok(resolved)
    }

    fn find(
        &self,
        image: &str,
        platform: &Platform,
        client: Result<&Client, NotFetched>,
        progress: &dyn Progress,
    ) -> Result<Resolved, ImageError> {
        let target = self.alias(image).unwrap_or(image);
        if target == HOST {
            return Ok(Resolved::Host);
        }
        let failed = |reason: String| ImageError { image: image.to_owned(), reason };
        let reference: Reference = target.parse().map_err(|e| failed(format!("{e}")))?;
        let stored = self.local(&reference).map_err(|e| failed(e.to_string()))?;
        let here = stored.map(|stored| Image::load(&self.store, &stored, platform));
        // A list may be here with the image of another platform only.
        let loaded = match here.filter(|here| !matches!(here, Err(oci::image::ImageError::Absent { .. }))) {
            Some(here) => here,
            None => {
                let client = client.map_err(|e| failed(e.to_string()))?;
                let wanted = Platforms::One(platform.clone());
                let pulled = client.pull(&reference, &self.store, &wanted, progress);
                Image::load(&self.store, &pulled.map_err(|e| failed(e.to_string()))?, platform)
            }
        };
        let loaded = loaded.map_err(|e| failed(e.to_string()))?;
        let lower = self.layers.prepare(&self.store, &loaded).map_err(|e| failed(e.to_string()))?;
        Ok(Resolved::Image { digest: loaded.digest, config: Box::new(loaded.config), lower })
    }

    fn local(&self, reference: &Reference) -> Result<Option<oci::StoredManifest>, oci::store::StoreError> {
        match reference.digest() {
            Some(digest) => self.store.manifest_by_digest(digest),
            None => self.store.resolve(reference),
        }
    }

    fn alias(&self, image: &str) -> Option<&str> {
        self.aliases.iter().find(|a| matches(&a.pattern, image)).map(|a| a.target.as_str())
    }
}

/// Mounts the root file system of a container at `dir/rootfs`, writes going to `dir/upper`.
///
/// # Errors
/// When the overlay is refused; the message says why.
pub fn mount(image: &Resolved, dir: &Path) -> Result<PathBuf, String> {
    let [rootfs, upper, work] = ["rootfs", "upper", "work"].map(|name| dir.join(name));
    for folder in [&rootfs, &upper, &work] {
        std::fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    }
    if *image == Resolved::Host && rootless::is_inside() {
        host_root::mount_host(&rootfs, &upper, &work)
            .map_err(|e| format!("cannot show this machine's root at {}: {e}", rootfs.display()))?;
        return Ok(rootfs);
    }
    let host = Lower { dirs: vec![PathBuf::from("/")], user_xattr: false, skipped: Vec::new() };
    let lower = match image {
        Resolved::Host => &host,
        Resolved::Image { lower, .. } => lower,
    };
    // Nothing of it outlives a crash, so it need not be synced to disk.
    let overlay = Overlay {
        lower: &lower.dirs,
        upper: Some((&upper, &work)),
        user_xattr: lower.user_xattr,
        volatile: true,
    };
    overlay.mount(&rootfs).map_err(|e| e.to_string())?;
    Ok(rootfs)
}

/// Whether an overlay can be made in `dir`. Needs the private namespaces of [`super::confine`].
///
/// # Errors
/// Why not, for people.
pub fn try_overlay(dir: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("cannot write in {}: {e}", dir.display());
    std::fs::create_dir_all(dir).map_err(failed)?;
    let trial = tempfile::tempdir_in(dir).map_err(failed)?;
    let rootfs = mount(&Resolved::Host, trial.path())?;
    oci::overlay::unmount(&rootfs).map_err(|e| e.to_string())
}

/// Why an image that is not in the store is not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFetched {
    /// The step says so.
    #[error("it is not in the local store, and imagePullPolicy is Never")]
    Never,
    /// The user says so.
    #[error("it is not in the store, and --offline keeps from fetching it")]
    Offline,
}

/// An image that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot get the image {image}: {reason}; map it with `--image {image}=host` or `--image {image}=OTHER`"
)]
pub struct ImageError {
    /// The image as the task names it.
    pub image: String,
    /// Why.
    pub reason: String,
}
