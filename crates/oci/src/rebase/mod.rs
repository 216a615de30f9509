//! Setting an image on another base without building it: new base layers below, its own layers as they are.
//!
//! What comes of it is what a build on the new base would give, if the build only adds to its base and does not look at it. Whether
//! that is so cannot be seen in an image; it is promised by whoever makes the base, with the label [`ABI_LABEL`]: two bases with the
//! same value are the same to what is built on them. What can be seen is checked here, and anything that does not fit is a [`Refusal`]:
//!
//! - `rebase`: the image's configuration and manifest, this file
//! - [`member`]: which image of a base that is a list
//! - [`config`]: what it inherited from the configuration of the old base becomes what the new one says
//! - [`files`]: whether its layers have files that come from files in which the bases differ
//! - [`layers`]: the layers that must be read for that, and reading them
//! - [`provenance`]: what a rebased image says about itself
//!
//! An image is rebased from what was built, never from what was rebased: so the way does not count, only the end.

mod config;
pub mod files;
pub mod layers;
mod member;
pub mod provenance;

use base::Digest;
use serde_json::{Value, json};

use crate::manifest::{Descriptor, ImageManifest, Manifest};
use crate::media::{self, Compression};
use crate::store::StoredManifest;

pub use self::files::Conflict;
pub use self::member::member;
pub use self::provenance::Provenance;

/// The label of a base that says what images on it rely on. Bases with the same value can stand in for each other.
pub const ABI_LABEL: &str = "streamwright.dev/abi";

/// The annotation in which builders name the base of an image (OCI image specification, annotations.md).
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// An image as its registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The manifest of one image, not an index.
    pub manifest: StoredManifest,
    /// The bytes of its configuration.
    pub config: Vec<u8>,
}

/// An image on another base. Its layers are those of the new base, then its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebased {
    /// The image.
    pub parts: Parts,
    /// How many of its layers, from the lowest, are the new base's.
    pub base_layers: usize,
    /// What it says about that.
    pub provenance: Provenance,
}

/// Why an image cannot be set on another base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A base that promises nothing.
    #[error("the {0} base has no label {ABI_LABEL}")]
    NoLabel(&'static str),
    /// Bases that promise different things.
    #[error("the label {ABI_LABEL} is `{old}` in the old base and `{new}` in the new one")]
    LabelDiffers {
        /// The old base's value.
        old: String,
        /// The new one's.
        new: String,
    },
    /// The layers of the old base are not the lowest ones of the image.
    #[error("the image does not stand on the layers of the old base")]
    NotOnBase,
    /// Images for different machines.
    #[error("the images are for different platforms: {0}")]
    Platform(String),
    /// A base that is a list without an image for the platform.
    #[error("the {which} is a list that has no image for {platform} (it has: {offered})")]
    NoMember {
        /// `old base` or `new base`.
        which: &'static str,
        /// That of the image.
        platform: String,
        /// What the list says.
        offered: String,
    },
    /// The image's history is not that of the old base with more behind it.
    #[error("the history of the image does not begin with that of the old base")]
    History,
    /// A variable that was made of the base's.
    #[error("the image sets the variable {0} itself, and it is another one in the new base")]
    Variable(String),
    /// Something that the instructions of a build depend on.
    #[error("the bases differ in {0}, which every instruction of the build went by")]
    Instructions(&'static str),
    /// `ONBUILD`: something that only a build does.
    #[error("a base has ONBUILD instructions, which only a build carries out")]
    OnBuild,
    /// Only what was built is rebased.
    #[error("the image was rebased itself, from {0}")]
    Rebased(Digest),
    /// Files that were made of files in which the bases differ.
    #[error(transparent)]
    Files(#[from] Conflict),
    /// What does not have the shape of an image.
    #[error("the {which} is not an image that can be rebased: {why}")]
    Malformed {
        /// `image`, `old base` or `new base`.
        which: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// The image on `new` instead of `old`; the same bytes for the same images.
///
/// This looks at manifests and configurations. Whether the layers fit is asked with [`files::conflict`].
///
/// # Errors
/// Why it cannot be.
pub fn rebase(image: &Parts, old: &Parts, new: &Parts) -> Result<Rebased, Refusal> {
    let (image, old, new) =
        (Opened::of("image", image)?, Opened::of("old base", old)?, Opened::of("new base", new)?);
    if let Some(earlier) = Provenance::of(&image.config) {
        // A base that was rebased has that in its own history, which the image's begins with.
        if Provenance::of(&old.config).as_ref() != Some(&earlier) {
            return Err(Refusal::Rebased(earlier.image));
        }
    }
    same_promise(&old, &new)?;
    image.is_on(&old)?;
    let provenance = Provenance { image: image.digest, from: old.digest, to: new.digest };
    let mut merged = config::merge(&image.config, &old.config, &new.config)?;
    let own = old.diff_ids.len();
    let diff_ids: Vec<&Value> = new.diff_ids.iter().chain(&image.diff_ids[own..]).collect();
    merged["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
    provenance.note(&mut merged);
    let malformed = |e: serde_json::Error| Refusal::Malformed { which: "image", why: e.to_string() };
    let config = serde_json::to_vec(&merged).map_err(malformed)?;

    let mut manifest = image.manifest;
    manifest.config = Descriptor::of(manifest.config.media_type.as_str(), &config);
    let docker = image.media_type == media::DOCKER_MANIFEST;
    let below = new.manifest.layers.iter().map(|layer| in_family(layer, docker));
    manifest.layers = below.chain(manifest.layers.iter().skip(own).cloned()).collect();
    if let Some(named) = manifest.annotations.get_mut(BASE_DIGEST)
        && *named == old.digest.to_string()
    {
        *named = new.digest.to_string();
    }
    let bytes = serde_json::to_vec(&manifest).map_err(malformed)?;
    let manifest = StoredManifest { digest: Digest::of(&bytes), media_type: image.media_type, bytes };
    Ok(Rebased { parts: Parts { manifest, config }, base_layers: new.diff_ids.len(), provenance })
}

/// Whether the layers of a base are the lowest ones of an image.
///
/// # Errors
/// When they are not, or one of them is no image.
pub fn stands_on(image: &Parts, base: &Parts) -> Result<(), Refusal> {
    Opened::of("image", image)?.is_on(&Opened::of("old base", base)?)
}

/// An image whose manifest and configuration were read.
struct Opened {
    digest: Digest,
    media_type: String,
    manifest: ImageManifest,
    config: Value,
    diff_ids: Vec<Value>,
}

impl Opened {
    fn of(which: &'static str, parts: &Parts) -> Result<Self, Refusal> {
        let malformed = |why: String| Refusal::Malformed { which, why };
        let Manifest::Image(manifest) = parts.manifest.parse().map_err(|e| malformed(e.to_string()))? else {
            return Err(malformed("it is a list of several images".to_owned()));
        };
        if !media::is_config(&manifest.config.media_type) {
            return Err(malformed(format!("its configuration is a {}", manifest.config.media_type)));
        }
        if manifest.config.digest != Digest::of(&parts.config) {
            return Err(malformed("its configuration is another one than its manifest says".to_owned()));
        }
        let config: Value = serde_json::from_slice(&parts.config).map_err(|e| malformed(e.to_string()))?;
        if !config.is_object() {
            return Err(malformed("its configuration is not a JSON object".to_owned()));
        }
        let diff_ids = config["rootfs"]["diff_ids"].as_array().cloned().unwrap_or_default();
        if diff_ids.len() != manifest.layers.len() {
            let (layers, listed) = (manifest.layers.len(), diff_ids.len());
            return Err(malformed(format!("it has {layers} layers, and its configuration lists {listed}")));
        }
        let (digest, media_type) = (parts.manifest.digest, parts.manifest.media_type.clone());
        Ok(Self { digest, media_type, manifest, config, diff_ids })
    }

    fn is_on(&self, base: &Self) -> Result<(), Refusal> {
        // Everything stands on nothing.
        let is_on = !base.diff_ids.is_empty() && self.diff_ids.starts_with(&base.diff_ids);
        is_on.then_some(()).ok_or(Refusal::NotOnBase)
    }

    fn promise(&self) -> Option<&str> {
        self.config["config"]["Labels"][ABI_LABEL].as_str().filter(|value| !value.is_empty())
    }
}

fn same_promise(old: &Opened, new: &Opened) -> Result<(), Refusal> {
    let from = old.promise().ok_or(Refusal::NoLabel("old"))?;
    let to = new.promise().ok_or(Refusal::NoLabel("new"))?;
    if from == to {
        return Ok(());
    }
    Err(Refusal::LabelDiffers { old: from.to_owned(), new: to.to_owned() })
}

/// A layer as a manifest of one family names it.
fn in_family(layer: &Descriptor, docker: bool) -> Descriptor {
    let named = match (Compression::of(&layer.media_type), docker) {
        // Layers that lie elsewhere by licence say so in their type.
        _ if media::is_foreign(&layer.media_type) => return layer.clone(),
        (None, _) => return layer.clone(),
        (Some(Compression::None), true) => media::DOCKER_LAYER,
        (Some(Compression::Gzip), true) => media::DOCKER_LAYER_GZIP,
        (Some(Compression::Zstd), true) => media::DOCKER_LAYER_ZSTD,
        (Some(compression), false) => compression.layer_type(),
    };
    Descriptor { media_type: named.to_owned(), ..layer.clone() }
}

#[cfg(test)]
mod tests;
