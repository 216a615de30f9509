//! Whole runs, from the first task to the last word: what upstream's end-to-end tests say about failing, cancelled and
//! late pipelines (specification §5.2), told as stories. Times are minutes.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use support::*;
use tekton::next::{Decision, Facts, Request};

/// How a task goes: how long it runs, and how it ends then (see [`child`]).
type Ends<'a> = &'a [(&'a str, u64, &'a str)];

/// What happens: a run, how its tasks go, what is asked for and when; and what comes of it.
struct Story<'a> {
    /// The test upstream.
    name: &'a str,
    tasks: Value,
    finally: Value,
    /// Fields of the run.
    run: Value,
    /// Tasks that are not named take a minute and succeed.
    ends: Ends<'a>,
    request: Option<(u64, Request)>,
    /// What starts when, `!` before what is cancelled.
    course: &'a str,
    skipped: &'a [&'a str],
    state: &'a str,
}

impl Default for Story<'_> {
    fn default() -> Self {
        Self {
            name: "",
            tasks: json!([]),
            finally: json!([]),
            run: json!({}),
            ends: &[],
            request: None,
            course: "",
            skipped: &[],
            state: "",
        }
    }
}

fn tell(story: &Story<'_>) {
    let pipeline = json!({"tasks": story.tasks, "finally": story.finally});
    let prepared = try_prepare(&run(pipeline, story.run.clone())).unwrap();
    let mut running: BTreeMap<String, (u64, &str)> = BTreeMap::new();
    let (mut facts, mut course) = (Facts::default(), Vec::new());
    let (mut finally_since, mut last) = (None, Decision::default());
    for minute in 0..100 {
        facts.elapsed = Duration::from_secs(60 * minute);
        facts.finally_elapsed = finally_since.map(|since| Duration::from_secs(60 * (minute - since)));
        facts.request = story.request.filter(|(at, _)| *at <= minute).map(|(_, request)| request);
        for child in facts.children.iter_mut().filter(|c| c.outcome.is_none()) {
            let (ends, state) = running[&child.name];
            if ends <= minute {
                child.outcome = support::child(&child.name, &child.task, state).outcome;
            }
        }
        let mut now = Vec::new();
        // Until nothing follows any more from what is known.
        loop {
            let decision = decide(&prepared, &facts);
            for cancelled in &decision.cancel {
                let child = facts.children.iter_mut().find(|c| c.name == cancelled.name).unwrap();
                let late = cancelled.message.contains("timed out");
                child.outcome =
                    support::child(&child.name, &child.task, if late { "timed-out" } else { "cancelled" })
                        .outcome;
                now.push(format!("!{}", child.task));
            }
            for start in &decision.start {
                let name = start.name();
                let task = name.trim_start_matches("run-").to_owned();
                let (minutes, state) =
                    story.ends.iter().find(|(t, ..)| *t == task).map_or((1, "ok"), |(_, m, s)| (*m, *s));
                running.insert(name.to_owned(), (minute + minutes, state));
                let child = child(name, &task, "running");
                assert!(!facts.children.iter().any(|c| c.name == name), "{task} starts twice");
                facts.children.push(child);
                now.push(task);
            }
            if decision.finally {
                finally_since = finally_since.or(Some(minute));
                facts.finally_elapsed = facts.finally_elapsed.or(Some(Duration::ZERO));
            }
            let quiet = decision.cancel.is_empty() && decision.start.is_empty();
            last = decision;
            // The decision that ends the run is the last one; its children are only waited for.
            if quiet || last.state.is_over() {
                break;
            }
        }
        if !now.is_empty() {
            course.push(format!("{minute}: {}", now.join(" ")));
        }
        if last.state.is_over() {
            break;
        }
    }
    assert_eq!(course.join(", "), story.course, "{}: the course", story.name);
    assert_eq!(skipped(&last), story.skipped, "{}: skipped tasks", story.name);
    assert_eq!(state(&last), story.state, "{}: the end", story.name);
}

fn params(values: &[(&str, &str)]) -> Value {
    values.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn guard(input: &str, value: &str) -> Value {
    json!([{"input": input, "operator": "in", "values": [value]}])
}

#[test]
fn failing_tasks() {
    tell(&Story {
        name: "DAGPipelineRun",
        tasks: json!([
            task("one", json!({})),
            task("left", json!({"runAfter": ["one"]})),
            task("right", json!({"params": params(&[("p", "$(tasks.one.results.r)")])})),
            task("last", json!({"runAfter": ["left", "right"]})),
        ]),
        ends: &[("one", 1, "ok:r=1"), ("left", 3, "ok")],
        course: "0: one, 1: left right, 4: last",
        state: "True Succeeded: Tasks Completed: 4 (Failed: 0, Cancelled 0), Skipped: 0",
        ..Story::default()
    });
    tell(&Story {
        name: "PipelineRunTaskFailed: what runs goes on, nothing new starts, finally has its turn",
        tasks: json!([
            task("bad", json!({})),
            task("long", json!({})),
            task("after-bad", json!({"runAfter": ["bad"]})),
            task("after-long", json!({"runAfter": ["long"]})),
        ]),
        finally: json!([task("f", json!({}))]),
        ends: &[("bad", 1, "fail"), ("long", 5, "ok")],
        course: "0: bad long, 5: f",
        skipped: &["after-bad: PipelineRun was stopping", "after-long: PipelineRun was stopping"],
        state: "False Failed: Tasks Completed: 3 (Failed: 1, Cancelled 0), Skipped: 2",
        ..Story::default()
    });
    tell(&Story {
        name: "FailingPipelineTaskOnContinue: what needs its result is skipped, the rest runs",
        tasks: json!([
            task("bad", json!({"onError": "continue"})),
            task("after", json!({"runAfter": ["bad"]})),
            task(
                "needs",
                json!({"onError": "continue", "params": params(&[("p", "$(tasks.bad.results.r)")])})
            ),
        ]),
        ends: &[("bad", 1, "fail")],
        course: "0: bad, 1: after",
        skipped: &["needs: Results were missing"],
        state: "True Completed: Tasks Completed: 2 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 1",
        ..Story::default()
    });
    tell(&Story {
        name: "TaskResultsFromFailedTasks: what a failed task wrote is used in finally",
        tasks: json!([task("bad", json!({}))]),
        finally: json!([
            task("has", json!({"params": params(&[("p", "$(tasks.bad.results.r)")])})),
            task("has-not", json!({"params": params(&[("p", "$(tasks.bad.results.s)")])})),
        ]),
        ends: &[("bad", 1, "fail:r=1")],
        course: "0: bad, 1: has",
        skipped: &["has-not: Results were missing"],
        state: "False Failed: Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1",
        ..Story::default()
    });
}

/// `PipelineLevelFinally_OneDAGTaskFailed_InvalidTaskResult_Failure`, the reference for skips and states.
#[test]
fn one_task_fails_and_finally_looks_at_everything() {
    tell(&Story {
        name: "OneDAGTaskFailed_InvalidTaskResult",
        tasks: json!([
            task("fails", json!({})),
            task("works", json!({})),
            task("guarded", json!({"when": guard("x", "y")})),
            task("after-guarded", json!({"runAfter": ["guarded"]})),
            task("no-result", json!({})),
            task("after-fails", json!({"runAfter": ["fails"]})),
        ]),
        finally: json!([
            task("plain", json!({})),
            task("failed-only", json!({"when": guard("$(tasks.fails.status)", "Failed")})),
            task("worked-only", json!({"when": guard("$(tasks.fails.status)", "Succeeded")})),
            task("never-ran", json!({"when": guard("$(tasks.guarded.status)", "None")})),
            task("all-failed", json!({"when": guard("$(tasks.status)", "Failed")})),
            task("by-result", json!({"params": params(&[("p", "$(tasks.works.results.r)")])})),
            task("by-missing", json!({"params": params(&[("p", "$(tasks.no-result.results.r)")])})),
            task("by-guard", json!({"when": guard("$(tasks.works.results.r)", "other")})),
        ]),
        ends: &[("fails", 2, "fail"), ("works", 4, "ok:r=1"), ("after-guarded", 3, "ok")],
        course: "0: fails works after-guarded no-result, 4: plain failed-only never-ran all-failed by-result",
        skipped: &[
            "guarded: PipelineRun was stopping",
            "after-fails: PipelineRun was stopping",
            "worked-only: When Expressions evaluated to false",
            "by-missing: Results were missing",
            "by-guard: When Expressions evaluated to false",
        ],
        state: "False Failed: Tasks Completed: 9 (Failed: 1, Cancelled 0), Skipped: 5",
        ..Story::default()
    });
}

#[test]
fn failing_finally_tasks() {
    tell(&Story {
        name: "OneFinalTaskFailed: the others still run",
        tasks: json!([task("a", json!({}))]),
        finally: json!([task("bad", json!({})), task("good", json!({}))]),
        ends: &[("bad", 1, "fail"), ("good", 3, "ok")],
        course: "0: a, 1: bad good",
        state: "False Failed: Tasks Completed: 3 (Failed: 1, Cancelled 0), Skipped: 0",
        ..Story::default()
    });
    tell(&Story {
        name: "OneDAGNotProducingResult_SecondDAGUsingResult: a mistake, and finally still runs",
        tasks: json!([
            task("a", json!({})),
            task("b", json!({"params": params(&[("p", "$(tasks.a.results.r)")])}))
        ]),
        finally: json!([task("f", json!({}))]),
        course: "0: a, 1: f",
        state: "False PipelineValidationFailed: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0, Failed Validation: 1 \
                (task \"a\" completed successfully but did not emit the result \"r\", which is referenced by task \"b\")",
        ..Story::default()
    });
}

#[test]
fn cancelled_runs() {
    let tasks = || {
        json!(
            [task("done", json!({})), task("long", json!({})), task("next", json!({"runAfter": ["long"]})),]
        )
    };
    let story = |name, request, course, skipped, state| {
        tell(&Story {
            name,
            tasks: tasks(),
            finally: json!([task("f", json!({}))]),
            ends: &[("long", 6, "ok")],
            request: Some((2, request)),
            course,
            skipped,
            state,
            ..Story::default()
        });
    };
    story(
        "CancelActivePipelineRunWithCompletedTaskRuns: no finally, what is done stays",
        Request::Cancelled,
        "0: done long, 2: !long",
        &[],
        "False Cancelled: PipelineRun \"run\" was cancelled",
    );
    story(
        "OneFinalTask_CancelledRunFinally: running tasks end, finally runs",
        Request::CancelledRunFinally,
        "0: done long, 2: !long f",
        // A cancelled task counts as one that failed.
        &["next: PipelineRun was stopping"],
        "False Cancelled: PipelineRun \"run\" was cancelled",
    );
    story(
        "OneFinalTask_StoppedRunFinally: running tasks finish, finally runs",
        Request::StoppedRunFinally,
        "0: done long, 6: f",
        &["next: PipelineRun was gracefully stopped"],
        "False Cancelled: PipelineRun \"run\" was cancelled",
    );
    tell(&Story {
        name: "PipelineRunPending: nothing starts",
        tasks: tasks(),
        request: Some((0, Request::Pending)),
        course: "",
        state: "Unknown PipelineRunPending: PipelineRun \"run\" is pending",
        ..Story::default()
    });
}

#[test]
fn late_runs() {
    let story = |name, timeouts: Value, course, skipped, state| {
        tell(&Story {
            name,
            tasks: json!([
                task("done", json!({})),
                task("long", json!({})),
                task("next", json!({"runAfter": ["long"]})),
            ]),
            finally: json!([task("f", json!({}))]),
            run: json!({ "timeouts": timeouts }),
            ends: &[("long", 20, "ok"), ("f", 2, "ok")],
            course,
            skipped,
            state,
            ..Story::default()
        });
    };
    story(
        "PipelineRunTimeoutWithCompletedTaskRuns: no finally, what is done stays",
        json!({"pipeline": "5m"}),
        "0: done long, 5: !long",
        &[],
        "False PipelineRunTimeout: PipelineRun \"run\" failed to finish within \"5m0s\"",
    );
    story(
        "PipelineRunTasksTimeout: finally runs and succeeds, and the run is late all the same",
        json!({"pipeline": "1h", "tasks": "5m"}),
        "0: done long, 5: !long f",
        &["next: PipelineRun was stopping"],
        "False PipelineRunTimeout: PipelineRun \"run\" failed due to tasks failed to finish within \"5m0s\"",
    );
    tell(&Story {
        name: "PipelineTaskTimeout: the task's own time is a failure of the task",
        tasks: json!([
            task("slow", json!({"timeout": "1m"})),
            task("free", json!({"timeout": "0s"})),
            task("next", json!({"runAfter": ["slow"]})),
        ]),
        ends: &[("slow", 1, "fail"), ("free", 3, "ok")],
        course: "0: slow free",
        skipped: &["next: PipelineRun was stopping"],
        state: "False Failed: Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1",
        ..Story::default()
    });
}
