use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use base::Digest;
use oci::overlay;
use oci::store::Store;
use oci::unpack::{Layers, UnpackError, Unpacked};
use oci::{Image, Platform};
use rustix::fs::{CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use testkit::image::{Entry, Image as Tiny, Layer, PackedLayer};
use testkit::{peer, tree};

use super::{is_root, put};

fn unpack(dir: &Path, layer: &PackedLayer) -> Unpacked {
    Layers::open(dir).unwrap().unpack_from(&layer.bytes[..], layer.media_type, layer.diff_id).unwrap()
}

fn is_whiteout(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_char_device() && m.rdev() == 0)
}

fn is_opaque(path: &Path) -> bool {
    tree::xattrs(path).contains(&"trusted.overlay.opaque=y".to_owned())
}

/// A tree with everything that layers have.
fn make_tree(root: &Path) {
    let make = |path: &str, content: &[u8]| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    make("etc/motd", b"hello\n");
    make("usr/bin/su", b"\x7fELF");
    fs::set_permissions(root.join("usr/bin/su"), PermissionsExt::from_mode(0o4755)).unwrap();
    make("home/user/owned", b"mine");
    std::os::unix::fs::chown(root.join("home/user/owned"), Some(1000), Some(1001)).unwrap();
    fs::hard_link(root.join("etc/motd"), root.join("etc/motd.link")).unwrap();
    symlink("../etc/motd", root.join("usr/link")).unwrap();
    symlink("/absolute/and/dangling", root.join("usr/dangling")).unwrap();
    std::os::unix::fs::lchown(root.join("usr/link"), Some(7), Some(8)).unwrap();
    make(&format!("{}/file", ["long-directory-name"; 14].join("/")), b"deep");
    make(&format!("names/{}", "n".repeat(255)), b"long");
    fs::write(root.join("names").join(std::ffi::OsStr::from_bytes(b"not utf-8 \xff\xfe")), "x").unwrap();
    make("names/new\nline", b"x");
    make("var/tmp/.keep", b"");
    fs::set_permissions(root.join("var/tmp"), PermissionsExt::from_mode(0o1777)).unwrap();
    make("var/closed/inside", b"x");
    fs::set_permissions(root.join("var/closed"), PermissionsExt::from_mode(0o000)).unwrap();
    let sparse = File::create(root.join("var/sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"start", 0).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"middle", 5 << 20).unwrap();
    sparse.set_len(16 << 20).unwrap();
    make("var/large", &(0..3_000_000u32).map(|i| (i * 7) as u8).collect::<Vec<_>>());
    rustix::fs::mknodat(CWD, root.join("etc/fifo"), FileType::Fifo, Mode::from_raw_mode(0o640), 0).unwrap();
    let null = rustix::fs::makedev(1, 3);
    rustix::fs::mknodat(
        CWD,
        root.join("etc/null"),
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o666),
        null,
    )
    .unwrap();
    let loop0 = rustix::fs::makedev(7, 0);
    rustix::fs::mknodat(
        CWD,
        root.join("etc/loop0"),
        FileType::BlockDevice,
        Mode::from_raw_mode(0o660),
        loop0,
    )
    .unwrap();
    // CAP_CHOWN and CAP_FOWNER: the value has a newline in it.
    let capability = [1, 0, 0, 2, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let set = |path: &str, name: &str, value: &[u8]| {
        rustix::fs::lsetxattr(root.join(path), name, value, XattrFlags::empty()).unwrap();
    };
    set("usr/bin/su", "security.capability", &capability);
    set("var/tmp", "user.note", b"a=b\nc");
    for (i, path) in ["etc/motd", "usr/link", "etc/fifo", "var/tmp", "var/sparse", "usr"].iter().enumerate() {
        let at = Timespec { tv_sec: 1_500_000_000 + i as i64, tv_nsec: 123_456_789 };
        let times = Timestamps { last_access: at, last_modification: at };
        rustix::fs::utimensat(CWD, root.join(path), &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
}

/// The layer as a file, in the words of GNU tar.
fn pack(from: &Path, arguments: &[&str]) -> PackedLayer {
    let output = peer::run(
        Command::new("tar").args(arguments).args(["--sort=name", "-C"]).arg(from).args(["-c", "."]),
    );
    let media_type = "application/vnd.oci.image.layer.v1.tar";
    PackedLayer::new(media_type, output.stdout.clone(), &output.stdout)
}

#[test]
fn a_layer_becomes_what_tar_makes_of_it() {
    if !is_root() || !peer::has("tar") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    fs::create_dir(&source).unwrap();
    make_tree(&source);
    for (i, arguments) in [
        &["--format=posix", "--xattrs", "--xattrs-include=*", "--sparse"][..],
        &["--format=posix", "--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=0.1"],
        &["--format=posix", "--xattrs", "--xattrs-include=*", "--sparse", "--sparse-version=0.0"],
        &["--format=posix"],
        &["--format=gnu", "--sparse"],
        &["--format=oldgnu"],
    ]
    .iter()
    .enumerate()
    {
        let layer = pack(&source, arguments);
        let ours = unpack(&dir.path().join(format!("layers{i}")), &layer);
        assert_eq!(ours.notes.skipped, []);
        let theirs = dir.path().join(format!("tar{i}"));
        fs::create_dir(&theirs).unwrap();
        let archive = dir.path().join("archive");
        fs::write(&archive, &layer.bytes).unwrap();
        let extract = ["-p", "--xattrs", "--xattrs-include=*", "--same-owner", "-xf"];
        peer::run(Command::new("tar").arg("-C").arg(&theirs).args(extract).arg(&archive));
        let (ours_lines, theirs_lines) = (tree::describe(&ours.path, true), tree::describe(&theirs, true));
        for (ours, theirs) in ours_lines.iter().zip(&theirs_lines) {
            assert_eq!(ours, theirs, "{arguments:?}");
        }
        assert_eq!(ours_lines.len(), theirs_lines.len());
        if i == 0 {
            assert_eq!(ours_lines, tree::describe(&source, true), "and what it was");
        }
        if arguments.contains(&"--sparse") {
            let blocks = fs::metadata(ours.path.join("var/sparse")).unwrap().blocks();
            assert!(blocks * 512 < 1 << 20, "{arguments:?}: {blocks} blocks are no hole");
        }
    }
}

#[test]
fn an_image_of_umoci_becomes_what_umoci_makes_of_it() {
    if !is_root() || !peer::has("umoci") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = format!("{}:test", dir.path().join("layout").display());
    let umoci = |arguments: &[&str]| {
        peer::run(Command::new("umoci").args(arguments));
    };
    umoci(&["init", "--layout", dir.path().join("layout").to_str().unwrap()]);
    umoci(&["new", "--image", &image]);
    let bundle = dir.path().join("bundle");
    let bundle_text = bundle.to_str().unwrap();
    let root = bundle.join("rootfs");
    umoci(&["unpack", "--image", &image, bundle_text]);
    make_tree(&root);
    umoci(&["repack", "--image", &image, "--refresh-bundle", bundle_text]);
    // A second layer that removes, replaces and adds.
    fs::remove_file(root.join("etc/motd.link")).unwrap();
    fs::remove_dir_all(root.join("home")).unwrap();
    fs::create_dir(root.join("home")).unwrap();
    fs::write(root.join("home/new"), "new").unwrap();
    fs::remove_file(root.join("usr/link")).unwrap();
    fs::create_dir(root.join("usr/link")).unwrap();
    fs::remove_dir_all(root.join("names")).unwrap();
    fs::write(root.join("names"), "a file now").unwrap();
    fs::write(root.join("etc/motd"), "changed\n").unwrap();
    umoci(&["repack", "--image", &image, "--refresh-bundle", bundle_text]);
    fs::set_permissions(root.join("etc"), PermissionsExt::from_mode(0o700)).unwrap();
    fs::remove_dir_all(root.join("var/closed")).unwrap();
    umoci(&["repack", "--image", &image, "--refresh-bundle", bundle_text]);
    let fresh = dir.path().join("fresh");
    umoci(&["unpack", "--image", &image, fresh.to_str().unwrap()]);

    let store = Store::open(dir.path().join("store")).unwrap();
    let imported = oci::layout::import(&store, "umoci", &dir.path().join("layout")).unwrap();
    assert_eq!(imported[0].tag.as_deref(), Some("test"));
    let stored = store.manifest("umoci", "test").unwrap().unwrap();
    let loaded = Image::load(&store, &stored, &Platform::host()).unwrap();
    assert!(loaded.layers.len() >= 3);
    let lower = Layers::open(dir.path().join("layers")).unwrap().prepare(&store, &loaded).unwrap();
    assert_eq!(lower.skipped, []);
    let merged = dir.path().join("merged");
    fs::create_dir(&merged).unwrap();
    overlay::mount_read_only(&lower.dirs, &merged).unwrap();
    let ours = tree::describe(&merged, true);
    overlay::unmount(&merged).unwrap();
    let theirs = tree::describe(&fresh.join("rootfs"), true);
    // The first is the root, which no layer describes: its time is when umoci ran.
    for (ours, theirs) in ours.iter().zip(&theirs).skip(1) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
}

#[test]
fn whiteouts_become_what_overlayfs_reads() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let layer = Layer::new()
        .whiteout("etc/gone")
        .dir("opaque", 0o755)
        .opaque("opaque")
        .file("opaque/new", "x")
        .opaque("marked-first")
        .file("marked-first/new", "x")
        .file("both/new", "x")
        .whiteout("both")
        .whiteout("then-dir")
        .dir("then-dir", 0o755)
        .whiteout("then-file")
        .file("then-file", "x")
        .file("file-then", "x")
        .whiteout("file-then")
        .file(".wh..wh.aufs", "")
        .file(".wh..wh.plnk/1.2", "x");
    let unpacked = unpack(dir.path(), &layer.gzip());
    let at = |path: &str| unpacked.path.join(path);
    assert!(is_whiteout(&at("etc/gone")));
    for dir in ["opaque", "marked-first", "both", "then-dir"] {
        assert!(is_opaque(&at(dir)), "{dir}");
    }
    assert!(!is_opaque(&at("etc")));
    assert!(at("opaque/new").is_file() && at("marked-first/new").is_file() && at("both/new").is_file());
    assert!(at("then-file").is_file() && at("file-then").is_file(), "hides only what is below");
    assert!(!at(".wh..wh.aufs").exists() && !at(".wh..wh.plnk").exists());
    assert_eq!((unpacked.notes.skipped_total, unpacked.notes.opaque_root), (2, false));
    assert!(unpack(dir.path(), &Layer::new().opaque("").gzip()).notes.opaque_root);
}

#[test]
fn later_entries_replace_earlier_ones() {
    let dir = tempfile::tempdir().unwrap();
    let layer = Layer::new()
        .file("d/old", "x")
        .file("d", "a file now")
        .file("f", "x")
        .dir("f", 0o700)
        .file("f/in", "x")
        .dir("kept", 0o700)
        .file("kept/a", "x")
        .dir("kept", 0o750)
        .symlink("lib", "usr/lib")
        .dir("usr/lib", 0o755)
        .file("lib/through", "x")
        .file("self", "x")
        .hardlink("self", "./self")
        .gzip();
    let unpacked = unpack(dir.path(), &layer);
    let at = |path: &str| unpacked.path.join(path);
    assert_eq!(fs::read_to_string(at("d")).unwrap(), "a file now");
    assert!(at("f/in").is_file() && at("kept/a").is_file());
    assert_eq!(fs::metadata(at("kept")).unwrap().mode() & 0o777, 0o750);
    assert!(at("usr/lib/through").is_file(), "a symlink that stays inside is followed");
    assert_eq!(fs::read_to_string(at("self")).unwrap(), "x");
}

#[test]
fn a_layer_that_is_not_its_diff_id_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let layers = Layers::open(dir.path().join("layers")).unwrap();
    let layer = Layer::new().file("a", "x").gzip();
    let other = Digest::of("other");
    let error = layers.unpack_from(&layer.bytes[..], layer.media_type, other).unwrap_err();
    assert!(matches!(error, UnpackError::DiffId { .. }), "{error}");
    assert_eq!(layers.get(other).unwrap(), None);

    // A damaged blob is called that, although gzip notices first.
    let store = Store::open(dir.path().join("store")).unwrap();
    let image = Tiny::new().layer(layer.clone()).build();
    let stored = put(&store, "a", None, &image);
    let loaded = Image::load(&store, &stored, &"linux/amd64".parse().unwrap()).unwrap();
    let mut bytes = layer.bytes.clone();
    bytes[20] ^= 0xff;
    for damage in [&bytes[..], &layer.bytes[..layer.bytes.len() - 9], b""] {
        fs::write(store.blob_path(layer.digest), damage).unwrap();
        let error = layers.prepare(&store, &loaded).unwrap_err().to_string();
        assert!(error.contains(&layer.digest.to_string()) && error.contains("sw store check"), "{error}");
    }
    assert_eq!(layers.list().unwrap(), []);
}

#[test]
fn a_layer_is_unpacked_once_however_many_want_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut layer = Layer::new();
    for i in 0..300 {
        layer = layer.file(&format!("d{}/f{i}", i % 7), vec![i as u8; 2000]);
    }
    let layer = layer.gzip();
    // What a killed process left does not hinder.
    drop(Layers::open(dir.path()).unwrap());
    fs::create_dir_all(dir.path().join("tmp").join(layer.diff_id.hex()).join("fs/half")).unwrap();
    let paths: Vec<PathBuf> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..6).map(|_| scope.spawn(|| unpack(dir.path(), &layer).path)).collect();
        racers.into_iter().map(|r| r.join().unwrap()).collect()
    });
    assert!(paths.iter().all(|p| *p == paths[0]));
    assert!(!paths[0].join("half").exists());
    assert_eq!(fs::read_dir(&paths[0]).unwrap().count(), 7);
    let inode = fs::metadata(&paths[0]).unwrap().ino();
    assert_eq!(fs::metadata(unpack(dir.path(), &layer).path).unwrap().ino(), inode, "not unpacked again");
    let layers = Layers::open(dir.path()).unwrap();
    assert_eq!(layers.list().unwrap(), [layer.diff_id]);
    assert!(layers.remove(layer.diff_id).unwrap() && !layers.remove(layer.diff_id).unwrap());
    assert!(!paths[0].exists());

    // What a process left that died while it unpacked goes on request.
    let half = dir.path().join("tmp").join(layer.diff_id.hex());
    fs::create_dir_all(half.join("fs/half")).unwrap();
    let held = File::open(dir.path().join("locks").join(layer.diff_id.hex())).unwrap();
    held.lock().unwrap();
    assert_eq!(layers.remove_leftovers().unwrap(), 0, "somebody is at it");
    drop(held);
    assert_eq!(layers.remove_leftovers().unwrap(), 1);
    assert!(!half.exists());
}

const ORDINARY: &str = "OCI_TEST_ORDINARY_USER";

/// Not a test of its own: the next one runs it as an ordinary user.
#[test]
fn as_an_ordinary_user() {
    let Some(dir) = std::env::var_os(ORDINARY) else { return };
    let layer = Layer::new()
        .dir("closed", 0o000)
        .file("closed/in", "x")
        .whiteout("gone")
        .opaque("opaque")
        .entry(Entry { kind: b'3', name: b"null", device: (1, 3), ..Entry::default() })
        .entry(Entry { name: b"owned", uid: 5, gid: 6, mode: 0o4755, ..Entry::default() })
        .gzip();
    let unpacked = unpack(Path::new(&dir), &layer);
    assert!(is_whiteout(&unpacked.path.join("gone")));
    assert!(tree::xattrs(&unpacked.path.join("opaque")).contains(&"user.overlay.opaque=y".to_owned()));
    assert!(!unpacked.path.join("null").exists());
    assert_eq!(fs::metadata(unpacked.path.join("owned")).unwrap().mode() & 0o7777, 0o4755);
    let reasons: Vec<&str> = unpacked.notes.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert!(
        reasons[0].contains("owners are not kept") && reasons[1].contains("not permitted"),
        "{reasons:?}"
    );
    assert!(Layers::open(Path::new(&dir)).unwrap().remove(layer.diff_id).unwrap());
    assert!(!unpacked.path.exists());
}

#[test]
fn an_ordinary_user_gets_what_is_permitted() {
    if !is_root() {
        return;
    }
    let dir = super::open_to_all();
    let mut command = super::as_ordinary_user(&super::own_program(dir.path()));
    command.args(["--exact", "unpack::as_an_ordinary_user", "--nocapture"]);
    peer::run(command.env(ORDINARY, dir.path().join("layers")));
    // Root does not mix its layers with those.
    let error = Layers::open(dir.path().join("layers")).unwrap_err();
    assert!(matches!(error, UnpackError::Form { .. }), "{error}");
}
