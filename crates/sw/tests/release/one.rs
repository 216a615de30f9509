//! A release for one platform is what it was before there were several.

use oci::media;
use testkit::image::{Image, Layer};

use crate::place::{Place, as_args};

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
