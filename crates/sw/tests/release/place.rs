//! A registry with the images of a small stream, and `sw` beside it.

use std::fs;
use std::process::{Command, Output, Stdio};

use base::Digest;
use oci::client::{Client, ClientConfig};
use oci::server::Server;
use oci::{Reference, Store};
use serde_json::Value;
use testkit::image::{BuiltImage, Image, Layer};

use crate::debian::Debian;

pub const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
pub const BOTH: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// A registry, and a place where `sw` runs.
pub struct Place {
    pub dir: tempfile::TempDir,
    pub registry: Registry,
}

pub enum Registry {
    Own(Server, Store),
    Debian(Debian),
}

/// Every registry that is here.
pub fn each_registry(test: impl Fn(&Place)) {
    test(&Place::new());
    if let Some(debian) = Debian::start() {
        println!("docker-registry");
        test(&Place { dir: tempfile::tempdir().unwrap(), registry: Registry::Debian(debian) });
    }
}

impl Place {
    /// With the server of this project.
    pub fn new() -> Self {
        Self::over("registry")
    }

    /// The same, over a store in this folder.
    pub fn over(folder: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join(folder)).unwrap();
        let server = Server::start(store.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
        Self { dir, registry: Registry::Own(server, store) }
    }

    /// `HOST:PORT/stream`
    pub fn repository(&self) -> String {
        let addr = match &self.registry {
            Registry::Own(server, _) => server.addr(),
            Registry::Debian(debian) => debian.addr(),
        };
        format!("{addr}/stream")
    }

    pub fn sw(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sw"));
        command.args(args).env("STREAMWRIGHT_HOME", self.dir.path().join("home")).env("NO_COLOR", "1");
        command.env_remove("SOURCE_DATE_EPOCH").stdin(Stdio::null()).output().unwrap()
    }

    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.sw(args);
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}\n{out}{err}");
        out
    }

    pub fn refused(&self, args: &[&str]) -> String {
        let output = self.sw(args);
        assert!(!output.status.success(), "{args:?}\n{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Pushes images to `stream/NAME`; gives `TAG=PULLSPEC`.
    pub fn push(&self, tag: &str, name: &str, image: &BuiltImage) -> String {
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
    pub fn push_list(&self, tag: &str, images: &[&BuiltImage]) -> String {
        images.iter().for_each(|image| drop(self.push(tag, tag, image)));
        let (bytes, media_type) = testkit::image::index(images);
        let to: Reference = format!("{}/{tag}@{}", self.repository(), Digest::of(&bytes)).parse().unwrap();
        self.client().put_manifest(&to, media_type, &bytes).unwrap();
        format!("{tag}={to}")
    }

    pub fn client(&self) -> Client {
        Client::new(ClientConfig::default())
    }

    /// The operator, the base, a list and an image for one platform only.
    pub fn images(&self) -> Vec<String> {
        self.images_on("coreutils")
    }

    /// The same with something else in the base.
    pub fn images_on(&self, content: &str) -> Vec<String> {
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
    pub fn release(&self, images: &[String], platforms: &[&str], more: &[&str]) -> Vec<String> {
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

    pub fn made(&self, images: &[String], platforms: &[&str]) -> (String, String) {
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

pub fn as_args(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
