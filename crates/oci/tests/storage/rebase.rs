//! Rebased images beside what buildah builds on the new base.

use std::fs;
use std::path::Path;
use std::process::Command;

use base::Digest;
use oci::rebase::layers::Differing;
use oci::rebase::{Parts, Rebased, rebase};
use oci::{Store, StoredManifest};
use serde_json::Value;
use testkit::buildah::Buildah;
use testkit::{peer, tree};

/// A place where buildah builds.
struct Builder {
    dir: tempfile::TempDir,
    store: Store,
    buildah: Buildah,
}

impl Builder {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let buildah = Buildah::below(dir.path()).filter(|_| peer::has("umoci"))?;
        let store = Store::open(dir.path().join("store")).unwrap();
        Some(Self { dir, store, buildah })
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.dir.path().join("context").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Builds an image of this name, as the task `containerfile` does, and reads it.
    fn build(&self, name: &str, format: &str, containerfile: &str) -> Parts {
        let file = self.dir.path().join(name);
        fs::write(&file, containerfile).unwrap();
        let tag = format!("localhost/{name}");
        self.buildah.build(&tag, &file, &self.dir.path().join("context"), &["--format", format]);
        let image = self.dir.path().join(format!("{name}.dir"));
        let pushed = if format == "docker" { "v2s2" } else { format };
        self.buildah.run(&["push", "-q", "--format", pushed, &tag, &format!("dir:{}", image.display())]);
        let bytes = fs::read(image.join("manifest.json")).unwrap();
        let media_type =
            serde_json::from_slice::<Value>(&bytes).unwrap()["mediaType"].as_str().unwrap().to_owned();
        for blob in fs::read_dir(&image).unwrap() {
            let blob = blob.unwrap();
            if blob.file_name().len() == 64 {
                self.store.put(fs::read(blob.path()).unwrap()).unwrap();
            }
        }
        let manifest = StoredManifest { digest: Digest::of(&bytes), media_type, bytes };
        let config: Value = serde_json::from_slice(&manifest.bytes).unwrap();
        let config = config["config"]["digest"].as_str().unwrap().parse().unwrap();
        Parts { config: self.store.read(config, 1 << 20).unwrap(), manifest }
    }

    /// What umoci makes of an image.
    fn unpacked(&self, name: &str, parts: &Parts) -> Vec<String> {
        self.store.put(&parts.config).unwrap();
        let (store, manifest) = (&self.store, &parts.manifest);
        store.put_manifest("x", &manifest.media_type, &manifest.bytes, Some(name)).unwrap();
        let docker = self.dir.path().join(format!("{name}.copy"));
        let layout = self.dir.path().join(format!("{name}.layout"));
        store.export(&docker, name);
        let from = format!("dir:{}", docker.display());
        // Which checks that manifest, configuration and blobs belong together.
        peer::run(Command::new("skopeo").args([
            "copy",
            "-q",
            &from,
            &format!("oci:{}:it", layout.display()),
        ]));
        let bundle = self.dir.path().join(format!("{name}.bundle"));
        peer::run(
            Command::new("umoci")
                .args(["unpack", "--image"])
                .arg(format!("{}:it", layout.display()))
                .arg(&bundle),
        );
        tree::describe(&bundle.join("rootfs"), false)
    }
}

/// Writes an image as skopeo's `dir:`.
trait Export {
    fn export(&self, to: &Path, tag: &str);
}

impl Export for Store {
    fn export(&self, to: &Path, tag: &str) {
        fs::create_dir_all(to).unwrap();
        let stored = self.manifest("x", tag).unwrap().unwrap();
        fs::write(to.join("manifest.json"), &stored.bytes).unwrap();
        fs::write(to.join("version"), "Directory Transport Version: 1.1\n").unwrap();
        for blob in stored.parse().unwrap().blobs() {
            fs::copy(self.blob_path(blob.digest), to.join(blob.digest.hex())).unwrap();
        }
    }
}

/// What runs: everything of a configuration but how it came to be.
fn runs(parts: &Parts) -> Value {
    let mut config: Value = serde_json::from_slice(&parts.config).unwrap();
    // Builders differ in the order of variables.
    config["config"]["Env"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    serde_json::json!([config["config"], config["os"], config["architecture"]])
}

const APP: &str = "COPY app /usr/bin/app\nCOPY own /etc/own\nENV OWN=1 A=mine\nLABEL own=1 version=2\nWORKDIR /srv\nENTRYPOINT [\"/usr/bin/app\"]\nEXPOSE 80\n";

fn bases(builder: &Builder, format: &str) -> (Parts, Parts) {
    let abi = "LABEL streamwright.dev/abi=13 version=1\n";
    builder.write("old/etc/os-release", "one\n");
    builder.write("old/usr/lib/libc", "one\n");
    builder.write("new/etc/os-release", "two\n");
    builder.write("new/usr/lib/libc", "two\n");
    builder.write("new/usr/lib/libnew", "two\n");
    builder.write("app", "app\n");
    builder.write("own", "own\n");
    let of = |name: &str, more: &str| {
        builder.build(name, format, &format!("FROM scratch\nCOPY {name} /\n{abi}{more}"))
    };
    let old = of("old", "ENV PATH=/bin A=base B=1\nUSER 1\nLABEL gone=1\nSTOPSIGNAL SIGINT\nCMD [\"sh\"]\n");
    (old, of("new", "ENV PATH=/bin A=base B=2 C=3\nUSER 1\nLABEL new=1\nEXPOSE 22\nCMD [\"bash\"]\n"))
}

fn conflict(builder: &Builder, image: &Parts, old: &Parts, new: &Parts) -> Option<String> {
    let differing = Differing::of(image, old, new).unwrap();
    differing.conflict(&builder.store).unwrap().map(|found| found.to_string())
}

#[test]
fn a_rebased_image_is_what_a_build_on_the_new_base_gives() {
    let Some(builder) = Builder::new() else { return };
    for format in ["oci", "docker"] {
        let (old, new) = bases(&builder, format);
        let app = builder.build("app-old", format, &format!("FROM localhost/old\n{APP}"));
        let rebuilt = builder.build("app-new", format, &format!("FROM localhost/new\n{APP}"));
        let Rebased { parts, .. } = rebase(&app, &old, &new).unwrap();
        assert_eq!(conflict(&builder, &app, &old, &new), None);
        assert_eq!(runs(&parts), runs(&rebuilt), "{format}");
        assert_ne!(runs(&parts), runs(&app), "{format}");
        let (names, of_rebuilt) = ([format!("rebased-{format}"), format!("rebuilt-{format}")], rebuilt);
        assert_eq!(builder.unpacked(&names[0], &parts), builder.unpacked(&names[1], &of_rebuilt), "{format}");
    }
}

#[test]
fn a_file_of_the_base_that_a_build_changed_is_not_carried_over() {
    let Some(builder) = Builder::new() else { return };
    let (old, new) = bases(&builder, "oci");
    // What a step of the build makes of the base's own file.
    let app = builder.build("app", "oci", "FROM localhost/old\nCOPY own /etc/os-release\n");
    let said = conflict(&builder, &app, &old, &new).unwrap();
    assert_eq!(said, "the bases differ in /etc/os-release, which a layer of the image has too");
    assert_eq!(conflict(&builder, &app, &old, &old), None);
}
