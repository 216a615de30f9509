//! The sources of components that do not lie in the stream's own folder: from git, of streams below, altered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use base::together::ask_all;
use base::{Diagnostic, Diagnostics, Source};
use stream::definition::{Component, Definition, Git, Origin};
use stream::lock::git::LsRemote;
use stream::lock::noted::Noted;
use stream::lock::{Commit, ResolveCommit, ResolveError, text};
use stream::source::checkout::{CheckoutError, Checkouts};
use stream::source::fetch::Refusal;
use stream::source::folder::{Fetched, Folder, lies_here};

use super::altered;
use crate::settings::Home;

/// Who says what a git reference means: its server, and later, `offline`, what the server said.
pub fn commits(home: &Home, offline: bool) -> Box<dyn ResolveCommit> {
    let notes = Noted::new(home.answers());
    if offline { Box::new(notes) } else { Box::new(notes.asking(LsRemote)) }
}

/// What to fetch sources of, and with.
#[derive(Clone, Copy)]
pub struct Fetch<'a> {
    /// Where they are kept.
    pub home: &'a Home,
    /// The stream, flat.
    pub definition: &'a Definition,
    /// The folders of the stream and of those below it, by name.
    pub folders: &'a BTreeMap<String, PathBuf>,
    /// The commits that are known, by component.
    pub commits: &'a BTreeMap<String, Commit>,
    /// The lock files that say them.
    pub lock_files: &'a [Source],
    /// Whether nobody is asked for anything.
    pub offline: bool,
}

/// Sources by component, and what git references mean.
pub struct Sources {
    /// What was asked for, by address and reference.
    asked: BTreeMap<(String, String), String>,
    servers: Box<dyn ResolveCommit>,
    /// Where they are.
    pub fetched: BTreeMap<String, Fetched>,
}

/// Why there is no checkout.
enum Missing {
    Commit(ResolveError),
    Files(CheckoutError),
}

/// Checkouts by component.
type Checked<'a> = BTreeMap<&'a str, Result<PathBuf, Missing>>;

impl Fetch<'_> {
    /// Fetches what the stream names and `wanted` asks for, all at the same time: at the commits that are known, else at what the
    /// references mean now.
    ///
    /// # Errors
    /// What cannot be resolved, fetched or altered, each with its place.
    pub fn run(self, wanted: &dyn Fn(&str, &Component) -> bool) -> Result<Sources, Diagnostics> {
        let definition = self.definition;
        let wanted: Vec<(&str, &Component)> = definition
            .stream
            .components
            .iter()
            .map(|(name, component)| (name.as_str(), component))
            .filter(|(name, c)| !c.is_prebuilt() && !lies_here(c) && wanted(name, c))
            .collect();
        let mut sources = Sources {
            asked: BTreeMap::new(),
            servers: commits(self.home, self.offline),
            fetched: BTreeMap::new(),
        };
        let mut checked = self.check_out(&wanted, &mut sources);
        let mut findings = Diagnostics::default();
        let own = &definition.stream.name;
        let here = self
            .folders
            .get(own)
            .map_or_else(|| Folder::new("."), Folder::new)
            .with_below(self.folders.clone());
        for (name, component) in wanted {
            let plain = match &component.source {
                Origin::Git(git) => match checked.remove(name) {
                    Some(Ok(within)) => Ok(Fetched { within, path: git.path.clone(), before: None }),
                    Some(Err(why)) => Err(self.missing(name, git, &why)),
                    None => continue,
                },
                Origin::Path(path) => self
                    .folders
                    .get(component.inherited.as_ref().unwrap_or(own))
                    .map(|within| Fetched { within: within.clone(), path: path.clone(), before: None })
                    .ok_or_else(|| {
                        let why = "the stream that it is inherited from has no folder";
                        self.cannot_fetch(name, why)
                    }),
                Origin::Image(_) | Origin::Images(_) => continue,
            };
            let fetched = match plain {
                Ok(fetched) => fetched,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            if !component.is_altered() {
                sources.fetched.insert(name.to_owned(), fetched);
                continue;
            }
            let before = here.clone().with_fetched(BTreeMap::from([(name.to_owned(), fetched.clone())]));
            match altered::copy(self.home, &before, name, component) {
                Ok((within, before)) => {
                    let altered = Fetched { within, path: ".".to_owned(), before: Some(before) };
                    sources.fetched.insert(name.to_owned(), altered);
                }
                Err(refused) => {
                    // Checks look at the source as it is, so that this is not the only finding.
                    sources.fetched.insert(name.to_owned(), fetched);
                    let (field, finding) = *refused;
                    let path: Vec<&str> =
                        ["components", name].into_iter().chain(field.iter().map(String::as_str)).collect();
                    findings.push(definition.places.at(&path, finding));
                }
            }
        }
        findings.into_result(sources)
    }

    /// The checkouts of git sources; each reference is asked for once, and each commit fetched once.
    fn check_out<'c>(&self, wanted: &[(&'c str, &'c Component)], sources: &mut Sources) -> Checked<'c> {
        let of_git = wanted.iter().filter_map(|(name, component)| match &component.source {
            Origin::Git(git) => Some((*name, git)),
            _ => None,
        });
        let of_git: Vec<(&str, &Git)> = of_git.collect();
        let known = |name: &str, git: &Git| {
            self.commits.get(name).filter(|c| c.answers(git)).map(|c| c.commit.clone())
        };
        let questions = of_git.iter().filter(|(name, git)| known(name, git).is_none());
        let questions: BTreeSet<(&str, &str)> =
            questions.map(|(_, git)| (git.url.as_str(), git.reference.as_str())).collect();
        let questions: Vec<_> = questions.into_iter().collect();
        let answers = ask_all(&questions, |(url, reference)| sources.servers.commit(url, reference));
        let answers: BTreeMap<_, _> = questions.into_iter().zip(answers).collect();
        let mut commits: Vec<(&str, &str, Result<String, Missing>)> = Vec::new();
        for (name, git) in of_git {
            let answer = answers.get(&(git.url.as_str(), git.reference.as_str())).cloned();
            let commit = match (known(name, git), answer) {
                (Some(commit), _) => Ok(commit),
                (None, Some(answer)) => answer.map_err(Missing::Commit),
                (None, None) => continue,
            };
            commits.push((name, &git.url, commit));
        }
        for ((url, reference), answer) in answers {
            if let Ok(commit) = answer {
                sources.asked.insert((url.to_owned(), reference.to_owned()), commit);
            }
        }
        let needed: BTreeSet<(&str, String)> = commits
            .iter()
            .filter_map(|(_, url, commit)| Some((*url, commit.as_ref().ok()?.clone())))
            .collect();
        let needed: Vec<_> = needed.into_iter().collect();
        let kept = Checkouts::new(self.home.checkouts()).offline(self.offline);
        let folders = ask_all(&needed, |(url, commit)| kept.get(url, commit));
        let folders: BTreeMap<_, _> = needed.into_iter().zip(folders).collect();
        let folder = |url: &str, commit: String| folders.get(&(url, commit)).cloned();
        commits
            .into_iter()
            .filter_map(|(name, url, commit)| match commit {
                Ok(commit) => Some((name, folder(url, commit)?.map_err(Missing::Files))),
                Err(why) => Some((name, Err(why))),
            })
            .collect()
    }

    fn cannot_fetch(&self, name: &str, why: &str) -> Diagnostic {
        let message = format!("cannot fetch the source of `{name}`: {why}");
        self.definition.places.at(&["components", name, "source"], Diagnostic::error("cannot-fetch", message))
    }

    /// A checkout that cannot be had: at the line of the source, with the line of the lock, and what to do.
    fn missing(&self, name: &str, git: &Git, why: &Missing) -> Diagnostic {
        let stream = self.folders.get(&self.definition.stream.name);
        let stream = stream.map_or_else(|| "STREAM".to_owned(), |folder| folder.display().to_string());
        let told = match why {
            Missing::Commit(e) => e.to_string(),
            Missing::Files(e) => e.to_string(),
        };
        let mut finding = self.cannot_fetch(name, &told);
        let Missing::Files(CheckoutError::Refused { commit, why, .. }) = why else {
            let not_here = matches!(why, Missing::Files(_) | Missing::Commit(ResolveError::NotHere { .. }));
            return if not_here { finding.help("without --offline it is fetched") } else { finding };
        };
        let locked = self.lock_files.iter().find_map(|file| Some((file, text::place(file, commit)?)));
        if let Some((file, span)) = locked {
            finding = finding.related(file, span, "the lock says it here");
        }
        finding.help(match why {
            Refusal::Gone(_) if git.reference == *commit => {
                "the stream names the commit itself: write another `ref`".to_owned()
            }
            Refusal::Gone(_) => format!(
                "`sw update {stream} {name}` takes what `{}` means now; `sw lock {stream} --verify` lists all that is gone",
                git.reference
            ),
            Refusal::Failed(_) => "check the address, and that the server can be reached".to_owned(),
        })
    }
}

impl ResolveCommit for Sources {
    /// What was fetched is what is locked, even if the branch moves meanwhile.
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError> {
        match self.asked.get(&(url.to_owned(), reference.to_owned())) {
            Some(commit) => Ok(commit.clone()),
            None => self.servers.commit(url, reference),
        }
    }
}
