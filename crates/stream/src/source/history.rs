//! What a git server says of commits, without their files.

use std::path::Path;

use git::Git;
use serde::Serialize;

use super::fetch::{How, Refusal, bring, failed};

/// Commits alone, without folders and files.
const COMMITS_ONLY: Option<&str> = Some("--filter=tree:0");

/// How far back to look, until it is far enough. Most moves are of a few commits, and a whole history can be large.
const DEPTHS: [&str; 3] = ["--depth=100", "--depth=2000", "--depth=2147483647"];

/// Subject lines that are kept; nobody reads more.
const MOST_SUBJECTS: &str = "--max-count=500";

/// What lies between two commits of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Between {
    /// Commits that the new one has and the old one has not.
    pub added: usize,
    /// Commits that the old one had and the new one has not: not 0 when history was written anew, or the reference went back.
    pub dropped: usize,
    /// The subject lines of those that were added, newest first; of the first 500.
    pub subjects: Vec<String>,
}

/// Asks for what lies between two commits. `work` is an empty folder, which may be thrown away after.
///
/// # Errors
/// A commit that is gone, or git's words.
pub fn between(work: &Path, url: &str, old: &str, new: &str) -> Result<Between, Refusal> {
    looking(work, url, old, new, &DEPTHS)
}

fn looking(work: &Path, url: &str, old: &str, new: &str, depths: &[&str]) -> Result<Between, Refusal> {
    let git = |args: &[&str]| {
        let said = Git::new().within(work).run(args).map_err(|e| failed(url, &e))?;
        Ok(String::from_utf8_lossy(&said).lines().map(str::to_owned).collect::<Vec<String>>())
    };
    git(&["init", "--quiet", "--bare", "."])?;
    let (forth, back) = (format!("{old}..{new}"), format!("{new}..{old}"));
    let (mut added, mut dropped) = (Vec::new(), Vec::new());
    for depth in depths {
        bring(work, url, &[old, new], How { depth: Some(depth), filter: COMMITS_ONLY })?;
        (added, dropped) = (git(&["rev-list", &forth, "--"])?, git(&["rev-list", &back, "--"])?);
        // All ways should end at a commit that both have. One that ends for want of parents ends at a root, or where history was
        // cut off, and then the other may lead there as well.
        let ends = |range: &str| Ok(!git(&["rev-list", "--max-parents=0", range, "--"])?.is_empty());
        let is_cut = std::fs::metadata(work.join("shallow")).is_ok_and(|file| file.len() > 0);
        if !is_cut || !(ends(&forth)? || ends(&back)?) {
            break;
        }
    }
    let subjects = git(&["log", "--format=%s", MOST_SUBJECTS, &forth, "--"])?;
    Ok(Between { added: added.len(), dropped: dropped.len(), subjects })
}

/// Asks whether a commit is still there. `work` is an empty folder, which may be thrown away after.
///
/// # Errors
/// That it is gone, or git's words.
pub fn is_there(work: &Path, url: &str, commit: &str) -> Result<(), Refusal> {
    Git::new().within(work).run(&["init", "--quiet", "--bare", "."]).map_err(|e| failed(url, &e))?;
    bring(work, url, &[commit], How { depth: Some("--depth=1"), filter: COMMITS_ONLY })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    struct Repository(TempDir);

    impl Repository {
        fn new() -> Self {
            let here = Self(tempfile::tempdir().unwrap());
            here.git(&["init", "--quiet", "--initial-branch=main"]);
            here.git(&["config", "uploadpack.allowFilter", "true"]);
            here
        }

        fn git(&self, args: &[&str]) -> String {
            let author = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
            let said = Git::new().within(self.0.path()).run(&[&author, args].concat()).unwrap();
            String::from_utf8(said).unwrap().trim().to_owned()
        }

        /// An empty commit on the branch.
        fn commit(&self, subject: &str) -> String {
            self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
            self.git(&["rev-parse", "HEAD"])
        }

        /// Not a path, so that git asks as it asks a server.
        fn url(&self) -> String {
            format!("file://{}", self.0.path().display())
        }
    }

    fn work(dir: &TempDir, name: &str) -> PathBuf {
        let work = dir.path().join(name);
        std::fs::create_dir(&work).unwrap();
        work
    }

    #[test]
    fn commits_forth_and_back_are_counted_exactly() {
        let (origin, dir) = (Repository::new(), tempfile::tempdir().unwrap());
        let first = origin.commit("first");
        // A branch that is older than what is fetched at once, and is merged late.
        origin.git(&["checkout", "--quiet", "-b", "side"]);
        origin.commit("on the side");
        origin.git(&["checkout", "--quiet", "main"]);
        for n in 0..7 {
            origin.commit(&format!("commit {n}"));
        }
        let old = origin.git(&["rev-parse", "HEAD"]);
        origin.git(&["merge", "--quiet", "--no-ff", "-m", "merge side", "side"]);
        let new = origin.commit("last");
        let between = |name: &str, old: &str, new: &str| {
            looking(&work(&dir, name), &origin.url(), old, new, &["--depth=3", "--depth=5", "--depth=100"])
                .unwrap()
        };
        let found = between("a", &old, &new);
        assert_eq!((found.added, found.dropped), (3, 0));
        assert_eq!(found.subjects, ["last", "merge side", "on the side"]);
        let all = between("b", &first, &new);
        assert_eq!((all.added, all.dropped), (10, 0));
        let back = between("c", &new, &first);
        assert_eq!((back.added, back.dropped, back.subjects.len()), (0, 10, 0));
    }

    #[test]
    fn history_that_was_written_anew_and_thrown_away() {
        let (origin, dir) = (Repository::new(), tempfile::tempdir().unwrap());
        origin.commit("first");
        let old = origin.commit("before");
        origin.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        let new = origin.commit("instead");
        let found = between(&work(&dir, "a"), &origin.url(), &old, &new).unwrap();
        assert_eq!((found.added, found.dropped), (1, 1));
        assert_eq!(is_there(&work(&dir, "b"), &origin.url(), &old), Ok(()));
        origin.git(&["reflog", "expire", "--expire=now", "--all"]);
        origin.git(&["gc", "--quiet", "--prune=now"]);
        let gone = between(&work(&dir, "c"), &origin.url(), &old, &new);
        assert_eq!(gone, Err(Refusal::Gone(old.clone())));
        assert_eq!(is_there(&work(&dir, "d"), &origin.url(), &old), Err(Refusal::Gone(old)));
        assert_eq!(is_there(&work(&dir, "e"), &origin.url(), &new), Ok(()));
    }
}
