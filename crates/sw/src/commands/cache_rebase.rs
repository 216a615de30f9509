//! Setting an image of the same inputs on another base: what `sw cache lookup` tries before it says that something must be built.

use std::{error, fmt};

use base::Digest;
use oci::client::Client;
use oci::manifest::config::CONFIG_LIMIT;
use oci::rebase::layers::Differing;
use oci::rebase::{Parts, Provenance, Rebased, member, rebase, stands_on};
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

/// What comes of exchanging a base.
pub enum Exchanged {
    /// The image as it is: it stands on what the new base is for its platform.
    Kept(StoredManifest),
    /// The image on the new base.
    Rebased(Rebased),
}

impl Places<'_> {
    /// Exchanges a base under `newest`, pushes what comes of it under `tag`, and gives it.
    ///
    /// # Errors
    /// Why it cannot be, and what did not work.
    pub fn exchange(&self, newest: Digest, swap: &Swap, tag: &Reference) -> anyhow::Result<Exchanged> {
        let Exchange { image, bases } = exchange(self, newest, swap)?;
        let scratch = tempfile::tempdir()?;
        let through = Store::open(scratch.path().join("store"))?;
        let Some((old, new)) = bases else {
            self.client.push_made(&image.parts.manifest, tag, &[image.at], &through, &())?;
            return Ok(Exchanged::Kept(image.parts.manifest));
        };
        let rebased = rebase(&image.parts, &old.parts, &new.parts)?;
        let differing = Differing::of(&image.parts, &old.parts, &new.parts)?;
        for (place, layers) in
            [(&image.at, &differing.own), (&old.at, &differing.old), (&new.at, &differing.new)]
        {
            let blobs: Vec<Descriptor> = layers.iter().map(|layer| layer.descriptor.clone()).collect();
            self.client.fetch_blobs(place, &blobs, &through, &())?;
        }
        if let Some(conflict) = differing.conflict(&through)? {
            return Err(conflict.into());
        }
        through.put(&rebased.parts.config)?;
        self.client.push_made(&rebased.parts.manifest, tag, &[image.at, new.at], &through, &())?;
        Ok(Exchanged::Rebased(rebased))
    }

    /// A manifest in the first of the places that has it.
    fn find<'a>(
        &self,
        digest: Digest,
        places: impl IntoIterator<Item = &'a Reference>,
    ) -> anyhow::Result<Option<(Reference, StoredManifest)>> {
        for place in places {
            let at = place.at_digest(digest);
            // Who does not answer, or forbids to look, has it not.
            if let Ok(Some(_)) = self.client.head(&at) {
                return Ok(Some((place.clone(), self.client.manifest(&at)?)));
            }
        }
        Ok(None)
    }
}

impl Images for Places<'_> {
    type At = Reference;

    fn of_component(&self, digest: Digest) -> anyhow::Result<Option<(Reference, StoredManifest)>> {
        self.find(digest, std::iter::once(self.own).chain(self.others))
    }

    fn of_base(&self, digest: Digest) -> anyhow::Result<Option<(Reference, StoredManifest)>> {
        self.find(digest, &self.bases)
    }

    fn config(&self, at: &Reference, config: &Descriptor) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.client.blob(at, config, &mut bytes, &())?;
        Ok(bytes)
    }
}

/// Whether a base can be exchanged under an image, as far as `store` has all of them and their configurations say.
///
/// # Errors
/// Why not.
pub fn fits(store: &Store, newest: Digest, swap: &Swap) -> Result<(), String> {
    let fits = exchange(store, newest, swap).and_then(|Exchange { image, bases }| match bases {
        None => Ok(()),
        Some((old, new)) => Ok(rebase(&image.parts, &old.parts, &new.parts).map(drop)?),
    });
    fits.or_else(|why| if why.is::<Gone>() { Ok(()) } else { Err(why.to_string()) })
}

/// What the store has of an image.
pub fn stored(store: &Store, digest: Digest) -> Option<Parts> {
    Found::of("image", store, store.of_component(digest).ok()??).ok().map(|found| found.parts)
}

impl Images for Store {
    type At = ();

    fn of_component(&self, digest: Digest) -> anyhow::Result<Option<((), StoredManifest)>> {
        Ok(self.manifest_by_digest(digest)?.map(|manifest| ((), manifest)))
    }

    fn of_base(&self, digest: Digest) -> anyhow::Result<Option<((), StoredManifest)>> {
        self.of_component(digest)
    }

    fn config(&self, (): &(), config: &Descriptor) -> anyhow::Result<Vec<u8>> {
        // A store may have the manifest of what somebody only looked at.
        if !self.has(config.digest) {
            return Err(Gone { which: "configuration", digest: config.digest }.into());
        }
        Ok(self.read(config.digest, CONFIG_LIMIT)?)
    }
}

/// Who has images: registries, or a store.
trait Images {
    /// Where one of them is.
    type At;

    /// An image of the component, if it is anywhere.
    fn of_component(&self, digest: Digest) -> anyhow::Result<Option<(Self::At, StoredManifest)>>;

    /// A base, which may be a list, if it is anywhere.
    fn of_base(&self, digest: Digest) -> anyhow::Result<Option<(Self::At, StoredManifest)>>;

    /// The configuration of an image that was found.
    fn config(&self, at: &Self::At, config: &Descriptor) -> anyhow::Result<Vec<u8>>;
}

/// An image, and where it is.
struct Found<At> {
    at: At,
    parts: Parts,
}

impl<At> Found<At> {
    fn of(
        which: &str,
        images: &impl Images<At = At>,
        (at, manifest): (At, StoredManifest),
    ) -> anyhow::Result<Self> {
        let Manifest::Image(image) = manifest.parse()? else {
            anyhow::bail!("the {which} {} is a list of several images", manifest.digest.short())
        };
        if image.config.size > CONFIG_LIMIT {
            anyhow::bail!("the configuration of the {which} {} is too large", manifest.digest.short());
        }
        let config = images.config(&at, &image.config)?;
        Ok(Self { at, parts: Parts { manifest, config } })
    }
}

/// The images that take part.
struct Exchange<At> {
    /// The component's: as it was built, or as it is when it stays.
    image: Found<At>,
    /// What it was built on, and what it is to stand on; none when it stands on that already.
    bases: Option<(Found<At>, Found<At>)>,
}

/// Finds the images that take part. Of a base that is a list, that is the one for the platform of the component's image.
///
/// It begins with what was built, also when `newest` was rebased itself.
fn exchange<I: Images>(images: &I, newest: Digest, swap: &Swap) -> anyhow::Result<Exchange<I::At>> {
    fn there<T>(which: &'static str, digest: Digest, found: Option<T>) -> anyhow::Result<T> {
        found.ok_or_else(|| Gone { which, digest }.into())
    }
    let of_component =
        |which, digest| Found::of(which, images, there(which, digest, images.of_component(digest)?)?);
    let newest = of_component("image", newest)?;
    let of_base = |which, digest| {
        let found = there(which, digest, images.of_base(digest)?)?;
        let member = member(which, &found.1, &newest.parts)?;
        if member == digest { Ok(found) } else { there(which, member, images.of_base(member)?) }
    };
    let new = Found::of("new base", images, of_base("new base", swap.to)?)?;
    let (built, from, now) = match Provenance::read(&newest.parts.config) {
        Some(earlier) => {
            (Some(of_component("image that was built", earlier.image)?), earlier.from, earlier.to)
        }
        None => {
            let from = of_base("old base", swap.from)?.1.digest;
            (None, from, from)
        }
    };
    if now == new.parts.manifest.digest {
        // It may be for another platform than it says.
        stands_on(&newest.parts, &new.parts)?;
        return Ok(Exchange { image: newest, bases: None });
    }
    let old = Found::of("old base", images, of_base("old base", from)?)?;
    Ok(Exchange { image: built.unwrap_or(newest), bases: Some((old, new)) })
}

/// An image that takes part and is nowhere.
#[derive(Debug)]
struct Gone {
    which: &'static str,
    digest: Digest,
}

impl error::Error for Gone {}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {} is gone", self.which, self.digest.short())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use testkit::image::{BuiltImage, Image, Layer, index};

    use super::*;

    fn put(store: &Store, image: &BuiltImage) -> Digest {
        for blob in image.blobs() {
            store.put(blob).unwrap();
        }
        store.put_manifest("x", image.media_type, &image.manifest, None).unwrap()
    }

    fn holding(layers: &[&str], architecture: &str) -> BuiltImage {
        let layers = layers.iter().map(|content| Layer::new().file(content, content).gzip());
        layers.fold(Image::new(), Image::layer).platform("linux", architecture).build()
    }

    fn list(store: &Store, members: &[&BuiltImage]) -> Digest {
        let (bytes, media_type) = index(members);
        store.put_sparse_index("x", media_type, &bytes, None).unwrap()
    }

    #[test]
    fn what_a_store_has_of_lists_says_whether_a_base_fits() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let [one, two] = ["one", "two"].map(|content| holding(&[content], "amd64"));
        let [eins, zwei] = ["eins", "zwei"].map(|content| holding(&[content], "arm64"));
        let app = put(&store, &holding(&["one", "app"], "amd64"));
        // On what is for another platform than it says.
        let odd = put(&store, &holding(&["eins", "app"], "amd64"));
        put(&store, &one);
        let (old, other) = (list(&store, &[&one, &eins]), list(&store, &[&one, &zwei]));
        let fits = |image, to| fits(&store, image, &Swap { base: "b".to_owned(), from: old, to });
        assert_eq!(fits(app, other), Ok(()), "the same member");
        assert_eq!(
            fits(odd, other),
            Err("the image does not stand on the layers of the old base".to_owned())
        );
        let newer = list(&store, &[&two, &zwei]);
        assert_eq!(fits(app, newer), Ok(()), "the new member is not here: nobody knows");
        put(&store, &two);
        assert_eq!(fits(app, newer), Err("the old base has no label streamwright.dev/abi".to_owned()));
        let none = "the new base is a list that has no image for linux/amd64 (it has: linux/arm64)";
        assert_eq!(fits(app, list(&store, &[&zwei])), Err(none.to_owned()));
    }
}
