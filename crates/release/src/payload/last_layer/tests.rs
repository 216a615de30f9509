#![allow(clippy::unwrap_used)]

use super::*;
use crate::payload::content::RawManifest;
use crate::payload::memory::Memory;
use oci::manifest::Platform;
use oci::reference::Reference;
use testkit::image::{Entry, Image as Built, Layer, PackedLayer};

fn at() -> Reference {
    "reg.example/a:1".parse().unwrap()
}

/// Reads `manifests/` of an image whose last layer is this one.
fn read_layer(layer: PackedLayer, names: Names) -> Result<Folder, LayerError> {
    let built =
        Built::new().layer(Layer::new().file("manifests/low.yaml", "low").gzip()).layer(layer).build();
    let memory = Memory::new();
    for blob in built.blobs() {
        memory.add_blob("", blob.to_vec());
    }
    let manifest = RawManifest { media_type: built.media_type.to_owned(), bytes: built.manifest.clone() };
    memory.add_manifest(&at(), manifest);
    let image = Image::read(&memory, &at(), &Platform::new("linux", "amd64")).unwrap();
    read(&memory, &image, "manifests", names)
}

fn names(folder: &Folder) -> Vec<&str> {
    folder.files.iter().map(|f| f.name.as_str()).collect()
}

#[test]
fn only_top_level_files_of_the_last_layer_count() {
    let layer = Layer::new()
        .dir("manifests", 0o755)
        .file("manifests/b.yaml", "b")
        .file("manifests/a.yaml", "a")
        .file("manifests/sub/c.yaml", "c")
        .file("manifests/.wh.low.yaml", "")
        .file("manifestsx/d.yaml", "d")
        .file("other/manifests/e.yaml", "e")
        .symlink("manifests/link.yaml", "a.yaml")
        .hardlink("manifests/hard.yaml", "manifests/a.yaml")
        .file("manifests", "not a folder");
    for packed in [layer.clone().gzip(), layer.plain()] {
        let folder = read_layer(packed, Names::Exact).unwrap();
        assert_eq!(names(&folder), ["a.yaml", "b.yaml"]);
        assert_eq!(folder.files[0].bytes, b"a");
        assert_eq!(folder.skipped, ["link.yaml", "hard.yaml"]);
    }
}

#[test]
fn of_equal_names_the_last_counts() {
    let layer =
        Layer::new().file("manifests/a", "1").file("manifests/b", "x").file("manifests/a", "2").gzip();
    let folder = read_layer(layer, Names::Exact).unwrap();
    assert_eq!(names(&folder), ["a", "b"]);
    assert_eq!(folder.files[0].bytes, b"2");
}

#[test]
fn unclean_names_count_only_when_cleaned() {
    let layer = Layer::new()
        .file("./manifests/a", "")
        .file("manifests//b", "")
        .file("x/../manifests/c", "")
        .file("../manifests/d", "")
        .file("/manifests/e", "")
        .file("manifests/..", "");
    assert_eq!(names(&read_layer(layer.clone().gzip(), Names::Cleaned).unwrap()), ["a", "b", "c", "d", "e"]);
    assert_eq!(names(&read_layer(layer.gzip(), Names::Exact).unwrap()), Vec::<&str>::new());
}

#[test]
fn times_are_kept_with_their_fraction() {
    let layer = Layer::new().pax(&[("mtime", b"1700000000.75")]).file("manifests/a", "").entry(Entry {
        name: b"manifests/b",
        mtime: 5,
        ..Entry::default()
    });
    let folder = read_layer(layer.gzip(), Names::Exact).unwrap();
    assert_eq!(folder.files[0].modified, Modified { seconds: 1_700_000_000, nanoseconds: 750_000_000 });
    assert_eq!(folder.files[0].modified.rounded(), 1_700_000_001);
    assert_eq!(folder.files[1].modified.rounded(), 5);
}

#[test]
fn a_layer_that_is_not_what_it_should_be_is_refused() {
    let good = Layer::new().file("manifests/a", "1").gzip();
    let memory = Memory::new();
    let built = Built::new().layer(good).build();
    for blob in built.blobs() {
        memory.add_blob("", blob.to_vec());
    }
    let manifest = RawManifest { media_type: built.media_type.to_owned(), bytes: built.manifest.clone() };
    memory.add_manifest(&at(), manifest);
    let image = Image::read(&memory, &at(), &Platform::new("linux", "amd64")).unwrap();

    struct Tampered(Vec<u8>);
    impl Content for Tampered {
        fn manifest(&self, _: &Reference) -> Result<RawManifest, ContentError> {
            unreachable!()
        }
        fn blob(&self, _: &Reference, _: &Descriptor) -> Result<Box<dyn Read + '_>, ContentError> {
            Ok(Box::new(self.0.as_slice()))
        }
    }
    let message =
        |bytes: Vec<u8>| read(&Tampered(bytes), &image, "manifests", Names::Exact).unwrap_err().to_string();
    let other = Layer::new().file("manifests/a", "2").gzip().bytes;
    assert!(message(other).contains("failed content verification"));
    let stored = image.manifest.layers[0].digest;
    let whole = built.layers[0].bytes.clone();
    assert!(message([whole.clone(), b"trailing".to_vec()].concat()).contains(&stored.to_string()));
    assert!(message(whole[..whole.len() - 9].to_vec()).contains("cannot be"));
    assert!(message(b"<html>not found</html>".to_vec()).contains("failed content verification"));
}

#[test]
fn damaged_archives_are_refused() {
    let mut tar = Layer::new().file("manifests/a", "1").tar();
    tar[0] ^= 1;
    let damaged = PackedLayer::new("application/vnd.oci.image.layer.v1.tar", tar.clone(), &tar);
    assert!(read_layer(damaged, Names::Exact).unwrap_err().to_string().contains("not a well-formed tar"));
    let huge = Layer::new().file("manifests/big", vec![0; (FILE_LIMIT + 1) as usize]).gzip();
    assert!(read_layer(huge, Names::Exact).unwrap_err().to_string().contains("`big` with 32.0 MiB"));
}
