//! Setting an image of the same inputs on another base: what `sw cache lookup` tries before it says that something must be built.

use anyhow::bail;
use base::Digest;
use oci::client::Client;
use oci::manifest::config::CONFIG_LIMIT;
use oci::rebase::layers::Differing;
use oci::rebase::{Parts, Provenance, Rebased, rebase};
use oci::{Descriptor, Manifest, Reference, Store, StoredManifest};
use stream::plan::Swap;

/// Where the images are that it takes.
pub struct Places<'a> {
    /// Asks the registries.
    pub client: &'a Client,
    /// The component's own repository, where the image goes.
    pub own: &'a Reference,
    /// The component's repositories in other streams.
    pub others: &'a [Reference],
    /// Repositories that may have the bases.
    pub bases: Vec<Reference>,
}

impl Places<'_> {
    /// Exchanges a base under `image`, pushes what comes of it under `tag`, and gives it.
    ///
    /// It begins with what was built, also when `image` was rebased itself.
    ///
    /// # Errors
    /// Why it cannot be, and what did not work.
    pub fn rebase(&self, image: Digest, swap: &Swap, tag: &Reference) -> anyhow::Result<Rebased> {
        let (mut at, mut image) = self.find("image", image, &self.of_component())?;
        let mut from = swap.from;
        if let Some(earlier) = Provenance::read(&image.config) {
            (at, image) = self.find("image that was built", earlier.image, &self.of_component())?;
            from = earlier.from;
        }
        let bases: Vec<&Reference> = self.bases.iter().collect();
        let (old_at, old) = self.find("old base", from, &bases)?;
        let (new_at, new) = self.find("new base", swap.to, &bases)?;
        let rebased = rebase(&image, &old, &new)?;
        let scratch = tempfile::tempdir()?;
        let through = Store::open(scratch.path().join("store"))?;
        let differing = Differing::of(&image, &old, &new)?;
        for (place, layers) in [(&at, &differing.own), (&old_at, &differing.old), (&new_at, &differing.new)] {
            let blobs: Vec<Descriptor> = layers.iter().map(|layer| layer.descriptor.clone()).collect();
            self.client.fetch_blobs(place, &blobs, &through, &())?;
        }
        if let Some(conflict) = differing.conflict(&through)? {
            return Err(conflict.into());
        }
        through.put(&rebased.parts.config)?;
        self.client.push_made(&rebased.parts.manifest, tag, &[at, new_at], &through, &())?;
        Ok(rebased)
    }

    fn of_component(&self) -> Vec<&Reference> {
        std::iter::once(self.own).chain(self.others).collect()
    }

    /// An image in the first of the places that has it.
    fn find(&self, which: &str, digest: Digest, places: &[&Reference]) -> anyhow::Result<(Reference, Parts)> {
        for place in places {
            let at = place.at_digest(digest);
            // Who does not answer, or forbids to look, has it not.
            if let Ok(Some(_)) = self.client.head(&at) {
                return Ok(((*place).clone(), self.parts(&at)?));
            }
        }
        bail!("the {which} {} is gone", digest.short())
    }

    fn parts(&self, at: &Reference) -> anyhow::Result<Parts> {
        let manifest = self.client.manifest(at)?;
        let Manifest::Image(image) = manifest.parse()? else { bail!("{at} is an index of several images") };
        if image.config.size > CONFIG_LIMIT {
            bail!("the configuration of {at} is too large");
        }
        let mut config = Vec::new();
        self.client.blob(at, &image.config, &mut config, &())?;
        Ok(Parts { manifest, config })
    }
}

/// Whether a base can be exchanged under an image, as far as `store` has all three of them and their configurations say.
///
/// # Errors
/// Why not.
pub fn fits(store: &Store, image: Digest, swap: &Swap) -> Result<(), String> {
    let Some(mut image) = stored(store, image) else { return Ok(()) };
    let mut from = swap.from;
    if let Some(earlier) = Provenance::read(&image.config) {
        let Some(built) = stored(store, earlier.image) else { return Ok(()) };
        (image, from) = (built, earlier.from);
    }
    match (stored(store, from), stored(store, swap.to)) {
        (Some(old), Some(new)) => rebase(&image, &old, &new).map(drop).map_err(|e| e.to_string()),
        _ => Ok(()),
    }
}

/// What the store has of an image.
pub fn stored(store: &Store, digest: Digest) -> Option<Parts> {
    let manifest: StoredManifest = store.manifest_by_digest(digest).ok().flatten()?;
    let Manifest::Image(image) = manifest.parse().ok()? else { return None };
    let config = store.read(image.config.digest, CONFIG_LIMIT).ok()?;
    Some(Parts { manifest, config })
}
