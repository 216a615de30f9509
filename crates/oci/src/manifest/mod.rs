//! Manifests of both families, parsed beside their raw bytes.
//!
//! - [`descriptor`]: a pointer to content: type, digest, size
//! - [`platform`]: operating system and CPU, and which child of an index fits
//! - [`config`]: the image configuration: what to run, which layers
//!
//! OCI image specification, manifest.md and image-index.md; Docker version 2 schema 2 has the same shape.

pub mod config;
pub mod descriptor;
pub mod platform;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::media;
pub use config::{ContainerConfig, History, ImageConfig, RootFs};
pub use descriptor::Descriptor;
pub use platform::Platform;

/// Largest manifest that is read or stored (distribution specification: registries should accept 4 MiB).
pub const MANIFEST_LIMIT: u64 = 4 << 20;

/// What a manifest can be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are never many at once, and a box would be in the way of matching"
)]
pub enum Manifest {
    /// One image, or one artifact.
    Image(ImageManifest),
    /// Several manifests, usually one per platform.
    Index(Index),
}

/// One image: a configuration and layers, or one artifact in that shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageManifest {
    /// Always 2.
    pub schema_version: u32,
    /// The manifest's own type; optional in OCI, present in Docker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of artifact this is, when it is not an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Points to the [`ImageConfig`] (or to anything, for artifacts).
    pub config: Descriptor,
    /// Lowest first.
    #[serde(default, deserialize_with = "null_is_default")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one says something about (a signature, an attestation).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free key-value pairs.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Several manifests under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// The index's own type; optional in OCI, present in Docker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of artifact this is, when it does not group images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The children.
    #[serde(default, deserialize_with = "null_is_default")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one says something about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free key-value pairs.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Why bytes are not a usable manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Larger than [`MANIFEST_LIMIT`].
    #[error("the manifest has {0} bytes, more than the 4 MiB that registries accept")]
    TooLarge(u64),
    /// A type that is neither image manifest nor index.
    #[error(
        "`{0}` is not a manifest type that is supported (OCI manifest or index, Docker schema 2 manifest or list)"
    )]
    UnknownType(String),
    /// Not JSON of the right shape.
    #[error("not a manifest: {0}")]
    Json(#[from] serde_json::Error),
    /// `schemaVersion` is not 2.
    #[error("schemaVersion is {0}, only 2 is supported (push the image again with a current tool)")]
    SchemaVersion(u64),
    /// The document says one type, the sender another.
    #[error("the manifest says that it is `{inside}`, but it was given as `{outside}`")]
    TypeMismatch {
        /// The field `mediaType`.
        inside: String,
        /// The content type.
        outside: String,
    },
    /// Fields of both kinds, so that two readers could see two different images.
    #[error(
        "the manifest has both `manifests` and `config` or `layers`; it could be read as two different images"
    )]
    Ambiguous,
    /// Neither `manifests` nor `config`.
    #[error("neither an image manifest nor an index (no `config`, no `manifests`)")]
    Shapeless,
}

/// The fields that tell the kinds apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    schema_version: u64,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    config: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    layers: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    manifests: Option<serde::de::IgnoredAny>,
}

impl Shape {
    fn of(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() as u64 > MANIFEST_LIMIT {
            return Err(ManifestError::TooLarge(bytes.len() as u64));
        }
        let shape: Self = serde_json::from_slice(bytes)?;
        if shape.schema_version != 2 {
            return Err(ManifestError::SchemaVersion(shape.schema_version));
        }
        if shape.manifests.is_some() && (shape.config.is_some() || shape.layers.is_some()) {
            return Err(ManifestError::Ambiguous);
        }
        Ok(shape)
    }
}

impl Manifest {
    /// Parses a manifest of the given type.
    ///
    /// # Errors
    /// When it is too large, of another type, or malformed. Unknown fields are ignored.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, ManifestError> {
        // `application/json; charset=utf-8` style parameters are not part of the type.
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media::is_manifest(media_type) {
            return Err(ManifestError::UnknownType(media_type.to_owned()));
        }
        let shape = Shape::of(bytes)?;
        match shape.media_type {
            Some(inside) if !inside.is_empty() && inside != media_type => {
                return Err(ManifestError::TypeMismatch { inside, outside: media_type.to_owned() });
            }
            _ => {}
        }
        if media::is_index(media_type) {
            if shape.manifests.is_none() {
                return Err(ManifestError::Shapeless);
            }
            Ok(Self::Index(serde_json::from_slice(bytes)?))
        } else {
            if shape.config.is_none() {
                return Err(ManifestError::Shapeless);
            }
            Ok(Self::Image(serde_json::from_slice(bytes)?))
        }
    }

    /// The type of a manifest whose sender did not say: its `mediaType`, else by its shape the OCI type.
    ///
    /// # Errors
    /// When the bytes are not a manifest.
    pub fn detect_type(bytes: &[u8]) -> Result<String, ManifestError> {
        let shape = Shape::of(bytes)?;
        match shape.media_type {
            Some(inside) if media::is_manifest(&inside) => Ok(inside),
            Some(inside) if !inside.is_empty() => Err(ManifestError::UnknownType(inside)),
            _ if shape.manifests.is_some() => Ok(media::OCI_INDEX.to_owned()),
            _ if shape.config.is_some() => Ok(media::OCI_MANIFEST.to_owned()),
            _ => Err(ManifestError::Shapeless),
        }
    }

    /// What this manifest says something about.
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Image(m) => m.subject.as_ref(),
            Self::Index(i) => i.subject.as_ref(),
        }
    }

    /// Free key-value pairs.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Image(m) => &m.annotations,
            Self::Index(i) => &i.annotations,
        }
    }

    /// What kind of artifact this is: `artifactType`, else the configuration's type (distribution specification,
    /// "Listing Referrers").
    pub fn artifact_type(&self) -> Option<&str> {
        match self {
            Self::Image(m) => match m.artifact_type.as_deref() {
                None | Some("") => Some(&m.config.media_type),
                kind => kind,
            },
            Self::Index(i) => i.artifact_type.as_deref().filter(|kind| !kind.is_empty()),
        }
    }

    /// Content that must be stored with this manifest: configuration and layers; nothing for an index. Layers that lie
    /// elsewhere by licence (foreign, non-distributable) are left out.
    pub fn blobs(&self) -> Vec<&Descriptor> {
        match self {
            Self::Image(m) => std::iter::once(&m.config)
                .chain(m.layers.iter().filter(|l| !media::is_foreign(&l.media_type)))
                .collect(),
            Self::Index(_) => Vec::new(),
        }
    }

    /// The manifests that an index points to; nothing for an image.
    pub fn children(&self) -> &[Descriptor] {
        match self {
            Self::Image(_) => &[],
            Self::Index(i) => &i.manifests,
        }
    }
}

/// Go writes an empty list as `null`.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests;
