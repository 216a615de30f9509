//! Git repositories at one commit, fetched by the git of this machine and kept in a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::Digest;
use git::Git;

/// Checkouts by repository and commit.
#[derive(Debug, Clone)]
pub struct Checkouts {
    dir: PathBuf,
}

impl Checkouts {
    /// Kept in `dir`, which is made when needed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder with the files of `commit` (40 hexadecimal digits) of the repository at `url`; fetched when it is new.
    ///
    /// It appears whole or not at all. Servers that do not give single commits are asked for all branches and tags.
    ///
    /// # Errors
    /// What git said.
    pub fn get(&self, url: &str, commit: &str) -> Result<PathBuf, CheckoutError> {
        let failed = |why: String| CheckoutError { url: url.to_owned(), commit: commit.to_owned(), why };
        if commit.len() != 40 || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(failed("it is not a commit of 40 hexadecimal digits".to_owned()));
        }
        let repository = self.dir.join(Digest::of(url).short());
        let done = repository.join(commit);
        if done.is_dir() {
            return Ok(done);
        }
        let work = repository.join(format!(".{commit}.{}", base::name::suffix()));
        let io_failed = |e: io::Error| failed(e.to_string());
        fs::create_dir_all(&work).map_err(io_failed)?;
        let fetched = fetch(&work, url, commit).map_err(failed).and_then(|()| {
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

fn fetch(work: &Path, url: &str, commit: &str) -> Result<(), String> {
    git(work, &["init", "--quiet"])?;
    let one = git(work, &["fetch", "--quiet", "--depth=1", "--no-tags", "--", url, commit]);
    if one.is_err() {
        git(work, &["fetch", "--quiet", "--tags", "--", url, "+refs/heads/*:refs/remotes/origin/*"])?;
    }
    git(work, &["checkout", "--quiet", commit, "--"])
}

fn git(work: &Path, args: &[&str]) -> Result<(), String> {
    Git::new().within(work).run(args).map(drop).map_err(|e| e.to_string())
}

/// A commit that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot fetch {commit} of {url}: {why}; check the address and that the commit is on a branch or tag there"
)]
pub struct CheckoutError {
    url: String,
    commit: String,
    why: String,
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

        let gone = checkouts.get(url, &"a".repeat(40)).unwrap_err().to_string();
        assert!(gone.contains("cannot fetch aaaa"), "{gone}");
        assert_eq!(fs::read_dir(got.parent().unwrap()).unwrap().count(), 1, "nothing half-fetched is left");
        assert!(checkouts.get(url, "../../etc").is_err());
    }
}
