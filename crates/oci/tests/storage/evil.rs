//! Layers that try to leave their directory, or to be too much.

use std::fs;
use std::path::Path;

use oci::unpack::{Layers, Limits, UnpackError};
use proptest::prelude::*;
use testkit::image::{Entry, Layer, PackedLayer};
use testkit::tree;

fn unpack(dir: &Path, layer: &PackedLayer) -> Result<oci::unpack::Unpacked, UnpackError> {
    let layers = Layers::open(dir.join("layers")).unwrap();
    layers.unpack_from(&layer.bytes[..], layer.media_type, layer.diff_id)
}

/// What lies around a layers directory; must stay as it is.
struct Outside {
    dir: tempfile::TempDir,
    before: Vec<String>,
}

impl Outside {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("target/sub")).unwrap();
        fs::write(dir.path().join("target/secret"), "secret").unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        drop(Layers::open(dir.path().join("layers")).unwrap());
        let before = Self::look(dir.path());
        Self { dir, before }
    }

    fn look(dir: &Path) -> Vec<String> {
        let lines = tree::describe(dir, false);
        lines
            .into_iter()
            .filter(|line| !line.starts_with("layers/") && !line.starts_with("layers "))
            .collect()
    }

    fn assert_untouched(&self, what: &str) {
        assert_eq!(Self::look(self.dir.path()), self.before, "{what}");
    }
}

#[test]
fn every_way_out_is_refused_with_the_name_of_the_entry() {
    let out = Outside::new();
    let target = out.dir.path().join("target");
    let target = target.to_str().unwrap();
    let up = "../".repeat(12);
    let cases: Vec<(&str, Layer, &str, &str)> = vec![
        ("parent", Layer::new().file("../secret", "x"), "../secret", "`..`"),
        ("parent inside", Layer::new().dir("a", 0o755).file("a/../../secret", "x"), "a/../../secret", "`..`"),
        (
            "absolute symlink",
            Layer::new().symlink("l", target).file("l/new", "x"),
            "l/new",
            "out of the layer through a symlink",
        ),
        (
            "relative symlink",
            Layer::new().symlink("l", &format!("{up}{}", &target[1..])).file("l/new", "x"),
            "l/new",
            "out of the layer through a symlink",
        ),
        (
            "symlink chain",
            Layer::new().dir("d", 0o755).symlink("d/a", "..").symlink("d/b", "a/..").file("d/b/secret", "x"),
            "d/b/secret",
            "out of the layer through a symlink",
        ),
        ("loop", Layer::new().symlink("a", "b").symlink("b", "a").file("a/x", ""), "a/x", "circles"),
        ("dangling", Layer::new().symlink("a", "nowhere").file("a/x", ""), "a/x", "leads nowhere"),
        ("file as parent", Layer::new().file("a", "").file("a/x", ""), "a/x", "not a directory"),
        ("hard link out", Layer::new().hardlink("h", "../../secret"), "h", "hard link to `../../secret`"),
        (
            "hard link absolute",
            Layer::new().hardlink("h", &format!("{target}/secret")),
            "h",
            "not in this layer",
        ),
        (
            "hard link through symlink",
            Layer::new().symlink("l", target).hardlink("h", "l/secret"),
            "h",
            "leads out of the layer",
        ),
        ("hard link to directory", Layer::new().dir("d", 0o755).hardlink("h", "d"), "h", "not a file"),
        ("hard link to whiteout", Layer::new().whiteout("w").hardlink("h", "w"), "h", "not a file"),
        ("whiteout of nothing", Layer::new().file(".wh.", ""), ".wh.", "whiteout of nothing"),
        ("whiteout of dot", Layer::new().file(".wh..", ""), ".wh..", "whiteout of `.`"),
        ("whiteout of parent", Layer::new().file(".wh...", ""), ".wh...", "whiteout of `..`"),
        (
            "whiteout through symlink",
            Layer::new().symlink("l", target).whiteout("l/secret"),
            "l/.wh.secret",
            "out of",
        ),
        ("opaque through symlink", Layer::new().symlink("l", target).opaque("l"), "l/.wh..wh..opq", "out of"),
        ("below a whiteout", Layer::new().file(".wh.a/x", ""), ".wh.a/x", "not a directory"),
        (
            "device 0/0",
            Layer::new().entry(Entry { kind: b'3', name: b"passwd", ..Entry::default() }),
            "passwd",
            "0/0",
        ),
        ("symlink to nothing", Layer::new().symlink("s", ""), "s", "symlink to nothing"),
        ("root as a file", Layer::new().file("./", "x"), "./", "only a directory"),
        ("root as a symlink", Layer::new().symlink(".", target), ".", "only a directory"),
        ("owner", Layer::new().pax(&[("uid", b"4294967295")]).file("f", ""), "f", "out of range"),
        (
            "unknown kind",
            Layer::new().entry(Entry { kind: b'V', name: b"v", ..Entry::default() }),
            "v",
            "type `V`",
        ),
        ("deep", Layer::new().pax(&[("path", "d/".repeat(300).as_bytes())]).dir("x", 0o755), "d/d/", "deep"),
        ("long", Layer::new().pax(&[("path", "n".repeat(256).as_bytes())]).file("x", ""), "nnn", "256 bytes"),
    ];
    for (what, layer, entry, reason) in cases {
        match unpack(out.dir.path(), &layer.gzip()) {
            Err(UnpackError::Refused { entry: named, reason: why, .. }) => {
                assert!(named.starts_with(entry), "{what}: {named}");
                assert!(why.contains(reason), "{what}: {why}");
            }
            other => panic!("{what}: {other:?}"),
        }
        out.assert_untouched(what);
    }
    let left = fs::read_dir(out.dir.path().join("layers/tmp")).unwrap().count();
    assert_eq!(left, 0, "nothing is left of a refused layer");
}

#[test]
fn a_symlink_at_the_end_is_replaced_not_followed() {
    let out = Outside::new();
    let target = out.dir.path().join("target");
    let target = target.to_str().unwrap();
    let secret = format!("{target}/secret");
    for (what, layer) in [
        ("file", Layer::new().symlink("x", &secret).file("x", "new")),
        ("directory", Layer::new().symlink("x", target).dir("x", 0o700).file("x/secret", "new")),
        ("whiteout", Layer::new().symlink("x", &secret).whiteout("x")),
        ("hard link", Layer::new().file("a", "").symlink("x", &secret).hardlink("x", "a")),
        ("link to link", Layer::new().symlink("x", &secret).hardlink("y", "x").file("y", "new")),
        (
            "attributes",
            Layer::new().pax(&[("SCHILY.xattr.user.a", b"b"), ("mtime", b"5")]).symlink("x", &secret),
        ),
    ] {
        unpack(out.dir.path(), &layer.gzip()).unwrap_or_else(|e| panic!("{what}: {e}"));
        out.assert_untouched(what);
    }
}

#[test]
fn bombs_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { bytes: 1 << 20, entries: 100, directory_paths: 10_000, ..Limits::default() };
    let layers = Layers::open(dir.path()).unwrap().with_limits(limits);
    let mut many = Layer::new();
    let mut deep = Layer::new();
    for i in 0..101 {
        many = many.file(&format!("f{i}"), "");
        deep = deep.dir(&format!("{}{i}", "d/".repeat(40)), 0o755);
    }
    let liar = Layer::new().pax(&[("size", b"99999999999")]).file("f", "x");
    for (layer, reason) in [
        (Layer::new().file("zeros", vec![0; 2 << 20]), "unpacks to more than 1.00 MiB"),
        (many, "more than 100 entries"),
        (deep, "of directory names"),
    ] {
        let layer = layer.gzip();
        let error = layers.unpack_from(&layer.bytes[..], layer.media_type, layer.diff_id).unwrap_err();
        assert!(matches!(error, UnpackError::TooLarge { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let liar = liar.gzip();
    assert!(matches!(
        layers.unpack_from(&liar.bytes[..], liar.media_type, liar.diff_id),
        Err(UnpackError::Tar { .. })
    ));
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn attributes_that_steer_overlayfs_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let layer = Layer::new()
        .pax(&[
            ("SCHILY.xattr.trusted.overlay.redirect", b"/etc"),
            ("SCHILY.xattr.user.overlay.opaque", b"y"),
        ])
        .dir("d", 0o755)
        .gzip();
    let unpacked = unpack(dir.path(), &layer).unwrap();
    assert_eq!(tree::xattrs(&unpacked.path.join("d")), Vec::<String>::new());
    assert_eq!(unpacked.notes.skipped_total, 2);
    assert!(unpacked.notes.skipped[0].reason.contains("trusted.overlay.redirect"));
}

/// Pieces that hostile names are made of.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => Just(b"a".to_vec()),
        8 => Just(b"b".to_vec()),
        4 => Just(b"link".to_vec()),
        4 => Just(b"..".to_vec()),
        2 => Just(b".".to_vec()),
        2 => Just(Vec::new()),
        2 => Just(b".wh.a".to_vec()),
        1 => Just(b".wh..wh..opq".to_vec()),
        1 => Just(b".wh...".to_vec()),
        1 => Just(b"target".to_vec()),
        1 => Just(b"secret".to_vec()),
        1 => proptest::collection::vec(1u8.., 1..8),
    ];
    proptest::collection::vec(piece, 1..4).prop_map(|pieces| pieces.join(&b'/'))
}

/// What links point to; `None` for the absolute path of the directory outside.
fn link() -> impl Strategy<Value = Option<Vec<u8>>> {
    // From the layer's own directory, `tmp/HEX/fs` in the directory of layers.
    let up = b"../../../../target".to_vec();
    prop_oneof![4 => name().prop_map(Some), 3 => Just(None), 3 => Just(Some(up))]
}

fn entry() -> impl Strategy<Value = (u8, Vec<u8>, Option<Vec<u8>>)> {
    let kind =
        prop_oneof![4 => Just(b'0'), 2 => Just(b'5'), 5 => Just(b'2'), 2 => Just(b'1'), 1 => Just(b'6')];
    (kind, name(), link())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_the_names_nothing_outside_changes(entries in proptest::collection::vec(entry(), 1..12)) {
        let out = Outside::new();
        let absolute = out.dir.path().join("target").into_os_string().into_encoded_bytes();
        let mut layer = Layer::new();
        for (kind, name, link) in &entries {
            let link = link.as_deref().unwrap_or(&absolute);
            layer = layer.entry(Entry { kind: *kind, name, link, mode: 0o777, ..Entry::default() });
        }
        let _ = unpack(out.dir.path(), &layer.plain());
        out.assert_untouched("proptest");
        prop_assert_eq!(fs::read_dir(out.dir.path().join("layers/tmp")).unwrap().count(), 0);
    }
}
