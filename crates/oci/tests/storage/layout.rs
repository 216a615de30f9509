use std::fs;
use std::path::Path;
use std::process::Command;

use base::Digest;
use oci::layout::{LayoutError, export, export_archive, import};
use oci::store::Store;
use oci::{Image, Platform, media};
use testkit::image::{Image as Tiny, Layer, index};
use testkit::peer;

use super::put;

fn skopeo(arguments: &[&str]) -> Vec<u8> {
    peer::run(Command::new("skopeo").arg("--insecure-policy").args(arguments)).stdout
}

fn tiny() -> testkit::image::BuiltImage {
    Tiny::holding("one").layer(Layer::new().file("two", "2").whiteout("content").gzip()).env("A=b").build()
}

fn open(dir: &Path, name: &str) -> Store {
    Store::open(dir.join(name)).unwrap()
}

#[test]
fn skopeo_reads_the_store_and_what_is_exported() {
    if !peer::has("skopeo") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), "store");
    let image = tiny();
    put(&store, "debian-mini/etcd", Some("1.0"), &image);
    store.write_index().unwrap();
    let inspect = |from: &str| String::from_utf8(skopeo(&["inspect", "--raw", from])).unwrap();
    let expected = String::from_utf8(image.manifest.clone()).unwrap();
    assert_eq!(inspect(&format!("oci:{}:debian-mini/etcd:1.0", store.dir().display())), expected);

    let exported = dir.path().join("exported");
    export(&store, &[(image.digest, "name")], &exported).unwrap();
    assert_eq!(inspect(&format!("oci:{}:name", exported.display())), expected);
    assert!(matches!(export(&store, &[], &exported), Err(LayoutError::NotEmpty(_))));

    let archive = dir.path().join("archive.tar");
    export_archive(&store, &[(image.digest, "name")], fs::File::create(&archive).unwrap()).unwrap();
    assert_eq!(inspect(&format!("oci-archive:{}:name", archive.display())), expected);
    let again = export_archive(&store, &[(image.digest, "name")], Vec::new()).unwrap();
    assert_eq!(again, fs::read(&archive).unwrap(), "the same images, the same bytes");

    // All blobs too, not only the manifest.
    let copy = format!("dir:{}", dir.path().join("copy").display());
    skopeo(&["copy", &format!("oci-archive:{}:name", archive.display()), &copy]);
}

#[test]
fn what_skopeo_writes_is_imported() {
    if !peer::has("skopeo") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = tiny();
    let layout = dir.path().join("layout");
    image.write_layout(&layout, "v1");
    let from = format!("oci:{}:v1", layout.display());
    let store = open(dir.path(), "store");
    let imported = import(&store, "from-dir", &layout).unwrap();
    assert_eq!((imported[0].tag.as_deref(), imported[0].digest), (Some("v1"), image.digest));

    let archive = dir.path().join("oci.tar");
    skopeo(&["copy", &from, &format!("oci-archive:{}:v2", archive.display())]);
    let imported = import(&store, "from-archive", &archive).unwrap();
    assert_eq!((imported[0].tag.as_deref(), imported[0].digest), (Some("v2"), image.digest));

    let docker = dir.path().join("docker.tar");
    skopeo(&["copy", &from, &format!("docker-archive:{}:quay.io/x/y:v3", docker.display())]);
    let imported = import(&store, "from-docker", &docker).unwrap();
    assert_eq!(imported[0].tag.as_deref(), Some("v3"));
    let stored = store.manifest("from-docker", "v3").unwrap().unwrap();
    let loaded = Image::load(&store, &stored, &Platform::new("linux", "amd64")).unwrap();
    let diff_ids: Vec<Digest> = loaded.layers.iter().map(|l| l.diff_id).collect();
    assert_eq!(diff_ids, image.layers.iter().map(|l| l.diff_id).collect::<Vec<_>>());
    assert_eq!(loaded.config.config.env, ["A=b"]);

    // Compressed as a whole, as people do.
    peer::run(Command::new("gzip").arg("-k").arg(&docker));
    let imported = import(&store, "from-gzip", &dir.path().join("docker.tar.gz")).unwrap();
    assert_eq!(imported[0].digest, stored.digest, "made the same every time");
    let report = store.check().unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:#?}");
}

#[test]
fn an_index_is_imported_with_the_platforms_that_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let (amd, arm) = (tiny(), Tiny::holding("arm").platform("linux", "arm64").build());
    let (bytes, media_type) = index(&[&amd, &arm]);
    let origin = open(dir.path(), "origin");
    put(&origin, "a", None, &amd);
    let digest = origin.put_sparse_index("a", media_type, &bytes, None).unwrap();
    let layout = dir.path().join("layout");
    export(&origin, &[(digest, "all")], &layout).unwrap();
    let store = open(dir.path(), "store");
    import(&store, "b", &layout).unwrap();
    assert_eq!(store.manifest("b", "all").unwrap().unwrap().bytes, bytes);
    assert!(store.manifest("b", &amd.digest.to_string()).unwrap().is_some());
    assert_eq!(store.check().unwrap().absent_children, [arm.digest]);
}

#[test]
fn wrong_sources_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), "store");
    let import = |path: &Path| import(&store, "a", path).unwrap_err().to_string();
    assert!(import(&dir.path().join("absent")).contains("absent"));
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(import(&empty).contains("no file `oci-layout`"));
    let text = dir.path().join("text");
    fs::write(&text, "some text").unwrap();
    assert!(import(&text).contains("not a well-formed tar archive"));
    let tar = dir.path().join("tar");
    fs::write(&tar, Layer::new().file("x", "y").tar()).unwrap();
    assert!(import(&tar).contains("neither index.json nor manifest.json"));

    let image = tiny();
    let layout = dir.path().join("layout");
    image.write_layout(&layout, "v1");
    let blob = layout.join("blobs/sha256").join(image.layers[0].digest.hex());
    fs::write(&blob, "damaged").unwrap();
    assert!(import(&layout).contains("was expected; it was not stored"));
    fs::remove_file(&blob).unwrap();
    assert!(import(&layout).contains(&format!("refers to {}", image.layers[0].digest)));
    let wrong = Layer::new()
        .file("manifest.json", r#"[{"Config":"c.json","RepoTags":["x:y"],"Layers":["l/layer.tar"]}]"#)
        .file("c.json", format!(r#"{{"rootfs":{{"diff_ids":["{}"]}}}}"#, Digest::of("other")))
        .file("real.tar", Layer::new().file("a", "").tar())
        .symlink("l/layer.tar", "../real.tar");
    fs::write(&tar, wrong.tar()).unwrap();
    assert!(import(&tar).contains("layer l/layer.tar has diff id"));
    assert_eq!(store.repositories().unwrap(), Vec::<String>::new(), "nothing half-imported is visible");
    assert!(store.check().unwrap().is_whole());
    assert_eq!(media::OCI_INDEX, index(&[]).1);
}
