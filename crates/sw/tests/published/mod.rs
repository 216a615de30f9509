//! A published release of small images, made in memory.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses a part")]

use base::Digest;
use oci::Store;
use serde_json::json;
use testkit::image::{BuiltImage, Image, Layer, index};

/// Where releases and their images are, below the registry.
const RELEASES: &str = "okd/release";
const CONTENT: &str = "okd/content";

/// Puts a release into `store` that is for the processors `cpus`: a list, if there are several, in which each payload has the tags of
/// its processor. Each of the `tags` is an image for its own processors. Gives the pull spec in `registry`.
pub fn release(store: &Store, registry: &str, cpus: &[&str], tags: &[(&str, &[&str])]) -> String {
    let tag = |(name, cpus): &(&str, &[&str])| {
        let images: Vec<BuiltImage> =
            cpus.iter().map(|cpu| Image::holding(name).platform("linux", cpu).build()).collect();
        let spec = format!("{registry}/{CONTENT}@{}", put(store, CONTENT, &images));
        json!({"name": name, "from": {"kind": "DockerImage", "name": spec}})
    };
    let metadata = json!({"kind": "cincinnati-metadata-v0", "version": "4.22.0-okd"});
    let layer = |cpu: &str| {
        let here = tags.iter().filter(|(_, on)| cpus.len() == 1 || on.contains(&cpu));
        let references = json!({
            "kind": "ImageStream", "apiVersion": "image.openshift.io/v1", "metadata": {"name": "4.22.0-okd"},
            "spec": {"tags": here.map(tag).collect::<Vec<_>>()},
        });
        Layer::new()
            .file("release-manifests/image-references", references.to_string())
            .file("release-manifests/release-metadata", metadata.to_string())
            .gzip()
    };
    let image = |cpu: &&str| Image::holding("base").layer(layer(cpu)).platform("linux", cpu).build();
    let images: Vec<BuiltImage> = cpus.iter().map(image).collect();
    format!("{registry}/{RELEASES}@{}", put(store, RELEASES, &images))
}

/// Puts an image into the store, or a list of several.
pub fn put(store: &Store, repository: &str, images: &[BuiltImage]) -> Digest {
    for image in images {
        for blob in image.blobs() {
            store.put(blob).unwrap();
        }
        store.put_manifest(repository, image.media_type, &image.manifest, None).unwrap();
    }
    if let [one] = images {
        return one.digest;
    }
    let (bytes, media_type) = index(&images.iter().collect::<Vec<_>>());
    store.put_manifest(repository, media_type, &bytes, None).unwrap()
}
