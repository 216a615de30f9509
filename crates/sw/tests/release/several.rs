//! A release for several platforms: made, shown, judged, kept.

use std::fs;

use base::Digest;
use oci::client::Platforms;
use oci::{Reference, Store, media};
use serde_json::Value;

use crate::place::{BOTH, Place, Registry, as_args, each_registry, text};

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
        let kind = Some(::release::verdict::MEDIA_TYPE);
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
        place.client().pull(&at, &copied, &Platforms::All, &()).unwrap();
    }
}

/// Images that the release's registry does not have come there, and with them the layers of the base.
#[test]
fn images_of_another_registry_are_copied() {
    let (from, to) = (Place::new(), Place::new());
    let images: Vec<String> =
        from.images().into_iter().filter(|image| !image.starts_with("listed")).collect();
    let target = format!("--to-repository={}/release", to.repository());
    let mut args = vec!["release", "new", "--name=1.2.3", "--keep-all", "--platform=linux/amd64,linux/arm64"];
    args.extend([target.as_str(), "--image"]);
    args.extend(images.iter().map(String::as_str));
    to.ok(&args);
    let Place { registry: Registry::Own(server, _), .. } = from else { unreachable!() };
    server.stop();
    let release = format!("{}/release:1.2.3", to.repository());
    let copied = Store::open(to.dir.path().join("copied")).unwrap();
    let specs = to.ok(&["release", "info", &release, "--platform", "linux/amd64", "-o", "pullspec"]);
    assert_eq!(specs.lines().count(), 3);
    for at in specs.lines().chain([release.as_str()]) {
        assert!(at.starts_with(&to.repository()), "{at}");
        to.client().pull(&at.parse().unwrap(), &copied, &Platforms::All, &()).unwrap();
    }
}

/// The shipped task passes all of its platforms on.
#[test]
fn the_task_makes_the_same_release() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: running tasks needs root");
        return;
    }
    let place = Place::new();
    let images = place.images();
    let params = serde_json::json!([
        {"name": "images", "value": images},
        {"name": "stream", "value": "mini"},
        {"name": "version", "value": "1.2.3"},
        {"name": "repository", "value": place.repository()},
        {"name": "published", "value": "quay.example/mini"},
        {"name": "epoch", "value": "1700000000"},
        {"name": "platforms", "value": BOTH},
    ]);
    let run = serde_json::json!({"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"name": "assemble"},
        "spec": {"taskRef": {"name": "assemble"}, "params": params}});
    let file = place.dir.path().join("run.yaml");
    fs::write(&file, run.to_string()).unwrap();
    let task = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tasks/assemble.yaml");
    place.ok(&["run", file.to_str().unwrap(), task, "--image", "*=host"]);
    let Registry::Own(_, store) = &place.registry else { unreachable!() };
    let pushed = store.tags("stream/release").unwrap();
    let (release, name) = place.made(&images, &BOTH);
    assert_eq!(pushed, [name.as_str()]);
    let digest = store.tag("stream/release", &name).unwrap().unwrap();
    assert!(release.ends_with(&digest.to_string()), "{release}");
}
