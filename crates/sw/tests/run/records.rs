//! Events, `sw runs`, `sw logs`.

use std::fs;

use crate::env::{TestEnv, text};

const TWO_TASKS: &str = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: two}
spec:
  pipelineSpec:
    tasks:
    - name: compile
      taskSpec:
        results: [{name: r}]
        steps:
        - {name: fetch, image: i, script: "echo fetched; printf x > $(results.r.path)"}
        - {name: make, image: i, script: "echo made; echo loudly >&2; printf 'no newline at the end'"}
    - name: link
      runAfter: [compile]
      taskSpec: {steps: [{name: make, image: i, script: "echo linked"}]}
    - name: unwanted
      when: [{input: a, operator: in, values: [b]}]
      taskSpec: {steps: [{name: s, image: i, script: "exit 1"}]}
"#;

#[test]
fn events_are_lines_of_json_numbered_without_gaps() {
    let Some(env) = TestEnv::new() else { return };
    let outcome = env.run(TWO_TASKS, &["-o", "json", "--jobs", "1"]).ok();
    assert_eq!(outcome.stderr, "");
    let lines = outcome.json_lines();
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(line["seq"], i + 1);
        text(&line["time"]).parse::<jiff::Timestamp>().unwrap();
    }
    let journal = fs::read_to_string(env.run_file("two", "events.jsonl")).unwrap();
    assert_eq!(journal, outcome.stdout, "the journal is what was shown");
    let short: Vec<String> = lines
        .iter()
        .map(|line| {
            let mut event = line["event"].clone();
            let fields = event.as_object_mut().unwrap();
            let kind = text(&fields.shift_remove("type").unwrap());
            format!("{kind} {event}")
        })
        .collect();
    insta::assert_snapshot!(short.join("\n"), @r#"
    run-started {"run":"two","pipeline":"two","tasks":["compile","link","unwanted"]}
    task-skipped {"task":"unwanted","reason":"When Expressions evaluated to false"}
    task-started {"task":"compile","taskRun":"two-compile","attempt":0,"steps":["fetch","make"]}
    step-started {"task":"compile","step":"fetch"}
    step-finished {"task":"compile","step":"fetch","exitCode":0,"reason":"Completed"}
    step-started {"task":"compile","step":"make"}
    step-finished {"task":"compile","step":"make","exitCode":0,"reason":"Completed"}
    task-finished {"task":"compile","succeeded":true,"reason":"Succeeded","message":"All Steps have completed executing","results":{"r":"x"},"failedStep":null}
    task-started {"task":"link","taskRun":"two-link","attempt":0,"steps":["make"]}
    step-started {"task":"link","step":"make"}
    step-finished {"task":"link","step":"make","exitCode":0,"reason":"Completed"}
    task-finished {"task":"link","succeeded":true,"reason":"Succeeded","message":"All Steps have completed executing","results":{},"failedStep":null}
    run-finished {"succeeded":true,"reason":"Completed","message":"Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 1"}
    "#);
}

#[test]
fn runs_and_their_logs() {
    let Some(env) = TestEnv::new() else { return };
    let none = env.call(&["runs"]).ok();
    assert_eq!(
        (none.stdout.as_str(), none.stderr.as_str()),
        ("", "no runs yet; start one with `sw build STREAM` or `sw run FILE`\n")
    );
    env.call(&["logs", "last"]).code(2);

    env.run(TWO_TASKS, &[]).ok();
    let failing = "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: newer}, spec: {taskSpec: {steps: [{name: s, image: i, script: 'echo oh; exit 1'}]}}}";
    env.run(failing, &[]).code(1);

    // How wide the columns are depends on the times.
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let listed: Vec<String> = env.call(&["runs"]).ok().stdout.lines().map(words).collect();
    insta::assert_snapshot!(env.filtered(&listed.join("\n")), @"
    RUN STATE TASKS TIME STARTED
    newer failed (StepFailed) 0/1 [TIME] [AT]
    two succeeded 2/3 [TIME] [AT]
    ");
    assert_eq!(env.call(&["runs", "-n", "1"]).ok().stdout.lines().count(), 2, "the heading and the newest");
    let json = env.call(&["runs", "-o", "json"]).ok().json_lines();
    let shown: Vec<String> =
        json.iter().map(|run| format!("{} {}", text(&run["run"]), text(&run["state"]))).collect();
    assert_eq!(shown, ["newer failed (StepFailed)", "two succeeded"]);

    let logs = |args: &[&str]| env.call(&[&["logs"], args].concat()).ok().stdout;
    assert_eq!(logs(&["last", "newer", "s"]), "oh\n");
    assert_eq!(logs(&["two", "link", "make"]), "linked\n");
    insta::assert_snapshot!(logs(&["two"]), @"
    ==> compile / fetch <==
    fetched
    ==> compile / make <==
    made
    loudly
    no newline at the end
    ==> link / make <==
    linked
    ");

    let wrong = |args: &[&str]| env.call(&[&["logs"], args].concat()).code(2).stderr;
    insta::assert_snapshot!(wrong(&["tow"]), @"error: there is no run `tow`; did you mean `two`?");
    insta::assert_snapshot!(wrong(&["two", "compil"]), @"error: the run has no task `compil`; did you mean `compile`?");
    insta::assert_snapshot!(wrong(&["two", "compile", "mak"]), @"error: the run has no step `mak`; did you mean `make`?");
    insta::assert_snapshot!(wrong(&["two", "nothing-like-it"]), @"error: the run has no task `nothing-like-it`; there are: compile, link, unwanted");
    insta::assert_snapshot!(wrong(&["../two"]), @"error: there is no run `../two`; there are: newer, two");
}

#[test]
fn output_can_be_followed() {
    let Some(env) = TestEnv::new() else { return };
    let outcome = env.run(TWO_TASKS, &["--logs", "--jobs", "1"]).ok();
    let said: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("| ")).collect();
    for line in ["compile/fetch| fetched", "compile/make| made", "compile/make| loudly", "link/make| linked"]
    {
        assert!(said.contains(&line), "{line} in {said:?}");
    }
    assert!(said.contains(&"compile/make| no newline at the end"), "{said:?}");
}
