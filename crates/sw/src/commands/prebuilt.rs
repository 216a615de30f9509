//! Images that are there already: whether they still are, and where steps find those that only this machine has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::together::ask_all;
use base::{Diagnostic, Diagnostics, Digest};
use oci::{Reference, Store};
use stream::definition::Component;
use stream::graph::{Base, BaseImage};

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
    for (name, component) in loaded.graphs.iter().flat_map(|graph| &graph.stream.components) {
        let Some(image) = component.prebuilt().and_then(|image| image.parse::<Reference>().ok()) else {
            continue;
        };
        let met = missing.iter().any(|(_, known)| *known == image);
        if !met && !image.digest().is_some_and(|digest| store.has(digest)) {
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
    let finding = if loaded.definition.release_of(name).is_some() {
        places.at(&["from"], finding)
    } else {
        places.at(&path, finding)
    };
    finding.help(help)
}

/// Finds out, before anything runs, whether the images that components start from are still there, of the components for which
/// `built` says so. Only a registry's definite no counts: steps may reach what we cannot.
///
/// # Errors
/// Those that are gone, each at the line that gives it its meaning, with the line of the lock.
pub fn check_bases(store: &Store, loaded: &Loaded, built: &dyn Fn(&str) -> bool) -> Result<(), Failure> {
    let mut wanted: BTreeMap<(&str, Digest), (&str, &Base)> = BTreeMap::new();
    let nodes = loaded.graphs.iter().flat_map(|graph| &graph.nodes);
    for (name, node) in nodes.filter(|(name, _)| built(name)) {
        for base in node.bases.values() {
            let BaseImage::Image(reference) = &base.image else { continue };
            if let Some(digest) = loaded.lock.image(reference).filter(|digest| !store.has(*digest)) {
                wanted.entry((reference, digest)).or_insert((name, base));
            }
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let client = hasty_client(None, 3, PATIENCE)?;
    let wanted: Vec<_> = wanted.into_iter().collect();
    let gone = ask_all(&wanted, |((reference, digest), _)| {
        let at = reference.parse::<Reference>().map(|at| at.at_digest(*digest));
        at.is_ok_and(|at| matches!(client.head(&at), Ok(None)))
    });
    let gone = wanted.iter().zip(gone).filter(|(_, gone)| *gone);
    let findings = gone
        .map(|(((reference, digest), (name, base)), _)| base_finding(loaded, name, base, reference, *digest));
    Ok(Diagnostics(findings.collect()).into_result(())?)
}

fn base_finding(loaded: &Loaded, name: &str, base: &Base, reference: &str, digest: Digest) -> Diagnostic {
    let image = if reference.contains('@') { reference.to_owned() } else { format!("{reference}@{digest}") };
    let message = format!(
        "`{name}` starts from the image {image}, which neither the local store nor its registry has any more"
    );
    let finding = Diagnostic::error("image-gone", message);
    let mut finding = match &base.entry {
        Some(entry) => loaded.definition.places.at(&["bases", entry], finding),
        None => finding.at(&base.source, base.span),
    };
    if let Some((file, span)) = loaded.locked_at(&digest.to_string()) {
        finding = finding.related(file, span, "the lock says it here");
    }
    let stream = loaded.folder.path().display();
    finding.help(if reference.contains('@') {
        "name another image, or push this one back from a machine that has it".to_owned()
    } else {
        format!(
            "`sw update {stream} {reference}` takes what the tag means now; `sw lock {stream} --verify` lists all that is gone"
        )
    })
}

/// The registries of which the store has images that the stream needs: components that are there already, and bases.
///
/// Steps may not reach them, above all when they are names that only `sw registry serve` gives meaning to.
pub fn registries_at_hand(store: &Store, loaded: &Loaded) -> BTreeSet<String> {
    let components = loaded.graphs.iter().flat_map(|graph| graph.stream.components.values());
    let components = components.filter_map(Component::prebuilt);
    let components = components.filter_map(|image| image.parse::<Reference>().ok());
    let nodes = loaded.graphs.iter().flat_map(|graph| graph.nodes.values());
    let bases = nodes.flat_map(|node| node.bases.values());
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
