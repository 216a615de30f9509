//! Events of GitLab.

use super::EventError;
use super::facts::{Facts, Reader, halves, is_zero, title_of};

pub(super) fn read(from: &Reader<'_>) -> Result<Facts, EventError> {
    let facts = match from.kind {
        "push" | "tag_push" => push(from)?,
        "merge_request" => merge_request(from, "object_attributes")?,
        "note" => note(from)?,
        kind => return Ok(Facts::ignored(kind, format!("Pipelines-as-Code does nothing on {kind} events"))),
    };
    let (owner, name) = halves(&from.may("project.path_with_namespace"));
    Ok(Facts {
        owner,
        name,
        clone_url: from.first(&["project.git_http_url", "project.web_url"]),
        target_url: from.may("project.web_url"),
        sender: from.first(&["user.username", "user_username"]),
        ..facts
    })
}

fn push(from: &Reader<'_>) -> Result<Facts, EventError> {
    let branch = from.need("target_branch", "ref")?;
    let revision = from.need("revision", "after")?;
    let last = from.event.at("commits").and_then(|c| c.as_array()).and_then(|commits| commits.last());
    let message = last.and_then(|c| c.get("title").or_else(|| c.get("message"))).and_then(|m| m.as_str());
    Ok(Facts {
        event: "push".to_owned(),
        event_type: "push".to_owned(),
        ignored: is_zero(&revision).then(|| format!("the push deletes {branch}")),
        target_branch: branch.clone(),
        source_branch: branch,
        source_url: from.may("project.web_url"),
        title: title_of(message.unwrap_or_default()),
        revision,
        ..Facts::default()
    })
}

/// `at`: where the merge request stands.
fn merge_request(from: &Reader<'_>, at: &str) -> Result<Facts, EventError> {
    let action = from.may("object_attributes.action");
    let acts = matches!(action.as_str(), "" | "open" | "reopen" | "update" | "create");
    let labeled = action == "update" && from.event.at("changes.labels").is_some();
    Ok(Facts {
        event: "pull_request".to_owned(),
        event_type: if labeled { "pull_request_labeled" } else { "pull_request" }.to_owned(),
        target_branch: from.need("target_branch", &format!("{at}.target_branch"))?,
        source_branch: from.need("source_branch", &format!("{at}.source_branch"))?,
        source_url: from.may(&format!("{at}.source.web_url")),
        title: from.may(&format!("{at}.title")),
        revision: from.need("revision", &format!("{at}.last_commit.id"))?,
        number: from.number(&format!("{at}.iid")),
        labels: from.each("labels", "title"),
        ignored: (!acts)
            .then(|| format!("Pipelines-as-Code runs nothing when a merge request is `{action}`")),
        ..Facts::default()
    })
}

fn note(from: &Reader<'_>) -> Result<Facts, EventError> {
    if from.event.at("merge_request").is_none() {
        return Ok(Facts::ignored(from.kind, "the comment is not on a merge request"));
    }
    let facts = merge_request(from, "merge_request")?;
    let comment = from.need("event_title", "object_attributes.note")?;
    Ok(Facts { event_type: "issue_comment".to_owned(), comment: Some(comment), ignored: None, ..facts })
}
