//! Which code host sent an event.

use super::{Event, EventError};

/// A code host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea and Forgejo.
    Gitea,
    /// Bitbucket Cloud.
    BitbucketCloud,
    /// Bitbucket Data Center.
    BitbucketServer,
}

const HELP: &str = "say what it is with a header, for instance --header 'X-GitHub-Event: push', 'X-Gitlab-Event: Push Hook', \
                    'X-Gitea-Event: push' or 'X-Event-Key: repo:push'";

impl Provider {
    /// Who sent it, and what kind of event it is in the words of that code host, from its headers or else from its shape.
    ///
    /// # Errors
    /// When neither tells, with what to give.
    pub fn of(event: &Event) -> Result<(Self, String), EventError> {
        let header = |name| event.headers.get(name);
        // Gitea sends the headers of GitHub too.
        if let Some(kind) = header("X-Gitea-Event").or_else(|| header("X-Forgejo-Event")) {
            return Ok((Self::Gitea, kind.to_owned()));
        }
        if let Some(kind) = header("X-GitHub-Event") {
            return Ok((Self::GitHub, kind.to_owned()));
        }
        if header("X-Gitlab-Event").is_some() || event.text("object_kind").is_some() {
            // The name in the body is the same for all ways of sending it.
            let kind = event.text("object_kind").map(str::to_owned);
            return kind.map(|kind| (Self::GitLab, kind)).ok_or_else(|| EventError::Missing {
                event: "GitLab".to_owned(),
                path: "object_kind".to_owned(),
                fact: "event",
            });
        }
        if let Some(kind) = header("X-Event-Key") {
            let server =
                kind.starts_with("pr:") || kind == "repo:refs_changed" || event.text("eventKey").is_some();
            return Ok((if server { Self::BitbucketServer } else { Self::BitbucketCloud }, kind.to_owned()));
        }
        Self::of_shape(event)
    }

    fn of_shape(event: &Event) -> Result<(Self, String), EventError> {
        if let Some(kind) = event.text("eventKey") {
            return Ok((Self::BitbucketServer, kind.to_owned()));
        }
        if event.at("push.changes").is_some() {
            return Ok((Self::BitbucketCloud, "repo:push".to_owned()));
        }
        if event.at("pullrequest").is_some() {
            let kind = if event.at("comment").is_some() {
                "pullrequest:comment_created"
            } else {
                "pullrequest:updated"
            };
            return Ok((Self::BitbucketCloud, kind.to_owned()));
        }
        let kind = if event.at("pull_request").is_some() && event.at("number").is_some() {
            "pull_request"
        } else if event.at("issue").is_some() && event.at("comment").is_some() {
            "issue_comment"
        } else if event.text("ref").is_some() && event.at("before").is_some() && event.at("after").is_some() {
            "push"
        } else {
            return Err(EventError::Unclear(format!("the event looks like none that is known; {HELP}")));
        };
        // Both send much the same; these fields only one of them has.
        let github = event.at("repository.node_id").is_some();
        let gitea = event.at("repository.internal").is_some() || event.at("repository.has_actions").is_some();
        match (github, gitea) {
            (true, false) => Ok((Self::GitHub, kind.to_owned())),
            (false, true) => Ok((Self::Gitea, kind.to_owned())),
            _ => Err(EventError::Unclear(format!("the event may be of GitHub or of Gitea; {HELP}"))),
        }
    }
}
