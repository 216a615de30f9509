//! Parts of pipelines: what is left, what is put in, what is missing.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::*;
use tekton::prepare::{Part, PartError, PreparedPipeline};

fn pipeline() -> PreparedPipeline {
    prepared(json!({
        "results": [
            {"name": "of-a", "value": "$(tasks.a.results.r)"},
            {"name": "of-c", "value": "$(tasks.c.results.r)"},
        ],
        "tasks": [
            task("a", json!({})),
            task("b", json!({"runAfter": ["a"]})),
            task("c", json!({
                "runAfter": ["b"],
                "params": [{"name": "p", "value": "$(tasks.a.results.r)-$(tasks.a.results.s)"}],
                "taskSpec": {"results": [{"name": "r"}], "steps": [
                    {"image": "i", "script": "echo $(tasks.a.results.r)"}
                ]},
            })),
            task("d", json!({})),
        ],
        "finally": [task("last", json!({"params": [{"name": "p", "value": "$(tasks.a.status)"}]}))],
    }))
}

fn names(pipeline: &PreparedPipeline) -> Vec<&str> {
    pipeline.tasks.iter().map(|t| t.task.name.as_str()).collect()
}

fn part(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

#[test]
fn until_takes_what_it_waits_for_and_no_finally_task() {
    let found = pipeline().restrict(&Part::Until(part(&["c"])), &[]).unwrap();
    assert_eq!(names(&found.pipeline), ["a", "b", "c"]);
    assert_eq!(found.left_out, ["d", "last"]);
    assert_eq!(found.pipeline.spec.results.len(), 2);
    let found = pipeline().restrict(&Part::Until(part(&["last"])), &[]).unwrap();
    assert_eq!(found.left_out, [""; 0], "a finally task waits for the whole graph");
}

#[test]
fn results_come_from_the_earlier_run() {
    let only = Part::Only(part(&["c"]));
    let error = pipeline().restrict(&only, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "task `c` needs the result `r` of `a`, task `c` needs the result `s` of `a`"
    );
    let earlier = [child("old-a", "a", "ok:r=1")];
    let error = pipeline().restrict(&only, &earlier).unwrap_err();
    assert_eq!(error.to_string(), "task `c` needs the result `s` of `a`");

    let earlier = [child("old-a", "a", "ok:r=1,s=2")];
    let found = pipeline().restrict(&only, &earlier).unwrap();
    assert_eq!(found.left_out, ["a", "b", "d", "last"]);
    let c = &found.pipeline.tasks[0].task;
    assert_eq!(c.params[0].value.as_str(), Some("1-2"));
    assert_eq!(c.inline().unwrap().steps[0].script, "echo 1");
    assert!(c.run_after.is_empty());
    let results: Vec<&str> = found.pipeline.spec.results.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(results, ["of-c"]);

    let decision = decide(&found.pipeline, &facts(&[]));
    assert_eq!(starts(&decision), set(["c"]));
    let decision = decide(&found.pipeline, &facts(&[("c", "ok:r=3")]));
    assert_eq!(state(&decision), "True Succeeded: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 0");
    assert_eq!(skipped(&decision), [""; 0]);
}

#[test]
fn the_order_of_the_whole_holds_in_the_part() {
    let earlier = [child("old-a", "a", "ok:r=1,s=2")];
    let whole = prepared(json!({"tasks": [
        task("a", json!({})), task("b", json!({"runAfter": ["a"]})), task("c", json!({"runAfter": ["b"]})),
    ]}));
    let found = whole.restrict(&Part::Only(part(&["a", "c"])), &earlier).unwrap();
    assert_eq!(starts(&decide(&found.pipeline, &facts(&[]))), set(["a"]));
    assert_eq!(starts(&decide(&found.pipeline, &facts(&[("a", "ok")]))), set(["c"]));
}

#[test]
fn a_finally_task_alone_is_told_how_the_others_ended() {
    let only = Part::Only(part(&["last"]));
    let value = |earlier: &[tekton::next::Child]| {
        let found = pipeline().restrict(&only, earlier).unwrap();
        found.pipeline.tasks[0].task.params[0].value.as_str().unwrap().to_owned()
    };
    assert_eq!(value(&[]), "None");
    assert_eq!(value(&[child("old-a", "a", "fail")]), "Failed");
    let found = pipeline().restrict(&only, &[]).unwrap();
    assert_eq!(starts(&decide(&found.pipeline, &facts(&[]))), set(["last"]));
}

#[test]
fn unknown_names() {
    let error = |name: &str| pipeline().restrict(&Part::Only(part(&[name])), &[]).unwrap_err();
    assert!(matches!(error("lst"), PartError::Unknown { hint, .. } if hint == "did you mean `last`?"));
    assert_eq!(
        error("quite-different").to_string(),
        "the pipeline has no task `quite-different`; there are: a, b, c, d, last"
    );
}
