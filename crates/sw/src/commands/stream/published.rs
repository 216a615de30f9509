//! Published releases: read where they are, and what a stream has of them.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use oci::{Reference, Store};
use release::payload::content::Content;
use release::payload::info::{InfoError, ReleaseInfo};
use release::payload::registry::Fetching;
use release::payload::{BASE_TAG, LABEL_BASE_DIGEST};
use stream::definition::Platform;
use stream::import::payload::{Image, Published};

use crate::commands::registry_client;
use crate::failure::Failure;
use crate::settings::Home;

/// A release of the local store, else, unless `offline`, of its registry, with what a stream has of it: the images of all its
/// platforms. Of a list, the release is that for this machine, else its first.
///
/// # Errors
/// When it cannot be read, or is no release.
pub fn published(home: &Home, at: &Reference, offline: bool) -> Result<(ReleaseInfo, Published), Failure> {
    let store = Store::open(home.store())?;
    if offline || store.resolve(at)?.is_some() {
        return Ok(read(&store, at)?);
    }
    let client = registry_client(None)?;
    Ok(read(&Fetching::new(&store, &client, &()), at)?)
}

fn read(content: &dyn Content, at: &Reference) -> Result<(ReleaseInfo, Published), InfoError> {
    let info = ReleaseInfo::read(content, at)?;
    let known = info.list_platforms.iter().filter_map(|on| Some((known_platform(on)?, on)));
    let members: Result<Vec<(Platform, ReleaseInfo)>, InfoError> =
        known.map(|(known, on)| Ok((known, ReleaseInfo::read_for(content, at, on)?))).collect();
    let published = of_platforms(at, &info, &members?);
    Ok((info, published))
}

/// The tag whose image the payload is a layer on: the payload's label says its digest.
fn release_base(info: &ReleaseInfo) -> &str {
    let label = info.config["config"]["Labels"][LABEL_BASE_DIGEST].as_str().unwrap_or_default();
    let on = |spec: &str| spec.split_once('@').is_some_and(|(_, digest)| digest == label);
    info.images().find(|(_, spec)| on(spec)).map_or(BASE_TAG, |(tag, _)| tag)
}

fn of_platforms(at: &Reference, info: &ReleaseInfo, members: &[(Platform, ReleaseInfo)]) -> Published {
    let platforms: BTreeSet<Platform> = info.platforms().iter().filter_map(known_platform).collect();
    let alone = (platforms.first().copied().unwrap_or_default(), info);
    let alone = members.is_empty().then_some(alone);
    let mut images: BTreeMap<&str, Image> = BTreeMap::new();
    for (platform, info) in members.iter().map(|(platform, info)| (*platform, info)).chain(alone) {
        for tag in &info.references.tags {
            let Some(from) = &tag.from else { continue };
            let image = images.entry(&tag.name).or_insert_with(|| Image {
                tag: tag.name.clone(),
                pull_specs: BTreeMap::new(),
                annotations: tag.annotations.clone().unwrap_or_default(),
            });
            image.pull_specs.insert(platform, from.name.clone());
        }
    }
    Published {
        pull_spec: at.to_string(),
        release: info.name().to_owned(),
        release_base: release_base(info).to_owned(),
        platforms,
        images: images.into_values().collect(),
    }
}

/// What the images of a release are for, as the release is for that; nothing when it does not say it.
pub fn claimed(published: &Published) -> BTreeMap<Digest, BTreeSet<Platform>> {
    let images = published.images.iter().filter(|_| !published.platforms.is_empty());
    let mut claimed: BTreeMap<Digest, BTreeSet<Platform>> = BTreeMap::new();
    for (platform, pull_spec) in images.flat_map(|image| &image.pull_specs) {
        let digest = pull_spec.split_once('@').and_then(|(_, digest)| digest.parse().ok());
        digest.map(|digest| claimed.entry(digest).or_default().insert(*platform));
    }
    claimed
}

/// The platform that a stream can be for; none for another one.
pub fn known_platform(platform: &oci::Platform) -> Option<Platform> {
    Platform::of_architecture(&platform.architecture).filter(|_| platform.os == "linux")
}
