//! Where images are looked for by key before a build: the local store first, then the registries of the stream and its caches.

use base::together::ask_all;
use base::{Digest, Exit};
use oci::client::{Client, ClientError, is_this_machine};
use oci::{Reference, Store};
use stream::Graphs;
use stream::definition::{Platform, Rebuild, Stream};
use stream::key::policy::{Whence, tag};
use stream::plan::{FailedBuild, Found, KnownBuilds, LastBuild, Newest, Swap};

use super::answering::{Answering, is_nobodys};
use super::build_record::BuildRecord;
use super::cache_lookup::newest_at;
use super::cache_rebase;
use super::newest_build::NewestBuild;
use crate::failure::Failure;

/// Builds that are known here and elsewhere.
pub struct KnownHereAndElsewhere<'a> {
    store: &'a Store,
    record: &'a BuildRecord,
    graphs: &'a Graphs,
    /// The stream's own repository, then those of its caches: the local store has the same paths.
    repositories: Vec<Reference>,
    elsewhere: Elsewhere,
}

impl<'a> KnownHereAndElsewhere<'a> {
    /// What `store` has for the stream of `graphs`, and unless `offline` what registries have.
    ///
    /// # Errors
    /// When a repository of the stream file is malformed.
    pub fn new(
        store: &'a Store,
        record: &'a BuildRecord,
        graphs: &'a Graphs,
        offline: bool,
    ) -> Result<Self, Failure> {
        let all = repositories(&graphs.stream)?;
        let elsewhere = Elsewhere::new(if offline { Vec::new() } else { remote(&all) })?;
        Ok(Self { store, record, graphs, repositories: all, elsewhere })
    }

    /// The repositories in registries that answered, or were not asked because nothing was missing.
    pub fn reachable(self) -> Vec<String> {
        let Elsewhere { answering, repositories } = &self.elsewhere;
        repositories.iter().filter(|at| !answering.is_silent(at)).map(Reference::name).collect()
    }

    /// Where the images of a component may come from.
    fn whence(&self, component: &str) -> Whence {
        let node = self.graphs.iter().find_map(|graph| graph.nodes.get(component));
        node.map(|node| node.policy.whence).unwrap_or_default()
    }

    fn here(&self, component: &str, key: Digest) -> Option<Found> {
        let tag = tag(Rebuild::Transitive, &key);
        let own = self.whence(component) == Whence::Own;
        let asked = self.repositories.iter().take(if own { 1 } else { usize::MAX });
        asked.enumerate().find_map(|(index, at)| {
            // A store that cannot be read has nothing to offer; the build itself will say so.
            let image = self.store.tag(&format!("{}/{component}", at.repository()), &tag).ok().flatten()?;
            Some(Found { image, elsewhere: (index > 0).then(|| at.name()) })
        })
    }

    /// The repositories in registries that may have images of a component.
    fn there(&self, component: &str) -> impl Iterator<Item = &Reference> {
        let own = self.whence(component) == Whence::Own;
        let only = if own { self.repositories.first() } else { None };
        self.elsewhere.repositories.iter().filter(move |at| only.is_none_or(|own| own == *at))
    }

    /// The newest image of a weak key, in the order in which a build looks.
    fn newest_of(&self, component: &str, tag: &str) -> Option<NewestBuild> {
        let here = |at: &Reference| {
            NewestBuild::in_store(self.store, &format!("{}/{component}", at.repository()), tag)
        };
        let there = || {
            self.there(component).find_map(|at| {
                self.elsewhere.ask(at, component, |client, place| newest_at(client, place, tag))
            })
        };
        let (own, others) = self.repositories.split_first()?;
        match self.whence(component) {
            Whence::Own => here(own).or_else(there),
            Whence::Anywhere => here(own).or_else(|| others.iter().find_map(here)).or_else(there),
            Whence::OthersFirst => others.iter().find_map(here).or_else(there).or_else(|| here(own)),
        }
    }
}

impl KnownBuilds for KnownHereAndElsewhere<'_> {
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Found>> {
        let mut found: Vec<Option<Found>> = wanted.iter().map(|(c, key)| self.here(c, *key)).collect();
        let missing: Vec<usize> = (0..wanted.len()).filter(|i| found[*i].is_none()).collect();
        let asked: Vec<(&str, Digest)> = missing.iter().map(|i| wanted[*i]).collect();
        let there = ask_all(&asked, |(component, key)| {
            let tag = tag(Rebuild::Transitive, key);
            self.there(component).find_map(|at| self.elsewhere.image(at, component, &tag))
        });
        for (index, image) in missing.into_iter().zip(there) {
            found[index] = image;
        }
        found
    }

    fn newest(&self, wanted: &[(&str, Rebuild, Digest)]) -> Vec<Option<Newest>> {
        ask_all(wanted, |(component, rebuild, key)| {
            self.newest_of(component, &tag(*rebuild, key)).map(NewestBuild::known)
        })
    }

    fn rebase(&self, _: &str, image: Digest, swap: &Swap) -> Result<(), String> {
        cache_rebase::fits(self.store, image, swap)
    }

    fn last(&self, platform: Platform, component: &str) -> Option<LastBuild> {
        self.record.platforms.get(&platform)?.components.get(component).cloned()
    }

    fn failed(&self, platform: Platform, component: &str) -> Option<FailedBuild> {
        self.record.platforms.get(&platform)?.failed.get(component).cloned()
    }
}

/// Registries that may have images, as long as they answer.
struct Elsewhere {
    answering: Answering,
    repositories: Vec<Reference>,
}

impl Elsewhere {
    fn new(repositories: Vec<Reference>) -> Result<Self, Failure> {
        Ok(Self { answering: Answering::new(!repositories.is_empty())?, repositories })
    }

    /// The image of a component under a tag.
    fn image(&self, repository: &Reference, component: &str, tag: &str) -> Option<Found> {
        let image = self.ask(repository, component, |client, place| match place.at_tag(tag) {
            Ok(at) => Ok(client.head(&at)?.map(|manifest| manifest.digest)),
            Err(_) => Ok(None),
        });
        Some(Found { image: image?, elsewhere: Some(repository.name()) })
    }

    /// Asks for something of a component, unless it is known that nobody answers.
    fn ask<T>(
        &self,
        repository: &Reference,
        component: &str,
        ask: impl FnOnce(&Client, &Reference) -> Result<Option<T>, ClientError>,
    ) -> Option<T> {
        let place: Reference = format!("{}/{component}", repository.name()).parse().ok()?;
        let lost = format!("builds in {} are not looked at", repository.name());
        self.answering.ask(repository, &lost, |client| ask(client, &place))
    }
}

/// The stream's own repository, then those of its caches.
fn repositories(stream: &Stream) -> Result<Vec<Reference>, Failure> {
    let mut all: Vec<Reference> = Vec::new();
    for repository in std::iter::once(&stream.repository).chain(&stream.caches) {
        let at: Reference = repository.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
        if !all.contains(&at) {
            all.push(at);
        }
    }
    Ok(all)
}

/// Those in registries of other machines; a stream that is not published has one of nobody's.
fn remote(all: &[Reference]) -> Vec<Reference> {
    let asked = all.iter().filter(|at| !is_this_machine(at.registry()) && !is_nobodys(at.registry()));
    asked.cloned().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use oci::server::Server;

    use super::*;

    fn at(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn only_registries_of_others_are_asked() {
        let all =
            ["localhost:5757/a", "127.0.0.1:1/a", "registry.example/a", "x.invalid:5000/a", "quay.io/a/b"];
        assert_eq!(remote(&all.map(at)), [at("quay.io/a/b")]);
    }

    #[test]
    fn who_does_not_answer_is_asked_once_and_the_next_one_still() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let server = Server::start(store.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
        let image = testkit::image::Image::holding("app").build();
        for blob in image.blobs() {
            store.put(blob).unwrap();
        }
        let key = Digest::of("key");
        let tag = tag(Rebuild::Transitive, &key);
        store.put_manifest("mine/app", image.media_type, &image.manifest, Some(&tag)).unwrap();
        // Nothing listens on port 1.
        let repositories = vec![at("127.0.0.1:1/gone"), at(&format!("{}/mine", server.addr()))];
        let elsewhere = Elsewhere::new(repositories).unwrap();
        let ask = |component: &str, tag: &str| {
            elsewhere.repositories.iter().find_map(|at| elsewhere.image(at, component, tag))
        };
        let found = Found { image: image.digest, elsewhere: Some(format!("{}/mine", server.addr())) };
        assert_eq!(ask("app", &tag), Some(found));
        assert_eq!((ask("app", "key-other"), ask("tool", &tag)), (None, None));
        let silent = |index: usize| elsewhere.answering.is_silent(&elsewhere.repositories[index]);
        assert_eq!((silent(0), silent(1)), (true, false));
    }
}
