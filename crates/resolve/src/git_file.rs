//! The resolver `git`: a file of a repository at a branch, tag or commit.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use git::address::{self, is_commit, is_local, is_revision, redacted};
use git::{Git, GitError, Until};
use oci::auth::Secret;
use tekton::types::status::RefSource;
use tempfile::TempDir;

use crate::params::Params;
use crate::problem::Problem;
use crate::source::{Fetched, LARGEST, LIMIT, Machine, Source, text};

/// A link that leads to a link and so on is followed so often.
const MOST_LINKS: usize = 8;

/// A file of a repository.
pub struct GitFile {
    url: String,
    revision: String,
    path: String,
    token: Option<Secret>,
}

impl GitFile {
    /// `url`, or `org` and `repo`; `revision`; `pathInRepo`; `token` or `gitToken`.
    pub fn new(params: Params<'_>) -> Result<Self, Problem> {
        let url = match (params.text("url"), params.text("repo")) {
            (Some(_), Some(_)) => {
                return Err(Problem::Param(
                    "cannot specify both 'url' and 'repo'; leave one of them out".into(),
                ));
            }
            (Some(url), None) => url.to_owned(),
            (None, Some(repo)) => hosted(params, repo)?,
            (None, None) => return Err(Problem::Param("must specify one of 'url' or 'repo'".into())),
        };
        address::check(&url).map_err(Problem::Param)?;
        let revision = params.text("revision").unwrap_or("main").to_owned();
        if !is_revision(&revision) {
            let message = format!("the revision `{revision}` is not the name of a branch, tag or commit");
            return Err(Problem::Param(message));
        }
        let path = params.required("pathInRepo")?;
        let path = within(path).ok_or_else(|| {
            Problem::Param(format!("pathInRepo `{path}` leads out of the repository; name a file in it"))
        })?;
        let token = [("gitToken", "gitTokenKey"), ("token", "tokenKey")]
            .into_iter()
            .find_map(|(name, key)| {
                let secret = params.text(name)?;
                Some(params.secret(secret, params.text(key).unwrap_or("token")))
            })
            .transpose()?;
        // Git starts in another folder.
        let url = match url.contains("://") || !is_local(&url) {
            true => url,
            false => std::path::absolute(&url).map_or(url, |path| path.display().to_string()),
        };
        Ok(Self { url, revision, path, token })
    }

    fn git(&self, until: &Until) -> Result<Git, GitError> {
        let git = Git::new().until(until.clone());
        match &self.token {
            Some(token) => git.with_token(&self.url, token.reveal()),
            None => Ok(git),
        }
    }

    /// Fetches the revision into an empty repository in `dir`; gives its commit.
    fn clone_into(&self, dir: &Path, until: &Until) -> Result<String, GitError> {
        let git = self.git(until)?.within(dir);
        git.run(&["init", "--quiet", "--bare", "."])?;
        let one =
            ["fetch", "--quiet", "--progress", "--depth=1", "--no-tags", "--", &self.url, &self.revision];
        let wanted = match git.talk(&self.url, &one) {
            Ok(_) => "FETCH_HEAD",
            // Servers that do not give single commits give all branches and tags; short commits are found there, too.
            Err(GitError::Failed(_)) if may_be_commit(&self.revision) => {
                let all = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
                git.talk(
                    &self.url,
                    &[&["fetch", "--quiet", "--progress", "--", &self.url], &all[..]].concat(),
                )?;
                &self.revision
            }
            Err(e) => return Err(e),
        };
        let commit = format!("{wanted}^{{commit}}");
        let found = git.run(&["rev-parse", "--verify", "--end-of-options", &commit])?;
        Ok(String::from_utf8_lossy(&found).trim().to_owned())
    }

    /// The content of the file. It is read from the objects of the repository and never checked out: no link of it leads to a
    /// file of this machine.
    fn read(&self, clone: &Clone, git: &Git) -> Result<Vec<u8>, Problem> {
        let failed = |why: String| Problem::Fetch { what: self.describe(), why };
        let said = |e: GitError| self.failed(e);
        let mut path = self.path.clone();
        for _ in 0..MOST_LINKS {
            let listed = git.run(&["ls-tree", "-z", &clone.commit, "--", &path]).map_err(said)?;
            let listed = String::from_utf8_lossy(&listed).into_owned();
            // `<mode> <type> <object>\t<path>\0`
            let mut words = listed.split(['\t', ' ']);
            let (mode, kind, object) = (words.next(), words.next(), words.next().unwrap_or_default());
            match (mode, kind) {
                (Some("120000"), _) => {
                    let target = self.blob(git, object)?;
                    let target = String::from_utf8_lossy(&target).into_owned();
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    path = within(&format!("{folder}/{target}"))
                        .filter(|_| !target.starts_with('/'))
                        .ok_or_else(|| {
                            failed(format!(
                                "it is a symbolic link that leads out of the repository ({target})"
                            ))
                        })?;
                }
                (_, Some("blob")) => return self.blob(git, object),
                (_, Some(_)) => return Err(failed("it is not a file; pathInRepo must name one".to_owned())),
                _ => return Err(failed(format!("commit {} has no such file", clone.commit))),
            }
        }
        Err(failed(format!("more than {MOST_LINKS} symbolic links lead to each other")))
    }

    fn blob(&self, git: &Git, object: &str) -> Result<Vec<u8>, Problem> {
        let said = |e: GitError| self.failed(e);
        let size = git.run(&["cat-file", "-s", object]).map_err(said)?;
        let size: usize = String::from_utf8_lossy(&size).trim().parse().unwrap_or(usize::MAX);
        if size > LARGEST {
            let why = format!("it has more than {}", base::size::bytes(LARGEST as u64));
            return Err(Problem::Content { what: self.describe(), why });
        }
        git.run(&["cat-file", "blob", object]).map_err(said)
    }

    fn failed(&self, error: GitError) -> Problem {
        let what = self.describe();
        match error {
            GitError::TooSlow => Problem::TooSlow { what, limit: LIMIT },
            GitError::Stopped => Problem::Stopped { what },
            GitError::Token(_) => Problem::Secret(error.to_string()),
            error => {
                // Git may quote the address.
                let mut why = error.to_string().replace(&self.url, &redacted(&self.url));
                if why.starts_with("could not read Username") && self.token.is_none() {
                    why.push_str("; name a Secret with a token in the param `gitToken`");
                }
                Problem::Fetch { what, why }
            }
        }
    }
}

impl Source for GitFile {
    fn describe(&self) -> String {
        format!("{} of {} at {}", self.path, redacted(&self.url), self.revision)
    }

    fn is_fixed(&self) -> bool {
        is_commit(&self.revision)
    }

    fn fetch(&self, machine: &Machine, until: &Until) -> Result<Fetched, Problem> {
        if machine.offline && !is_local(&self.url) {
            return Err(Problem::Offline { what: self.describe() });
        }
        let clone = machine.clones.get(self, until)?;
        let git = Git::new().until(until.clone()).within(clone.dir.path());
        let bytes = self.read(&clone, &git)?;
        Ok(Fetched {
            text: text(&self.describe(), bytes)?,
            source: RefSource {
                uri: format!("git+{}", redacted(&self.url)),
                digest: [("sha1".to_owned(), clone.commit.clone())].into(),
                entry_point: self.path.clone(),
            },
        })
    }
}

/// A repository with one revision.
struct Clone {
    dir: TempDir,
    commit: String,
}

/// A repository that is being fetched, or was.
type Slot = Arc<Mutex<Option<Arc<Clone>>>>;

/// Repositories by address and revision; several files of one are the rule, and they are of the same commit then.
#[derive(Default)]
pub struct Clones(Mutex<HashMap<(String, String), Slot>>);

impl Clones {
    fn get(&self, wanted: &GitFile, until: &Until) -> Result<Arc<Clone>, Problem> {
        let key = (wanted.url.clone(), wanted.revision.clone());
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clone) = &*slot {
            return Ok(clone.clone());
        }
        let failed = |e: std::io::Error| Problem::Fetch { what: wanted.describe(), why: e.to_string() };
        let dir = tempfile::Builder::new().prefix("sw-git-").tempdir().map_err(failed)?;
        let commit = wanted.clone_into(dir.path(), until).map_err(|e| wanted.failed(e))?;
        Ok(slot.insert(Arc::new(Clone { dir, commit })).clone())
    }
}

/// The address of a repository at a host, from `org`, `repo`, `scmType` and `serverURL`.
fn hosted(params: Params<'_>, repo: &str) -> Result<String, Problem> {
    let org = params.required("org")?;
    let kind = params.text("scmType").unwrap_or("github");
    let usual = match kind {
        "github" => "https://github.com",
        "gitlab" => "https://gitlab.com",
        "gitea" => "https://gitea.com",
        "bitbucketcloud" => "https://bitbucket.org",
        "bitbucketserver" => "",
        other => {
            let known = "github, gitlab, gitea, bitbucketserver or bitbucketcloud";
            return Err(Problem::Param(format!(
                "scmType `{other}` is not known; write {known}, or give `url`"
            )));
        }
    };
    let server = params.text("serverURL").unwrap_or(usual).trim_end_matches('/');
    if server.is_empty() {
        return Err(Problem::Param(format!("scmType `{kind}` needs the param `serverURL`")));
    }
    for (name, text) in [("org", org), ("repo", repo)] {
        let plain = |c: char| c.is_alphanumeric() || "-_.~/".contains(c);
        if !text.chars().all(plain) || text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(Problem::Param(format!("`{text}` is not the name of a {name}")));
        }
    }
    let between = if kind == "bitbucketserver" { "/scm" } else { "" };
    let repo = repo.strip_suffix(".git").unwrap_or(repo);
    Ok(format!("{server}{between}/{org}/{repo}.git"))
}

/// The path without `.` and `..`, seen from the repository's top; none when it leads out of it or is empty.
fn within(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn may_be_commit(revision: &str) -> bool {
    (7..=64).contains(&revision.len()) && revision.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_path_leads_out(path in "[a./]{0,12}|.{0,12}") {
            if let Some(path) = within(&path) {
                prop_assert!(!path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | "..")));
            }
        }
    }

    #[test]
    fn paths_stay_in_the_repository() {
        assert_eq!(within("/task/./a/../b.yaml").as_deref(), Some("task/b.yaml"));
        for out in ["../../etc/passwd", "a/../../b", "", "/", ".", "a/.."] {
            assert_eq!(within(out), None, "{out}");
        }
    }
}
