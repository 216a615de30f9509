//! The layers that have to be read to know whether an image fits on another base, and reading them from a store.

use std::io;

use base::Digest;

use super::files::{Conflict, ListError, Listing, conflict};
use super::{Opened, Parts, Refusal};
use crate::image::ImageLayer;
use crate::layer::LayerReader;
use crate::store::{Store, StoreError};
use crate::unpack::Limits;

/// The layers in which an image and its bases differ. What both bases begin with is never looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// The image's, above its base.
    pub own: Vec<ImageLayer>,
    /// The old base's.
    pub old: Vec<ImageLayer>,
    /// The new base's.
    pub new: Vec<ImageLayer>,
}

/// Why layers cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The store lacks one, or it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One cannot be read.
    #[error("layer {layer}: {source}")]
    Read {
        /// Its blob.
        layer: Digest,
        /// What is wrong.
        source: ListError,
    },
    /// One is not what its image says.
    #[error("layer {layer} is {found} without compression, and not {expected} as its image says")]
    DiffId {
        /// Its blob.
        layer: Digest,
        /// As the configuration says.
        expected: Digest,
        /// As it is.
        found: Digest,
    },
}

impl Differing {
    /// Those of an image on `old`, which is to be set on `new`; the layers of `old` must be its lowest ones.
    ///
    /// # Errors
    /// When one of them does not have the shape of an image.
    pub fn of(image: &Parts, old: &Parts, new: &Parts) -> Result<Self, Refusal> {
        let (image, old, new) = (layers("image", image)?, layers("old base", old)?, layers("new base", new)?);
        let same = old.iter().zip(&new).take_while(|(old, new)| old.diff_id == new.diff_id).count();
        Ok(Self {
            own: image.into_iter().skip(old.len()).collect(),
            old: old.into_iter().skip(same).collect(),
            new: new.into_iter().skip(same).collect(),
        })
    }

    /// Reads them all from `store`, and compares.
    ///
    /// # Errors
    /// When the store lacks one, or one is damaged or malformed.
    pub fn conflict(&self, store: &Store) -> Result<Option<Conflict>, LayerError> {
        let [own, old, new] = [&self.own, &self.old, &self.new].map(|layers| list(store, layers));
        Ok(conflict(&own?, &old?, &new?))
    }
}

fn layers(which: &'static str, parts: &Parts) -> Result<Vec<ImageLayer>, Refusal> {
    let opened = Opened::of(which, parts)?;
    let malformed =
        || Refusal::Malformed { which, why: "its configuration lists what is no digest".to_owned() };
    let layer = |(descriptor, id): (_, &serde_json::Value)| {
        let diff_id = id.as_str().and_then(|id| id.parse().ok()).ok_or_else(malformed)?;
        Ok(ImageLayer { descriptor, diff_id })
    };
    opened.manifest.layers.into_iter().zip(&opened.diff_ids).map(layer).collect()
}

fn list(store: &Store, layers: &[ImageLayer]) -> Result<Listing, LayerError> {
    let mut listing = Listing::default();
    for ImageLayer { descriptor, diff_id } in layers {
        let layer = descriptor.digest;
        let failed = |source: ListError| LayerError::Read { layer, source };
        let io = |e: io::Error| failed(ListError::Tar(e.into()));
        let limit = Limits::default().bytes;
        let mut tar = LayerReader::new(store.reader(layer)?, &descriptor.media_type, limit).map_err(io)?;
        listing.add(&mut tar).map_err(failed)?;
        let (found, _) = tar.finish().map_err(io)?;
        if found != *diff_id {
            return Err(LayerError::DiffId { layer, expected: *diff_id, found });
        }
    }
    Ok(listing)
}
