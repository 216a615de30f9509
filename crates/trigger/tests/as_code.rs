//! Pipelines-as-Code: which runs an event starts, and why not the others.

#![allow(clippy::unwrap_used)]

use base::Source;
use trigger::event::{Changes, Facts};
use trigger::{Candidate, Event, Given, Outcome, simulate};

const PUSH: &str = include_str!("events/github-push.json");
const PULL_REQUEST: &str = include_str!("events/github-pull-request.json");
const COMMENT: &str = include_str!("events/github-comment.json");

/// A run called `name` with these annotations, a line each, without their prefix.
fn run(name: &str, annotations: &str) -> String {
    let lines: String =
        annotations.lines().map(|line| format!("    pipelinesascode.tekton.dev/{}\n", line.trim())).collect();
    format!(
        "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata:\n  name: {name}\n  annotations:\n    x: y\n{lines}spec: {{pipelineRef: {{name: p}}}}\n"
    )
}

fn given(changed: Option<&str>) -> Given {
    Given {
        changes: changed.map(|lines| Changes::from_lines(lines).unwrap()),
        git_auth_secret: "auth".to_owned(),
        ..Given::default()
    }
}

fn outcome(event: &str, text: &str, given: &Given) -> Outcome {
    let event = Event::read(event, &[]).unwrap();
    let read = |path: &str| {
        if path == "tasks/t.yaml" {
            Ok("kind: Task # {{ revision }}\n".to_owned())
        } else {
            Err("no such file".to_owned())
        }
    };
    simulate(&event, &[Source::new(".tekton/runs.yaml", text)], given, &read).unwrap()
}

/// The only candidate, with what decided.
fn judged(event: &str, annotations: &str, changed: Option<&str>) -> (bool, String) {
    let outcome = outcome(event, &run("docs", annotations), &given(changed));
    assert!(!outcome.findings.has_errors(), "{}", outcome.findings);
    let [candidate] = outcome.candidates.as_slice() else { panic!("{:?}", outcome.candidates) };
    (candidate.matched, decisive(candidate))
}

fn decisive(candidate: &Candidate) -> String {
    let reason = candidate.refusal().or(candidate.reasons.last()).unwrap();
    format!("{}: {}", reason.subject, reason.why)
}

#[test]
fn events_and_branches() {
    let on = |event: &str, branch: &str| format!("on-event: \"{event}\"\non-target-branch: \"{branch}\"");
    for (event, annotations, matched, why) in [
        (PUSH, on("[push]", "[main]"), true, "on-target-branch: main is \"refs/heads/main\""),
        (PUSH, on("push", "refs/heads/*"), true, "on-target-branch: refs/heads/* is \"refs/heads/main\""),
        (
            PUSH,
            on("[pull_request, push]", "[release-*, refs/tags/*]"),
            false,
            "on-target-branch: [release-*, refs/tags/*], but the target branch is \"refs/heads/main\"",
        ),
        (PUSH, on("[pull_request]", "[main]"), false, "on-event: [pull_request], but the event is \"push\""),
        (PULL_REQUEST, on("[pull_request]", "[main]"), true, "on-target-branch: main is \"main\""),
        (
            PULL_REQUEST,
            "on-event: pull_request".to_owned(),
            false,
            "on-target-branch: it is missing; a run needs `on-event` and `on-target-branch`, or `on-cel-expression`, or `on-comment`",
        ),
    ] {
        assert_eq!(judged(event, &annotations, None), (matched, why.to_owned()), "{annotations}");
    }
}

#[test]
fn paths_and_labels() {
    let on = |more: &str| format!("on-event: \"[push, pull_request]\"\non-target-branch: \"[main]\"\n{more}");
    for (event, more, changed, matched, why) in [
        (PUSH, "on-path-change: \"[docs/**]\"", None, true, "on-path-change: docs/** is \"docs/new.md\""),
        (
            PUSH,
            "on-path-change: \"[lib/*]\"",
            None,
            false,
            "on-path-change: [lib/*], but changed are \"docs/new.md\", \"src/main.go\"",
        ),
        (
            PUSH,
            "on-path-change-ignore: \"[docs/**]\"",
            None,
            false,
            "on-path-change-ignore: docs/** is \"docs/new.md\"",
        ),
        (
            PUSH,
            "on-path-change-ignore: \"[lib/**]\"",
            None,
            true,
            "on-path-change-ignore: none of [lib/**] changed",
        ),
        (PUSH, "on-path-change: \"[lib/*]\"", Some("lib/a"), true, "on-path-change: lib/* is \"lib/a\""),
        (
            PULL_REQUEST,
            "on-path-change: \"[docs/*]\"",
            None,
            false,
            "on-path-change: it is not known which files changed: give them with --changed-files FILE or --git DIR BASE..HEAD",
        ),
        (PULL_REQUEST, "on-label: \"[bug]\"", None, true, "on-label: bug is \"bug\""),
        (
            PULL_REQUEST,
            "on-label: \"[feature]\"",
            None,
            false,
            "on-label: [feature], but the labels are \"bug\"",
        ),
    ] {
        assert_eq!(judged(event, &on(more), changed), (matched, why.to_owned()), "{more}");
    }
}

#[test]
fn expressions_show_the_values_that_decide() {
    for (event, expression, changed, matched, why) in [
        (PUSH, "event == 'push' && target_branch == 'main' && 'docs/*'.pathChanged()", None, true, ""),
        (PUSH, "target_branch == 'refs/heads/main'", None, true, ""),
        (
            PUSH,
            "files.added.exists(x, x.matches('^docs/')) && !files.deleted.exists(x, true)",
            None,
            true,
            "",
        ),
        (PUSH, "event_title.startsWith('Fix') && source_url == target_url", None, true, ""),
        (
            PULL_REQUEST,
            "event == 'pull_request' && source_branch.startsWith('hotfix/')",
            None,
            false,
            "on-cel-expression: event == 'pull_request' && source_branch.startsWith('hotfix/') is false (event is \"pull_request\", source_branch is \"feature/x\")",
        ),
        (
            PULL_REQUEST,
            "body.pull_request.number == 7 && body.pull_request.draft",
            None,
            false,
            "on-cel-expression: body.pull_request.number == 7 && body.pull_request.draft: there is no key `draft` (body.pull_request.number is 7, body.pull_request.draft is missing)",
        ),
        (
            PULL_REQUEST,
            "files.all.exists(f, f == 'a')",
            None,
            false,
            "on-cel-expression: it is not known which files changed: give them with --changed-files FILE or --git DIR BASE..HEAD",
        ),
        (PULL_REQUEST, "files.renamed.exists(f, f == 'b')", Some("R100\ta\tb"), true, ""),
    ] {
        let (is, said) = judged(event, &format!("on-cel-expression: \"{expression}\""), changed);
        assert_eq!(is, matched, "{expression}: {said}");
        assert!(matched || said == why, "{said}");
    }
}

#[test]
fn comments() {
    let pull_request = "on-event: pull_request\non-target-branch: trunk";
    assert_eq!(
        judged(COMMENT, pull_request, None),
        (true, "comment: the comment asks for `docs` by name".to_owned())
    );
    let said = |comment: &str, annotations: &str| {
        judged(&COMMENT.replace("/test docs\\r\\n", comment), annotations, None)
    };
    assert_eq!(
        said("/test other", pull_request),
        (false, "comment: the comment asks for `other` only".to_owned())
    );
    assert!(said("/retest", pull_request).0, "the default branch is taken for the target");
    assert_eq!(
        said("nice", pull_request).1,
        "comment: the comment is no command (/test, /retest, /ok-to-test, /cancel)"
    );
    assert_eq!(
        said("/merge now", "on-comment: \"^/merge\""),
        (true, "on-comment: ^/merge matches \"/merge now\"".to_owned())
    );
    assert!(!said("do /merge", "on-comment: \"^/merge\"").0);
    assert!(!said("/cancel", pull_request).0);
}

#[test]
fn what_is_ignored_says_why() {
    let pull_request = PULL_REQUEST.replace("synchronize", "assigned");
    let annotations = "on-event: pull_request\non-target-branch: main";
    assert_eq!(
        judged(&pull_request, annotations, None).1,
        "event: Pipelines-as-Code runs nothing when a pull request is `assigned`"
    );
    let labeled = PULL_REQUEST.replace("synchronize", "labeled");
    assert_eq!(
        judged(&labeled, annotations, None).1,
        "on-label: the event is about labels, and the run does not ask for any"
    );
    let deleted =
        PUSH.replace("2222222222222222222222222222222222222222", "0000000000000000000000000000000000000000");
    assert_eq!(judged(&deleted, annotations, None).1, "event: the push deletes refs/heads/main");
}

#[test]
fn mistakes_in_annotations_are_pointed_at() {
    for (annotations, code, location) in [
        ("on-cel-expression: \"event == \"", "bad-expression", ".tekton/runs.yaml:7:51"),
        ("on-event: \"[]\"\non-target-branch: main", "bad-annotation", ".tekton/runs.yaml:7:42"),
        ("on-event: push\non-target-branch: \"[a[]\"", "bad-pattern", ".tekton/runs.yaml:8:50"),
        ("on-target-brunch: main", "unknown-annotation", ".tekton/runs.yaml:7:50"),
    ] {
        let outcome = outcome(PUSH, &run("docs", annotations), &given(None));
        let found: Vec<_> = outcome.findings.0.iter().map(|d| (d.code, d.location().unwrap())).collect();
        assert_eq!(found, [(code, location.to_owned())], "{annotations}");
        assert!(!outcome.candidates[0].matched);
    }
    let outcome = outcome(COMMENT, &run("docs", "on-comment: \"(\""), &given(None));
    assert_eq!(outcome.findings.0[0].code, "bad-regex");
}

#[test]
fn variables_files_and_params_of_the_repository() {
    let repository = "---
apiVersion: pipelinesascode.tekton.dev/v1alpha1
kind: Repository
metadata: {name: r}
spec:
  params:
  - {name: company, value: on-push, filter: pac.event_type == 'push'}
  - {name: company, value: otherwise}
";
    let annotations = "on-event: pull_request\non-target-branch: main\ntask: \"[tasks/t.yaml, git-clone]\"\ntask-1: \"https://example.com/t.yaml\"\nmax-keep-runs: \"5\"";
    let text = run("docs", annotations).replace(
        "name: p}",
        "name: \"{{ repo_owner }}-{{ repo_name }}-{{ pull_request_number }}-{{ revision }}-{{ source_branch }}-{{ company }}-{{ body.pull_request.base.ref }}\"}",
    ) + repository;
    let outcome = outcome(PULL_REQUEST, &text, &given(None));
    assert!(!outcome.findings.has_errors(), "{}", outcome.findings);
    let candidate = &outcome.candidates[0];
    assert_eq!(
        candidate.runs[0]["spec"]["pipelineRef"]["name"],
        "acme-widgets-7-3333333333333333333333333333333333333333-feature/x-otherwise-main"
    );
    assert_eq!(candidate.runs[0]["metadata"]["generateName"], "docs-");
    assert_eq!(candidate.notes.len(), 3, "{:?}", candidate.notes);
    let fetched = outcome.sources.last().unwrap();
    assert_eq!(
        (fetched.name(), fetched.text()),
        ("tasks/t.yaml", "kind: Task # 3333333333333333333333333333333333333333\n")
    );
}

#[test]
fn a_branch_cannot_write_the_pipeline() {
    let event = PULL_REQUEST.replace("feature/x", "x\\\"}}, serviceAccountName: \\\"admin");
    let text = run("docs", "on-event: pull_request\non-target-branch: main")
        .replace("name: p", "name: \"{{ source_branch }}\"");
    let outcome = outcome(&event, &text, &given(None));
    let codes: Vec<&str> = outcome.findings.0.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["variable-becomes-yaml"]);
}

#[test]
fn events_of_all_code_hosts() {
    let facts = |text: &str| Facts::read(&Event::read(text, &[]).unwrap(), &[]).unwrap();
    for (text, event, target, source, owner, name, number) in [
        (PUSH, "push", "refs/heads/main", "refs/heads/main", "Acme", "Widgets", None),
        (PULL_REQUEST, "pull_request", "main", "feature/x", "Acme", "Widgets", Some("7")),
        (
            include_str!("events/gitlab-merge-request.json"),
            "pull_request",
            "main",
            "feature/x",
            "group/sub",
            "widgets",
            Some("12"),
        ),
        (
            include_str!("events/gitea-push.json"),
            "push",
            "refs/tags/v1.0",
            "refs/tags/v1.0",
            "acme",
            "widgets",
            None,
        ),
        (
            include_str!("events/bitbucket-push.json"),
            "push",
            "refs/heads/main",
            "refs/heads/main",
            "acme",
            "widgets",
            None,
        ),
        (
            include_str!("events/bitbucket-server-pull-request.json"),
            "pull_request",
            "main",
            "feature/x",
            "ACME",
            "widgets",
            Some("3"),
        ),
    ] {
        let facts = facts(text);
        let got = (
            facts.event.as_str(),
            facts.target_branch.as_str(),
            facts.source_branch.as_str(),
            facts.owner.as_str(),
            facts.name.as_str(),
        );
        assert_eq!(got, (event, target, source, owner, name));
        assert_eq!(facts.number.as_deref(), number);
        assert!(
            facts.revision.len() == 40 && !facts.sender.is_empty() && !facts.clone_url.is_empty(),
            "{facts:?}"
        );
    }
}

#[test]
fn unclear_events_say_what_to_give() {
    let unclear = |text: &str| Facts::read(&Event::read(text, &[]).unwrap(), &[]).unwrap_err().to_string();
    assert!(
        unclear(r#"{"ref": "refs/heads/x", "before": "1", "after": "2"}"#)
            .contains("GitHub or of Gitea; say what it is with a header")
    );
    assert!(unclear("{}").contains("--header 'X-GitHub-Event: push'"));
    let event =
        Event::read(r#"{"after": "2"}"#, &[("X-GitHub-Event".to_owned(), "push".to_owned())]).unwrap();
    let error = Facts::read(&event, &[]).unwrap_err().to_string();
    assert_eq!(
        error,
        "the push event has no `ref`; give the complete body of the webhook, or --set target_branch=VALUE"
    );
    let set = [("target_branch".to_owned(), "refs/heads/y".to_owned())];
    assert_eq!(Facts::read(&event, &set).unwrap().target_branch, "refs/heads/y");
}
