//! Task runs made ready: passes, workspaces, step actions, templates, and every way to fail before the first step.
#![allow(clippy::unwrap_used)]

use base::Source;
use serde_json::{Value, json};
use tekton::catalog::Catalog;
use tekton::load::load;
use tekton::prepare::{self, Failure, PreparedTask, Settings, TaskContext};
use tekton::status::step::{self, StepEnd};
use tekton::status::task_run::{Attempt, AttemptEnd, conclude, status};
use tekton::types::{ConditionStatus, TaskRun};

fn catalog(documents: &[Value]) -> Catalog {
    let text = documents.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n");
    let loaded = load(&Source::new("test", text)).unwrap();
    Catalog::new(loaded.documents, &mut |prefix| format!("{prefix}x")).unwrap()
}

fn task_run(spec: Value) -> TaskRun {
    serde_json::from_value(json!({
        "apiVersion": "tekton.dev/v1", "kind": "TaskRun",
        "metadata": {"name": "run", "namespace": "ns", "uid": "u-1"}, "spec": spec,
    }))
    .unwrap()
}

fn with(documents: &[Value], retry_count: usize, spec: Value) -> Result<PreparedTask, Failure> {
    let settings = Settings::default();
    prepare::task(&task_run(spec), &catalog(documents), &TaskContext { retry_count, settings: &settings })
}

fn prepared(spec: Value) -> PreparedTask {
    with(&[], 0, spec).unwrap()
}

fn failure(spec: Value) -> (&'static str, String) {
    let failure = with(&[], 0, spec).unwrap_err();
    (failure.reason, failure.message.replace("[User error] ", ""))
}

#[test]
fn the_passes_follow_each_other() {
    let run = with(
        &[],
        2,
        json!({
            "params": [
                {"name": "later", "value": "$(context.taskRun.name) $(workspaces.w.path) $(results.r.path) $(params.other)"},
                {"name": "other", "value": "never"},
                {"name": "list", "value": ["x", "y z"]},
            ],
            "workspaces": [{"name": "w", "emptyDir": {}}],
            "taskSpec": {
                "params": [{"name": "later"}, {"name": "list", "type": "array"}, {"name": "d", "default": "D"}],
                "workspaces": [{"name": "w", "mountPath": "/w"}],
                "results": [{"name": "r"}, {"name": "dot.ted"}],
                "steps": [
                    {"name": "one", "image": "i:$(params.d)", "results": [{"name": "own"}],
                     "script": "$(params.later) $(step.results.own.path) $(results['dot.ted'].path) $(steps.one.results.own)"},
                    {"image": "i", "command": ["c"], "args": ["$(params.list[*])", "$(params.list[1])"],
                     "workingDir": "$(params.d)/dir",
                     "env": [{"name": "E", "value": "$(steps.step-one.exitCode.path) $(credentials.path) $(artifacts.path)"},
                             {"name": "F", "valueFrom": {"secretKeyRef": {"name": "$(params.d)", "key": "k"}}}]},
                    {"image": "i", "script": "#!/bin/x\n$(context.task.name) $(context.task.retry-count) $(context.taskRun.uid) $(date)"},
                ],
            },
        }),
    )
    .unwrap();
    assert_eq!(
        run.steps[0].script.as_deref(),
        Some(
            "#!/bin/sh\nset -e\nrun /w /tekton/results/r $(params.other) /tekton/steps/step-one/results/own \
             /tekton/results/dot.ted $(steps.one.results.own)"
        )
    );
    assert_eq!(run.steps[0].step.image, "i:D");
    assert_eq!(run.steps[1].step.args(), ["x", "y z", "y z"]);
    assert_eq!(
        run.steps[1].step.env[0].value,
        "/tekton/steps/step-one/exitCode /tekton/creds /tekton/artifacts/provenance.json"
    );
    assert_eq!(
        run.steps[1].step.env[1].value_from.as_ref().unwrap().secret_key_ref.as_ref().unwrap().name,
        "D"
    );
    assert_eq!(
        (run.steps[1].container.as_str(), run.steps[1].name.as_str()),
        ("step-unnamed-1", "unnamed-1")
    );
    assert_eq!(run.steps[1].working_dir.as_deref(), Some("/workspace/D/dir"));
    assert_eq!(run.working_dirs, ["/workspace/D/dir"]);
    assert_eq!(run.steps[2].script.as_deref(), Some("#!/bin/x\nrun 2 u-1 $(date)"));
    assert_eq!(run.pod_name, "run-pod-retry2");
    assert_eq!(run.timeout.unwrap().as_secs(), 3600);
    assert_eq!(run.service_account, "default");
    assert_eq!(run.spec.steps[0].image, "i:D", "the status shows the task after substitution");
}

#[test]
fn workspaces_are_mounted_where_they_belong() {
    let run = prepared(json!({
        "params": [{"name": "sub", "value": "below"}],
        "workspaces": [
            {"name": "shared", "persistentVolumeClaim": {"claimName": "c"}, "subPath": "$(params.sub)/$(context.taskRun.name)"},
            {"name": "same", "persistentVolumeClaim": {"claimName": "c"}},
            {"name": "secret", "secret": {"secretName": "$(params.sub)"}},
            {"name": "undeclared", "emptyDir": {}},
            {"name": "made", "volumeClaimTemplate": {"metadata": {"name": "t"}, "spec": {}}},
        ],
        "taskSpec": {
            "workspaces": [
                {"name": "shared"}, {"name": "same", "mountPath": "/same", "readOnly": true},
                {"name": "secret"}, {"name": "none", "optional": true}, {"name": "made"},
            ],
            "steps": [
                {"name": "a", "image": "i", "workspaces": [{"name": "secret", "mountPath": "/s"}],
                 "script": "$(workspaces.secret.path) $(workspaces.none.bound)$(workspaces.none.path) $(workspaces.shared.bound)",
                 "volumeMounts": [{"name": "own", "mountPath": "/same"}]},
                {"name": "b", "image": "i",
                 "script": "$(workspaces.secret.path) $(workspaces.shared.claim) $(workspaces.undeclared.path) $(workspaces.made.claim)"},
            ],
            "sidecars": [{"name": "s", "image": "i", "volumeMounts": [{"name": "x", "mountPath": "/workspace/shared"}]}],
        },
    }));
    let volume = |name: &str| run.workspaces.iter().find(|w| w.name == name).unwrap().volume.clone();
    assert_eq!(volume("shared"), volume("same"), "one claim, one volume");
    assert_eq!(run.volumes.len(), 4);
    let mounts = |mounts: &[tekton::types::VolumeMount]| -> Vec<String> {
        let show = |m: &tekton::types::VolumeMount| {
            let workspace =
                run.workspaces.iter().find(|w| w.volume == m.name).map_or(m.name.as_str(), |w| &w.name);
            let ro = if m.read_only { " ro" } else { "" };
            format!("{workspace}/{} at {}{ro}", m.sub_path, m.mount_path)
        };
        mounts.iter().map(show).collect()
    };
    assert_eq!(
        mounts(&run.steps[0].step.volume_mounts),
        [
            "shared/below/run at /workspace/shared",
            "own/ at /same",
            "made/ at /workspace/made",
            "undeclared/ at /workspace/undeclared",
            "secret/ at /s",
        ]
    );
    assert!(!mounts(&run.steps[1].step.volume_mounts).iter().any(|m| m.starts_with("secret")), "isolated");
    assert_eq!(
        mounts(&run.sidecars[0].sidecar.volume_mounts),
        [
            "x/ at /workspace/shared",
            "shared/ at /same ro",
            "made/ at /workspace/made",
            "undeclared/ at /workspace/undeclared"
        ]
    );
    let claim = &run.claims[0].name;
    assert!(claim.starts_with("t-"), "{claim}");
    assert!(run.steps[0].script.as_deref().unwrap().ends_with("/s false true"));
    let expected = format!("/workspace/secret c /workspace/undeclared {claim}");
    assert!(run.steps[1].script.as_deref().unwrap().ends_with(&expected), "{:?}", run.steps[1].script);
    assert_eq!(run.warnings.len(), 1, "two claims");
}

#[test]
fn a_referenced_task_gives_name_labels_and_step_actions() {
    let documents = [
        json!({
            "apiVersion": "tekton.dev/v1", "kind": "Task",
            "metadata": {"name": "t", "labels": {"l": "task", "own": "task"}, "annotations": {"a": "1"}},
            "spec": {
                "params": [{"name": "p", "default": "P"}],
                "stepTemplate": {"env": [{"name": "T", "value": "$(params.p)"}], "image": "unused"},
                "steps": [{
                    "name": "s", "ref": {"name": "action"}, "onError": "continue",
                    "params": [{"name": "in", "value": "$(params.p)!"}],
                }],
            },
        }),
        json!({
            "apiVersion": "tekton.dev/v1beta1", "kind": "StepAction", "metadata": {"name": "action"},
            "spec": {"params": [{"name": "in"}], "image": "ai", "args": ["$(params.in)", "$(context.task.name)"]},
        }),
    ];
    let mut run =
        task_run(json!({"taskRef": {"name": "t"}, "params": [{"name": "extra", "value": "ignored"}]}));
    run.metadata.labels.insert("own".into(), "run".into());
    let settings = Settings::default();
    let run = prepare::task(&run, &catalog(&documents), &TaskContext { retry_count: 0, settings: &settings })
        .unwrap();
    assert_eq!(json!(run.metadata.labels), json!({"l": "task", "own": "run", "tekton.dev/task": "t"}));
    assert_eq!(run.metadata.annotations["a"], "1");
    let step = &run.steps[0];
    assert_eq!(step.step.args(), ["P!", "t"]);
    assert_eq!((step.step.image.as_str(), step.step.env[0].value.as_str()), ("ai", "P"));
    assert_eq!(step.on_error, prepare::OnError::Continue);
    assert!(step.step.r#ref.is_none() && step.step.params.is_empty());
}

#[test]
fn what_the_run_says_about_resources_pods_and_time() {
    let run = prepared(json!({
        "timeout": "0", "retries": 3, "serviceAccountName": "sa",
        "params": [{"name": "host", "value": "h"}],
        "podTemplate": {
            "env": [{"name": "E", "value": "pod"}], "volumes": [{"name": "v", "emptyDir": {}}],
            "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["$(params.host)"]}],
        },
        "stepSpecs": [{"name": "a", "computeResources": {"limits": {"memory": "1Gi"}}}],
        "taskSpec": {"steps": [{
            "name": "a", "image": "i", "env": [{"name": "E", "value": "step"}],
            "computeResources": {"limits": {"memory": "2Gi", "cpu": "1"}},
        }]},
    }));
    assert_eq!((run.timeout, run.retries, run.service_account.as_str()), (None, 3, "sa"));
    assert_eq!(run.pod.host_aliases[0].hostnames, ["h"]);
    assert_eq!(run.volumes[0].name, "v");
    let step = &run.steps[0].step;
    assert_eq!(step.env[0].value, "pod");
    assert_eq!(json!(step.compute_resources), json!({"limits": {"cpu": "1", "memory": "1Gi"}}));
    let whole = prepared(json!({
        "computeResources": {"limits": {"cpu": "3"}},
        "taskSpec": {"steps": [{"image": "i"}, {"image": "i"}]},
    }));
    assert!(whole.steps.iter().all(|s| json!(s.step.compute_resources) == json!({"limits": {"cpu": "3"}})));
}

#[test]
fn every_way_to_fail_before_the_first_step() {
    let params = |declared: Value, passed: Value| {
        failure(json!({"params": passed, "taskSpec": {
            "params": declared, "steps": [{"image": "i", "script": "$(params.a[3])"}],
        }}))
    };
    let invalid = |message: &str| ("TaskRunValidationFailed", message.to_owned());
    assert_eq!(
        params(json!([{"name": "a"}, {"name": "b"}]), json!([])),
        invalid(
            "invalid input params for task run: missing values for these params which have no default values: [a b]"
        )
    );
    assert_eq!(
        params(json!([{"name": "a", "type": "array"}]), json!([{"name": "a", "value": "text"}])),
        invalid("invalid input params for task run: param types don't match the user-specified type: [a]")
    );
    assert_eq!(
        params(
            json!([{"name": "o", "type": "object", "properties": {"k": {}, "l": {}}}]),
            json!([{"name": "o", "value": {"k": "1"}}])
        ),
        invalid(
            "invalid input params for task run: missing keys for these params which are required in ParamSpec's \
             properties map[o:[l]]"
        )
    );
    assert_eq!(
        params(json!([{"name": "e", "enum": ["x"]}]), json!([{"name": "e", "value": "y"}])),
        ("InvalidParamValue", "param `e` value: y is not in the enum list".to_owned())
    );
    assert_eq!(
        params(json!([{"name": "a", "type": "array"}]), json!([{"name": "a", "value": ["0"]}])),
        invalid("non-existent param references:[$(params.a[3])]")
    );
    let workspaces =
        |declared: Value| failure(json!({"taskSpec": {"workspaces": declared, "steps": [{"image": "i"}]}}));
    assert_eq!(
        workspaces(json!([{"name": "w"}])),
        invalid("declared workspace \"w\" is required but has not been bound")
    );
    let task = json!({
        "apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "t"}, "spec": {"steps": [{"image": "i"}]},
    });
    let stray = json!({"taskRef": {"name": "t"}, "workspaces": [{"name": "w", "emptyDir": {}}]});
    let stray = with(&[task], 0, stray).unwrap_err();
    assert_eq!(stray.message, "[User error] workspace binding \"w\" does not match any declared workspace");
    assert_eq!(
        failure(json!({"taskRef": {"name": "nope"}})),
        (
            "TaskRunResolutionFailed",
            "error when listing tasks for taskRun run: tasks.tekton.dev \"nope\" not found".to_owned()
        )
    );
    assert_eq!(
        failure(json!({"taskSpec": {"steps": [{"ref": {"name": "nope"}}]}})),
        ("TaskRunResolutionFailed", "stepactions.tekton.dev \"nope\" not found".to_owned())
    );
    let (reason, message) = failure(json!({"taskRef": {"name": "t", "resolver": "git"}}));
    assert!(
        reason == "TaskRunResolutionFailed" && message.contains("add the object to the files"),
        "{message}"
    );
    let (reason, message) = failure(json!({"taskRef": {"name": "t", "apiVersion": "x.dev/v1", "kind": "K"}}));
    assert!(reason == "TaskRunResolutionFailed" && message.contains("custom task"), "{message}");
    assert_eq!(
        failure(json!({"stepSpecs": [{"name": "z"}], "taskSpec": {"steps": [{"name": "a", "image": "i"}]}})),
        invalid("invalid StepOverride: No Step named z")
    );
}

#[test]
fn a_default_binding_serves_workspaces_without_one() {
    let settings = Settings {
        workspace_binding: Some(serde_json::from_value(json!({"emptyDir": {}})).unwrap()),
        ..Settings::default()
    };
    let run = task_run(json!({"taskSpec": {"workspaces": [{"name": "w"}], "steps": [{"image": "i"}]}}));
    let run =
        prepare::task(&run, &catalog(&[]), &TaskContext { retry_count: 0, settings: &settings }).unwrap();
    assert_eq!(run.workspaces[0].path, "/workspace/w");
}

/// Ends of two steps, what the sidecar did, and what becomes of the run.
#[test]
fn every_condition_of_a_task_run() {
    let task = prepared(json!({
        "timeout": "1m",
        "taskSpec": {"steps": [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}]},
    }));
    let at = "2026-01-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().into();
    let attempt = |ends: [StepEnd; 2], sidecar: Option<(i32, &str)>| {
        let steps = task
            .steps
            .iter()
            .zip(ends)
            .map(|(s, end)| step::ended(s, end, "run-pod", "", (Some(at), at), Vec::new()));
        let sidecar = sidecar
            .map(|(code, reason)| json!({"name": "s", "terminated": {"exitCode": code, "reason": reason}}));
        Attempt {
            started: Some(at),
            ended: Some(at),
            steps: steps.collect(),
            sidecars: serde_json::from_value(json!(sidecar.into_iter().collect::<Vec<_>>())).unwrap(),
            end: Some(AttemptEnd::Steps),
            ..Attempt::default()
        }
    };
    use StepEnd::*;
    let failed = Some((4, "Error"));
    for (ends, sidecar, reason, message) in [
        ([Completed, Completed], failed, "Succeeded", "All Steps have completed executing"),
        ([Continued(7), Unwanted], None, "Succeeded", "All Steps have completed executing"),
        ([Failed(3), Unreached], None, "StepFailed", "\"step-a\" exited with code 3: Error"),
        ([Completed, Failed(1)], failed, "SidecarFailed", "\"step-b\" exited with code 1: Error"),
        (
            [Completed, Failed(1)],
            Some((137, "OOMKilled")),
            "SidecarOOM",
            "\"step-b\" exited with code 1: Error",
        ),
        ([OutOfMemory, Unreached], failed, "StepOOM", "\"step-a\" exited with code 137: OOMKilled"),
        (
            [TimedOut, Unreached],
            None,
            "StepFailed",
            "\"step-a\" exited because the step exceeded the specified timeout limit",
        ),
    ] {
        let (_, word, text) = conclude(&task, &attempt(ends, sidecar));
        assert_eq!((word, text.as_str()), (reason, message), "{ends:?}");
    }
    let ended = |end: AttemptEnd| conclude(&task, &Attempt { end: Some(end), ..Attempt::default() });
    assert_eq!(
        ended(AttemptEnd::TimedOut),
        (
            ConditionStatus::False,
            "TaskRunTimeout",
            "TaskRun \"run\" failed to finish within \"1m0s\"".to_owned()
        )
    );
    let why = "TaskRun cancelled as the PipelineRun it belongs to has timed out.";
    assert_eq!(
        ended(AttemptEnd::Cancelled(why.into())),
        (ConditionStatus::False, "TaskRunCancelled", format!("TaskRun \"run\" was cancelled. {why}"))
    );
    assert_eq!(conclude(&task, &Attempt::default()).0, ConditionStatus::Unknown);

    let status = serde_json::to_value(status(&task, &attempt([Cancelled, Cancelled], None), &[])).unwrap();
    assert_eq!(
        status["steps"][1],
        json!({
            "name": "b", "container": "step-b", "terminationReason": "TaskRunCancelled",
            "terminated": {
                "exitCode": 1, "reason": "TaskRunCancelled",
                "message": "Step step-b terminated as pod run-pod is terminated",
                "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:00Z",
            },
        })
    );
    assert_eq!(status["conditions"][0]["lastTransitionTime"], "2026-01-01T00:00:00Z");

    let mut ignored = task.clone();
    ignored.metadata.annotations.insert(tekton::next::ON_ERROR.into(), "continue".into());
    assert_eq!(conclude(&ignored, &attempt([Failed(3), Unreached], None)).1, "FailureIgnored");
}
