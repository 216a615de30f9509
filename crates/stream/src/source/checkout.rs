//! Git repositories at one commit, fetched by the git of this machine and kept in a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::Digest;
use git::Git;
use git::address::{is_local, redacted};

use super::fetch::{How, Refusal, bring, failed};

/// Checkouts by repository and commit.
#[derive(Debug, Clone)]
pub struct Checkouts {
    dir: PathBuf,
    offline: bool,
}

impl Checkouts {
    /// Kept in `dir`, which is made when needed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), offline: false }
    }

    /// Whether no server is asked: only what is kept, and repositories on this machine.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Whether the files of `commit` of the repository at `url` are kept.
    pub fn has(&self, url: &str, commit: &str) -> bool {
        is_commit(commit) && self.of(url).join(commit).is_dir()
    }

    /// The folder of what is kept of a repository.
    fn of(&self, url: &str) -> PathBuf {
        self.dir.join(Digest::of(url).short())
    }

    /// The folder with the files of `commit` (40 hexadecimal digits) of the repository at `url`; fetched when it is new.
    ///
    /// It appears whole or not at all.
    ///
    /// # Errors
    /// See [`CheckoutError`].
    pub fn get(&self, url: &str, commit: &str) -> Result<PathBuf, CheckoutError> {
        let refused =
            |why: Refusal| CheckoutError::Refused { url: redacted(url), commit: commit.to_owned(), why };
        let other = |why: String| refused(Refusal::Failed(why));
        if !is_commit(commit) {
            return Err(other("it is not a commit of 40 hexadecimal digits".to_owned()));
        }
        let repository = self.of(url);
        let done = repository.join(commit);
        if done.is_dir() {
            return Ok(done);
        }
        if self.offline && !is_local(url) {
            return Err(CheckoutError::NotHere { url: redacted(url), commit: commit.to_owned() });
        }
        let work = repository.join(format!(".{commit}.{}", base::name::suffix()));
        let io_failed = |e: io::Error| other(e.to_string());
        fs::create_dir_all(&work).map_err(io_failed)?;
        let fetched = fetch(&work, url, commit).map_err(refused).and_then(|()| {
            fs::remove_dir_all(work.join(".git")).map_err(io_failed)?;
            match fs::rename(&work, &done) {
                // Somebody else was faster.
                Err(_) if done.is_dir() => Ok(()),
                other => other.map_err(io_failed),
            }
        });
        if fetched.is_err() || work.exists() {
            // The first error is the one to report.
            drop(fs::remove_dir_all(&work));
        }
        fetched.map(|()| done)
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn fetch(work: &Path, url: &str, commit: &str) -> Result<(), Refusal> {
    let git = |args: &[&str]| Git::new().within(work).run(args).map(drop).map_err(|e| failed(url, &e));
    git(&["init", "--quiet"])?;
    bring(work, url, &[commit], How { depth: Some("--depth=1"), filter: None })?;
    git(&["checkout", "--quiet", commit, "--"])
}

/// A commit that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckoutError {
    /// It could not be fetched.
    #[error("cannot fetch {commit} of {url}: {why}")]
    Refused {
        /// The repository, without a password.
        url: String,
        /// What was wanted of it.
        commit: String,
        /// Why it did not come.
        why: Refusal,
    },
    /// It would have to be fetched, and nothing may be.
    #[error("the commit {commit} of {url} is not on this machine")]
    NotHere {
        /// The repository, without a password.
        url: String,
        /// What was wanted of it.
        commit: String,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_commit_is_fetched_once_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let origin = dir.path().join("origin");
        fs::create_dir(&origin).unwrap();
        fs::write(origin.join("file"), "one").unwrap();
        let git = |work: &Path, args: &[&str]| Git::new().within(work).run(args).map(drop);
        git(&origin, &["init", "--quiet"]).unwrap();
        git(&origin, &["add", "file"]).unwrap();
        let author = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        git(&origin, &[&author[..], &["commit", "--quiet", "-m", "one"]].concat()).unwrap();
        let head = Git::new().within(&origin).run(&["rev-parse", "HEAD"]).unwrap();
        let head = String::from_utf8(head).unwrap().trim().to_owned();

        let checkouts = Checkouts::new(dir.path().join("checkouts"));
        let url = origin.to_str().unwrap();
        let got = checkouts.get(url, &head).unwrap();
        assert_eq!(fs::read_to_string(got.join("file")).unwrap(), "one");
        assert!(!got.join(".git").exists());
        fs::remove_dir_all(&origin).unwrap();
        assert_eq!(checkouts.get(url, &head).unwrap(), got, "kept");

        let failed = checkouts.get(url, &"a".repeat(40)).unwrap_err();
        assert!(matches!(failed, CheckoutError::Refused { why: Refusal::Failed(_), .. }), "{failed}");
        git(dir.path(), &["init", "--quiet", "origin"]).unwrap();
        let gone = checkouts.get(url, &"a".repeat(40)).unwrap_err();
        assert!(matches!(gone, CheckoutError::Refused { why: Refusal::Gone(_), .. }), "{gone}");
        assert_eq!(fs::read_dir(got.parent().unwrap()).unwrap().count(), 1, "nothing half-fetched is left");
        assert!(checkouts.get(url, "../../etc").is_err());

        let offline = checkouts.clone().offline(true);
        assert_eq!(offline.get(url, &head).unwrap(), got, "what is kept is there");
        let elsewhere = offline.get("https://h.example/x", &head).unwrap_err();
        assert!(matches!(elsewhere, CheckoutError::NotHere { .. }), "{elsewhere}");
        assert!(checkouts.has(url, &head) && !checkouts.has(url, &"a".repeat(40)));
    }
}
