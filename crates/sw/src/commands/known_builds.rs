//! Where images are looked for by key before a build: the local store first, then the registries of the stream and its caches.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::together::ask_all;
use base::{Digest, Exit};
use oci::client::{Client, ClientError, is_this_machine};
use oci::{Reference, Store};
use stream::definition::Stream;
use stream::plan::{FailedBuild, Found, KnownBuilds, LastBuild};

use super::build_record::BuildRecord;
use super::cache::KEY_TAG;
use super::hasty_client;
use crate::failure::Failure;

/// How long a registry may take to begin an answer. A plan is made again and again; who is away is done without.
const PATIENCE: Duration = Duration::from_secs(5);

/// Builds that are known here and elsewhere.
pub struct KnownHereAndElsewhere<'a> {
    store: &'a Store,
    record: &'a BuildRecord,
    /// The stream's own repository, then those of its caches: the local store has the same paths.
    repositories: Vec<Reference>,
    elsewhere: Elsewhere,
}

impl<'a> KnownHereAndElsewhere<'a> {
    /// What `store` has for `stream`, and unless `offline` what registries have.
    ///
    /// # Errors
    /// When a repository of the stream file is malformed.
    pub fn new(
        store: &'a Store,
        record: &'a BuildRecord,
        stream: &Stream,
        offline: bool,
    ) -> Result<Self, Failure> {
        let all = repositories(stream)?;
        let elsewhere = Elsewhere::new(if offline { Vec::new() } else { remote(&all) })?;
        Ok(Self { store, record, repositories: all, elsewhere })
    }

    /// The repositories in registries that answered, or were not asked because nothing was missing.
    pub fn reachable(self) -> Vec<String> {
        let silent = self.elsewhere.silent.into_inner().unwrap_or_else(PoisonError::into_inner);
        let answers = |at: &&Reference| !silent.contains(at.registry()) && !silent.contains(&at.name());
        self.elsewhere.repositories.iter().filter(answers).map(Reference::name).collect()
    }

    fn here(&self, component: &str, key: Digest) -> Option<Found> {
        let tag = format!("{KEY_TAG}{}", key.hex());
        self.repositories.iter().enumerate().find_map(|(index, at)| {
            // A store that cannot be read has nothing to offer; the build itself will say so.
            let image = self.store.tag(&format!("{}/{component}", at.repository()), &tag).ok().flatten()?;
            Some(Found { image, elsewhere: (index > 0).then(|| at.name()) })
        })
    }
}

impl KnownBuilds for KnownHereAndElsewhere<'_> {
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Found>> {
        let mut found: Vec<Option<Found>> = wanted.iter().map(|(c, key)| self.here(c, *key)).collect();
        let missing: Vec<usize> = (0..wanted.len()).filter(|i| found[*i].is_none()).collect();
        let asked: Vec<(&str, Digest)> = missing.iter().map(|i| wanted[*i]).collect();
        for (index, image) in missing.into_iter().zip(self.elsewhere.images(&asked)) {
            found[index] = image;
        }
        found
    }

    fn last(&self, component: &str) -> Option<LastBuild> {
        self.record.components.get(component).cloned()
    }

    fn failed(&self, component: &str) -> Option<FailedBuild> {
        self.record.failed.get(component).cloned()
    }
}

/// Registries that may have images, as long as they answer.
struct Elsewhere {
    /// None when there is nobody to ask: a plan on this machine alone needs no credentials.
    client: Option<Client>,
    repositories: Vec<Reference>,
    /// Registries that do not answer, and repositories that others may not look into.
    silent: Mutex<BTreeSet<String>>,
}

impl Elsewhere {
    fn new(repositories: Vec<Reference>) -> Result<Self, Failure> {
        let asks = !repositories.is_empty();
        let client = asks.then(|| hasty_client(None, 1, PATIENCE)).transpose()?;
        Ok(Self { client, repositories, silent: Mutex::default() })
    }

    /// For each pair of component and key the image.
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Found>> {
        ask_all(wanted, |(component, key)| {
            self.repositories.iter().find_map(|at| {
                Some(Found { image: self.ask(at, component, *key)?, elsewhere: Some(at.name()) })
            })
        })
    }

    fn ask(&self, repository: &Reference, component: &str, key: Digest) -> Option<Digest> {
        let silent = || self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if silent().contains(repository.registry()) || silent().contains(&repository.name()) {
            return None;
        }
        let place: Reference = format!("{}/{component}", repository.name()).parse().ok()?;
        match self.client.as_ref()?.head(&place.at_tag(&format!("{KEY_TAG}{}", key.hex())).ok()?) {
            Ok(found) => found.map(|manifest| manifest.digest),
            Err(e) => {
                let private = matches!(e, ClientError::Unauthorized { .. } | ClientError::Forbidden { .. });
                let name = if private { repository.name() } else { repository.registry().to_owned() };
                if silent().insert(name) {
                    anstream::eprintln!(
                        "warning: builds in {} are not looked at: {e}; --offline asks no registry",
                        repository.name()
                    );
                }
                None
            }
        }
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

/// Those in registries of other machines. Names under `.example` and `.invalid` are nobody's (RFC 2606): a stream that is not
/// published has such a one.
fn remote(all: &[Reference]) -> Vec<Reference> {
    let nobodys = |registry: &str| {
        let host = registry.split(':').next().unwrap_or(registry);
        host.ends_with(".example") || host.ends_with(".invalid")
    };
    let asked = all.iter().filter(|at| !is_this_machine(at.registry()) && !nobodys(at.registry()));
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
        let tag = format!("{KEY_TAG}{}", key.hex());
        store.put_manifest("mine/app", image.media_type, &image.manifest, Some(&tag)).unwrap();
        // Nothing listens on port 1.
        let repositories = vec![at("127.0.0.1:1/gone"), at(&format!("{}/mine", server.addr()))];
        let elsewhere = Elsewhere::new(repositories).unwrap();
        let other = Digest::of("another key");
        let wanted = [("app", key), ("app", other), ("tool", key)];
        let found = Found { image: image.digest, elsewhere: Some(format!("{}/mine", server.addr())) };
        assert_eq!(elsewhere.images(&wanted), [Some(found), None, None]);
        assert_eq!(*elsewhere.silent.lock().unwrap(), BTreeSet::from(["127.0.0.1:1".to_owned()]));
    }
}
