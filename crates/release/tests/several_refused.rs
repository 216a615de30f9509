//! Images that make no release for several platforms: what is said of them.
#![allow(clippy::unwrap_used)]

mod support;

use base::Digest;
use oci::media;
use release::payload::assemble::Component;
use serde_json::json;
use support::several::*;
use support::{Images, MAP, at, base_image, image_references};
use testkit::image::Image;

#[test]
fn an_operator_that_names_what_its_platform_lacks() {
    let mut images = based(&["amd64", "arm64"]);
    images.add("vsphere", Image::holding("vsphere"));
    let references = image_references(&[("vsphere", "quay.io/v/v")]);
    for cpu in ["amd64", "arm64"] {
        let files = [("manifests/a.yaml", MAP), ("manifests/image-references", &references)];
        images.add("o", operator(cpu, &files));
    }
    assert_eq!(
        refusal(&images, &[AMD, ARM]),
        "for linux/arm64: the image-references of `o` names `vsphere`, which has images for linux/amd64 only; build `vsphere` for \
         linux/arm64, or leave `o` out there"
    );
}

/// What is wrong with the images of a tag, and what is said.
#[test]
fn images_that_do_not_fit_are_named_with_what_to_do() {
    let with = |more: &dyn Fn(&mut Images)| {
        let mut images = based(&["amd64", "arm64"]);
        more(&mut images);
        refusal(&images, &[AMD, ARM])
    };
    let two = with(&|images| {
        images.add("a", Image::holding("1"));
        images.add("a", Image::holding("2"));
    });
    assert!(
        two.starts_with("`a` has two images for linux/amd64, reg.example/stream/content@sha256:"),
        "{two}"
    );
    let same = with(&|images| {
        images.add("a", Image::holding("1"));
        images.add("a", Image::holding("1"));
    });
    assert!(same.contains("has two images for linux/amd64"), "{same}");
    let other = with(&|images| {
        images.add("a", Image::holding("1").platform("linux", "s390x"));
    });
    assert!(
        other.contains("which is for linux/s390x, but the release is for linux/amd64, linux/arm64"),
        "{other}"
    );
    let silent = with(&|images| {
        images.add("a", Image::holding("1").platform("linux", ""));
    });
    assert!(silent.contains("does not say which platform it is for"), "{silent}");
    let list_and_more = with(&|images| {
        let amd = Image::holding("1").build();
        let list = add_index(images, &index_of(images, &[&amd]));
        images.components.push(Component::new("a", list));
        images.add("a", Image::holding("2").platform("linux", "arm64"));
    });
    assert!(list_and_more.contains("and other images besides; give the list alone"), "{list_and_more}");
    let elsewhere = with(&|images| {
        let s390x = Image::holding("1").platform("linux", "s390x").build();
        let ppc64le = Image::holding("1").platform("linux", "ppc64le").build();
        let list = add_index(images, &index_of(images, &[&s390x, &ppc64le]));
        images.components.push(Component::new("a", list));
    });
    assert!(
        elsewhere.contains("no image for linux/amd64, linux/arm64 (it has: linux/s390x, linux/ppc64le)"),
        "{elsewhere}"
    );
    let by_tag = with(&|images| {
        images.components.push(Component::new("a", "reg.example/stream/content:1".parse().unwrap()));
    });
    assert!(by_tag.contains("only contain pointers to images by digest"), "{by_tag}");
    let release = with(&|images| {
        images.add("release", Image::holding("1"));
    });
    assert!(release.contains("would be pushed to reg.example/stream/release, where the release goes"));
    let upper = with(&|images| {
        images.add("Upper", Image::holding("1"));
    });
    assert!(upper.contains("has no place beside the release") && upper.contains("lower case"), "{upper}");
    let absent = with(&|images| {
        images.components.push(Component::new("a", at(Digest::of("absent"))));
    });
    assert!(absent.contains("cannot read the image of component `a`"), "{absent}");
    let empty = Images::default();
    assert!(refusal(&empty, &[AMD, ARM]).contains("no component images defined"));
}

#[test]
fn every_platform_needs_a_base() {
    let images = based(&["amd64"]);
    assert_eq!(
        refusal(&images, &[AMD, ARM]),
        "the base `cluster-version-operator` has no image for linux/arm64 (it has: linux/amd64), and a release image is made on it \
         for every platform; build it for linux/arm64, or leave that platform out"
    );
    let mut images = Images::default();
    images.add("a", Image::holding("a"));
    assert!(refusal(&images, &[AMD, ARM]).contains("`cluster-version-operator` could not be found"));
}

#[test]
fn a_list_whose_image_says_something_else() {
    let amd = base_image().build();
    // Says amd64 in its own configuration.
    let liar = base_image().env("A=b").build();
    let listed = |images: &Images| {
        let mut both = index_of(images, &[&amd, &liar]);
        both["manifests"][1]["platform"]["architecture"] = "arm64".into();
        add_index(images, &both)
    };
    let mut images = based(&["amd64", "arm64"]);
    let list = listed(&images);
    images.components.push(Component::new("a", list));
    let release = assembled(&images, &[AMD, ARM]).unwrap();
    let said: Vec<&str> = release.warnings.0.iter().map(|w| w.message.as_str()).collect();
    let about = said.iter().find(|text| text.contains("component `a`")).unwrap();
    assert!(about.starts_with("for linux/arm64: ") && about.contains("says that it is for linux/amd64"));

    let mut images = Images::default();
    let list = listed(&images);
    images.components.push(Component::new(CVO, list));
    let message = refusal(&images, &[AMD, ARM]);
    assert!(
        message.contains("is listed for linux/arm64, but its configuration says linux/amd64"),
        "{message}"
    );
}

#[test]
fn a_platform_that_is_no_name() {
    let mut images = based(&["amd64", "arm64"]);
    images.add("a", Image::holding("1").platform("linux", "amd64\u{1b}[31m"));
    let message = refusal(&images, &[AMD, ARM]);
    assert!(message.contains("does not say which platform") && !message.contains('\u{1b}'), "{message:?}");
}

#[test]
fn a_list_of_lists_is_refused() {
    let mut images = based(&["amd64", "arm64"]);
    let amd = Image::holding("1").build();
    let inner = add_index(&images, &index_of(&images, &[&amd]));
    let outer = |media_type: &str| {
        json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [
            {"mediaType": media_type, "digest": inner.digest().unwrap().to_string(), "size": 1,
             "platform": {"os": "linux", "architecture": "amd64"}},
            {"mediaType": media::OCI_MANIFEST, "digest": amd.digest.to_string(), "size": 1,
             "platform": {"os": "linux", "architecture": "arm64"}}]})
    };
    let honest = add_index(&images, &outer(media::OCI_INDEX));
    images.components.push(Component::new("a", honest));
    let message = refusal(&images, &[AMD, ARM]);
    assert!(message.contains("points to another list for linux/amd64"), "{message}");
    images.components.pop();
    let lying = add_index(&images, &outer(media::OCI_MANIFEST));
    images.components.push(Component::new("a", lying));
    let message = refusal(&images, &[AMD, ARM]);
    assert!(message.contains("points to another list; image tools do not follow that"), "{message}");
}

#[test]
fn a_list_of_very_many_images() {
    let mut images = based(&["amd64", "arm64"]);
    let amd = Image::holding("1").build();
    let mut huge = index_of(&images, &[&amd]);
    let entries = huge["manifests"].as_array_mut().unwrap();
    for n in 0..15_000 {
        entries
            .push(json!({"mediaType": media::OCI_MANIFEST, "digest": Digest::of(n.to_string()).to_string(),
            "size": 1, "platform": {"os": "linux", "architecture": format!("cpu{n}")}}));
    }
    let list = add_index(&images, &huge);
    images.components.push(Component::new("a", list.clone()));
    assert!(assembled(&images, &[AMD, ARM]).is_ok(), "only the images of the release are read");
    images.components.pop();
    images.components.push(Component::new("a", list));
    let names = ["linux/s390x", "linux/ppc64le"];
    let message = refusal(&images, &names);
    assert!(message.contains(", …)") && message.len() < 1000, "{} bytes", message.len());
}
