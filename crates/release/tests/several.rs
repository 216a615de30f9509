//! Releases for several platforms: lists of images, and the list of release images.
#![allow(clippy::unwrap_used)]

mod support;

use base::Digest;
use oci::client::{Client, ClientConfig};
use oci::manifest::Index;
use oci::reference::Reference;
use oci::server::Server;
use oci::store::Store;
use oci::{ImageManifest, media};
use release::payload::assemble::{Base, Component};
use release::payload::content::{Content, RawManifest, Writable};
use release::payload::info::ReleaseInfo;
use release::payload::memory::Memory;
use release::payload::registry::Fetching;
use release::payload::several::lists::Destination;
use release::payload::several::{self, Lists, ReleaseList, push};
use serde_json::{Value, json};
use support::several::*;
use support::{Images, MAP, at, base_image};
use testkit::image::Image;

/// The payload of one of the images, as `to` has it.
fn payload(release: &ReleaseList, images: &Images, at: usize) -> ReleaseInfo {
    let to = Memory::new();
    let release_at: Reference = RELEASE.parse().unwrap();
    let again = assembled_into(images, &[AMD, ARM], &to).unwrap();
    assert_eq!(again.digest(), release.digest(), "the same images, the same release");
    let image = &release.images[at];
    let at = release_at.at_digest(image.manifest.digest());
    Writable::put_manifest(&to, &at, &image.manifest).unwrap();
    ReleaseInfo::read(&to, &at).unwrap()
}

fn layers(manifest: &RawManifest) -> Vec<Digest> {
    let parsed: ImageManifest = serde_json::from_slice(&manifest.bytes).unwrap();
    parsed.layers.iter().map(|layer| layer.digest).collect()
}

fn index(manifest: &RawManifest) -> Index {
    serde_json::from_slice(&manifest.bytes).unwrap()
}

#[test]
fn images_become_lists_that_all_payloads_name() {
    let mut images = based(&["arm64", "amd64"]);
    let files = [("manifests/10_map.yaml", MAP)];
    images.add("o", operator("arm64", &files).variant("v8"));
    images.add("o", operator("amd64", &files));
    let found = lists(&images, &[ARM, AMD]).unwrap();
    let list = found.tag("o").unwrap();
    assert_eq!(list.at, format!("reg.example/stream/o@{}", list.digest).parse().unwrap());
    assert_eq!(list.pull_spec, format!("quay.example/okd/o@{}", list.digest));
    let made = &list.made.as_ref().unwrap().list;
    assert_eq!((made.digest(), made.media_type.as_str()), (list.digest, media::OCI_INDEX));
    let read: Value = serde_json::from_slice(&made.bytes).unwrap();
    let member = |component: usize, cpu: &str, variant: Option<&str>| {
        let mut platform = json!({"os": "linux", "architecture": cpu});
        variant.into_iter().for_each(|variant| platform["variant"] = variant.into());
        let digest = images.components[component].digest().unwrap();
        let size = images.memory.manifest(&at(digest)).unwrap().bytes.len();
        let (media_type, digest) = (media::OCI_MANIFEST, digest.to_string());
        json!({"mediaType": media_type, "digest": digest, "size": size, "platform": platform})
    };
    let members = [member(3, "amd64", None), member(2, "arm64", Some("v8"))];
    assert_eq!(read, json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": members}));

    let release = assembled(&images, &[ARM, AMD]).unwrap();
    assert_eq!(release.list.media_type, media::DOCKER_LIST);
    let children = index(&release.list).manifests;
    let shown: Vec<String> = children.iter().map(|c| c.platform.as_ref().unwrap().to_string()).collect();
    assert_eq!(shown, [AMD, ARM]);
    assert!(children.iter().all(|child| child.media_type == media::DOCKER_MANIFEST));
    let [amd, arm] = [&release.images[0].manifest, &release.images[1].manifest].map(layers);
    assert_eq!(amd.last(), arm.last(), "the payloads are the same, so there is one blob");
    assert_ne!(children[0].digest, children[1].digest, "the bases differ");

    let cvo = found.tag(CVO).unwrap();
    for (at, cpu) in ["amd64", "arm64"].into_iter().enumerate() {
        let info = payload(&release, &images, at);
        assert_eq!(info.image_for("o"), Some(list.pull_spec.as_str()));
        assert_eq!(info.config["architecture"], cpu);
        let labels = &info.config["config"]["Labels"];
        assert_eq!(labels["io.openshift.release.base-image-digest"], cvo.digest.to_string());
        let metadata = info.metadata.unwrap();
        assert_eq!(metadata.version, "4.9.9");
        assert_eq!(Value::Object(metadata.metadata), json!({"release.openshift.io/architecture": "multi"}));
    }
}

#[test]
fn neither_order_nor_time_of_reading_counts() {
    let mut images = based(&["amd64", "arm64"]);
    for cpu in ["amd64", "arm64"] {
        images.add("o", operator(cpu, &[("manifests/10_map.yaml", MAP)]));
    }
    let first = assembled(&images, &[AMD, ARM]).unwrap();
    images.components.reverse();
    let second = assembled(&images, &[ARM, AMD]).unwrap();
    assert_eq!((first.list, first.tags), (second.list, second.tags));
}

#[test]
fn docker_images_are_in_a_docker_list() {
    let mut images = based(&["amd64"]);
    let oci = Image::holding("arm").platform("linux", "arm64").build();
    support::push(&images.memory, &oci);
    let mut manifest: Value = serde_json::from_slice(&oci.manifest).unwrap();
    manifest["mediaType"] = media::DOCKER_MANIFEST.into();
    manifest["config"]["mediaType"] = media::DOCKER_CONFIG.into();
    manifest["layers"][0]["mediaType"] = media::DOCKER_LAYER_GZIP.into();
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let docker = at(Digest::of(&bytes));
    images.memory.add_manifest(&docker, RawManifest { media_type: media::DOCKER_MANIFEST.to_owned(), bytes });
    images.components.push(Component::new("a", docker.clone()));
    images.components.push(Component::new("b", docker));
    images.add("b", Image::holding("amd"));
    let found = lists(&images, &[AMD, ARM]).unwrap();
    let family = |tag| found.tag(tag).unwrap().made.as_ref().unwrap().list.media_type.clone();
    assert_eq!(family("a"), media::DOCKER_LIST);
    assert_eq!(family("b"), media::OCI_INDEX, "a Docker list could not hold the other image");
}

#[test]
fn a_list_that_is_given_stays_where_and_as_it_is() {
    let mut images = based(&["amd64", "arm64"]);
    let arm = operator("arm64", &[("manifests/arm.yaml", MAP)]).build();
    let amd = operator("amd64", &[("manifests/amd.yaml", MAP)]).build();
    let mut both = index_of(&images, &[&arm, &amd]);
    // What build tools file beside images.
    let note = json!({"mediaType": media::OCI_MANIFEST, "digest": Digest::of("note").to_string(), "size": 4,
        "platform": {"os": "unknown", "architecture": "unknown"}});
    both["manifests"].as_array_mut().unwrap().push(note);
    let list = add_index(&images, &both);
    images.components.push(Component::new("o", list.clone()).pulled_from(list.to_string()));
    let found = lists(&images, &[AMD, ARM]).unwrap();
    let kept = found.tag("o").unwrap();
    assert_eq!((&kept.at, kept.pull_spec.as_str()), (&list, list.to_string().as_str()));
    assert!(kept.made.is_none());
    let release = assembled(&images, &[AMD, ARM]).unwrap();
    for (at, file) in ["0000_50_o_amd.yaml", "0000_50_o_arm.yaml"].into_iter().enumerate() {
        let info = payload(&release, &images, at);
        assert_eq!(info.manifests.keys().collect::<Vec<_>>(), [file], "manifests of that platform's image");
        assert_eq!(info.image_for("o"), Some(list.to_string().as_str()));
    }
}

#[test]
fn a_tag_that_a_platform_lacks_is_not_in_its_payload() {
    let mut images = based(&["amd64", "arm64"]);
    images.add("vsphere", Image::holding("vsphere"));
    let only_arm = Image::holding("arm").platform("linux", "arm64").build();
    let list = add_index(&images, &index_of(&images, &[&only_arm]));
    images.components.push(Component::new("given", list));
    let mut bare = index_of(&images, &[&only_arm]);
    bare["manifests"][0].as_object_mut().unwrap().remove("platform");
    let bare = add_index(&images, &bare);
    images.components.push(Component::new("bare", bare));
    let found = lists(&images, &[AMD, ARM]).unwrap();
    let vsphere = found.tag("vsphere").unwrap().made.as_ref().unwrap();
    assert_eq!(index(&vsphere.list).manifests.len(), 1, "a list all the same");
    let release = assembled(&images, &[AMD, ARM]).unwrap();
    let tags = |at| {
        let info = payload(&release, &images, at);
        info.images().map(|(tag, _)| tag.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(tags(0), [CVO, "vsphere"]);
    assert_eq!(tags(1), ["bare", CVO, "given"]);
    assert_eq!(release.tags.len(), 4);
}

#[test]
fn a_payload_is_read_from_a_list_without_this_machine() {
    let mut images = based(&["s390x", "ppc64le"]);
    images.add("a", Image::holding("a").platform("linux", "s390x"));
    let to = Memory::new();
    let release = assembled_into(&images, &["linux/s390x", "linux/ppc64le"], &to).unwrap();
    let at = RELEASE.parse::<Reference>().unwrap();
    for image in &release.images {
        Writable::put_manifest(&to, &at.at_digest(image.manifest.digest()), &image.manifest).unwrap();
    }
    let at = at.at_digest(release.digest());
    Writable::put_manifest(&to, &at, &release.list).unwrap();
    let info = ReleaseInfo::read(&to, &at).unwrap();
    assert_eq!(info.platform(), "multi (linux/ppc64le)", "the first");
    assert_eq!(info.pull_digest(), release.digest());
    assert_eq!(info.list_platforms, [platform("linux/ppc64le"), platform("linux/s390x")]);
    assert_eq!(info.image_for("a"), None);
    let other = ReleaseInfo::read_for(&to, &at, &platform("linux/s390x")).unwrap();
    assert_eq!((other.platform().as_str(), other.image_for("a").is_some()), ("multi (linux/s390x)", true));
    let message = ReleaseInfo::read_for(&to, &at, &platform(ARM)).unwrap_err().to_string();
    assert!(
        message.contains("has no image for linux/arm64 (it has: linux/ppc64le, linux/s390x)"),
        "{message}"
    );
    let one = at.at_digest(release.images[0].manifest.digest());
    assert!(ReleaseInfo::read(&to, &one).unwrap().list_platforms.is_empty());
    let message = ReleaseInfo::read_for(&to, &one, &platform(ARM)).unwrap_err().to_string();
    assert!(message.contains("(it has: linux/ppc64le)"), "{message}");
}

/// A base that is no component, for each platform from one list.
#[test]
fn another_base_is_named_as_it_was_given() {
    let mut images = Images::default();
    images.add("a", Image::holding("a"));
    images.add("a", Image::holding("a").platform("linux", "arm64"));
    let bases = ["amd64", "arm64"].map(|cpu| base_image().platform("linux", cpu).build());
    let list = add_index(&images, &index_of(&images, &bases.each_ref()));
    let mut request = request();
    request.base = Base::Image(list.clone());
    let found = lists(&images, &[AMD, ARM]).unwrap();
    let to = Memory::new();
    let release = several::assemble(&request, &found, &to, &RELEASE.parse().unwrap()).unwrap();
    for (image, base) in release.images.iter().zip(&bases) {
        assert_eq!(image.base, at(base.digest));
        let manifest: ImageManifest = serde_json::from_slice(&image.manifest.bytes).unwrap();
        let mut config = String::new();
        std::io::Read::read_to_string(&mut to.blob(&list, &manifest.config).unwrap(), &mut config).unwrap();
        assert!(config.contains(&format!("base-image-digest\":\"{}", list.digest().unwrap())), "{config}");
    }
}

/// Everything that a release consists of can be had from the registry afterwards, and base layers were not sent.
#[test]
fn a_registry_has_it_all_and_takes_layers_from_itself() {
    let dir = tempfile::tempdir().unwrap();
    let remote = Store::open(dir.path().join("remote")).unwrap();
    let scratch = Store::open(dir.path().join("scratch")).unwrap();
    let server = Server::start(remote.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
    let mut images = based(&["amd64", "arm64"]);
    images.add("a", Image::holding("a"));
    // Components under other names than their tags, as streams may have them.
    let components = images.copied(&remote, |tag| {
        let repository = if tag == "a" { "stream/a" } else { "stream/named-otherwise" };
        format!("{}/{repository}", server.addr())
    });
    let client = Client::new(ClientConfig::default());
    let content = Fetching::new(&scratch, &client, &());
    let to: Reference = format!("{}/stream/release:4.9.9", server.addr()).parse().unwrap();
    let destination = Destination { release: &to, published: &|_| None };
    let found = Lists::read(&components, platforms(&[AMD, ARM]), &destination, &content, 0).unwrap();
    let mut request = request();
    request.options.keep_unreferenced = true;
    let release = several::assemble(&request, &found, &scratch, &to).unwrap();
    assert_eq!(
        remote.repositories().unwrap(),
        ["stream/a", "stream/named-otherwise"],
        "nothing is pushed yet"
    );
    push::release(&client, &release, &found, &to, &scratch).unwrap();

    assert_eq!(remote.tag("stream/release", "4.9.9").unwrap(), Some(release.digest()));
    assert_eq!(remote.manifests("stream/release").unwrap().len(), 3, "the list and two images");
    assert_eq!(remote.tags("stream/release").unwrap(), ["4.9.9"]);
    for (tag, members) in [("a", 1), (CVO, 2)] {
        let repository = format!("stream/{tag}");
        let list = found.tag(tag).unwrap().digest;
        assert_eq!(remote.tag(&repository, "4.9.9").unwrap(), Some(list));
        assert_eq!(remote.manifests(&repository).unwrap().len(), members + 1);
    }
    assert!(remote.check().unwrap().is_whole());
    let base_layers = &layers(&release.images[0].manifest)[..2];
    assert!(base_layers.iter().all(|layer| !scratch.has(*layer)), "the registry had them");
    // Again: the same, and everything is there.
    push::release(&client, &release, &found, &to, &scratch).unwrap();
    assert_eq!(remote.manifests("stream/release").unwrap().len(), 3);
    let info = ReleaseInfo::read_for(&remote, &to, &platform(ARM)).unwrap();
    assert_eq!(info.images().count(), 1);
    server.stop();
}
