//! Images for several platforms, and releases of them.

#![allow(dead_code, clippy::unwrap_used)]

use base::Digest;
use oci::manifest::Platform;
use oci::media;
use oci::reference::Reference;
use release::payload::assemble::Request;
use release::payload::content::RawManifest;
use release::payload::memory::Memory;
use release::payload::several::lists::Destination;
use release::payload::several::{self, Lists, ReleaseList, ReleasePlatforms, SeveralError};
use serde_json::Value;
use testkit::image::{BuiltImage, Image, Layer};

use super::{Images, at, base_image};

pub const CVO: &str = "cluster-version-operator";
pub const RELEASE: &str = "reg.example/stream/release";
pub const ARM: &str = "linux/arm64";
pub const AMD: &str = "linux/amd64";

pub fn platform(name: &str) -> Platform {
    name.parse().unwrap()
}

pub fn platforms(names: &[&str]) -> ReleasePlatforms {
    ReleasePlatforms::new(&names.iter().map(|name| platform(name)).collect::<Vec<_>>()).unwrap()
}

pub fn request() -> Request {
    Request::new("4.9.9", "2026-11-22T09:24:44Z".parse().unwrap(), Vec::new())
}

/// With a base image for each processor.
pub fn based(processors: &[&str]) -> Images {
    let mut images = Images::default();
    for cpu in processors {
        images.add(CVO, base_image().env(&format!("CPU={cpu}")).platform("linux", cpu));
    }
    images
}

pub fn operator(cpu: &str, files: &[(&str, &str)]) -> Image {
    let layer = files.iter().fold(Layer::new(), |layer, (name, content)| layer.file(name, content));
    let image = Image::holding(cpu).layer(layer.gzip()).platform("linux", cpu);
    image.label("io.openshift.release.operator", "true")
}

/// Puts an index into memory; gives where it is.
pub fn add_index(images: &Images, index: &Value) -> Reference {
    let bytes = serde_json::to_vec(index).unwrap();
    let list = at(Digest::of(&bytes));
    images.memory.add_manifest(&list, RawManifest { media_type: media::OCI_INDEX.to_owned(), bytes });
    list
}

/// Pushes the images, and gives an index of them.
pub fn index_of(images: &Images, built: &[&BuiltImage]) -> Value {
    built.iter().for_each(|built| super::push(&images.memory, built));
    serde_json::from_slice(&testkit::image::index(built).0).unwrap()
}

pub fn lists<'a>(images: &'a Images, names: &[&str]) -> Result<Lists<'a>, SeveralError> {
    let release = RELEASE.parse().unwrap();
    let published =
        |spec: &str| Some(format!("quay.example/okd{}", spec.strip_prefix("reg.example/stream")?));
    let destination = Destination { release: &release, published: &published };
    Lists::read(&images.components, platforms(names), &destination, &images.memory, 0)
}

pub fn assembled_into(images: &Images, names: &[&str], to: &Memory) -> Result<ReleaseList, SeveralError> {
    let mut request = request();
    request.options.keep_unreferenced = true;
    several::assemble(&request, &lists(images, names)?, to, &RELEASE.parse().unwrap())
}

pub fn assembled(images: &Images, names: &[&str]) -> Result<ReleaseList, SeveralError> {
    assembled_into(images, names, &Memory::new())
}

pub fn refusal(images: &Images, names: &[&str]) -> String {
    assembled(images, names).map(|release| release.digest()).unwrap_err().to_string()
}
