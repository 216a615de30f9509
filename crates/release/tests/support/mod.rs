//! Images in memory for the tests of this folder.

#![allow(dead_code, clippy::unwrap_used)]

pub mod several;

use std::path::{Path, PathBuf};
use std::process::Command;

use base::Digest;
use oci::reference::Reference;
use oci::{ImageManifest, media};
use release::payload::assemble::{Component, ReleaseImage, Request};
use release::payload::content::{Content, RawManifest, Writable};
use release::payload::memory::Memory;
use testkit::image::{BuiltImage, Image, Layer};

/// Where the images of the tests are.
pub const REPOSITORY: &str = "reg.example/stream/content";

/// A manifest that every check accepts.
pub const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// Images that are pushed to memory, and the components that they are.
#[derive(Default)]
pub struct Images {
    pub memory: Memory,
    pub components: Vec<Component>,
}

impl Images {
    /// With a base image under the usual tag.
    pub fn with_base() -> Self {
        let mut images = Self::default();
        images.add("cluster-version-operator", base_image());
        images
    }

    /// Pushes an image as the component `tag`.
    pub fn add(&mut self, tag: &str, image: Image) -> Digest {
        let built = image.build();
        push(&self.memory, &built);
        self.components.push(Component::new(tag, at(built.digest)));
        built.digest
    }

    /// Pushes an operator whose last layer holds these files.
    pub fn operator(&mut self, tag: &str, files: &[(&str, &str)]) -> Digest {
        self.labelled_operator(tag, files, &[])
    }

    /// The same with more labels.
    pub fn labelled_operator(
        &mut self,
        tag: &str,
        files: &[(&str, &str)],
        labels: &[(&str, &str)],
    ) -> Digest {
        let layer = files.iter().fold(Layer::new(), |layer, (name, content)| layer.file(name, content));
        let image = Image::holding("base").layer(layer.gzip()).label("io.openshift.release.operator", "true");
        self.add(tag, labels.iter().fold(image, |image, (name, value)| image.label(name, value)))
    }

    /// The same components, copied to where `place` says for each tag: repositories of `remote`.
    pub fn copied(&self, remote: &oci::Store, place: impl Fn(&str) -> String) -> Vec<Component> {
        let copy = |component: &Component| {
            let from = &component.read_from;
            let to: Reference =
                format!("{}@{}", place(&component.tag), from.digest().unwrap()).parse().unwrap();
            let manifest = self.memory.manifest(from).unwrap();
            let parsed: ImageManifest = serde_json::from_slice(&manifest.bytes).unwrap();
            for blob in parsed.layers.iter().chain([&parsed.config]) {
                remote.put_blob(&to, blob, &mut self.memory.blob(from, blob).unwrap()).unwrap();
            }
            Writable::put_manifest(remote, &to, &manifest).unwrap();
            Component::new(&component.tag, to)
        };
        self.components.iter().map(copy).collect()
    }

    /// A request for a release of all of them.
    pub fn request(&self) -> Request {
        Request::new("4.9.9", "2026-11-22T09:24:44Z".parse().unwrap(), self.components.clone())
    }
}

/// A base image of two layers.
pub fn base_image() -> Image {
    Image::holding("coreutils")
        .layer(Layer::new().program("usr/bin/cluster-version-operator", "cvo").gzip())
        .set("Entrypoint", serde_json::json!(["/usr/bin/cluster-version-operator"]))
}

/// `image-references` that maps literals to components.
pub fn image_references(entries: &[(&str, &str)]) -> String {
    let mut text = String::from("kind: ImageStream\napiVersion: image.openshift.io/v1\nspec:\n  tags:\n");
    for (tag, source) in entries {
        text.push_str(&format!("  - name: {tag}\n    from: {{kind: DockerImage, name: '{source}'}}\n"));
    }
    text
}

pub fn at(digest: Digest) -> Reference {
    REPOSITORY.parse::<Reference>().unwrap().at_digest(digest)
}

pub fn push(memory: &Memory, built: &BuiltImage) {
    for blob in built.blobs() {
        memory.add_blob("", blob.to_vec());
    }
    let manifest = RawManifest { media_type: built.media_type.to_owned(), bytes: built.manifest.clone() };
    memory.add_manifest(&at(built.digest), manifest);
}

/// Writes an image as skopeo's `dir:` transport has it: `manifest.json`, and blobs by their hex digest.
pub fn write_dir(dir: &Path, manifest: &[u8], content: &dyn Content, from: &Reference) {
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join("version"), "Directory Transport Version: 1.1\n").unwrap();
    std::fs::write(dir.join("manifest.json"), manifest).unwrap();
    let parsed: ImageManifest = serde_json::from_slice(manifest).unwrap();
    for blob in std::iter::once(&parsed.config).chain(&parsed.layers) {
        let mut file = std::fs::File::create(dir.join(blob.digest.hex())).unwrap();
        std::io::copy(&mut content.blob(from, blob).unwrap(), &mut file).unwrap();
    }
}

/// Writes an assembled release into memory and from there as a `dir:` image.
pub fn export(images: &Images, release: &ReleaseImage, dir: &Path) -> PathBuf {
    let target: Reference = "reg.example/stream/release".parse().unwrap();
    let stored = release.store(&images.memory, &images.memory, &target).unwrap();
    let manifest = images.memory.manifest(&stored).unwrap();
    assert_eq!(manifest.media_type, media::DOCKER_MANIFEST);
    let out = dir.join("image");
    write_dir(&out, &manifest.bytes, &images.memory, &stored);
    out
}

/// Standard output and error of a program that may fail.
pub fn output(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}
