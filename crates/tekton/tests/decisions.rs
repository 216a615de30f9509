//! Every reason for skipping, every condition, every variable of a pipeline run, as tables.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::*;
use tekton::next::{ChildRun, Facts, Request};
use tekton::status::pipeline_run::child_references;
use tekton::types::TaskRun;

fn guard(input: &str, value: &str) -> Value {
    json!([{"input": input, "operator": "in", "values": [value]}])
}

fn uses(result: &str) -> Value {
    json!([{"name": "p", "value": format!("$({result})")}])
}

/// Pipeline, facts, tasks that start, tasks that are skipped.
type Case<'a> = (Value, Facts, &'a [&'a str], &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    for (i, (pipeline, facts, start, skip)) in cases.iter().enumerate() {
        let decision = decide(&prepared(pipeline.clone()), facts);
        let started: Vec<String> = starts(&decision).into_iter().collect();
        assert_eq!((started, skipped(&decision)), (owned(start), owned(skip)), "case {i}: {pipeline}");
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

#[test]
fn what_can_start_starts() {
    let abc = json!({"tasks": [
        task("a", json!({})), task("b", json!({})),
        task("c", json!({"runAfter": ["a"], "params": uses("tasks.b.results.r")})),
    ]});
    check(&[
        (abc.clone(), facts(&[]), &["a", "b"], &[]),
        (abc.clone(), facts(&[("a", "ok"), ("b", "running")]), &[], &[]),
        (abc.clone(), facts(&[("a", "ok"), ("b", "ok:r=1")]), &["c"], &[]),
        (abc, facts(&[("a", "ok"), ("b", "ok:r=1"), ("c", "running")]), &[], &[]),
    ]);
}

#[test]
fn every_reason_for_skipping_a_task_of_the_graph() {
    let chain = |guards: Value| {
        json!({"tasks": [
            task("a", json!({ "when": guards })),
            task("after", json!({"runAfter": ["a"]})),
            task("uses", json!({"params": uses("tasks.a.results.r")})),
            task("then", json!({"runAfter": ["uses"]})),
        ]})
    };
    let independent = json!({"tasks": [
        task("a", json!({})), task("b", json!({})), task("c", json!({"runAfter": ["b"]})),
    ]});
    let with = |request| Facts { request: Some(request), ..facts(&[("a", "running"), ("b", "running")]) };
    check(&[
        // 4: only the task itself; what is ordered behind it runs; what needs its result is 6, and what follows that 5.
        (
            chain(guard("x", "y")),
            facts(&[]),
            &["after"],
            &[
                "a: When Expressions evaluated to false",
                "uses: Results were missing",
                "then: Parent Tasks were skipped",
            ],
        ),
        // 1, also for what a guard would skip, and for tasks far behind.
        (
            independent.clone(),
            facts(&[("a", "fail"), ("b", "running")]),
            &[],
            &["c: PipelineRun was stopping"],
        ),
        (
            independent.clone(),
            facts(&[("a", "cancelled")]),
            &[],
            &["b: PipelineRun was stopping", "c: PipelineRun was stopping"],
        ),
        // 2 and 3
        (
            independent.clone(),
            with(Request::CancelledRunFinally),
            &[],
            &["c: PipelineRun was gracefully cancelled"],
        ),
        (
            independent.clone(),
            with(Request::StoppedRunFinally),
            &[],
            &["c: PipelineRun was gracefully stopped"],
        ),
        // A consumer with onError continue waits for no missing result, whatever became of the producer.
        (
            json!({"tasks": [
                task("a", json!({"onError": "continue"})),
                task("b", json!({"onError": "continue", "params": uses("tasks.a.results.r")})),
                task("c", json!({"runAfter": ["b"]})),
            ]}),
            facts(&[("a", "fail")]),
            &[],
            &["b: Results were missing", "c: Parent Tasks were skipped"],
        ),
        // 9
        (
            json!({"tasks": [task("m", json!({"matrix": {"params": [{"name": "p", "value": []}]}}))]}),
            facts(&[]),
            &[],
            &["m: Matrix Parameters have an empty array"],
        ),
    ]);
}

#[test]
fn timeouts_as_reasons() {
    let pipeline = json!({"tasks": [task("a", json!({})), task("b", json!({"runAfter": ["a"]}))]});
    let limits = |limits: Value| try_prepare(&run(pipeline.clone(), json!({ "timeouts": limits }))).unwrap();
    let at = |s, children| Facts { elapsed: seconds(s), ..facts(children) };

    let tasks = limits(json!({"pipeline": "60s", "tasks": "10s"}));
    let decision = decide(&tasks, &at(10, &[("a", "ok")]));
    assert_eq!(skipped(&decision), ["b: PipelineRun Tasks timeout has been reached"]);
    let decision = decide(&tasks, &at(10, &[]));
    assert_eq!(
        skipped(&decision),
        ["a: PipelineRun Tasks timeout has been reached", "b: Parent Tasks were skipped"]
    );

    let all = limits(json!({"pipeline": "10s"}));
    let decision = decide(&all, &at(10, &[("a", "ok")]));
    assert_eq!(skipped(&decision), ["b: PipelineRun timeout has been reached"]);
    assert_eq!(decide(&all, &at(9, &[("a", "ok")])).skipped, []);
}

#[test]
fn every_reason_for_skipping_a_finally_task() {
    let pipeline = json!({
        "tasks": [task("a", json!({"onError": "continue"}))],
        "finally": [
            task("needs", json!({"params": uses("tasks.a.results.r"), "when": guard("x", "y")})),
            task("guarded", json!({"when": guard("$(tasks.a.status)", "Succeeded")})),
            task("empty", json!({"matrix": {"params": [{"name": "p", "value": []}]}})),
            task("runs", json!({"when": guard("$(tasks.a.status) $(tasks.a.reason) $(tasks.status)", "Failed StepFailed Failed")})),
        ],
    });
    let decision = decide(&prepared(pipeline.clone()), &facts(&[("a", "fail")]));
    assert_eq!(
        skipped(&decision),
        [
            "needs: Results were missing",
            "guarded: When Expressions evaluated to false",
            "empty: Matrix Parameters have an empty array",
        ]
    );
    assert_eq!(starts(&decision), set(["runs"]));
    assert!(decision.finally);
    // Guards are listed only where they are the reason, with what they compared.
    let guards: Vec<_> = decision.skipped.iter().map(|s| s.when_expressions.len()).collect();
    assert_eq!(guards, [0, 1, 0]);
    assert_eq!(decision.skipped[1].when_expressions[0].input, "Failed");

    let late =
        try_prepare(&run(pipeline, json!({"timeouts": {"pipeline": "60s", "finally": "5s"}}))).unwrap();
    let facts =
        Facts { elapsed: seconds(20), finally_elapsed: Some(seconds(5)), ..facts(&[("a", "ok:r=1")]) };
    assert!(
        skipped(&decide(&late, &facts)).contains(&"runs: When Expressions evaluated to false".to_owned())
    );
    let only = json!({"tasks": [task("a", json!({}))], "finally": [task("f", json!({}))]});
    let late = try_prepare(&run(only, json!({"timeouts": {"pipeline": "60s", "finally": "5s"}}))).unwrap();
    let decision = decide(&late, &facts);
    assert_eq!(skipped(&decision), ["f: PipelineRun Finally timeout has been reached"]);
    assert_eq!(state(&decision), "False Failed: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1");
}

#[test]
fn guards_compare_the_literal_text_when_a_result_is_missing() {
    let pipeline = |operator: &str| {
        json!({"tasks": [
            task("a", json!({"when": guard("x", "y")})),
            task("b", json!({"when": [{"input": "$(tasks.a.results.r)", "operator": operator, "values": ["v"]}]})),
        ]})
    };
    let reason = |operator| skipped(&decide(&prepared(pipeline(operator)), &facts(&[])))[1].clone();
    assert_eq!(reason("in"), "b: When Expressions evaluated to false");
    assert_eq!(reason("notin"), "b: Results were missing");
}

/// The reference case: a task that its guard skipped early is reported as stopped once another one has failed.
#[test]
fn stopping_takes_over_reasons_that_were_given_before() {
    let pipeline = prepared(json!({"tasks": [
        task("guarded", json!({"when": guard("x", "y")})),
        task("slow", json!({})),
    ], "finally": [task("f", json!({}))]}));
    let before = decide(&pipeline, &facts(&[("slow", "running")]));
    assert_eq!(skipped(&before), ["guarded: When Expressions evaluated to false"]);
    let after = decide(&pipeline, &facts(&[("slow", "fail")]));
    assert_eq!(skipped(&after), ["guarded: PipelineRun was stopping"]);
    assert_eq!(after.skipped[0].when_expressions.len(), 1, "its guards are still listed");
    assert_eq!(starts(&after), set(["f"]));
}

#[test]
fn a_result_that_a_succeeded_task_did_not_give_is_a_mistake() {
    let pipeline = prepared(json!({
        "tasks": [
            task("a", json!({})),
            task("b", json!({"params": uses("tasks.a.results.r")})),
            task("c", json!({"runAfter": ["b"]})),
        ],
        "finally": [task("f", json!({}))],
    }));
    let decision = decide(&pipeline, &facts(&[("a", "ok:s=1")]));
    assert_eq!(starts(&decision), set(["f"]));
    assert_eq!(skipped(&decision), ["c: PipelineRun was stopping"]);
    let end = decide(&pipeline, &facts(&[("a", "ok:s=1"), ("f", "ok")]));
    assert_eq!(
        state(&end),
        "False PipelineValidationFailed: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 1, Failed Validation: 1 \
         (task \"a\" completed successfully but did not emit the result \"r\", which is referenced by task \"b\")"
    );
}

#[test]
fn every_condition() {
    let pipeline = json!({
        "tasks": [task("a", json!({})), task("b", json!({"onError": "continue"})), task("c", json!({"runAfter": ["b"]}))],
        "finally": [task("f", json!({}))],
    });
    let prepared = prepared(pipeline);
    let request = |request, children| Facts { request: Some(request), ..facts(children) };
    let done = [("a", "ok"), ("b", "ok"), ("c", "ok"), ("f", "ok")];
    let with = |changes: &[(&'static str, &'static str)]| {
        let mut children = done;
        for (task, state) in changes {
            children.iter_mut().find(|(t, _)| t == task).unwrap().1 = state;
        }
        children
    };
    for (facts, expected) in [
        (request(Request::Pending, &[]), "Unknown PipelineRunPending: PipelineRun \"run\" is pending"),
        (
            facts(&[]),
            "Unknown Running: Tasks Completed: 0 (Failed: 0, Cancelled 0), Incomplete: 4, Skipped: 0",
        ),
        (
            facts(&[("a", "fail"), ("b", "running")]),
            "Unknown Running: Tasks Completed: 1 (Failed: 1, Cancelled 0), Incomplete: 2, Skipped: 1",
        ),
        (
            facts(&[("a", "cancelled"), ("b", "running")]),
            "Unknown PipelineRunStopping: Tasks Completed: 1 (Failed: 0, Cancelled 1), Incomplete: 2, Skipped: 1",
        ),
        (facts(&done), "True Succeeded: Tasks Completed: 4 (Failed: 0, Cancelled 0), Skipped: 0"),
        (
            facts(&with(&[("b", "fail")])),
            "True Succeeded: Tasks Completed: 4 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 0",
        ),
        (
            facts(&with(&[("f", "fail")])),
            "False Failed: Tasks Completed: 4 (Failed: 1, Cancelled 0), Skipped: 0",
        ),
        (
            facts(&with(&[("f", "cancelled")])),
            "False Cancelled: Tasks Completed: 4 (Failed: 0, Cancelled 1), Skipped: 0",
        ),
        (
            facts(&with(&[("f", "timed-out")])),
            "False Failed: Tasks Completed: 4 (Failed: 1, Cancelled 0), Skipped: 0",
        ),
        (
            request(Request::CancelledRunFinally, &[("a", "cancelled"), ("b", "ok"), ("f", "running")]),
            "Unknown CancelledRunningFinally: Tasks Completed: 2 (Failed: 0, Cancelled 1), Incomplete: 1, Skipped: 1",
        ),
        (
            request(Request::StoppedRunFinally, &[("a", "running"), ("b", "ok")]),
            "Unknown StoppedRunningFinally: Tasks Completed: 1 (Failed: 0, Cancelled 0), Incomplete: 2, Skipped: 1",
        ),
        (
            request(Request::StoppedRunFinally, &[("a", "ok"), ("b", "ok"), ("f", "ok")]),
            "False Cancelled: PipelineRun \"run\" was cancelled",
        ),
        (
            request(Request::StoppedRunFinally, &[("a", "fail"), ("b", "ok"), ("f", "ok")]),
            "False Failed: Tasks Completed: 3 (Failed: 1, Cancelled 0), Skipped: 1",
        ),
        (
            request(Request::Cancelled, &[("a", "running"), ("b", "ok")]),
            "False Cancelled: PipelineRun \"run\" was cancelled",
        ),
    ] {
        assert_eq!(state(&decide(&prepared, &facts)), expected, "{facts:?}");
    }
}

#[test]
fn skips_alone_make_it_completed() {
    let pipeline = prepared(json!({"tasks": [task("a", json!({"when": guard("x", "y")}))]}));
    assert_eq!(
        state(&decide(&pipeline, &facts(&[]))),
        "True Completed: Tasks Completed: 0 (Failed: 0, Cancelled 0), Skipped: 1"
    );
}

#[test]
fn a_timeout_of_the_whole_ends_everything_at_once() {
    let pipeline = json!({"tasks": [task("a", json!({}))], "finally": [task("f", json!({}))]});
    let prepared = try_prepare(&run(pipeline, json!({"timeouts": {"pipeline": "8s"}}))).unwrap();
    let decision = decide(&prepared, &Facts { elapsed: seconds(8), ..facts(&[("a", "running")]) });
    assert_eq!(
        state(&decision),
        "False PipelineRunTimeout: PipelineRun \"run\" failed to finish within \"8s\""
    );
    assert_eq!(decision.cancel.len(), 1);
    assert_eq!(
        decision.cancel[0].message,
        "TaskRun cancelled as the PipelineRun it belongs to has timed out."
    );
    assert!(decision.start.is_empty() && !decision.finally);
}

#[test]
fn a_timeout_of_the_tasks_still_runs_finally_and_yet_fails() {
    let pipeline = json!({"tasks": [task("a", json!({}))], "finally": [task("f", json!({}))]});
    let prepared =
        try_prepare(&run(pipeline, json!({"timeouts": {"pipeline": "60s", "tasks": "20s"}}))).unwrap();
    let at = |s, finally: Option<u64>, children: &[(&str, &str)]| Facts {
        elapsed: seconds(s),
        finally_elapsed: finally.map(seconds),
        ..facts(children)
    };
    let decision = decide(&prepared, &at(20, None, &[("a", "running")]));
    assert_eq!((decision.cancel.len(), decision.state.is_over()), (1, false));
    let decision = decide(&prepared, &at(21, None, &[("a", "timed-out")]));
    assert_eq!(starts(&decision), set(["f"]));
    let decision = decide(&prepared, &at(22, Some(1), &[("a", "timed-out"), ("f", "running")]));
    assert_eq!(decision.state.reason, "PipelineRunTimeoutRunningFinally");
    assert!(decision.cancel.is_empty());
    let decision = decide(&prepared, &at(23, Some(2), &[("a", "timed-out"), ("f", "ok")]));
    assert_eq!(
        state(&decision),
        "False PipelineRunTimeout: PipelineRun \"run\" failed due to tasks failed to finish within \"20s\""
    );
    // Finally's time does not count for the tasks.
    let decision = decide(&prepared, &at(45, Some(30), &[("a", "ok"), ("f", "ok")]));
    assert_eq!(decision.state.reason, "Succeeded");
}

#[test]
fn cancels_reach_the_right_children() {
    let pipeline = prepared(json!({
        "tasks": [task("a", json!({})), task("b", json!({}))],
        "finally": [task("f", json!({}))],
    }));
    let graceful =
        Facts { request: Some(Request::CancelledRunFinally), ..facts(&[("a", "running"), ("b", "ok")]) };
    let decision = decide(&pipeline, &graceful);
    assert_eq!(decision.cancel.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["run-a"]);
    let finally = Facts {
        request: Some(Request::CancelledRunFinally),
        ..facts(&[("a", "cancelled"), ("b", "ok"), ("f", "running")])
    };
    assert!(decide(&pipeline, &finally).cancel.is_empty(), "finally is what was asked for");
    let hard = Facts { request: Some(Request::Cancelled), ..finally };
    assert_eq!(decide(&pipeline, &hard).cancel.len(), 1);
}

fn only_task_run(decision: &tekton::next::Decision) -> &TaskRun {
    match decision.start.as_slice() {
        [ChildRun::Task(run)] => run,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_task_run_is_complete() {
    let pipeline = json!({
        "params": [{"name": "who", "default": "me"}],
        "workspaces": [{"name": "shared"}, {"name": "inner"}],
        "tasks": [
            task("a", json!({})),
            {
                "name": "b",
                "retries": 2, "timeout": "90s", "onError": "stopAndFail",
                "params": [
                    {"name": "p", "value": "$(tasks.a.results.r) $(params.who) $(context.pipelineTask.retries)"},
                    {"name": "run", "value": "$(context.pipelineRun.name)/$(context.pipelineRun.uid)"},
                ],
                "workspaces": [{"name": "src", "workspace": "shared", "subPath": "$(tasks.a.results.s)"}],
                "taskSpec": {
                    "metadata": {"labels": {"own": "1", "app": "lost"}},
                    "workspaces": [{"name": "src"}],
                    "steps": [{
                        "image": "i",
                        "script": "$(params.who) $(params.p) $(tasks.a.results.r) $(workspaces.inner.path) $(context.taskRun.name)",
                    }],
                },
            },
        ],
    });
    let mut run = run(
        pipeline,
        json!({
            "workspaces": [
                {"name": "shared", "subPath": "top", "volumeClaimTemplate": {"spec": {}}},
                {"name": "inner", "emptyDir": {}},
            ],
            "taskRunTemplate": {"serviceAccountName": "sa", "podTemplate": {"env": [{"name": "A", "value": "t"}]}},
            "taskRunSpecs": [{
                "pipelineTaskName": "b", "podTemplate": {"env": [{"name": "B", "value": "s"}]},
                "metadata": {"labels": {"app": "specific"}},
            }],
        }),
    );
    run.metadata.labels.insert("app".into(), "run".into());
    run.metadata.annotations.insert("note".into(), "n".into());
    let prepared = try_prepare(&run).unwrap();
    assert_eq!(prepared.claims.len(), 1);
    let claim = &prepared.claims[0].name;
    let decision = decide(&prepared, &facts(&[("a", "ok:r=R,s=sub")]));
    assert_eq!(
        serde_json::to_value(only_task_run(&decision)).unwrap(),
        json!({
            "apiVersion": "tekton.dev/v1", "kind": "TaskRun",
            "metadata": {
                "name": "run-b", "namespace": "ns",
                "labels": {
                    "app": "specific", "own": "1",
                    "tekton.dev/memberOf": "tasks", "tekton.dev/pipeline": "run", "tekton.dev/pipelineRun": "run",
                    "tekton.dev/pipelineRunUID": "u-1", "tekton.dev/pipelineTask": "b",
                },
                "annotations": {"note": "n"},
                "ownerReferences": [{
                    "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": "run", "uid": "u-1",
                    "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "params": [{"name": "p", "value": "R me 2"}, {"name": "run", "value": "run/u-1"}],
                "serviceAccountName": "sa", "retries": 2, "timeout": "90s",
                "podTemplate": {"env": [{"name": "A", "value": "t"}, {"name": "B", "value": "s"}]},
                "taskSpec": {
                    "workspaces": [{"name": "src"}],
                    "steps": [{
                        "image": "i",
                        "script": "me $(params.p) R $(workspaces.inner.path) $(context.taskRun.name)",
                    }],
                },
                "workspaces": [
                    {"name": "src", "subPath": "top/sub", "persistentVolumeClaim": {"claimName": claim}},
                    {"name": "inner", "emptyDir": {}},
                ],
            },
        })
    );
    let references =
        serde_json::to_value(child_references(&prepared, &facts(&[("a", "ok"), ("b", "ok")]))).unwrap();
    assert_eq!(references[1]["name"], "run-b");
    assert!(claim.starts_with("pvc-") && claim.len() == 14, "{claim}");
}

#[test]
fn failures_that_are_to_be_ignored_are_marked() {
    let prepared = prepared(json!({"tasks": [task("a", json!({"onError": "continue"}))]}));
    let decision = decide(&prepared, &facts(&[]));
    assert_eq!(only_task_run(&decision).metadata.annotations[tekton::next::ON_ERROR], "continue");
}

#[test]
fn an_inner_param_hides_an_outer_one() {
    let pipeline = json!({
        "params": [{"name": "x", "default": "outer"}, {"name": "y", "default": "outer"}],
        "tasks": [{
            "name": "a", "params": [{"name": "x", "value": "inner"}],
            "taskSpec": {
                "params": [{"name": "y", "default": "unused"}, {"name": "z", "default": "Z"}],
                "steps": [{"image": "i", "script": "$(params.x) $(params.y) $(params.z)"}],
            },
        }],
    });
    let decision = decide(&prepared(pipeline), &facts(&[]));
    let spec = only_task_run(&decision).spec.task_spec.clone().unwrap();
    assert_eq!(spec.steps[0].script, "inner outer $(params.z)");
}

#[test]
fn a_matrix_fans_out_and_in() {
    let pipeline = prepared(json!({
        "tasks": [
            task("m", json!({
                "displayName": "build $(params.arch)",
                "matrix": {
                    "params": [{"name": "os", "value": ["l", "w"]}, {"name": "arch", "value": ["x", "y"]}],
                    "include": [{"name": "special $(params.os)", "params": [{"name": "os", "value": "w"}, {"name": "arch", "value": "y"}]}],
                },
                "params": [{"name": "same", "value": "1"}],
            })),
            task("in", json!({"params": [
                {"name": "all", "value": "$(tasks.m.results.r[*])"},
                {"name": "n", "value": "$(tasks.m.matrix.length) $(tasks.m.matrix.r.length)"},
            ], "runAfter": ["m"]})),
        ],
        "results": [{"name": "all", "value": "$(tasks.m.results.r[*])"}],
    }));
    let decision = decide(&pipeline, &facts(&[]));
    let params: Vec<String> = decision
        .start
        .iter()
        .map(|c| match c {
            ChildRun::Task(run) => {
                let params: Vec<_> =
                    run.spec.params.iter().map(|p| format!("{}={}", p.name, p.value)).collect();
                format!("{} {}", c.name(), params.join(" "))
            }
            ChildRun::Pipeline(_) => panic!(),
        })
        .collect();
    assert_eq!(
        params,
        [
            "run-m-0 arch=x os=l same=1",
            "run-m-1 arch=x os=w same=1",
            "run-m-2 arch=y os=l same=1",
            "run-m-3 arch=y os=w same=1",
        ]
    );
    let mut started = Facts::default();
    for (i, start) in decision.start.iter().enumerate() {
        let ChildRun::Task(run) = start else { panic!() };
        let mut child = child(start.name(), "m", ["ok:r=a", "ok:r=b", "ok", "ok:r=d"][i]);
        child.params.clone_from(&run.spec.params);
        started.children.push(child);
    }
    let references = child_references(&pipeline, &started);
    let names: Vec<_> = references.iter().map(|r| r.display_name.as_str()).collect();
    assert_eq!(names, ["build x", "build x", "build y", "special w"]);
    let decision = decide(&pipeline, &started);
    let inner = only_task_run(&decision);
    assert_eq!(serde_json::to_value(&inner.spec.params[0].value).unwrap(), json!(["a", "b", "d"]));
    assert_eq!(inner.spec.params[1].value.to_string(), "4 3");
    started.children.push(child("run-in", "in", "ok"));
    let end = decide(&pipeline, &started);
    assert_eq!(
        serde_json::to_value(&end.results).unwrap(),
        json!([{"name": "all", "value": ["a", "b", "d"]}])
    );
    assert_eq!(state(&end), "True Succeeded: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0");
}

#[test]
fn results_of_many_children_are_in_the_order_of_names_as_texts() {
    let values: Vec<String> = (0..12).map(|i| i.to_string()).collect();
    let pipeline = prepared(json!({
        "tasks": [task("m", json!({"matrix": {"params": [{"name": "i", "value": values}]}}))],
        "results": [{"name": "all", "value": "$(tasks.m.results.r[*])"}],
    }));
    let children = (0..12).map(|i| child(&format!("run-m-{i}"), "m", &format!("ok:r=v{i}"))).collect();
    let end = decide(&pipeline, &Facts { children, ..Facts::default() });
    assert_eq!(
        serde_json::to_value(&end.results[0].value).unwrap(),
        json!(["v0", "v1", "v10", "v11", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"])
    );
}

#[test]
fn a_matrix_waits_for_all_its_children_before_it_fails() {
    let pipeline = prepared(json!({"tasks": [
        task("m", json!({"matrix": {"params": [{"name": "p", "value": ["1", "2"]}]}})),
        task("b", json!({})),
        task("c", json!({"runAfter": ["b"]})),
    ]}));
    let children = |second| {
        vec![child("run-m-0", "m", "fail"), child("run-m-1", "m", second), child("run-b", "b", "ok")]
    };
    let going = decide(&pipeline, &Facts { children: children("running"), ..Facts::default() });
    assert_eq!(starts(&going), set(["c"]));
    let failed = decide(&pipeline, &Facts { children: children("ok"), ..Facts::default() });
    assert_eq!(skipped(&failed), ["c: PipelineRun was stopping"]);
    // A child that was not started with the others (the engine was ended in between) is started later.
    let half = Facts {
        children: vec![child("run-m-1", "m", "running"), child("run-b", "b", "running")],
        ..Facts::default()
    };
    assert_eq!(starts(&decide(&pipeline, &half)), set(["m-0"]));
}

#[test]
fn what_ends_a_run_when_a_task_is_about_to_start() {
    let matrix = |value: Value| json!({"tasks": [task("a", json!({})), task("m", json!({"matrix": {"params": [{"name": "p", "value": value}]}}))]});
    let of = |pipeline: Value, a: &str| state(&decide(&prepared(pipeline), &facts(&[("a", a)])));
    assert_eq!(
        of(matrix(json!("$(tasks.a.results.r)")), "ok:r=text"),
        "False InvalidMatrixParameterTypes: [User error] Failed to validate matrix \"run\" with error parameters of type \
         array only are allowed, but param \"p\" has type \"string\" in pipelineTask \"m\""
    );
    let many: Vec<String> = (0..257).map(|i| i.to_string()).collect();
    assert!(of(matrix(json!(many)), "running").contains("expected 0 <= 257 <= 256"));
    let index =
        json!({"tasks": [task("a", json!({})), task("b", json!({"params": uses("tasks.a.results.r[2]")}))]});
    assert_eq!(
        of(index, r#"ok:r=["x"]"#),
        "False PipelineValidationFailed: [User error] PipelineRun ns/run can't be Run; couldn't resolve all references: \
         Array Result Index 2 for Task a Result r is out of bound of size 1"
    );
    let workspace =
        json!({"tasks": [task("a", json!({})), task("b", json!({"workspaces": [{"name": "w"}]}))]});
    let decision = decide(&prepared(workspace), &facts(&[("a", "running")]));
    assert_eq!(
        state(&decision),
        "False Failed: [User error] expected workspace \"w\" to be provided by pipelinerun for pipeline task \"b\""
    );
    assert_eq!(decision.cancel.len(), 1, "what runs is ended");
}

#[test]
fn pipeline_results() {
    let pipeline = |results: Value| {
        prepared(json!({
            "tasks": [
                task("a", json!({"onError": "continue"})),
                task("skipped", json!({"when": guard("x", "y")})),
            ],
            "finally": [task("f", json!({}))],
            "results": results,
        }))
    };
    let given = |results: Value, a: &str| {
        let decision = decide(&pipeline(results), &facts(&[("a", a), ("f", "ok:r=F")]));
        let results: Value = decision.results.iter().map(|r| (r.name.clone(), json!(r.value))).collect();
        (results, decision.state.reason)
    };
    let all = json!([
        {"name": "mixed", "value": "$(tasks.a.results.r)-$(finally.f.results.r)!"},
        {"name": "list", "value": "$(tasks.a.results.s[*])"},
        {"name": "one", "value": "$(tasks.a.results.s[1])"},
        {"name": "inside", "value": ["$(tasks.a.results.s[0])", "x"]},
        {"name": "object", "value": {"k": "$(tasks.a.results.r)"}},
    ]);
    let everything =
        json!({"mixed": "R-F!", "list": ["x", "y"], "one": "y", "inside": ["x", "x"], "object": {"k": "R"}});
    // The helper splits at commas: the list is the only result with one.
    let a = child("run-a", "a", "ok:r=R");
    let mut a = a;
    a.outcome
        .as_mut()
        .unwrap()
        .results
        .push(serde_json::from_value(json!({"name": "s", "value": ["x", "y"]})).unwrap());
    let facts = Facts { children: vec![a, child("run-f", "f", "ok:r=F")], ..Facts::default() };
    let decision = decide(&pipeline(all), &facts);
    let results: Value = decision.results.iter().map(|r| (r.name.clone(), json!(r.value))).collect();
    assert_eq!(results, everything);
    // Of skipped and failed tasks: left out silently; what a failed task did give counts.
    let some = json!([{"name": "gone", "value": "$(tasks.skipped.results.r)"}, {"name": "kept", "value": "$(tasks.a.results.r)"}]);
    assert_eq!(given(some, "fail:r=1"), (json!({"kept": 1.to_string()}), "Completed"));
    let lost = json!([{"name": "lost", "value": "$(tasks.a.results.r)"}]);
    assert_eq!(given(lost.clone(), "fail"), (Value::Object(Default::default()), "Completed"));
    // Of a task that succeeded without: the run fails.
    assert_eq!(given(lost, "ok"), (Value::Object(Default::default()), "CouldntGetPipelineResult"));
    let beyond = json!([{"name": "b", "value": "$(tasks.a.results.r[0])"}]);
    assert_eq!(given(beyond, "ok:r=x").1, "CouldntGetPipelineResult");
}

#[test]
fn finally_sees_how_the_tasks_ended() {
    let statuses = |children: &[(&str, &str)], pipeline: Value| {
        let decision = decide(&prepared(pipeline), &facts(children));
        only_task_run(&decision).spec.params[0].value.to_string()
    };
    let pipeline = |tasks: Value| {
        json!({"tasks": tasks, "finally": [task("f", json!({"params": [{"name": "p", "value":
            "$(tasks.a.status)/$(tasks.a.reason) $(tasks.b.status)/$(tasks.b.reason) $(tasks.status)"}]}))]})
    };
    let free = || pipeline(json!([task("a", json!({})), task("b", json!({}))]));
    let guarded = || pipeline(json!([task("a", json!({})), task("b", json!({"when": guard("x", "y")}))]));
    assert_eq!(
        statuses(&[("a", "ok"), ("b", "ok")], free()),
        "Succeeded/Succeeded Succeeded/Succeeded Succeeded"
    );
    assert_eq!(
        statuses(&[("a", "fail"), ("b", "cancelled")], free()),
        "Failed/StepFailed Failed/TaskRunCancelled Failed"
    );
    assert_eq!(statuses(&[("a", "ok")], guarded()), "Succeeded/Succeeded None/ Completed");
    assert_eq!(statuses(&[("a", "fail")], guarded()), "Failed/StepFailed None/ Failed");
}

#[test]
fn a_pipeline_in_a_pipeline() {
    let prepared = prepared(json!({"tasks": [{
        "name": "inner", "params": [{"name": "p", "value": "v"}],
        "pipelineSpec": {"tasks": [task("x", json!({}))]},
    }]}));
    let decision = decide(&prepared, &facts(&[]));
    let [ChildRun::Pipeline(run)] = decision.start.as_slice() else { panic!() };
    assert_eq!((run.metadata.name.as_str(), run.spec.params.len()), ("run-inner", 1));
    assert_eq!(run.metadata.labels["tekton.dev/pipelineTask"], "inner");
    let references = child_references(&prepared, &facts(&[("inner", "ok")]));
    assert_eq!(references[0].kind, "PipelineRun");
}
