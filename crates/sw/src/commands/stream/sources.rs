//! The sources of components that do not lie in the stream's own folder: from git, of streams below, altered.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::{Diagnostic, Diagnostics};
use stream::definition::{Component, Definition, Origin};
use stream::lock::git::LsRemote;
use stream::lock::{Lock, ResolveCommit, ResolveError};
use stream::source::checkout::Checkouts;
use stream::source::folder::{Fetched, Folder, lies_here};

use super::altered;
use crate::settings::Home;

/// Sources by component, and what git references mean.
#[derive(Debug, Default)]
pub struct Sources {
    commits: BTreeMap<(String, String), String>,
    /// Where they are.
    pub fetched: BTreeMap<String, Fetched>,
}

impl Sources {
    /// Fetches what the stream names and `wanted` asks for: at the commit of the lock when it has one, else at what the
    /// reference means now. `folders` are those of the stream and of the streams below it, by name.
    ///
    /// # Errors
    /// What cannot be resolved, fetched or altered, each with its place.
    pub fn fetch(
        home: &Home,
        definition: &Definition,
        folders: &BTreeMap<String, PathBuf>,
        lock: Option<&Lock>,
        wanted: &dyn Fn(&str, &Component) -> bool,
    ) -> Result<Self, Diagnostics> {
        let mut sources = Self::default();
        let mut findings = Diagnostics::default();
        let own = &definition.stream.name;
        let here = folders.get(own).map_or_else(|| Folder::new("."), Folder::new).with_below(folders.clone());
        for (name, component) in &definition.stream.components {
            if component.prebuilt().is_some() || lies_here(component) || !wanted(name, component) {
                continue;
            }
            let place = |finding| definition.places.at(&["components", name, "source"], finding);
            let plain = match &component.source {
                Origin::Path(path) => folders
                    .get(component.inherited.as_ref().unwrap_or(own))
                    .map(|within| Fetched { within: within.clone(), path: path.clone(), before: None })
                    .ok_or_else(|| "the stream that it is inherited from has no folder".to_owned()),
                _ => sources.checkout(home, name, component, lock),
            };
            let fetched = match plain {
                Ok(fetched) => fetched,
                Err(why) => {
                    let message = format!("cannot fetch the source of `{name}`: {why}");
                    findings.push(place(Diagnostic::error("cannot-fetch", message)));
                    continue;
                }
            };
            if !component.is_altered() {
                sources.fetched.insert(name.clone(), fetched);
                continue;
            }
            let before = here.clone().with_fetched(BTreeMap::from([(name.clone(), fetched.clone())]));
            match altered::copy(home, &before, name, component) {
                Ok((within, before)) => {
                    let altered = Fetched { within, path: ".".to_owned(), before: Some(before) };
                    sources.fetched.insert(name.clone(), altered);
                }
                Err(refused) => {
                    // Checks look at the source as it is, so that this is not the only finding.
                    sources.fetched.insert(name.clone(), fetched);
                    let (field, finding) = *refused;
                    let path: Vec<&str> =
                        ["components", name].into_iter().chain(field.iter().map(String::as_str)).collect();
                    findings.push(definition.places.at(&path, finding));
                }
            }
        }
        findings.into_result(sources)
    }

    /// The checkout of a component's git source.
    fn checkout(
        &mut self,
        home: &Home,
        name: &str,
        component: &Component,
        lock: Option<&Lock>,
    ) -> Result<Fetched, String> {
        let Origin::Git(git) = &component.source else { return Err("it has no source".to_owned()) };
        let at = (git.url.clone(), git.reference.clone());
        let locked = lock
            .and_then(|lock| lock.commits.get(name))
            .filter(|known| known.url == git.url && known.reference == git.reference);
        let commit = match (self.commits.get(&at), locked) {
            (Some(commit), _) => commit.clone(),
            (None, Some(known)) => known.commit.clone(),
            (None, None) => LsRemote.commit(&git.url, &git.reference).map_err(|e| e.to_string())?,
        };
        let within: PathBuf =
            Checkouts::new(home.checkouts()).get(&git.url, &commit).map_err(|e| e.to_string())?;
        self.commits.insert(at, commit);
        Ok(Fetched { within, path: git.path.clone(), before: None })
    }
}

impl ResolveCommit for Sources {
    /// What was fetched is what is locked, even if the branch moves meanwhile.
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError> {
        match self.commits.get(&(url.to_owned(), reference.to_owned())) {
            Some(commit) => Ok(commit.clone()),
            None => LsRemote.commit(url, reference),
        }
    }
}
