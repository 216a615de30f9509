//! Events of GitHub and of Gitea, which are much alike.

use super::facts::{Facts, Reader, halves, is_zero, title_of};
use super::{EventError, Provider};

/// What is done to a pull request that starts runs.
const ACTIONS: [&str; 8] = [
    "opened",
    "reopened",
    "synchronize",
    "synchronized",
    "ready_for_review",
    "labeled",
    "label_updated",
    "unlabeled",
];

pub(super) fn read(from: &Reader<'_>, provider: Provider) -> Result<Facts, EventError> {
    let facts = match from.kind {
        "push" => push(from)?,
        kind if kind == "pull_request"
            || kind.starts_with("pull_request_") && kind != "pull_request_comment" =>
        {
            pull_request(from)?
        }
        "issue_comment" | "pull_request_comment" => comment(from)?,
        kind => return Ok(Facts::ignored(kind, format!("Pipelines-as-Code does nothing on {kind} events"))),
    };
    let full = from.may("repository.full_name");
    let (owner, name) = halves(&full);
    let title = match provider {
        Provider::Gitea if facts.event == "push" => from.first(&["head_commit.message", "commits.0.message"]),
        _ => facts.title.clone(),
    };
    Ok(Facts {
        owner,
        name,
        title: title_of(&title),
        clone_url: from.first(&["repository.clone_url", "repository.html_url"]),
        sender: from.first(&["sender.login", "pusher.name", "pusher.login"]),
        ..facts
    })
}

fn push(from: &Reader<'_>) -> Result<Facts, EventError> {
    let branch = from.need("target_branch", "ref")?;
    let revision = from.need("revision", "after")?;
    let url = from.may("repository.html_url");
    Ok(Facts {
        event: "push".to_owned(),
        event_type: "push".to_owned(),
        ignored: is_zero(&revision).then(|| format!("the push deletes {branch}")),
        target_branch: branch.clone(),
        source_branch: branch,
        target_url: url.clone(),
        source_url: url,
        title: from.may("head_commit.message"),
        revision,
        ..Facts::default()
    })
}

fn pull_request(from: &Reader<'_>) -> Result<Facts, EventError> {
    let action = from.may("action");
    let labels = matches!(action.as_str(), "labeled" | "label_updated");
    let ignored = (!action.is_empty() && !ACTIONS.contains(&action.as_str()))
        .then(|| format!("Pipelines-as-Code runs nothing when a pull request is `{action}`"));
    Ok(Facts {
        event: "pull_request".to_owned(),
        event_type: if labels { "pull_request_labeled" } else { "pull_request" }.to_owned(),
        target_branch: from.need("target_branch", "pull_request.base.ref")?,
        source_branch: from.need("source_branch", "pull_request.head.ref")?,
        target_url: from.first(&["pull_request.base.repo.html_url", "repository.html_url"]),
        source_url: from.may("pull_request.head.repo.html_url"),
        title: from.may("pull_request.title"),
        revision: from.need("revision", "pull_request.head.sha")?,
        number: from.number("pull_request.number").or_else(|| from.number("number")),
        labels: from.each("pull_request.labels", "name"),
        ignored,
        ..Facts::default()
    })
}

/// A comment does not say what the pull request is for.
fn comment(from: &Reader<'_>) -> Result<Facts, EventError> {
    let action = from.may("action");
    let is_pull_request = ["issue.pull_request", "pull_request", "is_pull"]
        .iter()
        .any(|path| from.event.at(path).is_some_and(|v| *v != false));
    let ignored = match action.as_str() {
        "created" | "" if is_pull_request => None,
        "created" | "" => Some("the comment is not on a pull request".to_owned()),
        action => Some(format!("only new comments count, and this one is `{action}`")),
    };
    let mut assumed = Vec::new();
    let mut target = from.may("pull_request.base.ref");
    if target.is_empty() && !from.is_set("target_branch") {
        target = from.may("repository.default_branch");
        if target.is_empty() {
            target = "main".to_owned();
        }
        assumed.push(format!(
            "the event of a comment does not have the branches of its pull request; the target branch is taken to be `{target}` (--set target_branch=NAME)"
        ));
    }
    Ok(Facts {
        event: "pull_request".to_owned(),
        event_type: "issue_comment".to_owned(),
        target_branch: target,
        source_branch: from.may("pull_request.head.ref"),
        target_url: from.may("repository.html_url"),
        source_url: from.may("pull_request.head.repo.html_url"),
        title: from.first(&["pull_request.title", "issue.title"]),
        revision: from.may("pull_request.head.sha"),
        number: from.number("issue.number").or_else(|| from.number("pull_request.number")),
        labels: from.each("issue.labels", "name"),
        comment: Some(from.need("event_title", "comment.body")?),
        ignored,
        assumed,
        ..Facts::default()
    })
}
