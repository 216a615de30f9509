use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use oci::overlay::{self, Overlay};
use oci::store::Store;
use oci::unpack::{Layers, Lower};
use oci::{Image, Platform};
use testkit::image::{Entry, Image as Tiny, Layer};

use super::{is_root, put};

/// A mounted overlay; unmounted at the end, also of a test that fails.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        overlay::unmount(&self.0).unwrap();
    }
}

fn prepare(dir: &Path, image: Tiny) -> Lower {
    fs::create_dir_all(dir).unwrap();
    let store = Store::open(dir.join("store")).unwrap();
    let stored = put(&store, "a", None, &image.build());
    let image = Image::load(&store, &stored, &Platform::new("linux", "amd64")).unwrap();
    Layers::open(dir.join("layers")).unwrap().prepare(&store, &image).unwrap()
}

fn mount(dir: &Path, lower: &[PathBuf]) -> Mounted {
    let [upper, work, target] = ["upper", "work", "target"].map(|name| dir.join(name));
    for path in [&upper, &work, &target] {
        fs::create_dir_all(path).unwrap();
    }
    overlay::mount(lower, &upper, &work, &target).unwrap();
    Mounted(target)
}

fn mount_read_only(dir: &Path, lower: &[PathBuf]) -> Mounted {
    let target = dir.join("read-only");
    fs::create_dir_all(&target).unwrap();
    overlay::mount_read_only(lower, &target).unwrap();
    Mounted(target)
}

#[test]
fn two_hundred_layers_are_stacked_in_order() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut image = Tiny::new();
    for i in 0..200 {
        let mut layer = Layer::new().file("top", format!("{i}")).file(&format!("f{i}"), "x");
        if i > 0 {
            layer = layer.whiteout(&format!("f{}", i - 1));
        }
        image = image.layer(layer.gzip());
    }
    // Directory names long enough that one page of mount options would hold a tenth of them.
    let deep = dir.path().join("d".repeat(100));
    fs::create_dir(&deep).unwrap();
    let lower = prepare(&deep, image);
    assert_eq!(lower.dirs.len(), 200);
    let target = mount(dir.path(), &lower.dirs);
    assert_eq!(fs::read_to_string(target.0.join("top")).unwrap(), "199");
    let names: Vec<_> = fs::read_dir(&target.0).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    fs::write(target.0.join("top"), "changed").unwrap();
    drop(target);
    assert_eq!(fs::read_to_string(dir.path().join("upper/top")).unwrap(), "changed");
    let target = mount_read_only(dir.path(), &lower.dirs);
    assert_eq!(fs::read_to_string(target.0.join("top")).unwrap(), "199", "the layers did not change");
    assert!(fs::write(target.0.join("top"), "").is_err());
}

#[test]
fn names_that_are_too_long_or_odd_for_an_option_work() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("d".repeat(200)).join("e".repeat(200)).join("back\\slash:colon,comma");
    fs::create_dir_all(&deep).unwrap();
    let lower = prepare(&deep, Tiny::holding("one").layer(Layer::new().file("two", "2").gzip()));
    let short = dir.path().join("back\\slash:colon,comma");
    fs::create_dir(&short).unwrap();
    fs::write(short.join("three"), "3").unwrap();
    let dirs = [lower.dirs.as_slice(), &[short]].concat();
    let target = mount(&deep, &dirs);
    assert!(["content", "two", "three"].iter().all(|name| target.0.join(name).is_file()));
}

#[test]
fn images_with_few_layers_are_mounted_too() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let none = prepare(dir.path(), Tiny::new());
    assert_eq!(fs::read_dir(&mount_read_only(dir.path(), &none.dirs).0).unwrap().count(), 0);
    let one = prepare(dir.path(), Tiny::holding("x"));
    let target = mount_read_only(dir.path(), &one.dirs);
    assert_eq!(fs::read_to_string(target.0.join("content")).unwrap(), "x");
    drop(target);
    let target = mount_read_only(dir.path(), &one.dirs[..1]);
    assert_eq!(fs::read_to_string(target.0.join("content")).unwrap(), "x");
    assert!(fs::write(target.0.join("content"), "").is_err());
}

#[test]
fn a_layer_that_hides_everything_below_does() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = Tiny::holding("below").layer(Layer::new().opaque("").file("new", "x").gzip());
    let lower = prepare(dir.path(), image);
    let target = mount(dir.path(), &lower.dirs);
    assert!(target.0.join("new").exists() && !target.0.join("content").exists());
}

#[test]
fn directories_that_a_layer_does_not_describe_stay_what_they_were() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = Layer::new()
        .dir("./", 0o711)
        .dir("tmp", 0o1777)
        .dir("home", 0o755)
        .entry(Entry {
            kind: b'5',
            name: b"home/user",
            mode: 0o700,
            uid: 1000,
            gid: 1000,
            ..Entry::default()
        })
        .dir("gone", 0o700)
        .dir("plain", 0o755)
        .dir("again", 0o700);
    let lower = prepare(
        dir.path(),
        Tiny::new()
            .layer(base.gzip())
            .layer(Layer::new().whiteout("gone").gzip())
            .layer(
                Layer::new()
                    .file("tmp/x", "")
                    .file("home/user/deep/y", "")
                    .file("gone/z", "")
                    .file("plain/p", "")
                    .file("again/a", "")
                    .gzip(),
            )
            .layer(Layer::new().dir("again", 0o750).file("tmp/second", "").gzip()),
    );
    let target = mount_read_only(dir.path(), &lower.dirs);
    let of = |path: &str| {
        let m = fs::metadata(target.0.join(path)).unwrap();
        (m.mode() & 0o7777, m.uid())
    };
    assert_eq!(of("tmp"), (0o1777, 0));
    assert_eq!(of("home/user"), (0o700, 1000));
    assert_eq!(of("home/user/deep"), (0o755, 0));
    assert_eq!(of("home"), (0o755, 0));
    assert_eq!(of("gone"), (0o755, 0), "it was removed between");
    assert_eq!(of("again"), (0o750, 0), "the highest description holds");
    assert_eq!(of("."), (0o711, 0));
    assert!(target.0.join("tmp/x").exists() && target.0.join("tmp/second").exists());
    // Images without that need no further layer.
    drop(target);
    let described = Tiny::new()
        .layer(Layer::new().dir("plain", 0o755).gzip())
        .layer(Layer::new().file("plain/p", "").gzip());
    assert_eq!(prepare(dir.path(), described).dirs.len(), 2);
}

#[test]
fn refusals_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    fs::create_dir(&target).unwrap();
    if is_root() {
        let lower = [dir.path().join("absent-1"), dir.path().join("absent-2")];
        let error = overlay::mount_read_only(&lower, &target).unwrap_err().to_string();
        assert!(error.contains("does not exist") && error.contains("absent-1"), "{error}");
        let error = overlay::unmount(&target).unwrap_err().to_string();
        assert!(error.contains("nothing is mounted there"), "{error}");
        let many = vec![dir.path().to_owned(); 501];
        let error = overlay::mount_read_only(&many, &target).unwrap_err().to_string();
        assert!(error.contains("501 layers given, 1 to 500"), "{error}");
        let none = Overlay { lower: &[], upper: None, user_xattr: false, volatile: false };
        assert!(none.mount(&target).unwrap_err().to_string().contains("0 layers given"));
    }
}

#[test]
fn a_busy_mount_is_detached() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let lower = prepare(dir.path(), Tiny::holding("x"));
    let target = mount(dir.path(), &lower.dirs);
    let open = fs::File::open(target.0.join("content")).unwrap();
    let path = target.0.clone();
    drop(target);
    assert!(!path.join("content").exists());
    assert_eq!(std::io::read_to_string(open).unwrap(), "x");
}

const ROOTLESS: &str = "OCI_TEST_ROOTLESS";

/// Not a test of its own: the next one runs it as an ordinary user in a user namespace.
#[test]
fn in_a_user_namespace() {
    let Some(dir) = std::env::var_os(ROOTLESS) else { return };
    let dir = Path::new(&dir);
    let image = Tiny::holding("below")
        .layer(Layer::new().file("d/below", "").file("gone", "").gzip())
        .layer(Layer::new().whiteout("gone").opaque("d").file("d/above", "").gzip());
    let lower = prepare(dir, image);
    assert!(lower.user_xattr);
    let [upper, work, target] = ["upper", "work", "target"].map(|name| dir.join(name));
    for path in [&upper, &work, &target] {
        fs::create_dir_all(path).unwrap();
    }
    let overlay =
        Overlay { lower: &lower.dirs, upper: Some((&upper, &work)), user_xattr: true, volatile: true };
    overlay.mount(&target).unwrap();
    let mounted = Mounted(target);
    let in_d: Vec<_> = fs::read_dir(mounted.0.join("d")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(in_d, ["above"]);
    assert!(mounted.0.join("content").exists() && !mounted.0.join("gone").exists());
    fs::remove_file(mounted.0.join("content")).unwrap();
    println!("mounted");
}

#[test]
fn an_ordinary_user_mounts_in_a_user_namespace() {
    if !is_root() || !testkit::peer::has("unshare") {
        return;
    }
    let dir = super::open_to_all();
    let unshare = |program: &Path| {
        let mut command = super::as_ordinary_user(Path::new("unshare"));
        command.args(["-Urm"]).arg(program);
        command
    };
    if !unshare(Path::new("true")).status().unwrap().success() {
        println!("skipped: user namespaces are not permitted here");
        return;
    }
    let mut command = unshare(&super::own_program(dir.path()));
    command.args(["--exact", "overlay::in_a_user_namespace", "--nocapture"]);
    let output = testkit::peer::run(command.env(ROOTLESS, dir.path().join("work")));
    assert!(String::from_utf8_lossy(&output.stdout).contains("mounted"));
}
