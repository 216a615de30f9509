//! Tekton Triggers: listeners, interceptors, bindings and templates together.

#![allow(clippy::unwrap_used)]

use base::Source;
use serde_json::json;
use trigger::{Candidate, Event, Given, Outcome, simulate};

const PUSH: &str = include_str!("events/github-push.json");

const BINDING_AND_TEMPLATE: &str = "
---
apiVersion: triggers.tekton.dev/v1beta1
kind: TriggerBinding
metadata: {name: b}
spec:
  params:
  - {name: branch, value: $(extensions.branch)}
  - {name: id, value: $(body.repository.id)}
---
apiVersion: triggers.tekton.dev/v1beta1
kind: TriggerTemplate
metadata: {name: t}
spec:
  params:
  - {name: branch}
  - {name: id}
  - {name: depth, default: \"1\"}
  resourcetemplates:
  - apiVersion: tekton.dev/v1
    kind: TaskRun
    metadata: {generateName: build-}
    spec:
      params:
      - {name: what, value: $(tt.params.branch)@$(tt.params.id)/$(tt.params.depth)/$(uid)}
      taskRef: {name: x}
";

/// A listener with these interceptors (YAML in flow style, a line each).
fn listener(interceptors: &str) -> String {
    let lines: String = interceptors.lines().map(|line| format!("    - {line}\n")).collect();
    format!(
        "apiVersion: triggers.tekton.dev/v1beta1\nkind: EventListener\nmetadata: {{name: l}}\nspec:\n  triggers:\n  - name: one\n    interceptors:\n{lines}    bindings:\n    - {{ref: b}}\n    template: {{ref: t}}\n{BINDING_AND_TEMPLATE}"
    )
}

fn given() -> Given {
    Given { event_id: "e-1".to_owned(), uid: "u-1".to_owned(), ..Given::default() }
}

fn outcome(text: &str, headers: &[(&str, &str)]) -> Outcome {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let event = Event::read(PUSH, &headers).unwrap();
    simulate(&event, &[Source::new("listener.yaml", text)], &given(), &|_| Err(String::new())).unwrap()
}

fn refusal(candidate: &Candidate) -> String {
    candidate.refusal().map(|r| format!("{}: {}", r.subject, r.why)).unwrap_or_default()
}

const OVERLAY: &str = "{ref: {name: cel}, params: [{name: filter, value: \"header.match('x-github-event', 'push') && body.ref.startsWith('refs/heads/')\"}, {name: overlays, value: [{key: branch, expression: \"body.ref.split('/')[2]\"}]}]}";

#[test]
fn filters_overlays_bindings_and_templates() {
    let outcome = outcome(&listener(OVERLAY), &[("X-GitHub-Event", "push")]);
    assert_eq!(outcome.findings.to_string(), "");
    let candidate = &outcome.candidates[0];
    assert_eq!((candidate.name.as_str(), candidate.matched), ("l/one", true), "{}", refusal(candidate));
    let run = &candidate.runs[0];
    assert_eq!(run["spec"]["params"][0]["value"], "main@1296269/1/u-1");
    assert_eq!(
        run["metadata"]["labels"],
        json!({"triggers.tekton.dev/eventlistener": "l", "triggers.tekton.dev/trigger": "one",
        "triggers.tekton.dev/triggers-eventid": "e-1"})
    );
}

#[test]
fn the_deciding_interceptor_is_named_with_its_values() {
    let github = "{ref: {name: github}, params: [{name: eventTypes, value: [pull_request]}]}";
    let old_cel = "{cel: {filter: \"body.ref == 'refs/heads/other'\"}}";
    for (interceptors, why) in [
        (github, "github: X-GitHub-Event is \"push\", not one of pull_request"),
        (old_cel, "cel filter: body.ref == 'refs/heads/other' is false (body.ref is \"refs/heads/main\")"),
        (
            "{cel: {filter: \"body.nope == 'x'\"}}",
            "cel filter: body.nope == 'x': there is no key `nope` (body.nope is missing)",
        ),
        ("{cel: {filter: body.ref}}", "cel filter: body.ref is \"refs/heads/main\", neither true nor false"),
        (
            "{cel: {overlays: [{key: a, expression: body.nope}]}}",
            "cel overlay `a`: body.nope: there is no key `nope`",
        ),
        ("{cel: {filter: \"true\"}}", "param `branch`: $(extensions.branch): `extensions` has no `branch`"),
        (
            "{webhook: {objectRef: {name: x}}}",
            "webhook: it is a service that answers over the network, which is not asked here; what it would say is not known",
        ),
    ] {
        let outcome = outcome(&listener(interceptors), &[("X-GitHub-Event", "push")]);
        assert_eq!(refusal(&outcome.candidates[0]), why);
    }
}

#[test]
fn signatures_are_checked_and_secrets_never_shown() {
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: hook}\nstringData: {token: hunter2}\n";
    let github =
        "{ref: {name: github}, params: [{name: secretRef, value: {secretName: hook, secretKey: token}}]}";
    let gitlab = github.replace("github", "gitlab");
    let both = |interceptor: &str| format!("{}{secret}", listener(&format!("{interceptor}\n{OVERLAY}")));
    let refused = |text: &str, headers: &[(&str, &str)]| {
        let headers = [headers, &[("X-GitHub-Event", "push")]].concat();
        let outcome = outcome(text, &headers);
        assert!(
            !format!("{outcome:?}{}", serde_json::to_string(&outcome.candidates).unwrap())
                .replace(secret, "")
                .replace("hunter2}\\n", "")
                .contains("hunter2")
        );
        refusal(&outcome.candidates[0])
    };
    assert_eq!(
        refused(&both(github), &[]),
        "github: the event has no header X-Hub-Signature-256, which must prove that it is genuine"
    );
    assert!(
        refused(&both(github), &[("X-Hub-Signature-256", "sha256=00")])
            .contains("does not fit the key `token` of Secret `hook`")
    );
    // printf of the file | openssl dgst -sha256 -hmac hunter2
    let signature = std::process::Command::new("openssl")
        .args([
            "dgst",
            "-sha256",
            "-hmac",
            "hunter2",
            "-r",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events/github-push.json"),
        ])
        .output();
    match signature {
        Ok(output) => {
            let hex = String::from_utf8(output.stdout).unwrap();
            let header = format!("sha256={}", hex.split_whitespace().next().unwrap());
            assert_eq!(refused(&both(github), &[("X-Hub-Signature-256", &header)]), "");
        }
        Err(e) => println!("skipped: openssl is not here ({e})"),
    }
    assert_eq!(refused(&both(&gitlab), &[("X-Gitlab-Token", "hunter2")]), "");
    assert!(
        refused(&both(&gitlab), &[("X-Gitlab-Token", "wrong")])
            .starts_with("gitlab: X-Gitlab-Token does not fit")
    );
    let without = outcome(&listener(&format!("{github}\n{OVERLAY}")), &[("X-GitHub-Event", "push")]);
    assert!(without.candidates[0].matched);
    assert!(without.candidates[0].notes[0].contains("the files have no Secret `hook`"));
}

#[test]
fn changed_files_groups_and_references() {
    let text = format!(
        "apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: {{name: l}}
spec:
  namespaceSelector: {{matchNames: [a]}}
  labelSelector: {{matchLabels: {{team: none}}}}
  triggers:
  - triggerRef: first
  - triggerRef: nope
  triggerGroups:
  - name: g
    interceptors:
    - {{ref: {{name: github}}, params: [{{name: addChangedFiles, value: {{enabled: true}}}}]}}
    triggerSelector: {{labelSelector: {{matchExpressions: [{{key: team, operator: In, values: [a, b]}}]}}}}
---
apiVersion: triggers.tekton.dev/v1beta1
kind: Trigger
metadata: {{name: first}}
spec:
  bindings: [{{name: branch, value: b}}, {{name: id, value: \"1\"}}]
  template: {{ref: t}}
---
apiVersion: triggers.tekton.dev/v1beta1
kind: Trigger
metadata: {{name: second, labels: {{team: a}}}}
spec:
  interceptors: [{{ref: {{name: cel}}, params: [{{name: filter, value: \"extensions.changed_files.matches('docs/')\"}}]}}]
  bindings: [{{name: branch, value: b}}, {{name: id, value: \"1\"}}]
  template:
    spec:
      resourcetemplates: [{{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {{generateName: x-}}, spec: {{taskRef: {{name: x}}}}}}]
---
apiVersion: triggers.tekton.dev/v1beta1
kind: Trigger
metadata: {{name: alone}}
spec: {{bindings: [{{ref: nowhere}}], template: {{ref: t}}}}
{BINDING_AND_TEMPLATE}"
    );
    let outcome = outcome(&text, &[]);
    let told: Vec<(&str, bool)> = outcome.candidates.iter().map(|c| (c.name.as_str(), c.matched)).collect();
    assert_eq!(told, [("l/first", true), ("l/second", true), ("alone", false)]);
    let found: Vec<String> = outcome.findings.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "listener.yaml:9:17: the files have no Trigger called `nope`",
            "listener.yaml:36:25: the files have no TriggerBinding called `nowhere`"
        ]
    );
}

#[test]
fn expressions_that_cannot_be_read_are_pointed_at() {
    let outcome = outcome(&listener("{cel: {filter: \"body.ref ==\"}}"), &[]);
    let found = &outcome.findings.0[0];
    assert_eq!((found.code, found.location().unwrap().as_str()), ("bad-expression", "listener.yaml:8:22"));
}

#[test]
fn triggers_of_okd_coreos_pipeline() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let folder = fixtures.join("okd-coreos-pipeline/base/triggers.tekton.dev");
    let mut texts = Vec::new();
    for kind in ["eventlisteners", "triggerbindings", "triggertemplates"] {
        for name in ["okd-coreos-prod.yaml", "tekton-cleanup.yaml"] {
            let path = folder.join(kind).join(name);
            texts.push(Source::new(format!("{kind}/{name}"), std::fs::read_to_string(path).unwrap()));
        }
    }
    let outcome = |body: &str| {
        let event = Event::read(body, &[]).unwrap();
        simulate(&event, &texts, &given(), &|_| Err(String::new())).unwrap()
    };
    let built = outcome(r#"{"params": {"branch": "release-4.14", "version": "4.14", "variant": "okd-c9s"}}"#);
    assert_eq!(built.findings.to_string(), "");
    let [build, cleanup] = built.candidates.as_slice() else { panic!("{:?}", built.candidates) };
    assert!(build.matched, "{}", refusal(build));
    assert_eq!(build.runs[0]["metadata"]["generateName"], "okd-coreos-4.14-prod-pipelinerun-");
    let params = build.runs[0]["spec"]["params"].as_array().unwrap();
    let value = |name: &str| params.iter().find(|p| p["name"] == name).unwrap()["value"].clone();
    assert_eq!(
        (value("branch"), value("release-stream"), value("tag-latest")),
        (json!("release-4.14"), json!("stable"), json!("false"))
    );
    assert!(
        refusal(cleanup).contains("is false (body['trigger-template'] is missing)"),
        "{}",
        refusal(cleanup)
    );

    let cleaned =
        outcome(r#"{"trigger-template": "tekton-cleanup", "params": {"namespace": "okd", "keep": 5}}"#);
    let cleanup = &cleaned.candidates[1];
    assert!(cleanup.matched, "{}", refusal(cleanup));
    assert_eq!(
        cleanup.runs[0]["spec"]["params"],
        json!([{"name": "keep", "value": "5"}, {"name": "namespace", "value": "okd"}])
    );
}
