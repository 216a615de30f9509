//! Images that are there already: whether they still are, and where steps find those that only this machine has.

use std::collections::BTreeSet;
use std::time::Duration;

use base::together::ask_all;
use base::{Diagnostic, Diagnostics};
use oci::{Reference, Store};
use stream::definition::Component;
use stream::graph::BaseImage;

use super::hasty_client;
use super::stream::Loaded;
use crate::failure::Failure;

/// How long a registry may take to begin an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Finds out, before anything runs, whether the images that a stream takes as they are can be had: from the store, else from their
/// registries.
///
/// # Errors
/// Those that cannot be had, each at the line that names it: the component's, or the overlay's `from` for a release's image.
pub fn check(store: &Store, loaded: &Loaded) -> Result<(), Failure> {
    let mut missing: Vec<(&str, Reference)> = Vec::new();
    for (name, component) in &loaded.graph.stream.components {
        let Some(image) = component.prebuilt().and_then(|image| image.parse::<Reference>().ok()) else {
            continue;
        };
        if !image.digest().is_some_and(|digest| store.has(digest)) {
            missing.push((name, image));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let client = hasty_client(None, 3, PATIENCE)?;
    let gone = ask_all(&missing, |(_, image)| match client.head(image) {
        Ok(Some(_)) => None,
        Ok(None) => Some(format!("neither the local store nor {} has it any more", image.registry())),
        Err(e) => Some(format!("the local store does not have it, and {e}")),
    });
    let findings =
        missing.iter().zip(gone).filter_map(|((name, image), why)| Some(finding(loaded, name, image, &why?)));
    Ok(Diagnostics(findings.collect()).into_result(())?)
}

fn finding(loaded: &Loaded, name: &str, image: &Reference, why: &str) -> Diagnostic {
    let places = &loaded.definition.places;
    let path = ["components", name, "source"];
    let message = format!("`{name}` is the image {image}, which cannot be had: {why}");
    let finding = Diagnostic::error("image-gone", message);
    let help = format!(
        "write `replace: {{component: {name}, source: …}}`, or take a release whose images are there"
    );
    // What a release says is written nowhere that somebody could change; which release it is, is.
    let of_a_release = places.value(&path).0.name().contains("@sha256:");
    let finding = if of_a_release { places.at(&["from"], finding) } else { places.at(&path, finding) };
    finding.help(help)
}

/// The registries of which the store has images that the stream needs: components that are there already, and bases.
///
/// Steps may not reach them, above all when they are names that only `sw registry serve` gives meaning to.
pub fn registries_at_hand(store: &Store, loaded: &Loaded) -> BTreeSet<String> {
    let stream = &loaded.graph.stream;
    let components = stream.components.values().filter_map(Component::prebuilt);
    let components = components.filter_map(|image| image.parse::<Reference>().ok());
    let bases = loaded.graph.nodes.values().flat_map(|node| node.bases.values());
    let bases = bases.filter_map(|base| match &base.image {
        BaseImage::Image(image) => {
            Some(image.parse::<Reference>().ok()?.at_digest(loaded.lock.image(image)?))
        }
        BaseImage::Component(_) => None,
    });
    let here = |image: &Reference| {
        let found = image.digest().map(|digest| store.manifest(image.repository(), &digest.to_string()));
        matches!(found, Some(Ok(Some(_))))
    };
    components.chain(bases).filter(here).map(|image| image.registry().to_owned()).collect()
}
