//! `sw release`: payloads for one platform and for several, in registries, as other tools see them.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "only the server is needed")]
#[path = "../../oci/tests/support/debian.rs"]
mod debian;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base::Digest;
use debian::Debian;
use oci::client::{Client, ClientConfig};
use oci::server::Server;
use oci::{Reference, Store, media};
use serde_json::Value;
use testkit::image::{BuiltImage, Image, Layer};
use testkit::peer;

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
const BOTH: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// A registry, and a place where `sw` runs.
struct Place {
    dir: tempfile::TempDir,
    registry: Registry,
}

enum Registry {
    Own(Server, Store),
    Debian(Debian),
}

/// Every registry that is here.
fn each_registry(test: impl Fn(&Place)) {
    test(&Place::new());
    if let Some(debian) = Debian::start() {
        println!("docker-registry");
        test(&Place { dir: tempfile::tempdir().unwrap(), registry: Registry::Debian(debian) });
    }
}

impl Place {
    /// With the server of this project.
    fn new() -> Self {
        Self::over("registry")
    }

    /// The same, over a store in this folder.
    fn over(folder: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join(folder)).unwrap();
        let server = Server::start(store.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
        Self { dir, registry: Registry::Own(server, store) }
    }

    /// `HOST:PORT/stream`
    fn repository(&self) -> String {
        let addr = match &self.registry {
            Registry::Own(server, _) => server.addr(),
            Registry::Debian(debian) => debian.addr(),
        };
        format!("{addr}/stream")
    }

    fn sw(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sw"));
        command.args(args).env("STREAMWRIGHT_HOME", self.dir.path().join("home")).env("NO_COLOR", "1");
        command.env_remove("SOURCE_DATE_EPOCH").stdin(Stdio::null()).output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.sw(args);
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}\n{out}{err}");
        out
    }

    fn refused(&self, args: &[&str]) -> String {
        let output = self.sw(args);
        assert!(!output.status.success(), "{args:?}\n{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Pushes images to `stream/NAME`; gives `TAG=PULLSPEC`.
    fn push(&self, tag: &str, name: &str, image: &BuiltImage) -> String {
        let to: Reference = format!("{}/{name}@{}", self.repository(), image.digest).parse().unwrap();
        let store = Store::open(self.dir.path().join("pushed")).unwrap();
        for blob in image.blobs() {
            store.put(blob).unwrap();
        }
        store.put_manifest("x", image.media_type, &image.manifest, None).unwrap();
        self.client().push(&store, image.digest, &to, &()).unwrap();
        format!("{tag}={to}")
    }

    /// Pushes a list of images that are there.
    fn push_list(&self, tag: &str, images: &[&BuiltImage]) -> String {
        images.iter().for_each(|image| drop(self.push(tag, tag, image)));
        let (bytes, media_type) = testkit::image::index(images);
        let to: Reference = format!("{}/{tag}@{}", self.repository(), Digest::of(&bytes)).parse().unwrap();
        self.client().put_manifest(&to, media_type, &bytes).unwrap();
        format!("{tag}={to}")
    }

    fn client(&self) -> Client {
        Client::new(ClientConfig::default())
    }

    /// The operator, the base, a list and an image for one platform only.
    fn images(&self) -> Vec<String> {
        self.images_on("coreutils")
    }

    /// The same with something else in the base.
    fn images_on(&self, content: &str) -> Vec<String> {
        let mut images = Vec::new();
        for cpu in ["amd64", "arm64"] {
            let base = Image::holding(content).env(&format!("CPU={cpu}")).platform("linux", cpu);
            images.push(self.push("cluster-version-operator", "cvo", &base.build()));
            let manifests = Layer::new().file("manifests/10_map.yaml", MAP).gzip();
            let operator = Image::holding(cpu).layer(manifests).platform("linux", cpu);
            let operator = operator.label("io.openshift.release.operator", "true");
            images.push(self.push("operator", "operator", &operator.build()));
        }
        images.push(self.push("only-amd", "only-amd", &Image::holding("amd").build()));
        let members = ["amd64", "arm64"].map(|cpu| Image::holding("l").platform("linux", cpu).build());
        images.push(self.push_list("listed", &members.each_ref()));
        images
    }

    /// `sw release new` of images for platforms.
    fn release(&self, images: &[String], platforms: &[&str], more: &[&str]) -> Vec<String> {
        let mut args = vec!["release", "new", "--stream=mini", "--version=1.2.3", "--epoch=1700000000"];
        let to = format!("--to-repository={}/release", self.repository());
        let published = format!("--published={}=quay.example/mini", self.repository());
        args.extend([to.as_str(), &published, "--keep-all"]);
        args.push("--platform");
        args.extend(platforms);
        args.extend(more);
        args.push("--image");
        args.extend(images.iter().map(String::as_str));
        args.iter().map(|arg| (*arg).to_owned()).collect()
    }

    fn made(&self, images: &[String], platforms: &[&str]) -> (String, String) {
        let files = ["pullspec", "digest", "name"].map(|name| self.dir.path().join(name));
        let [pullspec, digest, name] = &files;
        let more = [
            format!("--pullspec-file={}", pullspec.display()),
            format!("--digest-file={}", digest.display()),
            format!("--name-file={}", name.display()),
        ];
        let args = self.release(images, platforms, &more.each_ref().map(String::as_str));
        let said = self.ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let [pullspec, digest, name] = files.map(|file| fs::read_to_string(file).unwrap());
        assert_eq!(pullspec, format!("{}/release@{digest}", self.repository()));
        assert_eq!(said, format!("{digest} {name} 2023-11-14T22:13:20Z\n"));
        (pullspec, name)
    }
}

fn skopeo(args: &[&str]) -> Vec<u8> {
    peer::run(Command::new("skopeo").args(args)).stdout
}

fn inspected(at: &str, more: &[&str]) -> Value {
    let at = format!("docker://{at}");
    let args = [more, &["inspect", "--tls-verify=false", "--no-tags", &at]].concat();
    serde_json::from_slice(&skopeo(&args)).unwrap()
}

fn raw(at: &str) -> Vec<u8> {
    skopeo(&["inspect", "--tls-verify=false", "--raw", &format!("docker://{at}")])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn a_release_for_two_platforms_is_a_list_that_others_read() {
    if !peer::has("skopeo") {
        return;
    }
    each_registry(|place| {
        let (release, name) = place.made(&place.images(), &BOTH);
        assert!(name.starts_with("1.2.3-mini.k"), "{name}");

        // The list, by digest and by the release's name.
        let list: Value = serde_json::from_slice(&raw(&release)).unwrap();
        assert_eq!(list["mediaType"], media::DOCKER_LIST);
        assert_eq!(list["manifests"].as_array().unwrap().len(), 2);
        assert_eq!(raw(&format!("{}/release:{name}", place.repository())), raw(&release));
        // Each platform's image.
        for cpu in ["amd64", "arm64"] {
            let image = inspected(&release, &["--override-arch", cpu]);
            assert_eq!(image["Architecture"], cpu);
            assert_eq!(image["Labels"]["io.openshift.release"], name);
            assert_eq!(image["Env"], serde_json::json!([format!("CPU={cpu}")]));
        }
        // The lists that the payload names, where the payload says after they are published.
        let amd = ["release", "info", &release, "--platform", "linux/amd64", "-o", "json"];
        let shown: Value = serde_json::from_str(&place.ok(&amd)).unwrap();
        let tags = shown["references"]["spec"]["tags"].as_array().unwrap();
        let names: Vec<&str> = tags.iter().map(|tag| text(&tag["name"])).collect();
        assert_eq!(names, ["cluster-version-operator", "listed", "only-amd", "operator"]);
        for tag in tags {
            let spec = text(&tag["from"]["name"]);
            let at = format!("{}{}", place.repository(), spec.strip_prefix("quay.example/mini").unwrap());
            let list: Value = serde_json::from_slice(&raw(&at)).unwrap();
            let members = list["manifests"].as_array().unwrap().len();
            assert_eq!(members, if tag["name"] == "only-amd" { 1 } else { 2 }, "{spec}");
            let dir = place.dir.path().join(text(&tag["name"]));
            copy_all(&at, &dir);
        }
        // Copying everything checks everything: digests, sizes, types.
        copy_all(&release, &place.dir.path().join("copied"));
        let arm = place.ok(&["release", "info", &release, "--platform", "linux/arm64", "-o", "name"]);
        assert_eq!(arm, "cluster-version-operator\nlisted\noperator\n");
    });
}

/// With every image of the list.
fn copy_all(at: &str, dir: &Path) {
    let (from, to) = (format!("docker://{at}"), format!("dir:{}", dir.display()));
    skopeo(&["--insecure-policy", "copy", "-q", "--all", "--src-tls-verify=false", &from, &to]);
}

/// The release, and the lists that it names.
fn all_lists(place: &Place) -> Vec<String> {
    let (release, _) = place.made(&place.images(), &BOTH);
    let tags = place.ok(&["release", "info", &release, "-o", "pullspec"]);
    let lists = tags.lines().map(|spec| spec.replace("quay.example/mini", &place.repository()));
    lists.chain([release.clone()]).collect()
}

/// A storage of its own for podman or buildah.
fn with_storage(tool: &str, place: &Place) -> Command {
    let mut command = Command::new(tool);
    command.arg("--root").arg(place.dir.path().join("storage")).arg("--runroot");
    command.arg(place.dir.path().join("running")).args(["--storage-driver", "vfs"]);
    command.env("HOME", place.dir.path());
    command
}

#[test]
fn podman_reads_the_lists() {
    if !peer::has("podman") {
        return;
    }
    let place = Place::new();
    let repository = place.repository();
    let (host, _) = repository.split_once('/').unwrap();
    let config = place.dir.path().join("registries.conf");
    fs::write(&config, format!("[[registry]]\nlocation = \"{host}\"\ninsecure = true\n")).unwrap();
    for at in all_lists(&place) {
        let mut command = with_storage("podman", &place);
        command.args(["manifest", "inspect", &at]).env("CONTAINERS_REGISTRIES_CONF", &config);
        let list: Value = serde_json::from_slice(&peer::run(&mut command).stdout).unwrap();
        assert!(!list["manifests"].as_array().unwrap().is_empty(), "{at}");
    }
}

#[test]
fn buildah_takes_the_image_of_a_platform() {
    if !peer::has("buildah") || !rustix::process::geteuid().is_root() {
        println!("skipped: buildah needs root");
        return;
    }
    let place = Place::new();
    for at in all_lists(&place).iter().filter(|at| !at.contains("only-amd")) {
        let mut pull = with_storage("buildah", &place);
        peer::run(pull.args(["pull", "-q", "--tls-verify=false", "--platform", "linux/arm64", at]));
        let mut inspect = with_storage("buildah", &place);
        inspect.args(["inspect", "--type", "image", "--format", "{{.OCIv1.Architecture}}", at]);
        assert_eq!(String::from_utf8(peer::run(&mut inspect).stdout).unwrap().trim(), "arm64", "{at}");
    }
}

#[test]
fn the_same_images_give_the_same_release_on_any_registry() {
    let places = [Place::new(), Place::new()];
    let releases = places.each_ref().map(|place| {
        let images = place.images();
        let mut turned = images.clone();
        turned.reverse();
        let first = place.made(&images, &BOTH);
        assert_eq!(place.made(&turned, &["linux/arm64,linux/amd64"]), first, "in any order");
        let digest = first.0.split_once('@').unwrap().1.to_owned();
        (digest, first.1)
    });
    // What is published under the same name is the same; a list that is given keeps the name under which it was.
    assert_eq!(releases[0], releases[1]);
}

#[test]
fn one_platform_is_no_list() {
    let place = Place::new();
    let images = place.images();
    let (release, _) = place.made(&[&images[..2], &images[4..]].concat(), &["linux/amd64"]);
    let manifest = place.client().manifest(&release.parse().unwrap()).unwrap();
    assert_eq!(manifest.media_type, media::DOCKER_MANIFEST);
    let shown = place.ok(&["release", "info", &release]);
    assert!(shown.contains(" linux/amd64\n") && !shown.contains("Platforms:"), "{shown}");
    assert!(!shown.contains("multi"), "{shown}");
    let twice = place.refused(&as_args(&place.release(&images, &["linux/amd64"], &[])));
    assert!(twice.contains("is given twice: a payload has one image per tag"), "{twice}");
}

/// What a release for one platform is called was decided before there were several.
#[test]
fn the_name_of_a_release_for_one_platform_is_what_it_was() {
    let place = Place::new();
    let layer = || Layer::new().file("content", "x").plain();
    let base = place.push("cluster-version-operator", "cvo", &Image::new().layer(layer()).build());
    let (release, name) = place.made(&[base], &["linux/amd64"]);
    assert_eq!(name, "1.2.3-mini.k6fdae4ed2d18", "{release}");
}

fn as_args(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

#[test]
fn nothing_is_pushed_when_a_platform_fails() {
    let place = Place::new();
    let images = place.images();
    let Registry::Own(_, store) = &place.registry else { unreachable!() };
    let before = store.repositories().unwrap();
    let platforms = ["linux/amd64", "linux/arm64", "linux/s390x"];
    let said = place.refused(&as_args(&place.release(&images, &platforms, &[])));
    assert!(said.contains("the base `cluster-version-operator` has no image for linux/s390x"), "{said}");
    assert_eq!(store.repositories().unwrap(), before);
    let said = place.refused(&as_args(&place.release(&images, &["linux/amd64", "linux/amd64"], &[])));
    assert!(said.contains("name each platform of the release once"), "{said}");
}

#[test]
fn a_verdict_is_about_the_list() {
    each_registry(|place| {
        let (release, name) = place.made(&place.images(), &BOTH);
        let digest = release.split_once('@').unwrap().1;
        let said =
            place.ok(&["release", "verdict", "--release", &release, "--outcome", "boot=Succeeded:blocking"]);
        assert!(said.contains("accepted") && said.contains(&name), "{said}");
        let at: Reference = release.parse().unwrap();
        let kind = Some(release::verdict::MEDIA_TYPE);
        let referrers = place.client().referrers(&at, at.digest().unwrap(), kind).unwrap();
        let [verdict] = referrers.as_slice() else { panic!("{referrers:?}") };
        let evidence = place.client().manifest(&at.at_digest(verdict.digest)).unwrap();
        let evidence: Value = serde_json::from_slice(&evidence.bytes).unwrap();
        assert_eq!(evidence["subject"]["digest"], digest);
        assert_eq!(evidence["subject"]["mediaType"], media::DOCKER_LIST);
    });
}

#[test]
fn a_release_says_what_platforms_it_is_for() {
    let place = Place::new();
    let (release, _) = place.made(&place.images(), &BOTH);
    let arm = place.ok(&["release", "info", &release, "--platform", "linux/arm64"]);
    assert!(arm.contains("OS/Arch:   multi (linux/arm64)\n"), "{arm}");
    assert!(arm.contains("release.openshift.io/architecture: multi"), "{arm}");
    assert!(arm.ends_with("\nPlatforms: linux/amd64, linux/arm64 (--platform shows another)\n"), "{arm}");
    let none = place.refused(&["release", "info", &release, "--platform", "linux/s390x"]);
    assert!(none.contains("has no image for linux/s390x (it has: linux/amd64, linux/arm64)"), "{none}");
}

#[test]
fn pruning_keeps_the_images_of_all_platforms() {
    let place = Place::over("home/store");
    let old = place.made(&place.images_on("old"), &BOTH);
    let new = place.made(&place.images_on("new"), &BOTH);
    let record = serde_json::json!({
        "paths": ["stream"],
        "release": {"content": Digest::of("x"), "pullSpec": new.0, "accepted": true, "run": "mini-1"},
    });
    let builds = place.dir.path().join("home/builds/mini");
    fs::create_dir_all(&builds).unwrap();
    fs::write(builds.join("last.json"), record.to_string()).unwrap();

    let pruned = place.ok(&["cache", "prune", "--keep-last", "0", "-o", "json"]);
    let pruned: Value = serde_json::from_str(&pruned).unwrap();
    let gone: Vec<&str> = pruned["images"].as_array().unwrap().iter().map(text).collect();
    let of = |repository: &str| gone.iter().filter(|image| image.starts_with(repository)).count();
    // Of the old release its list and two images; of its base the same, and those two where they were pushed first.
    assert_eq!((of("stream/release@"), of("stream/cluster-version-operator@"), of("stream/cvo@")), (3, 3, 2));
    assert_eq!(gone.len(), 8, "{gone:#?}");
    assert!(gone.contains(&format!("stream/release@{}", old.0.split_once('@').unwrap().1).as_str()));

    let Registry::Own(_, store) = &place.registry else { unreachable!() };
    assert!(store.check().unwrap().is_whole());
    let copied = Store::open(place.dir.path().join("copied")).unwrap();
    let arm = place.ok(&["release", "info", &new.0, "--platform", "linux/arm64", "-o", "pullspec"]);
    let amd = place.ok(&["release", "info", &new.0, "--platform", "linux/amd64", "-o", "pullspec"]);
    for spec in arm.lines().chain(amd.lines()).chain([new.0.as_str()]) {
        let at: Reference = spec.replace("quay.example/mini", &place.repository()).parse().unwrap();
        place.client().pull(&at, &copied, &oci::client::Platforms::All, &()).unwrap();
    }
}
