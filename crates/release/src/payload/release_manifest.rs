//! The manifest of a release image: Docker version 2 schema 2, byte for byte as the reference program writes it
//! (payload.md §1.1), with the layers of any base made to fit (§0.4).

use base::Digest;
use oci::manifest::Descriptor;
use oci::media;
use serde::Serialize;

use crate::go::json::indented;

/// A layer that a Docker manifest cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "layer {digest} of the base image has type `{media_type}`, which a Docker manifest cannot hold; push the base image again with gzip layers (buildah push --compression-format gzip --force-compression)"
)]
pub struct UnfitLayer {
    /// The layer.
    pub digest: Digest,
    /// Its type.
    pub media_type: String,
}

/// The Docker type of a layer. An OCI base gives OCI types, and a manifest that mixes both families is refused by
/// containers/image (skopeo, podman, CRI-O).
///
/// # Errors
/// When there is no such type: zstd layers, and what is not a layer.
pub fn docker_layer(layer: &Descriptor) -> Result<Descriptor, UnfitLayer> {
    let unfit = || UnfitLayer { digest: layer.digest, media_type: layer.media_type.clone() };
    let foreign = media::is_foreign(&layer.media_type);
    let media_type = match media::Compression::of(&layer.media_type) {
        Some(media::Compression::Gzip) if foreign => media::DOCKER_FOREIGN_LAYER,
        Some(media::Compression::Gzip) => media::DOCKER_LAYER_GZIP,
        Some(media::Compression::None) if !foreign => media::DOCKER_LAYER,
        _ => return Err(unfit()),
    };
    let urls = if foreign { layer.urls.clone() } else { Vec::new() };
    Ok(Descriptor { urls, ..Descriptor::new(media_type, layer.digest, layer.size) })
}

/// The manifest's bytes: JSON, indented by three spaces, no line feed at the end.
pub fn docker_manifest(config: &Descriptor, layers: &[Descriptor]) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Manifest<'a> {
        schema_version: u8,
        media_type: &'static str,
        config: Pointer<'a>,
        layers: Vec<Pointer<'a>>,
    }
    let manifest = Manifest {
        schema_version: 2,
        media_type: media::DOCKER_MANIFEST,
        config: Pointer::to(config),
        layers: layers.iter().map(Pointer::to).collect(),
    };
    indented(&manifest, "   ")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pointer<'a> {
    media_type: &'a str,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    urls: &'a [String],
}

impl<'a> Pointer<'a> {
    fn to(descriptor: &'a Descriptor) -> Self {
        let Descriptor { media_type, digest, size, urls, .. } = descriptor;
        Self { media_type, digest: *digest, size: *size, urls }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_reference_manifest_is_made_again() {
        let Some(fixtures) = testkit::fixtures() else { return };
        let golden = std::fs::read(fixtures.join("payload-golden/release-manifest.json")).unwrap();
        let read: oci::manifest::ImageManifest = serde_json::from_slice(&golden).unwrap();
        assert_eq!(
            String::from_utf8(docker_manifest(&read.config, &read.layers)).unwrap(),
            String::from_utf8(golden).unwrap()
        );
    }

    #[test]
    fn layers_of_both_families_become_docker_layers() {
        let fit = |media_type: &str| {
            docker_layer(&Descriptor::new(media_type, Digest::of("x"), 1)).map(|d| d.media_type)
        };
        assert_eq!(fit(media::OCI_LAYER_GZIP).unwrap(), media::DOCKER_LAYER_GZIP);
        assert_eq!(fit(media::DOCKER_LAYER_GZIP).unwrap(), media::DOCKER_LAYER_GZIP);
        assert_eq!(fit(media::OCI_LAYER).unwrap(), media::DOCKER_LAYER);
        assert_eq!(fit(media::DOCKER_FOREIGN_LAYER).unwrap(), media::DOCKER_FOREIGN_LAYER);
        for unfit in [media::OCI_LAYER_ZSTD, media::DOCKER_LAYER_ZSTD, media::OCI_CONFIG, ""] {
            let message = fit(unfit).unwrap_err().to_string();
            assert!(message.contains("push the base image again with gzip layers"), "{message}");
        }
    }
}
