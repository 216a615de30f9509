use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use base::Digest;
use oci::store::{GcOptions, Store, StoreError};
use oci::{Platform, Reference, media};
use serde_json::json;
use testkit::image::{Image, Layer, index};

use super::put;

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    (dir, store)
}

const SPARE_NOTHING: GcOptions = GcOptions { spare_younger_than: Duration::ZERO };

#[test]
fn blobs_are_found_by_digest_and_verified() {
    let (_dir, store) = open();
    let digest = store.put("content").unwrap();
    assert_eq!(digest, Digest::of("content"));
    assert!(store.has(digest) && store.claim(digest).unwrap());
    assert_eq!(store.size(digest).unwrap(), Some(7));
    assert_eq!(store.read(digest, 7).unwrap(), b"content");
    assert!(matches!(store.read(digest, 6), Err(StoreError::TooLarge { size: 7, limit: 6, .. })));
    let absent = Digest::of("absent");
    assert!(!store.has(absent) && !store.claim(absent).unwrap());
    assert_eq!(store.size(absent).unwrap(), None);
    assert!(matches!(store.open_blob(absent), Err(StoreError::NoBlob { .. })));
}

#[test]
fn a_writer_leaves_nothing_unless_it_commits_what_was_expected() {
    let (_dir, store) = open();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"dropped").unwrap();
    drop(writer);
    let mut writer = store.writer().unwrap();
    writer.write_all(b"one thing").unwrap();
    let error = writer.commit(Some(Digest::of("another"))).unwrap_err();
    assert!(matches!(error, StoreError::Mismatch { .. }), "{error}");
    let report = store.check().unwrap();
    assert_eq!((report.blobs, report.leftovers.len()), (0, 0));
}

#[test]
fn a_damaged_blob_is_named_with_the_command_that_helps_and_is_repaired_by_writing_it_again() {
    let (_dir, store) = open();
    let image = Image::holding("x").build();
    put(&store, "a", Some("t"), &image);
    let layer = image.layers[0].digest;
    let path = store.blob_path(layer);
    for damage in [&image.layers[0].bytes[..10], b"", b"something else"] {
        fs::write(&path, damage).unwrap();
        let error = store.read(layer, 1 << 20).unwrap_err().to_string();
        assert!(error.contains(&layer.to_string()) && error.contains("sw store check"), "{error}");
        let mut all = Vec::new();
        assert!(store.reader(layer).unwrap().read_to_end(&mut all).is_err());
        let report = store.check().unwrap();
        assert!(!report.is_whole());
        assert!(report.problems.iter().any(|p| p.path.ends_with(layer.hex()) && !p.advice.is_empty()));
    }
    store.put(&image.layers[0].bytes).unwrap();
    assert!(store.check().unwrap().is_whole());
}

#[test]
fn manifests_keep_their_bytes_and_are_found_by_tag_and_digest() {
    let (_dir, store) = open();
    let image = Image::holding("x").build();
    let stored = put(&store, "debian-mini/etcd", Some("1.0"), &image);
    assert_eq!((stored.bytes.as_slice(), stored.media_type.as_str()), (&*image.manifest, image.media_type));
    assert_eq!(store.manifest("debian-mini/etcd", "1.0").unwrap().as_ref(), Some(&stored));
    assert_eq!(store.manifest_by_digest(image.digest).unwrap().as_ref(), Some(&stored));
    assert_eq!(store.manifest("other", "1.0").unwrap(), None);
    assert_eq!(store.manifest("other", &image.digest.to_string()).unwrap(), None);
    let resolve = |text: &str| store.resolve(&text.parse::<Reference>().unwrap()).unwrap();
    assert_eq!(resolve("localhost:5000/debian-mini/etcd:1.0").as_ref(), Some(&stored));
    assert_eq!(resolve(&format!("quay.io/anything@{}", image.digest)).as_ref(), Some(&stored));
    assert_eq!(resolve("quay.io/debian-mini/etcd"), None, "latest is not tagged");
    let elsewhere: Reference = "quay.io/x:1.0".parse().unwrap();
    assert_eq!(store.resolve_in("debian-mini/etcd", &elsewhere).unwrap().as_ref(), Some(&stored));
    assert_eq!(store.repositories().unwrap(), ["debian-mini/etcd"]);
    assert!(
        store.has_repository("debian-mini/etcd").unwrap() && !store.has_repository("debian-mini").unwrap()
    );
    store.set_tag("debian-mini/etcd", "latest", image.digest).unwrap();
    assert_eq!(store.tags("debian-mini/etcd").unwrap(), ["1.0", "latest"]);
    assert!(
        store.untag("debian-mini/etcd", "1.0").unwrap() && !store.untag("debian-mini/etcd", "1.0").unwrap()
    );
    assert_eq!(store.tags("debian-mini/etcd").unwrap(), ["latest"]);
    assert!(matches!(
        store.set_tag("debian-mini/etcd", "x", Digest::of("absent")),
        Err(StoreError::NoManifest { .. })
    ));
    assert!(store.check().unwrap().is_whole());
}

#[test]
fn a_manifest_needs_what_it_refers_to() {
    let (_dir, store) = open();
    let image = Image::holding("x").build();
    let error = store.put_manifest("a", image.media_type, &image.manifest, None).unwrap_err();
    assert!(matches!(error, StoreError::Incomplete { .. }), "{error}");
    let (bytes, media_type) = index(&[&image]);
    assert!(matches!(store.put_manifest("a", media_type, &bytes, None), Err(StoreError::Incomplete { .. })));
    let digest = store.put_sparse_index("a", media_type, &bytes, Some("t")).unwrap();
    assert_eq!(store.check().unwrap().absent_children, [image.digest]);
    assert!(store.check().unwrap().is_whole());
    put(&store, "b", None, &image);
    assert_eq!(store.put_manifest("a", media_type, &bytes, Some("t")).unwrap(), digest);
    assert!(store.check().unwrap().absent_children.is_empty());
    let text = String::from_utf8(image.manifest.clone()).unwrap();
    let lying = text.replacen("\"size\":", "\"size\":1", 1);
    assert!(matches!(
        store.put_manifest("a", image.media_type, lying.as_bytes(), None),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn names_cannot_leave_the_store() {
    let (_dir, store) = open();
    let image = Image::holding("x").build();
    put(&store, "a", Some("t"), &image);
    for name in ["", "..", "../x", "a/../../x", "/etc", "a//b", "A", "_tags", "a/_tags", "a\0"] {
        assert!(matches!(store.tags(name), Err(StoreError::Name { .. })), "{name:?}");
        assert!(store.put_manifest(name, image.media_type, &image.manifest, None).is_err(), "{name:?}");
        assert!(store.begin_upload(name).is_err(), "{name:?}");
    }
    for tag in ["", "..", "../x", "a/b", ".hidden", "a\0"] {
        assert!(store.set_tag("a", tag, image.digest).is_err(), "{tag:?}");
        assert!(store.manifest("a", tag).is_err() && store.untag("a", tag).is_err(), "{tag:?}");
    }
    for id in ["", "..", "../../_tags/t", "0", &"g".repeat(32)] {
        assert!(matches!(store.upload("a", id), Err(StoreError::NoUpload { .. })), "{id:?}");
    }
}

#[test]
fn referrers_are_listed_with_type_and_annotations() {
    let (_dir, store) = open();
    let subject = put(&store, "a", Some("t"), &Image::holding("x").build());
    let about =
        json!({"mediaType": subject.media_type, "digest": subject.digest, "size": subject.bytes.len()});
    let signature = Image::new()
        .manifest_field("subject", about)
        .manifest_field("artifactType", json!("application/signature"))
        .manifest_field("annotations", json!({"by": "me"}))
        .build();
    put(&store, "a", None, &signature);
    let all = store.referrers("a", subject.digest, None).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].digest, all[0].artifact_type.as_deref()),
        (signature.digest, Some("application/signature"))
    );
    assert_eq!(all[0].annotations["by"], "me");
    assert_eq!(store.referrers("a", subject.digest, Some("other")).unwrap(), []);
    assert_eq!(store.referrers("b", subject.digest, None).unwrap(), []);
    assert!(store.delete_manifest("a", signature.digest).unwrap());
    assert_eq!(store.referrers("a", subject.digest, None).unwrap(), []);
}

#[test]
fn deleting_takes_tags_along_and_gc_takes_the_rest() {
    let (_dir, store) = open();
    let (kept, gone) = (Image::holding("kept").build(), Image::holding("gone").build());
    put(&store, "a", Some("kept"), &kept);
    put(&store, "a", Some("gone"), &gone);
    put(&store, "b", None, &gone);
    let (list, list_type) = index(&[&kept]);
    store.put_manifest("c", list_type, &list, Some("list")).unwrap();
    let layer = gone.layers[0].digest;
    assert!(matches!(store.delete_blob(layer), Err(StoreError::InUse { .. })));
    assert!(
        store.delete_manifest("a", gone.digest).unwrap() && !store.delete_manifest("a", gone.digest).unwrap()
    );
    assert_eq!(store.tags("a").unwrap(), ["kept"]);
    assert_eq!(store.gc(SPARE_NOTHING).unwrap().blobs, 0, "another repository has it");
    store.delete_manifest("b", gone.digest).unwrap();
    assert_eq!(store.gc(GcOptions::default()).unwrap().blobs, 0, "it is young");
    let report = store.gc(SPARE_NOTHING).unwrap();
    assert_eq!(report.blobs, 3, "manifest, configuration, layer");
    assert!(!store.has(layer) && !store.blob_in_repo("a", layer).unwrap());
    // The index in `c` keeps its child, also when the child's own repository goes.
    store.delete_manifest("a", kept.digest).unwrap();
    assert_eq!(store.gc(SPARE_NOTHING).unwrap().blobs, 0);
    assert!(store.check().unwrap().is_whole());
    assert!(store.delete_blob(store.put("loose").unwrap()).unwrap());
}

#[test]
fn gc_removes_old_leftovers_but_not_what_is_being_written() {
    let (_dir, store) = open();
    fs::write(store.dir().join("tmp/blob-dead"), "half").unwrap();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"being written").unwrap();
    let id = store.begin_upload("a").unwrap();
    let mut upload = store.upload("a", &id).unwrap();
    upload.write_all(b"being uploaded").unwrap();
    assert_eq!(store.check().unwrap().leftovers.len(), 3);
    let report = store.gc(SPARE_NOTHING).unwrap();
    assert_eq!((report.leftovers, report.bytes), (1, 4));
    assert!(store.has(writer.commit(None).unwrap()));
    upload.commit(Digest::of("being uploaded")).unwrap();
    let id = store.begin_upload("a").unwrap();
    assert_eq!(store.gc(SPARE_NOTHING).unwrap().leftovers, 1);
    assert!(matches!(store.upload("a", &id), Err(StoreError::NoUpload { .. })));
}

#[test]
fn gc_refuses_to_guess_what_a_damaged_manifest_needs() {
    let (_dir, store) = open();
    let image = Image::holding("x").build();
    put(&store, "a", Some("t"), &image);
    fs::write(store.blob_path(image.digest), "{}").unwrap();
    assert!(store.gc(SPARE_NOTHING).is_err());
    assert!(store.has(image.layers[0].digest));
}

#[test]
fn uploads_resume_where_they_stopped() {
    let (_dir, store) = open();
    let id = store.begin_upload("a/b").unwrap();
    let mut upload = store.upload("a/b", &id).unwrap();
    assert!(matches!(store.upload("a/b", &id), Err(StoreError::UploadBusy { .. })));
    assert_eq!(upload.append(&mut &b"first "[..]).unwrap(), 6);
    drop(upload);
    // Another process, after a restart.
    let again = Store::open(store.dir()).unwrap();
    let mut upload = again.upload("a/b", &id).unwrap();
    assert_eq!(upload.offset(), 6);
    assert!(matches!(upload.expect_offset(3), Err(StoreError::UploadOffset { have: 6, start: 3, .. })));
    upload.expect_offset(6).unwrap();
    upload.append(&mut &b"second"[..]).unwrap();
    let digest = upload.commit(Digest::of("first second")).unwrap();
    assert!(store.blob_in_repo("a/b", digest).unwrap() && !store.blob_in_repo("a", digest).unwrap());
    assert!(matches!(store.upload("a/b", &id), Err(StoreError::NoUpload { .. })));
    assert!(matches!(store.upload("a", &id), Err(StoreError::NoUpload { .. })));

    let id = store.begin_upload("a").unwrap();
    let error = store.upload("a", &id).unwrap().commit(Digest::of("x")).unwrap_err();
    assert!(matches!(error, StoreError::Mismatch { .. }));
    let id = store.begin_upload("a").unwrap();
    store.upload("a", &id).unwrap().cancel().unwrap();
    assert!(matches!(store.upload("a", &id), Err(StoreError::NoUpload { .. })));
    store.link_blob("other", digest).unwrap();
    assert!(store.blob_in_repo("other", digest).unwrap());
    assert!(store.unlink_blob("other", digest).unwrap() && !store.blob_in_repo("other", digest).unwrap());
    assert!(matches!(store.link_blob("other", Digest::of("no")), Err(StoreError::NoBlob { .. })));
}

#[test]
fn only_a_store_or_an_empty_directory_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "").unwrap();
    let error = Store::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("thesis.txt"), "{error}");
    assert!(!dir.path().join("blobs").exists());
    let (_dir, store) = open();
    fs::write(store.dir().join("oci-layout"), r#"{"imageLayoutVersion":"9.0.0"}"#).unwrap();
    assert!(matches!(Store::open(store.dir()), Err(StoreError::Layout { .. })));
}

#[test]
fn check_lists_every_kind_of_damage() {
    let (_dir, store) = open();
    let image = Image::holding("x").build();
    put(&store, "a", Some("t"), &image);
    let repository = store.dir().join("repositories/a");
    let loose = store.put("loose").unwrap();
    store.link_blob("a", loose).unwrap();
    let ruin: [(&str, &dyn Fn()); 6] = [
        ("loose blob gone", &|| fs::remove_file(store.blob_path(loose)).unwrap()),
        ("layer gone", &|| fs::remove_file(store.blob_path(image.layers[0].digest)).unwrap()),
        ("tag cut", &|| fs::write(repository.join("_tags/t"), "sha256:12").unwrap()),
        ("tag dangles", &|| fs::write(repository.join("_tags/u"), Digest::of("no").to_string()).unwrap()),
        ("type cut", &|| fs::write(repository.join("_manifests").join(image.digest.hex()), "appl").unwrap()),
        ("stray blob", &|| fs::write(store.dir().join("blobs/sha256/stray"), "").unwrap()),
    ];
    let mut before = 0;
    for (what, ruin) in ruin {
        ruin();
        let problems = store.check().unwrap().problems;
        assert!(problems.len() > before, "{what}: {problems:#?}");
        before = problems.len();
    }
    fs::remove_file(store.blob_path(image.digest)).unwrap();
    let problems = store.check().unwrap().problems;
    assert!(problems.iter().any(|p| p.what.contains("not in the store")), "{problems:#?}");
}

#[test]
fn many_writers_in_many_processes_agree() {
    let (_dir, store) = open();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let dir = store.dir().to_owned();
            scope.spawn(move || {
                // A store of its own for each, as in different processes: locks are per open file.
                let store = Store::open(&dir).unwrap();
                for i in 0..12 {
                    let image = Image::holding("the same base")
                        .layer(Layer::new().file("i", format!("{}", (writer + i) % 5)).gzip())
                        .build();
                    put(&store, &format!("r{}", i % 3), Some(&format!("t{}", writer % 4)), &image);
                    if i % 4 == 0 {
                        store.gc(GcOptions { spare_younger_than: Duration::from_secs(60) }).unwrap();
                        store.untag("r0", &format!("t{}", (writer + 1) % 4)).unwrap();
                        store.write_index().unwrap();
                    }
                }
            });
        }
    });
    let report = store.check().unwrap();
    assert!(report.is_whole(), "{:#?}", report.problems);
    assert!(report.leftovers.is_empty(), "{:?}", report.leftovers);
    assert!(report.manifests >= 5);
}

#[test]
fn gc_and_manifests_of_others_do_not_meet() {
    let (_dir, store) = open();
    // Closed when the writer ends, also by a panic.
    let (alive, done) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let collected = store.clone();
        let collector = scope.spawn(move || {
            let store = collected;
            let (mut removed, mut round) = (0, 0);
            while done.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                removed += store.gc(SPARE_NOTHING).unwrap().blobs;
                round += 7;
                std::thread::sleep(Duration::from_millis(round % 20));
            }
            removed
        });
        let alive = alive;
        let (mut taken, mut refused) = (0, 0);
        for round in 0..150 {
            let image = Image::holding(&round.to_string()).build();
            for blob in image.blobs() {
                store.put(blob).unwrap();
            }
            // Either everything is there and stays, or the manifest is refused.
            match store.put_manifest("a", image.media_type, &image.manifest, Some("t")) {
                Ok(_) => taken += 1,
                Err(StoreError::Incomplete { .. }) => refused += 1,
                Err(e) => panic!("{e}"),
            }
        }
        drop(alive);
        let removed = collector.join().unwrap();
        println!("{taken} taken, {refused} refused, {removed} blobs removed");
        assert!(taken > 0 && refused > 0, "they did not meet: {taken} taken, {refused} refused");
    });
    let report = store.check().unwrap();
    assert!(report.is_whole(), "{:#?}", report.problems);
}

#[test]
fn an_image_is_loaded_for_a_platform() {
    let (_dir, store) = open();
    let (amd, arm) = (Image::holding("x").build(), Image::holding("y").platform("linux", "arm64").build());
    put(&store, "a", Some("amd"), &amd);
    let (bytes, media_type) = index(&[&arm, &amd]);
    store.put_sparse_index("a", media_type, &bytes, Some("all")).unwrap();
    let load = |tag: &str, platform: &str| {
        let stored = store.manifest("a", tag).unwrap().unwrap();
        oci::Image::load(&store, &stored, &platform.parse::<Platform>().unwrap())
    };
    let image = load("all", "linux/amd64").unwrap();
    assert_eq!((image.digest, image.layers[0].diff_id), (amd.digest, amd.layers[0].diff_id));
    assert_eq!(load("amd", "linux/amd64").unwrap(), image);
    let message = |tag, platform| load(tag, platform).unwrap_err().to_string();
    assert!(message("all", "linux/arm64").contains("pull it for linux/arm64"));
    assert!(message("all", "linux/s390x").contains("it has: linux/arm64, linux/amd64"));
    assert!(message("amd", "linux/arm64").contains("is for linux/amd64, not for linux/arm64"));
    let artifact = br#"{"schemaVersion":2,"artifactType":"x/y","layers":[],"config":{"mediaType":
        "application/vnd.oci.empty.v1+json","size":2,"digest":
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}"#;
    store.put("{}").unwrap();
    store.put_manifest("a", media::OCI_MANIFEST, artifact, Some("artifact")).unwrap();
    assert!(message("artifact", "linux/amd64").contains("artifact of type `x/y`"));
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    if !super::is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().to_owned();
    rustix::mount::mount("tmpfs", &target, "tmpfs", rustix::mount::MountFlags::empty(), Some(c"size=1m"))
        .unwrap();
    let result = std::panic::catch_unwind(|| full_disk(&target));
    rustix::mount::unmount(&target, rustix::mount::UnmountFlags::DETACH).unwrap();
    result.unwrap();
}

fn full_disk(dir: &Path) {
    let store = Store::open(dir.join("store")).unwrap();
    let small = Image::holding("small").build();
    put(&store, "a", Some("t"), &small);
    let message = store.put(vec![1; 2 << 20]).unwrap_err();
    assert!(matches!(message, StoreError::Full { .. }), "{message}");
    assert!(message.to_string().contains(store.dir().to_str().unwrap()), "{message}");
    let mut writer = store.writer().unwrap();
    let error = writer.write_all(&vec![1; 2 << 20]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("is full"), "{error}");
    drop(writer);
    let id = store.begin_upload("a").unwrap();
    let mut upload = store.upload("a", &id).unwrap();
    assert!(matches!(upload.append(&mut &vec![2; 2 << 20][..]), Err(StoreError::Full { .. })));
    upload.cancel().unwrap();
    let report = store.check().unwrap();
    assert!(report.is_whole() && report.leftovers.is_empty(), "{report:#?}");
    assert_eq!(store.manifest("a", "t").unwrap().unwrap().bytes, small.manifest);

    // Layers too.
    let layers = oci::unpack::Layers::open(dir.join("layers")).unwrap();
    let big = Layer::new().dir("d", 0o755).file("d/f", vec![3; 2 << 20]).gzip();
    let error = layers.unpack_from(&big.bytes[..], big.media_type, big.diff_id).unwrap_err();
    assert!(matches!(error, oci::unpack::UnpackError::Full { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.join("layers/tmp")).unwrap().count(), 0);
    assert_eq!(layers.list().unwrap(), []);
}
