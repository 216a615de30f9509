//! Commits of git repositories, brought into a repository on this machine.

use std::path::Path;

use git::address::redacted;
use git::{Git, GitError};

/// Why a commit did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The repository answers, and does not have it.
    #[error(
        "it is not there any more, or never was: no branch and no tag leads to it, as after a forced push"
    )]
    Gone(String),
    /// The repository cannot be asked; git's own words.
    #[error("{0}")]
    Failed(String),
}

/// Brings `commits` (hexadecimal) of the repository at `url` into the repository in `work`: as much of their history and files as
/// git's options `depth` and `filter` say.
///
/// Servers that do not give single commits are asked for all branches and tags.
///
/// # Errors
/// See [`Refusal`].
pub fn bring(work: &Path, url: &str, commits: &[&str], how: How<'_>) -> Result<(), Refusal> {
    let git = Git::new().within(work);
    let How { depth, filter } = how;
    let fetch = ["fetch", "--quiet", "--progress"];
    let one =
        [&fetch[..], &["--no-tags"], depth.as_slice(), filter.as_slice(), &["--", url], commits].concat();
    match git.talk(url, &one) {
        Ok(_) => return Ok(()),
        Err(GitError::Failed(_)) => {}
        Err(error) => return Err(failed(url, &error)),
    }
    let heads = ["--", url, "+refs/heads/*:refs/remotes/origin/*"];
    let all = [&fetch[..], &["--tags"], filter.as_slice(), &heads].concat();
    git.talk(url, &all).map_err(|error| failed(url, &error))?;
    let there = |commit: &str| git.run(&["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_ok();
    match commits.iter().find(|commit| !there(commit)) {
        Some(gone) => Err(Refusal::Gone((*gone).to_owned())),
        None => Ok(()),
    }
}

/// How much of a commit is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct How<'a> {
    /// `--depth=N`, or all of its history.
    pub depth: Option<&'a str>,
    /// `--filter=…`, or all of its files.
    pub filter: Option<&'a str>,
}

/// Git may quote an address with a password in it.
pub(super) fn failed(url: &str, error: &GitError) -> Refusal {
    Refusal::Failed(error.to_string().replace(url, &redacted(url)))
}
