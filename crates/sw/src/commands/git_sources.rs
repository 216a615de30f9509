//! Git sources of a stream: which commit each reference means, and its files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::{Diagnostic, Diagnostics};
use stream::definition::{Definition, Origin};
use stream::lock::git::LsRemote;
use stream::lock::{Lock, ResolveCommit, ResolveError};
use stream::source::checkout::Checkouts;

/// Fetched repositories by address and reference.
#[derive(Debug, Default)]
pub struct GitSources {
    commits: BTreeMap<(String, String), String>,
    /// Their folders.
    pub checkouts: BTreeMap<(String, String), PathBuf>,
}

impl GitSources {
    /// Fetches what the stream names: at the commit of the lock when it has one, else at what the reference means now.
    ///
    /// # Errors
    /// What cannot be resolved or fetched, each with its place in the stream file.
    pub fn fetch(
        definition: &Definition,
        lock: Option<&Lock>,
        kept: &Checkouts,
    ) -> Result<Self, Diagnostics> {
        let mut sources = Self::default();
        let mut findings = Diagnostics::default();
        for (name, component) in &definition.stream.components {
            let Origin::Git(git) = &component.source else { continue };
            let at = (git.url.clone(), git.reference.clone());
            if sources.checkouts.contains_key(&at) {
                continue;
            }
            let locked = lock
                .and_then(|lock| lock.commits.get(name))
                .filter(|known| known.url == git.url && known.reference == git.reference);
            let commit = match locked {
                Some(known) => Ok(known.commit.clone()),
                None => LsRemote.commit(&git.url, &git.reference).map_err(|e| e.to_string()),
            };
            let fetched = commit.and_then(|commit| {
                kept.get(&git.url, &commit).map(|folder| (commit, folder)).map_err(|e| e.to_string())
            });
            match fetched {
                Ok((commit, folder)) => {
                    sources.commits.insert(at.clone(), commit);
                    sources.checkouts.insert(at, folder);
                }
                Err(why) => findings.push(definition.places.at(
                    &["components", name, "source", "git"],
                    Diagnostic::error("cannot-fetch", format!("cannot fetch the source of `{name}`: {why}")),
                )),
            }
        }
        findings.into_result(sources)
    }
}

impl ResolveCommit for GitSources {
    /// What was fetched is what is locked, even if the branch moves meanwhile.
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError> {
        match self.commits.get(&(url.to_owned(), reference.to_owned())) {
            Some(commit) => Ok(commit.clone()),
            None => LsRemote.commit(url, reference),
        }
    }
}
