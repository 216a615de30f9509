//! What skopeo, podman and buildah make of releases for several platforms.

use std::fs;
use std::path::Path;
use std::process::Command;

use oci::media;
use serde_json::Value;
use testkit::peer;

use crate::place::{BOTH, Place, each_registry, text};

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

/// With every image of the list.
fn copy_all(at: &str, dir: &Path) {
    let (from, to) = (format!("docker://{at}"), format!("dir:{}", dir.display()));
    skopeo(&["--insecure-policy", "copy", "-q", "--all", "--src-tls-verify=false", &from, &to]);
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
