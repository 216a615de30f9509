//! What Pipelines-as-Code wants to know of an event, whoever sent it.

use serde_json::Value as Json;

use super::{Event, EventError, Provider, bitbucket, github, gitlab};

/// The facts that can be given instead of being read from the event.
pub const SETTABLE: [&str; 9] = [
    "target_branch",
    "source_branch",
    "target_url",
    "source_url",
    "event_title",
    "revision",
    "sender",
    "pull_request_number",
    "git_auth_secret",
];

/// What Pipelines-as-Code wants to know of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `push` or `pull_request`.
    pub event: String,
    /// What happened in particular: `push`, `pull_request`, `pull_request_labeled`, `issue_comment`.
    pub event_type: String,
    /// The branch that is pushed to, or that a pull request is for. A push names it in full (`refs/heads/main`).
    pub target_branch: String,
    /// The branch that a pull request is made of; that of a push is the same as its target.
    pub source_branch: String,
    /// Address of the target repository.
    pub target_url: String,
    /// Address of the repository that a pull request is made of.
    pub source_url: String,
    /// Address to fetch from.
    pub clone_url: String,
    /// Title of the pull request, or of the pushed commit.
    pub title: String,
    /// The commit.
    pub revision: String,
    /// Who did it.
    pub sender: String,
    /// Owner of the target repository.
    pub owner: String,
    /// Name of the target repository.
    pub name: String,
    /// Number of the pull request.
    pub number: Option<String>,
    /// Labels of the pull request.
    pub labels: Vec<String>,
    /// The comment, when it is one.
    pub comment: Option<String>,
    /// Why nothing at all runs for this event.
    pub ignored: Option<String>,
    /// What is not in the event and was assumed.
    pub assumed: Vec<String>,
}

impl Facts {
    /// Reads the facts of an event; those of `set` (see [`SETTABLE`]) win.
    ///
    /// # Errors
    /// Events of unknown senders, and those that lack what is needed.
    pub fn read(event: &Event, set: &[(String, String)]) -> Result<Self, EventError> {
        let (provider, kind) = Provider::of(event)?;
        let reader = Reader { event, kind: &kind, set };
        let mut facts = match provider {
            Provider::GitHub | Provider::Gitea => github::read(&reader, provider)?,
            Provider::GitLab => gitlab::read(&reader)?,
            Provider::BitbucketCloud => bitbucket::cloud(&reader)?,
            Provider::BitbucketServer => bitbucket::server(&reader)?,
        };
        for (fact, value) in set {
            let field = match fact.as_str() {
                "target_branch" => &mut facts.target_branch,
                "source_branch" => &mut facts.source_branch,
                "target_url" => &mut facts.target_url,
                "source_url" => &mut facts.source_url,
                "event_title" => &mut facts.title,
                "revision" => &mut facts.revision,
                "sender" => &mut facts.sender,
                "pull_request_number" => facts.number.get_or_insert_default(),
                _ => continue,
            };
            field.clone_from(value);
        }
        Ok(facts)
    }

    pub(super) fn ignored(kind: &str, why: impl Into<String>) -> Self {
        Self { event_type: kind.to_owned(), ignored: Some(why.into()), ..Self::default() }
    }
}

/// Reads what an event must or may have.
pub(super) struct Reader<'a> {
    pub event: &'a Event,
    /// What it is, in the words of the code host.
    pub kind: &'a str,
    set: &'a [(String, String)],
}

impl Reader<'_> {
    /// A text that must be there, unless the fact is given.
    pub fn need(&self, fact: &'static str, path: &str) -> Result<String, EventError> {
        match self.event.text(path) {
            Some(text) => Ok(text.to_owned()),
            None if self.is_set(fact) => Ok(String::new()),
            None => Err(EventError::Missing { event: self.kind.to_owned(), path: path.to_owned(), fact }),
        }
    }

    /// A text, empty when it is not there.
    pub fn may(&self, path: &str) -> String {
        self.event.text(path).unwrap_or_default().to_owned()
    }

    /// The first text of several paths, empty when there is none.
    pub fn first(&self, paths: &[&str]) -> String {
        paths.iter().find_map(|path| self.event.text(path)).unwrap_or_default().to_owned()
    }

    /// A number or text, as text.
    pub fn number(&self, path: &str) -> Option<String> {
        self.event.at(path).filter(|n| n.is_number()).map(Json::to_string)
    }

    /// The texts at `key` of the list at `path`.
    pub fn each(&self, path: &str, key: &str) -> Vec<String> {
        let items = self.event.at(path).and_then(Json::as_array).into_iter().flatten();
        items.filter_map(|item| item.get(key)?.as_str()).map(str::to_owned).collect()
    }

    pub fn is_set(&self, fact: &str) -> bool {
        self.set.iter().any(|(name, _)| name == fact)
    }
}

/// The first line of a message.
pub(super) fn title_of(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// Owner and name of `owner/name`; an owner may have slashes in it.
pub(super) fn halves(full: &str) -> (String, String) {
    full.rsplit_once('/')
        .map_or_else(|| (String::new(), full.to_owned()), |(a, b)| (a.to_owned(), b.to_owned()))
}

/// The commit that stands for none.
pub(super) fn is_zero(commit: &str) -> bool {
    !commit.is_empty() && commit.bytes().all(|b| b == b'0')
}
