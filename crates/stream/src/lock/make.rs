//! A stream and answers to a lock.

use std::collections::{BTreeMap, BTreeSet};

use base::together::ask_all;
use base::{Diagnostic, Diagnostics, Digest, Hasher};
use jiff::Timestamp;

use super::{Commit, Kind, Lock, Packages, Pin, ResolveError, Resolvers, tagged_images};
use crate::definition::{ApiVersion, Base, Git, Origin, Places};
use crate::graph::{Graph, Graphs};

/// Seconds of a day: new locks pretend that everything was made at the last midnight, which reads better than a random second.
const DAY: i64 = 86_400;

/// Makes a lock for a stream: keeps of `old` what still answers the stream's questions, asks for the rest.
///
/// `now` is the epoch of a first lock; later ones keep theirs, as a new epoch would rebuild everything.
///
/// # Errors
/// What could not be resolved, with its place in the stream file. All components are tried.
pub fn make(
    graphs: &Graphs,
    places: &Places,
    resolvers: Resolvers<'_>,
    old: Option<&Lock>,
    now: Timestamp,
) -> Result<Lock, Diagnostics> {
    // A lock of another stream answers nothing.
    let old = old.filter(|old| old.stream == graphs.stream.name);
    let lock = Lock {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::Lock,
        stream: graphs.stream.name.clone(),
        from: None,
        epoch: old.map_or(now.as_second().div_euclid(DAY) * DAY, |old| old.epoch),
        packages: BTreeMap::new(),
        images: BTreeMap::new(),
        commits: BTreeMap::new(),
    };
    let mut making = Making { graphs, places, resolvers, old, lock, findings: Diagnostics::default() };
    graphs.iter().for_each(|graph| making.packages(graph));
    making.images();
    making.commits();
    making.findings.into_result(making.lock)
}

/// A lock that is being made.
struct Making<'a> {
    graphs: &'a Graphs,
    places: &'a Places,
    resolvers: Resolvers<'a>,
    old: Option<&'a Lock>,
    lock: Lock,
    findings: Diagnostics,
}

impl Making<'_> {
    /// The packages of all components on a platform, what is below first.
    fn packages(&mut self, graph: &Graph) {
        for component in graph.order() {
            match self.packages_of(graph, component) {
                Ok(None) => {}
                Ok(Some(packages)) => {
                    let on_platform = self.lock.packages.entry(graph.platform).or_default();
                    on_platform.insert(component.to_owned(), packages);
                }
                Err(error) => {
                    self.findings.push(self.package_finding(graph, component, &error));
                    // What stands on it would be resolved against the wrong base and fail for the wrong reason.
                    if graph.nodes.keys().any(|other| graph.ancestors(other).contains(component)) {
                        break;
                    }
                }
            }
        }
    }

    /// The packages of one component, whose bases are locked already.
    fn packages_of(&self, graph: &Graph, component: &str) -> Result<Option<Packages>, ResolveError> {
        let wanted = wanted(graph, component);
        if wanted.is_empty() {
            return Ok(None);
        }
        let installed = self.lock.installed_below(graph, component);
        let beyond = beyond(&installed);
        let old = self.old.and_then(|old| old.packages(graph.platform, component));
        if let Some(old) = old.filter(|old| old.wanted == wanted && old.beyond == beyond) {
            return Ok(Some(old.clone()));
        }
        let mut pinned = self.resolvers.packages.packages(&wanted, &installed, graph.platform)?;
        pinned.sort();
        pinned.dedup();
        Ok(Some(Packages { wanted, beyond, pinned }))
    }

    /// Points at the package that the answer names, else at the list.
    fn package_finding(&self, graph: &Graph, component: &str, error: &ResolveError) -> Diagnostic {
        let several = self.graphs.are_several();
        let on = if several { format!(" on {}", graph.platform) } else { String::new() };
        let message = format!("cannot lock the packages of `{component}`{on}: {error}");
        let finding = Diagnostic::error("cannot-lock-packages", message);
        let asked = graph.stream.components.get(component).map_or(&[][..], |c| &c.packages);
        let index = match error {
            ResolveError::Unknown { what, .. } => {
                asked.iter().position(|name| what.contains(&format!("`{name}`")))
            }
            ResolveError::NotHere { .. } | ResolveError::Failed { .. } => None,
        };
        let index = index.map(|index| index.to_string());
        let path = ["components", component, "packages"].into_iter().chain(index.as_deref());
        self.places.at(&path.collect::<Vec<_>>(), finding)
    }

    /// The digests of images; those that the old lock does not know are asked for together.
    fn images(&mut self) {
        let references: Vec<&str> = tagged_images(self.graphs).collect::<BTreeSet<_>>().into_iter().collect();
        let (old, resolvers) = (self.old, self.resolvers);
        let answers = ask_all(&references, |reference| {
            let known = old.and_then(|old| old.images.get(*reference).copied());
            known.map_or_else(|| resolvers.images.image(reference), Ok)
        });
        for (reference, answer) in references.into_iter().zip(answers) {
            match answer {
                Ok(digest) => drop(self.lock.images.insert(reference.to_owned(), digest)),
                Err(error) => self.findings.push(self.image_finding(reference, &error)),
            }
        }
    }

    fn image_finding(&self, reference: &str, error: &ResolveError) -> Diagnostic {
        let message = format!("cannot lock the image {reference}: {error}");
        let help = match error {
            ResolveError::NotHere { .. } => "without --offline its registry is asked",
            _ => "check the name, and that the registry can be reached; or write the digest: …@sha256:…",
        };
        let stream = &self.graphs.stream;
        let means =
            |base: &Base| stream.platforms.iter().any(|platform| base.image(*platform) == Some(reference));
        let key = stream.bases.iter().find(|(_, base)| means(base));
        let field = if matches!(key, Some((_, Base::Images(_)))) { "images" } else { "image" };
        let path = ["bases", key.map_or("", |(key, _)| key), field];
        self.places.at(&path, Diagnostic::error("cannot-lock-image", message)).help(help)
    }

    /// The commits of git sources; those that the old lock does not know are asked for together, each address and reference once.
    fn commits(&mut self) {
        let components = &self.graphs.stream.components;
        let sources = components.iter().filter_map(|(name, component)| match &component.source {
            Origin::Git(git) => Some((name, git)),
            _ => None,
        });
        let old = self.old;
        let known = |name: &str, git: &Git| {
            let known = old.and_then(|old| old.commits.get(name))?;
            known.answers(git).then(|| known.clone())
        };
        let unknown = sources.clone().filter(|(name, git)| known(name, git).is_none());
        let questions: BTreeSet<(&str, &str)> =
            unknown.map(|(_, git)| (git.url.as_str(), git.reference.as_str())).collect();
        let questions: Vec<_> = questions.into_iter().collect();
        let resolver = self.resolvers.commits;
        let answers = ask_all(&questions, |(url, reference)| resolver.commit(url, reference));
        let answers: BTreeMap<_, _> = questions.into_iter().zip(answers).collect();
        for (component, git) in sources {
            match (known(component, git), answers.get(&(git.url.as_str(), git.reference.as_str()))) {
                (Some(known), _) => drop(self.lock.commits.insert(component.clone(), known)),
                (None, Some(Ok(commit))) => {
                    let (url, reference) = (git.url.clone(), git.reference.clone());
                    let commit = Commit { url, reference, commit: commit.clone() };
                    self.lock.commits.insert(component.clone(), commit);
                }
                (None, Some(Err(error))) => {
                    let message = format!("cannot lock the source of `{component}`: {error}");
                    let finding = Diagnostic::error("cannot-lock-commit", message);
                    self.findings.push(self.places.at(&["components", component, "source", "git"], finding));
                }
                (None, None) => {}
            }
        }
    }
}

/// What the stream file asks for, in the order that locks have it.
pub(super) fn wanted(graph: &Graph, component: &str) -> Vec<String> {
    let asked =
        graph.stream.components.get(component).map(|c| c.packages.iter().cloned().collect::<BTreeSet<_>>());
    asked.into_iter().flatten().collect()
}

/// The digest of the packages that are there already.
pub(super) fn beyond(installed: &[Pin]) -> Digest {
    let mut hasher = Hasher::new();
    for pin in installed {
        hasher.field(pin.to_string());
    }
    hasher.finish()
}
