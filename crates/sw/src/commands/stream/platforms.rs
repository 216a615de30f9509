//! For which platforms images from elsewhere are.
//!
//! Without asking, the store knows it of images that it has, notes of earlier answers know it, and a release that names an image is for
//! something itself. That is always looked at. Registries are asked where more than that is needed, once for each image: it never
//! changes.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use base::together::ask_all;
use oci::client::{Client, ClientError};
use oci::manifest::config::CONFIG_LIMIT;
use oci::manifest::{Descriptor, ImageConfig};
use oci::{Manifest, Reference, Store};
use stream::definition::Platform;
use stream::graph::Graphs;
use stream::lint::ImagePlatforms;
use stream::lint::foreign::used;
use stream::lock::Lock;
use stream::lock::noted::Noted;

use super::published::known_platform;
use crate::commands::answering::{Answering, is_nobodys};
use crate::failure::Failure;
use crate::settings::Home;

/// What this machine knows of the images of a stream; `claimed` is what releases say that name them.
///
/// # Errors
/// When the store cannot be opened.
pub fn known(
    home: &Home,
    graphs: &Graphs,
    lock: &Lock,
    claimed: BTreeMap<Digest, BTreeSet<Platform>>,
) -> Result<ImagePlatforms, Failure> {
    let (store, notes) = (Store::open(home.store())?, Noted::new(home.answers()));
    let known = |image: Digest| notes.platforms(image).or_else(|| stored(&store, image));
    let known = used(graphs, lock).into_keys().filter_map(|image| Some((image, known(image)?))).collect();
    Ok(ImagePlatforms { known, claimed })
}

/// Asks registries for what is not known and worth knowing, and notes the answers. Whether there were any.
///
/// A stream for the usual platform alone takes it that images are for that, unless the release that names them is not.
///
/// # Errors
/// When a file with credentials cannot be understood.
pub fn ask(home: &Home, graphs: &Graphs, lock: &Lock, images: &mut ImagePlatforms) -> Result<bool, Failure> {
    let usual = graphs.stream.platforms == BTreeSet::from([Platform::default()]);
    let worth_asking = |image: Digest, on: &BTreeSet<Platform>| match images.of(image) {
        None => !usual,
        Some(platforms) => !images.known.contains_key(&image) && !on.is_subset(platforms),
    };
    let questions: Vec<(Digest, Reference)> = used(graphs, lock)
        .into_iter()
        .filter(|(image, (_, on))| worth_asking(*image, on))
        .filter_map(|(image, (reference, _))| {
            Some((image, reference.parse::<Reference>().ok()?.at_digest(image)))
        })
        .filter(|(_, at)| !is_nobodys(at.registry()))
        .collect();
    let answering = Answering::new(!questions.is_empty())?;
    let answers = ask_all(&questions, |(_, at)| {
        let lost =
            format!("whether images in {} are for the platforms of the stream is not known", at.registry());
        answering.ask(at, &lost, |client| asked(client, at))
    });
    let notes = Noted::new(home.answers());
    let before = images.known.len();
    for ((image, _), answer) in questions.into_iter().zip(answers) {
        if let Some(platforms) = answer {
            notes.note_platforms(image, &platforms);
            images.known.insert(image, platforms);
        }
    }
    Ok(images.known.len() > before)
}

/// What the store knows of an image that it has.
fn stored(store: &Store, image: Digest) -> Option<BTreeSet<Platform>> {
    if !store.has(image) {
        return None;
    }
    let stored = store.manifest_by_digest(image).ok().flatten()?;
    let config = |config: &Descriptor| store.read(config.digest, CONFIG_LIMIT).ok();
    platforms(&stored.parse().ok()?, config)
}

/// What its registry says; nothing, when it does not have the image, and of what is no image.
fn asked(client: &Client, at: &Reference) -> Result<Option<BTreeSet<Platform>>, ClientError> {
    let found = match client.manifest(at) {
        Err(ClientError::NotFound { .. }) => return Ok(None),
        found => found?,
    };
    let Ok(manifest) = Manifest::parse(&found.media_type, &found.bytes) else { return Ok(None) };
    let mut failed = None;
    let platforms = platforms(&manifest, |config| {
        let mut bytes = Vec::new();
        let fetched = (config.size <= CONFIG_LIMIT).then(|| client.blob(at, config, &mut bytes, &()))?;
        match fetched {
            Ok(()) => Some(bytes),
            Err(e) => {
                failed = Some(e);
                None
            }
        }
    });
    failed.map_or(Ok(platforms), Err)
}

/// What a manifest says, with the configuration of an image that is alone. Nothing, when it says no platform at all.
fn platforms(
    manifest: &Manifest,
    config: impl FnOnce(&Descriptor) -> Option<Vec<u8>>,
) -> Option<BTreeSet<Platform>> {
    let all: Vec<oci::Platform> = match manifest {
        Manifest::Index(index) => index.manifests.iter().filter_map(|child| child.platform.clone()).collect(),
        Manifest::Image(image) => vec![ImageConfig::parse(&config(&image.config)?).ok()?.platform()],
    };
    let says = all.iter().any(|platform| !platform.architecture.is_empty());
    says.then(|| all.iter().filter_map(known_platform).collect())
}
