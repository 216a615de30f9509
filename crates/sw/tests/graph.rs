//! `sw graph`: a pipeline before it runs, in four forms.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Output, Stdio};

const PIPELINE: &str = r#"
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: ship}
spec:
  params:
    - {name: platforms, type: array, default: [amd64, arm64, s390x]}
  tasks:
    - name: publish
      runAfter: [test]
      params: [{name: image, value: $(tasks.build.results.image)}]
      when: [{input: $(tasks.test.results.verdict), operator: in, values: ["good", "<\"fair\">"]}]
      retries: 2
      taskSpec:
        params: [{name: image}]
        steps:
          - {name: push, image: example.org/skopeo, script: "skopeo inspect $(params.image)"}
    - name: build
      taskSpec:
        results: [{name: image}]
        steps:
          - {name: compile, image: docker.io/library/debian:12, script: "make"}
          - {image: "registry.example.org/a-long-organisation/with-a-long-name@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", script: "true"}
    - name: test
      matrix: {params: [{name: platform, value: ["$(params.platforms[*])"]}]}
      taskRef: {name: end-to-end}
      params: [{name: image, value: $(tasks.build.results.image)}]
    - {name: again, runAfter: [test], taskRef: {name: end-to-end}, params: [{name: image, value: a}, {name: platform, value: b}]}
    - name: lint
      taskSpec:
        steps: [{name: lint, image: example.org/lint, script: "lint"}]
  finally:
    - name: report
      params: [{name: how, value: $(tasks.publish.status)}]
      taskSpec:
        params: [{name: how}]
        steps: [{name: say, image: example.org/say, script: "echo"}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: end-to-end}
spec:
  params: [{name: image}, {name: platform}]
  results: [{name: verdict}]
  sidecars: [{name: database, image: docker.io/library/postgres:16}]
  steps: [{name: try, image: $(params.image), script: "true"}, {name: judge, image: example.org/judge, script: "true"}]
"#;

fn graph(yaml: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sw"));
    command.args(["graph", "-"]).args(args).env("NO_COLOR", "1");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(yaml.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn drawn(yaml: &str, args: &[&str]) -> String {
    let (code, stdout, stderr) = graph(yaml, args);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    stdout
}

#[test]
fn text() {
    let text = drawn(PIPELINE, &[]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(text, drawn(PIPELINE, &[]), "the same again");
    insta::assert_snapshot!(text, @r##"
    pipeline ship: 5 tasks in 3 levels, 1 at the end

    level 1
    ├─ build
    │    step compile    docker.io/library/debian:12
    │    step unnamed-1
    │        registry.example.org/a-long-organisation/with-a-long-name
    │        @sha256:0123456789ab...
    └─ lint
         step lint  example.org/lint

    level 2
    └─ test
         after build: result image in param image
         task end-to-end
         matrix platform: 3 runs
         step try          $(params.image)
         step judge        example.org/judge
         sidecar database  docker.io/library/postgres:16

    level 3
    ├─ publish
    │    after test: runAfter, result verdict in when
    │    after build: result image in param image
    │    when "$(tasks.test.results.verdict)" in ["good", "<\"fair\">"]
    │    retries 2
    │    step push  example.org/skopeo
    └─ again
         after test: runAfter
         task end-to-end
         steps as in test

    finally, when all of these have ended
    └─ report
         looks at publish: status in param how
         step say  example.org/say
    "##);
}

#[test]
fn dot() {
    insta::assert_snapshot!(drawn(PIPELINE, &["-o", "dot"]), @r##"
    digraph "ship" {
      rankdir=LR;
      node [shape=box];
      "publish" [label="publish\nwhen \"$(tasks.test.results.verdict)\" in [\"good\", \"<\\\"fair\\\">\"]\nretries 2\npush: example.org/skopeo"];
      "build" [label="build\ncompile: docker.io/library/debian:12\nunnamed-1: registry.example.org/a-long-organisation/with-a-long-name@sha256:0123456789ab..."];
      "test" [label="test\ntask end-to-end\nmatrix platform: 3 runs\ntry: $(params.image)\njudge: example.org/judge\nsidecar database: docker.io/library/postgres:16"];
      "again" [label="again\ntask end-to-end\ntry: $(params.image)\njudge: example.org/judge\nsidecar database: docker.io/library/postgres:16"];
      "lint" [label="lint\nlint: example.org/lint"];
      subgraph cluster_finally {
        label="finally";
        style=dashed;
        "report" [label="report\nsay: example.org/say"];
      }
      "test" -> "publish" [label="runAfter, result verdict in when"];
      "build" -> "publish" [label="result image in param image"];
      "build" -> "test" [label="result image in param image"];
      "test" -> "again" [label="runAfter"];
      "publish" -> "report" [label="status in param how", style=dashed];
    }
    "##);
}

#[test]
fn mermaid() {
    insta::assert_snapshot!(drawn(PIPELINE, &["-o", "mermaid"]), @r##"
    flowchart LR
      t0["publish<br/>when #34;$(tasks.test.results.verdict)#34; in [#34;good#34;, #34;#60;#92;#34;fair#92;#34;#62;#34;]<br/>retries 2<br/>push: example.org/skopeo"]
      t1["build<br/>compile: docker.io/library/debian:12<br/>unnamed-1: registry.example.org/a-long-organisation/with-a-long-name@sha256:0123456789ab..."]
      t2["test<br/>task end-to-end<br/>matrix platform: 3 runs<br/>try: $(params.image)<br/>judge: example.org/judge<br/>sidecar database: docker.io/library/postgres:16"]
      t3["again<br/>task end-to-end<br/>try: $(params.image)<br/>judge: example.org/judge<br/>sidecar database: docker.io/library/postgres:16"]
      t4["lint<br/>lint: example.org/lint"]
      subgraph finally
        t5["report<br/>say: example.org/say"]
      end
      t2 -->|"runAfter, result verdict in when"| t0
      t1 -->|"result image in param image"| t0
      t1 -->|"result image in param image"| t2
      t2 -->|"runAfter"| t3
      t0 -.->|"status in param how"| t5
    "##);
}

#[test]
fn json() {
    let json: serde_json::Value = serde_json::from_str(&drawn(PIPELINE, &["-o", "json"])).unwrap();
    assert_eq!((&json["kind"], &json["name"]), (&"Pipeline".into(), &"ship".into()));
    assert_eq!(json["levels"], serde_json::json!([["build", "lint"], ["test"], ["publish", "again"]]));
    assert_eq!(json["finally"], serde_json::json!(["report"]));
    assert_eq!(
        json["edges"][1],
        serde_json::json!({"from": "build", "to": "publish", "reasons": [
            {"type": "result", "result": "image", "place": "param image"},
        ]})
    );
    assert_eq!(json["tasks"][2]["matrix"], serde_json::json!({"params": ["platform"], "runs": 3}));
    let image = json["tasks"][1]["runs"]["steps"][1]["image"].as_str().unwrap();
    assert!(image.ends_with("89abcdef"), "whole for programs: {image}");
}

#[test]
fn a_task_shows_its_steps() {
    let task = PIPELINE.split("---\n").nth(1).unwrap();
    insta::assert_snapshot!(drawn(task, &[]), @r##"
    task end-to-end
      step try          $(params.image)
      step judge        example.org/judge
      sidecar database  docker.io/library/postgres:16
    "##);
    insta::assert_snapshot!(drawn(task, &["-o", "mermaid"]), @r##"
    flowchart LR
      s0["try<br/>$(params.image)"]
      s1["judge<br/>example.org/judge"]
      c0(["database<br/>docker.io/library/postgres:16"])
      s0 --> s1
    "##);
}

#[test]
fn what_has_no_graph_is_refused() {
    let circle =
        PIPELINE.replacen("    - name: build\n", "    - name: build\n      runAfter: [publish]\n", 1);
    let (code, stdout, stderr) = graph(&circle, &[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("cycle detected"), "{stderr}");

    let run = "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: r}\nspec: {pipelineRef: {name: gone}}\n";
    let (code, _, stderr) = graph(run, &[]);
    assert_eq!(code, Some(2));
    assert_eq!(stderr, "error: pipelines.tekton.dev \"gone\" not found; add the file that defines it\n");

    let (code, _, stderr) = graph(PIPELINE, &["--name", "shop"]);
    assert_eq!(
        (code, stderr.as_str()),
        (Some(2), "error: the files have no Pipeline called `shop`, but: ship\n")
    );
}

#[test]
fn pipelines_in_a_pipeline_are_drawn_inside_it() {
    let nest = r#"
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: whole}
spec:
  tasks:
    - name: part
      pipelineSpec:
        tasks:
          - {name: one, taskSpec: {steps: [{name: s, image: i, script: "true"}]}}
          - {name: two, runAfter: [one], pipelineRef: {name: whole}}
        finally: [{name: end, taskSpec: {steps: [{name: s, image: i, script: "true"}]}}]
    - {name: after, runAfter: [part], taskSpec: {steps: [{name: s, image: i, script: "true"}]}}
"#;
    insta::assert_snapshot!(drawn(nest, &[]), @r##"
    pipeline whole: 2 tasks in 2 levels

    level 1
    └─ part
         a pipeline of its own
         level 1
         └─ one
              step s  i
         level 2
         └─ two
              after one: runAfter
              pipeline whole
              unknown pipeline: it is a part of itself
         finally, when all of these have ended
         └─ end
              step s  i

    level 2
    └─ after
         after part: runAfter
         step s  i
    "##);
    insta::assert_snapshot!(drawn(nest, &["-o", "dot"]), @r##"
    digraph "whole" {
      rankdir=LR;
      node [shape=box];
      "part" [label="part\na pipeline of its own"];
      "after" [label="after\ns: i"];
      "part" -> "after" [label="runAfter"];
      subgraph "cluster_part/" {
        label="part";
        "part/one" [label="one\ns: i"];
        "part/two" [label="two\npipeline whole\nunknown pipeline: it is a part of itself"];
        subgraph "cluster_part/finally" {
          label="finally";
          style=dashed;
          "part/end" [label="end\ns: i"];
        }
        "part/one" -> "part/two" [label="runAfter"];
      }
      "part" -> "part/one" [style=dotted];
    }
    "##);
    insta::assert_snapshot!(drawn(nest, &["-o", "mermaid"]), @r##"
    flowchart LR
      t0["part<br/>a pipeline of its own"]
      t1["after<br/>s: i"]
      t0 -->|"runAfter"| t1
      subgraph t0_["part"]
        t0_0["one<br/>s: i"]
        t0_1["two<br/>pipeline whole<br/>unknown pipeline: it is a part of itself"]
        subgraph t0_finally["finally"]
          t0_2["end<br/>s: i"]
        end
        t0_0 -->|"runAfter"| t0_1
      end
      t0 -.-> t0_0
    "##);
}
