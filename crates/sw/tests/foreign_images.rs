//! Images of a published release that are not for the platforms of a stream: found, by asking each of them once.

#![allow(clippy::unwrap_used)]

mod published;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use oci::Store;
use oci::server::Server;
use oci::server::event::Event;
use serde_json::Value;
use tempfile::TempDir;

const TAGS: [(&str, &[&str]); 4] = [
    ("cluster-version-operator", &["amd64", "arm64"]),
    ("console", &["amd64"]),
    ("etcd", &["amd64"]),
    ("scripts", &["amd64", "s390x", "arm64"]),
];

/// A registry of somebody else, and a home here.
struct Place {
    dir: TempDir,
    /// What is in the registry.
    far: Store,
    server: Server,
    /// Requests that the registry answered.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let far = Store::open(dir.path().join("far")).unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = asked.clone();
        let observer = Arc::new(move |event: Event<'_>| {
            if let Event::Answered { path, .. } = event {
                heard.lock().unwrap().push(path.to_owned());
            }
        });
        let server = Server::start_observed(far.clone(), "127.0.0.1:0".parse().unwrap(), observer).unwrap();
        Self { dir, far, server, asked }
    }

    fn registry(&self) -> String {
        self.server.addr().to_string()
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// How often images of the release were asked for since the last time.
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().drain(..).filter(|path| path.contains("/okd/content/")).count()
    }

    /// A stream file, in a folder of its own.
    fn stream(&self, rest: &str) -> PathBuf {
        let dir = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        let head = "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: mine\nrepository: registry.example/mine\n";
        fs::write(dir.join("stream.yaml"), format!("{head}{rest}")).unwrap();
        dir
    }

    fn sw(&self, args: &[&str], stream: &Path) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sw"));
        command.args(args).arg(stream).env("STREAMWRIGHT_HOME", self.home()).env("NO_COLOR", "1");
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    /// Messages of findings.
    fn found(&self, args: &[&str], stream: &Path) -> Vec<String> {
        let (code, stdout, stderr) = self.sw(&[&["plan", "-o", "json"], args].concat(), stream);
        assert_eq!(code, 0, "{stderr}");
        assert!(!stderr.contains("warning:"), "{stderr}");
        let plan: Value = serde_json::from_str(&stdout).unwrap();
        let open = plan["findings"]["open"].as_array().unwrap().iter();
        open.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn members_of_a_release_that_a_platform_lacks_are_asked_for_once() {
    let place = Place::new();
    let at = published::release(&place.far, &place.registry(), &["amd64"], &TAGS);
    let stream = place.stream(&format!("from: {{payload: \"{at}\"}}\nplatforms: [linux/arm64]\n"));
    let expected = format!("2 of the 4 images of the release {at} are not for linux/arm64: console, etcd");
    assert_eq!(place.found(&[], &stream), [expected.as_str()]);
    // Two lists, and two images with their configurations.
    assert_eq!(place.asked(), 6);
    assert_eq!(place.found(&[], &stream), [expected.as_str()]);
    assert_eq!(place.asked(), 0, "an image does not change");
    // What only looks at the stream finds it, too.
    let (code, _, stderr) = place.sw(&["lock"], &stream);
    assert!(code == 0 && stderr.contains(&expected), "{stderr}");
    let (code, _, stderr) = place.sw(&["plan", "--strict"], &stream);
    assert!(code == 2 && stderr.contains("error[foreign-image]"), "{stderr}");

    let operations = "operations:\n  - remove: {component: console, why: x}\n  - waive: {code: foreign-image, component: etcd, why: It is a link.}\n";
    let stream =
        place.stream(&format!("from: {{payload: \"{at}\"}}\nplatforms: [linux/arm64]\n{operations}"));
    assert_eq!(place.found(&[], &stream), [""; 0]);
    let stream = place.stream(&format!("from: {{payload: \"{at}\"}}\n"));
    assert_eq!(place.found(&[], &stream), [""; 0], "as the release is");
    assert_eq!(place.asked(), 0);
}

#[test]
fn offline_nobody_is_asked_and_the_release_says_what_it_is_for() {
    let place = Place::new();
    let here = Store::open(place.home().join("store")).unwrap();
    published::release(&place.far, &place.registry(), &["amd64"], &TAGS);
    let at = published::release(&here, &place.registry(), &["amd64"], &TAGS);
    // Of the images only one is here.
    let (kept, tags) =
        (fs::read_dir(here.dir().join("repositories/okd/content/_manifests")).unwrap(), TAGS.len());
    assert!(kept.count() > tags);
    for blob in blobs_of(&here, "okd/content") {
        fs::remove_file(blob).unwrap();
    }
    let stream =
        place.stream(&format!("from: {{payload: \"{at}\"}}\nplatforms: [linux/amd64, linux/arm64]\n"));
    let said = |names: &str, count: &str| {
        format!("{count} images of the release {at} are not for linux/arm64: {names}")
    };
    let all = said("cluster-version-operator, console, etcd, scripts", "all 4");
    assert_eq!(place.found(&["--offline"], &stream), [all.as_str()]);
    let (_, _, stderr) = place.sw(&["lock", "--offline"], &stream);
    assert!(stderr.contains(&all), "{stderr}");
    assert!(place.asked.lock().unwrap().is_empty());
    // Asked, they say more; and then it is known.
    let some = said("console, etcd", "2 of the 4");
    assert_eq!(place.found(&[], &stream), [some.as_str()]);
    assert!(place.asked() > 0);
    assert_eq!(place.found(&["--offline"], &stream), [some.as_str()]);
    assert_eq!(place.asked(), 0);
}

/// The files of what a repository has.
fn blobs_of(store: &Store, repository: &str) -> Vec<PathBuf> {
    let dir = store.dir().join("repositories").join(repository).join("_manifests");
    let digest = |entry: std::io::Result<fs::DirEntry>| {
        format!("sha256:{}", entry.unwrap().file_name().to_str().unwrap()).parse().unwrap()
    };
    fs::read_dir(dir).unwrap().map(|entry| store.blob_path(digest(entry))).collect()
}

#[test]
fn a_stream_for_the_usual_platform_asks_nobody() {
    let place = Place::new();
    let image = |cpu: &str| {
        let image = testkit::image::Image::holding(cpu).platform("linux", cpu).build();
        format!("{}/okd/content@{}", place.registry(), published::put(&place.far, "okd/content", &[image]))
    };
    let (amd, arm) = (image("amd64"), image("arm64"));
    let text = |platforms: &str| {
        format!(
            "version: 0.1.0\n{platforms}releaseBase: a\ncomponents:\n  a: {{source: {{image: \"{amd}\"}}}}\n  b: {{source: {{image: \"{arm}\"}}}}\n"
        )
    };
    assert_eq!(place.found(&[], &place.stream(&text(""))), [""; 0]);
    assert_eq!(place.asked(), 0);
    let both = place.stream(&text("platforms: [linux/arm64, linux/amd64]\n"));
    let expected =
        ["`a` is an image that is not for linux/arm64", "`b` is an image that is not for linux/amd64"];
    assert_eq!(place.found(&[], &both), expected);
    assert_eq!(place.asked(), 4);
    // What is known is told for the usual platform, too.
    assert_eq!(place.found(&[], &place.stream(&text(""))), expected[1..]);
    assert_eq!(place.asked(), 0);
}

#[test]
fn a_registry_that_does_not_answer_costs_a_warning() {
    let place = Place::new();
    let gone = "127.0.0.1:1/gone@sha256:1111111111111111111111111111111111111111111111111111111111111111";
    let text = format!(
        "version: 0.1.0\nplatforms: [linux/arm64]\nreleaseBase: a\ncomponents:\n  a: {{source: {{image: \"{gone}\"}}}}\n"
    );
    let stream = place.stream(&text);
    let (code, stdout, stderr) = place.sw(&["plan"], &stream);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("1 component"), "{stdout}");
    let warning = "warning: whether images in 127.0.0.1:1 are for the platforms of the stream is not known: ";
    assert!(stderr.contains(warning) && stderr.contains("--offline asks no registry"), "{stderr}");
    let (code, _, stderr) = place.sw(&["plan", "--offline"], &stream);
    assert!(code == 0 && !stderr.contains("warning"), "{stderr}");
}
