//! Components from one repository.

use std::collections::BTreeMap;

use base::Diagnostic;

use super::code::MISMATCHED_SIBLINGS;
use super::majority::{some, split};
use super::{Finding, Subject, or_waive};
use crate::definition::{Component, Git, Origin};
use crate::lock::Lock;

/// Digits of a commit that tell it from others to people.
const SHORT: usize = 12;

/// Components from another commit than their siblings.
pub(super) fn findings(subject: Subject<'_>) -> Vec<Finding> {
    let components = &subject.graphs.stream.components;
    let mut repositories: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (name, component) in components {
        if let Some((git, commit)) = commit(subject.lock, name, component) {
            repositories.entry(same_address(&git.url)).or_default().insert(name, commit);
        }
    }
    let inherited = |name: &str| components.get(name).is_some_and(|c| c.inherited.is_some());
    let mut findings = Vec::new();
    for (url, commits) in repositories {
        let Some(split) = split(&commits, inherited) else { continue };
        let siblings = some(&split.with_most);
        let verb = if split.with_most.len() == 1 { "is" } else { "are" };
        for (name, commit) in split.others {
            let message = format!(
                "`{name}` is from {url} at {}, and {siblings} {verb} from there at {}",
                short(commit),
                short(split.most)
            );
            let finding = Diagnostic::warning(MISMATCHED_SIBLINGS.code, message);
            let sibling = place(subject, split.with_most.first().copied().unwrap_or(name));
            let (source, span) = place(subject, name);
            let code = MISMATCHED_SIBLINGS.code;
            let help = or_waive(
                subject.definition,
                "let them follow one reference, or pin them all to one commit",
                code,
                Some(name),
            );
            let finding = finding.at(source, span).related(sibling.0, sibling.1, "a sibling");
            findings.push(Finding::about(name, finding.help(help)));
        }
    }
    findings
}

/// Where a component is from, and the commit: as the lock has it, or as the image says that is there already.
fn commit<'a>(lock: &'a Lock, name: &str, component: &'a Component) -> Option<(&'a Git, &'a str)> {
    match &component.source {
        Origin::Git(git) => Some((git, lock.commits.get(name)?.commit.as_str())),
        Origin::Image(_) | Origin::Images(_) => {
            let git = component.built_from.as_ref()?;
            let is_commit = git.reference.len() == 40 && git.reference.bytes().all(|b| b.is_ascii_hexdigit());
            is_commit.then_some((git, git.reference.as_str()))
        }
        Origin::Path(_) => None,
    }
}

/// The address without what makes no difference to the servers that everybody uses.
fn same_address(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url)
}

fn place<'a>(subject: Subject<'a>, name: &str) -> (&'a base::Source, base::Span) {
    let places = &subject.definition.places;
    let field = |path: &[&str]| places.written(path).map(|_| places.value(path));
    field(&["components", name, "source", "git", "ref"])
        .or_else(|| field(&["components", name, "builtFrom", "ref"]))
        .unwrap_or_else(|| places.value(&["components", name, "source"]))
}

fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}
