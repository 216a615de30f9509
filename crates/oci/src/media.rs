//! Media types of both image families, and what they say.
//!
//! OCI image specification, media-types.md; Docker "Image Manifest Version 2, Schema 2".

/// OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI image configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// OCI layer, plain tar.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// OCI layer, tar compressed with gzip.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// OCI layer, tar compressed with zstd.
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// The empty JSON object, the configuration of manifests that are not images (manifest.md, "Guidance for an Empty Descriptor").
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Prefix of OCI layers that a registry may not hand out.
const OCI_NONDISTRIBUTABLE: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";

/// Docker image manifest, version 2 schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// Docker layer, tar compressed with gzip.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// Docker layer, tar compressed with zstd (written by containers/image).
pub const DOCKER_LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";
/// Docker layer, plain tar.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
/// Docker layer that a registry may not hand out.
pub const DOCKER_FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

/// All manifest types that are read here, preferred first: the value of an `Accept` header.
pub const MANIFESTS: [&str; 4] = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST];

/// Whether this is an image manifest of either family.
pub fn is_image_manifest(media_type: &str) -> bool {
    matches!(media_type, OCI_MANIFEST | DOCKER_MANIFEST)
}

/// Whether this is an index (OCI) or manifest list (Docker).
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, OCI_INDEX | DOCKER_LIST)
}

/// Whether this is a manifest of any kind that is read here.
pub fn is_manifest(media_type: &str) -> bool {
    MANIFESTS.contains(&media_type)
}

/// Whether this is an image configuration of either family.
pub fn is_config(media_type: &str) -> bool {
    matches!(media_type, OCI_CONFIG | DOCKER_CONFIG)
}

/// Whether a layer of this type lies elsewhere, so that registries and stores may lack it.
pub fn is_foreign(media_type: &str) -> bool {
    media_type.starts_with(OCI_NONDISTRIBUTABLE) || media_type == DOCKER_FOREIGN_LAYER
}

/// How the tar of a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// What a layer's media type says; `None` when the type is not one of a layer.
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type {
            OCI_LAYER | DOCKER_LAYER | OCI_NONDISTRIBUTABLE => Some(Self::None),
            OCI_LAYER_GZIP | DOCKER_LAYER_GZIP | DOCKER_FOREIGN_LAYER => Some(Self::Gzip),
            OCI_LAYER_ZSTD | DOCKER_LAYER_ZSTD => Some(Self::Zstd),
            _ => match media_type.strip_prefix(OCI_NONDISTRIBUTABLE)? {
                "+gzip" => Some(Self::Gzip),
                "+zstd" => Some(Self::Zstd),
                _ => None,
            },
        }
    }

    /// What the first bytes of the content say (at least 4 are needed to recognise every kind).
    pub fn of_magic(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or a skippable frame (0x184D2A50 to 0x184D2A5F) before it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The OCI media type of a layer compressed like this.
    pub fn layer_type(self) -> &'static str {
        match self {
            Self::None => OCI_LAYER,
            Self::Gzip => OCI_LAYER_GZIP,
            Self::Zstd => OCI_LAYER_ZSTD,
        }
    }
}

impl std::fmt::Display for Compression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "plain tar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_follows_the_type() {
        assert_eq!(Compression::of(OCI_LAYER), Some(Compression::None));
        assert_eq!(Compression::of(DOCKER_FOREIGN_LAYER), Some(Compression::Gzip));
        let zstd = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
        assert_eq!(Compression::of(zstd), Some(Compression::Zstd));
        assert!(is_foreign(zstd));
        assert_eq!(Compression::of(OCI_CONFIG), None);
        assert!(!is_foreign(OCI_LAYER_GZIP));
    }

    #[test]
    fn compression_follows_the_magic() {
        assert_eq!(Compression::of_magic(b"\x1f\x8b\x08\x00"), Compression::Gzip);
        assert_eq!(Compression::of_magic(b"\x28\xb5\x2f\xfd"), Compression::Zstd);
        assert_eq!(Compression::of_magic(b"\x51\x2a\x4d\x18"), Compression::Zstd);
        assert_eq!(Compression::of_magic(b"etc/"), Compression::None);
        assert_eq!(Compression::of_magic(b""), Compression::None);
    }
}
