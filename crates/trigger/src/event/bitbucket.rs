//! Events of Bitbucket Cloud and Bitbucket Data Center.

use super::EventError;
use super::facts::{Facts, Reader, halves, title_of};

pub(super) fn cloud(from: &Reader<'_>) -> Result<Facts, EventError> {
    let facts = match from.kind {
        "repo:push" => cloud_push(from)?,
        "pullrequest:created" | "pullrequest:updated" => cloud_pull_request(from)?,
        "pullrequest:comment_created" => Facts {
            event_type: "issue_comment".to_owned(),
            comment: Some(from.need("event_title", "comment.content.raw")?),
            ..cloud_pull_request(from)?
        },
        kind => return Ok(Facts::ignored(kind, format!("Pipelines-as-Code does nothing on {kind} events"))),
    };
    let (owner, name) = halves(&from.may("repository.full_name"));
    let url = from.may("repository.links.html.href");
    Ok(Facts {
        owner,
        name,
        clone_url: url.clone(),
        target_url: url,
        sender: from.first(&["actor.nickname", "actor.display_name"]),
        ..facts
    })
}

fn cloud_push(from: &Reader<'_>) -> Result<Facts, EventError> {
    if from.event.at("push.changes.0").is_some() && from.event.at("push.changes.0.new").is_none() {
        return Ok(Facts::ignored(from.kind, "the push deletes a branch"));
    }
    let name = from.need("target_branch", "push.changes.0.new.name")?;
    let kind = if from.may("push.changes.0.new.type") == "tag" { "tags" } else { "heads" };
    let branch = format!("refs/{kind}/{name}");
    Ok(Facts {
        event: "push".to_owned(),
        event_type: "push".to_owned(),
        target_branch: branch.clone(),
        source_branch: branch,
        source_url: from.may("repository.links.html.href"),
        title: title_of(&from.may("push.changes.0.new.target.message")),
        revision: from.need("revision", "push.changes.0.new.target.hash")?,
        ..Facts::default()
    })
}

fn cloud_pull_request(from: &Reader<'_>) -> Result<Facts, EventError> {
    Ok(Facts {
        event: "pull_request".to_owned(),
        event_type: "pull_request".to_owned(),
        target_branch: from.need("target_branch", "pullrequest.destination.branch.name")?,
        source_branch: from.need("source_branch", "pullrequest.source.branch.name")?,
        source_url: from.may("pullrequest.source.repository.links.html.href"),
        title: from.may("pullrequest.title"),
        revision: from.need("revision", "pullrequest.source.commit.hash")?,
        number: from.number("pullrequest.id"),
        ..Facts::default()
    })
}

pub(super) fn server(from: &Reader<'_>) -> Result<Facts, EventError> {
    let facts = match from.kind {
        "repo:refs_changed" => server_push(from)?,
        "pr:opened" | "pr:from_ref_updated" => server_pull_request(from)?,
        "pr:comment:added" => Facts {
            event_type: "issue_comment".to_owned(),
            comment: Some(from.need("event_title", "comment.text")?),
            ..server_pull_request(from)?
        },
        kind => return Ok(Facts::ignored(kind, format!("Pipelines-as-Code does nothing on {kind} events"))),
    };
    let at = if facts.event == "push" { "repository" } else { "pullRequest.toRef.repository" };
    let url = from.may(&format!("{at}.links.self.0.href"));
    Ok(Facts {
        owner: from.may(&format!("{at}.project.key")),
        name: from.may(&format!("{at}.slug")),
        clone_url: from.first(&[&format!("{at}.links.clone.0.href"), &format!("{at}.links.self.0.href")]),
        target_url: url,
        sender: from.may("actor.name"),
        ..facts
    })
}

fn server_push(from: &Reader<'_>) -> Result<Facts, EventError> {
    let branch = from.need("target_branch", "changes.0.refId")?;
    let deleted = from.may("changes.0.type") == "DELETE";
    Ok(Facts {
        event: "push".to_owned(),
        event_type: "push".to_owned(),
        ignored: deleted.then(|| format!("the push deletes {branch}")),
        target_branch: branch.clone(),
        source_branch: branch,
        source_url: from.may("repository.links.self.0.href"),
        title: title_of(&from.may("toCommit.message")),
        revision: from.need("revision", "changes.0.toHash")?,
        ..Facts::default()
    })
}

fn server_pull_request(from: &Reader<'_>) -> Result<Facts, EventError> {
    Ok(Facts {
        event: "pull_request".to_owned(),
        event_type: "pull_request".to_owned(),
        target_branch: from.need("target_branch", "pullRequest.toRef.displayId")?,
        source_branch: from.need("source_branch", "pullRequest.fromRef.displayId")?,
        source_url: from.may("pullRequest.fromRef.repository.links.self.0.href"),
        title: from.may("pullRequest.title"),
        revision: from.need("revision", "pullRequest.fromRef.latestCommit")?,
        number: from.number("pullRequest.id"),
        ..Facts::default()
    })
}
