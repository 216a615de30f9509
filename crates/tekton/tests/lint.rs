//! What is taken and probably not meant: each code with a text that has it and one that does not.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use base::Source;
use tekton::lint::code::LINTS;
use tekton::lint::comment::Comments;
use tekton::lint::lint;
use tekton::load::load;

/// `line:column [code] message` of the warnings about some files' texts, without what comments allow.
fn warned(texts: &[&str]) -> Vec<String> {
    let sources = texts.iter().enumerate().map(|(i, text)| Source::new(format!("{i}"), *text));
    let documents: Vec<_> = sources.flat_map(|source| load(&source).unwrap().documents).collect();
    let shown = |d: base::Diagnostic| {
        let (source, span) = d.place.clone().unwrap();
        let (line, column) = source.position(span.start);
        (!Comments::of(&source).allow(&d)).then(|| format!("{line}:{column} [{}] {}", d.code, d.message))
    };
    lint(&documents).into_iter().filter_map(shown).collect()
}

fn task(spec: &str) -> String {
    format!("apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{name: t}}\nspec:\n{spec}")
}

fn pipeline(spec: &str) -> String {
    format!("apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: p}}\nspec:\n{spec}")
}

fn of_task(spec: &str) -> Vec<String> {
    warned(&[&task(spec)])
}

fn of_pipeline(spec: &str) -> Vec<String> {
    warned(&[&pipeline(spec)])
}

/// A pinned image.
const IMAGE: &str = "x@sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn with_image(text: &str) -> String {
    text.replace("IMAGE", IMAGE)
}

#[test]
fn params() {
    let text = with_image(
        "  params: [{name: used}, {name: other, description: see $(params.other)}, {name: listed, type: array}, {name: a.b}]\n  steps: [{image: IMAGE, args: [$(params.used), '$(params.listed[*])', '$(params[\"a.b\"])']}]\n",
    );
    assert_eq!(of_task(&text), ["5:33 [unused-param] param `other` is never used"]);
    // An inline task uses what its pipeline has; a matrix and a guard use params, too.
    let text = with_image(
        "  params: [{name: a}, {name: b, type: array}, {name: c}, {name: d}]\n  tasks:\n  - name: x\n    params: [{name: mine, value: y}, {name: mien, value: y}]\n    matrix: {params: [{name: m, value: '$(params.b[*])'}]}\n    when: [{input: $(params.c), operator: in, values: [\"1\"]}]\n    taskSpec: {steps: [{image: IMAGE, args: [$(params.a), $(params.mine), $(params.m)]}]}\n",
    );
    assert_eq!(
        of_pipeline(&text),
        [
            "5:65 [unused-param] param `d` is never used",
            "8:45 [unused-param] param `mien` is given, but nothing in the inline task uses it"
        ]
    );
    let run = with_image(
        "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: r}\nspec:\n  params: [{name: a, value: x}, {name: b, value: x}, {name: c, value: x}]\n  taskRunTemplate: {podTemplate: {env: [{name: X, value: $(params.c)}]}}\n  pipelineSpec:\n    tasks:\n    - name: x\n      taskSpec: {steps: [{image: IMAGE, args: [$(params.a)]}]}\n",
    );
    assert_eq!(warned(&[&run]), ["5:40 [unused-param] param `b` is given, but nothing in the run uses it"]);
}

#[test]
fn what_is_passed_to_tasks_of_other_files() {
    let task = with_image(&task(
        "  params: [{name: url}, {name: depth, default: '1'}]\n  workspaces: [{name: out}, {name: cache, optional: true}]\n  results: [{name: commit}]\n  steps: [{image: IMAGE, args: [$(params.url), $(params.depth), $(workspaces.out.path), $(results.commit.path)]}]\n",
    ));
    let good = pipeline(
        "  workspaces: [{name: w}]\n  tasks:\n  - name: a\n    taskRef: {name: t}\n    params: [{name: url, value: x}]\n    workspaces: [{name: out, workspace: w}]\n  - name: b\n    taskRef: {name: elsewhere}\n    params: [{name: c, value: $(tasks.a.results.commit)}]\n",
    );
    assert_eq!(warned(&[&task, &good]), [""; 0]);
    let bad = pipeline(
        "  workspaces: [{name: w}]\n  tasks:\n  - name: a\n    taskRef: {name: t}\n    params: [{name: depht, value: x}]\n    workspaces: [{name: output, workspace: w}]\n  - name: b\n    taskRef: {name: elsewhere}\n    params: [{name: c, value: 'v-$(tasks.a.results.comit)'}]\n",
    );
    assert_eq!(
        warned(&[&bad, &task]),
        [
            "8:21 [missing-param] task `t` needs the param `url`",
            "8:21 [missing-workspace] task `t` needs the workspace `out`",
            "9:21 [undeclared-param] task `t` declares no param `depht`; the value is not used",
            "10:25 [undeclared-workspace] task `t` declares no workspace `output`",
            "13:34 [undeclared-result] task `t` declares no result `comit`",
        ]
    );
    // Two tasks of one name in other files: nobody knows which is meant.
    assert_eq!(warned(&[&bad, &task, &task]), [""; 0]);
}

#[test]
fn workspaces_and_volumes() {
    let unused =
        "  workspaces: [{name: w}]\n  volumes: [{name: v, emptyDir: {}}]\n  steps: [{image: IMAGE}]\n";
    assert_eq!(
        of_task(&with_image(unused)),
        [
            "5:23 [unused-workspace] workspace `w` is never used",
            "6:20 [unused-volume] volume `v` is mounted by no container"
        ]
    );
    for used in [
        "  workspaces: [{name: w}]\n  steps: [{image: IMAGE, args: [$(workspaces.w.path)]}]\n",
        "  workspaces: [{name: w}]\n  steps: [{image: IMAGE, script: ls /workspace/w}]\n",
        "  workspaces: [{name: w}]\n  steps: [{image: IMAGE, workingDir: w/src}]\n",
        "  workspaces: [{name: w, mountPath: /root/.docker}]\n  steps: [{image: IMAGE}]\n",
        "  workspaces: [{name: w, optional: true}]\n  steps: [{image: IMAGE}]\n",
        "  workspaces: [{name: w}]\n  steps: [{image: IMAGE, workspaces: [{name: w}]}]\n",
        "  volumes: [{name: v, emptyDir: {}}]\n  steps: [{image: IMAGE, volumeMounts: [{name: v, mountPath: /v}]}]\n",
        "  volumes: [{name: v, emptyDir: {}}]\n  steps: [{ref: {name: a}, params: [{name: volume, value: v}]}]\n",
    ] {
        assert_eq!(of_task(&with_image(used)), [""; 0], "{used}");
    }
    let text = with_image(
        "  workspaces: [{name: a}, {name: b}, {name: c}]\n  tasks:\n  - {name: x, taskRef: {name: u}, workspaces: [{name: b}]}\n  - {name: z, taskSpec: {steps: [{image: IMAGE, args: [$(workspaces.c.path)]}]}}\n",
    );
    assert_eq!(of_pipeline(&text), ["5:23 [unused-workspace] workspace `a` is given to no task"]);
}

#[test]
fn results() {
    let text = with_image(
        "  results: [{name: a}, {name: b}, {name: c, value: $(steps.s.results.r)}, {name: d}]\n  steps:\n  - name: s\n    image: IMAGE\n    results: [{name: r}, {name: q}]\n    script: date >$(step.results.r.path); date > $(results.a.path)\n    stdoutConfig: {path: $(results.d.path)}\n",
    );
    assert_eq!(
        of_task(&text),
        [
            "5:31 [unwritten-result] no step writes the result `b`",
            "9:33 [unwritten-result] the step does not write its result `q`"
        ]
    );
    let inline = "{results: [{name: r}], steps: [{image: IMAGE, script: date >$(results.r.path)}]}";
    let text = with_image(&format!(
        "  results: [{{name: whole, value: $(tasks.x.results.r)}}]\n  tasks:\n  - {{name: x, taskSpec: {inline}}}\n  - {{name: z, taskSpec: {inline}}}\n"
    ));
    assert_eq!(
        of_pipeline(&text),
        ["8:43 [unread-result] nothing in the pipeline reads the result `r` of `z`"]
    );
}

#[test]
fn tasks_that_never_run() {
    let text = "  params: [{name: mode, enum: [a, b], default: a}]\n  tasks:\n  - name: constant\n    taskRef: {name: u}\n    when: [{input: x, operator: in, values: [z]}]\n  - name: by-enum\n    taskRef: {name: u}\n    when: [{input: $(params.mode), operator: notin, values: [b, a]}]\n  - name: needs\n    taskRef: {name: u}\n    params: [{name: p, value: $(tasks.constant.results.r)}]\n  - {name: after-needs, taskRef: {name: u}, runAfter: [needs]}\n  - {name: after-constant, taskRef: {name: u}, runAfter: [constant]}\n  - name: runs\n    taskRef: {name: u}\n    when: [{input: $(params.mode), operator: in, values: [b]}, {input: x, operator: in, values: [x]}]\n  finally:\n  - name: empty\n    taskRef: {name: u}\n    matrix: {params: [{name: m, value: []}]}\n";
    assert_eq!(
        of_pipeline(text),
        [
            "9:12 [unreachable-task] task `constant` never runs: its guard never holds: \"x\" is not among z",
            "12:12 [unreachable-task] task `by-enum` never runs: its guard never holds: param `mode` can only be a, b, and all of them are among b, a",
            "13:11 [unreachable-task] task `needs` never runs: it needs a result of `constant`, which never runs",
            "16:12 [unreachable-task] task `after-needs` never runs: it comes after `needs`, which never runs",
            "24:23 [unreachable-task] task `empty` never runs: its matrix has no value",
        ]
    );
    let step = with_image("  steps: [{image: IMAGE, when: [{input: a, operator: notin, values: [a]}]}]\n");
    assert!(of_task(&step)[0].contains("[unreachable-step]"), "{:?}", of_task(&step));
}

#[test]
fn implied_order() {
    let text = "  tasks:\n  - {name: a, taskRef: {name: u}}\n  - {name: b, taskRef: {name: u}, runAfter: [a]}\n  - {name: c, taskRef: {name: u}, runAfter: [a, b]}\n  - {name: d, taskRef: {name: u}, runAfter: [a], params: [{name: p, value: $(tasks.a.results.r)}]}\n  - {name: e, taskRef: {name: u}, runAfter: [c, d]}\n";
    assert_eq!(
        of_pipeline(text),
        [
            "8:46 [implied-order] task `c` comes after `a` anyway: `b` comes after it",
            "9:46 [implied-order] task `d` comes after `a` anyway: its result is used",
        ]
    );
}

#[test]
fn injection_points_into_the_script() {
    let text = with_image(
        "  params: [{name: a}, {name: list, type: array}, {name: word, enum: [x, z]}]\n  steps:\n  - image: IMAGE\n    env: [{name: A, value: $(params.a)}]\n    script: |\n      echo \"$(params.a)\" $(params.word) $(context.taskRun.name)\n      date $(date) '$(params.list[0])' $(params.a)\n  - {image: IMAGE, command: [bash, -ec], args: [\"echo $(params.a)\"]}\n  - {image: IMAGE, command: [bash, -c, 'echo \"$1\"', x], args: [$(params.a)]}\n  - {image: IMAGE, command: [echo, -c, $(params.a), '$(params.list[*])']}\n",
    );
    assert_eq!(
        of_task(&text),
        [
            "10:13 [shell-injection] the value of param `$(params.a)` becomes a part of the program",
            "11:21 [shell-injection] the value of param `$(params.list[0])` becomes a part of the program",
            "12:123 [shell-injection] the value of param `$(params.a)` becomes a part of the program",
        ]
    );
}

#[test]
fn values_that_the_author_wrote_inject_nothing() {
    let script = "{steps: [{image: IMAGE, script: 'echo $(params.a)'}]}";
    let pipeline_of = |passed: &str, spec: &str| {
        with_image(&format!(
            "  params: [{{name: outer}}, {{name: word, enum: [x]}}]\n  tasks:\n  - name: use\n    taskRef: {{name: u}}\n    params: [{{name: o, value: '$(params.outer) $(params.word)'}}]\n  - name: x\n    params: {passed}\n    taskSpec: {spec}\n"
        ))
    };
    for (passed, harmless) in [
        ("[{name: a, value: text}]", true),
        ("[{name: a, value: '$(params.word)'}]", true),
        ("[{name: a, value: '$(context.pipelineRun.name)'}]", true),
        ("[{name: a, value: 'x $(params.outer)'}]", false),
        ("[{name: a, value: '$(tasks.use.results.r)'}]", false),
        ("[{name: a, value: '{{ branch }}'}]", false),
    ] {
        let found = of_pipeline(&pipeline_of(passed, script));
        assert_eq!(found.is_empty(), harmless, "{passed}: {found:?}");
    }
    // Its own default counts only when nothing else gives a value.
    let own = "{params: [{name: a, default: x}], steps: [{image: IMAGE, script: 'echo $(params.a)'}]}";
    assert_eq!(of_pipeline(&pipeline_of("[]", own)), [""; 0]);
    assert_eq!(of_pipeline(&pipeline_of("[{name: a, value: $(params.outer)}]", own)).len(), 1);
    let run = |value: &str| {
        with_image(&format!(
            "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {{name: r}}\nspec:\n  params: [{{name: a, value: {value}}}]\n  taskSpec: {script}\n"
        ))
    };
    assert_eq!(warned(&[&run("text")]), [""; 0]);
    assert_eq!(warned(&[&run("'{{ body.ref }}'")]).len(), 1, "filled in by another program");
}

#[test]
fn images() {
    let text = with_image(
        "  params: [{name: i}]\n  steps:\n  - image: alpine\n  - image: alpine\n  - image: host:5000/a/b:latest\n  - image: host:5000/a/b:v1\n  - image: IMAGE\n  - image: $(params.i)\n",
    );
    assert_eq!(
        of_task(&text),
        [
            "7:12 [floating-image] image `alpine` is whatever was pushed last",
            "9:12 [floating-image] image `host:5000/a/b:latest` is whatever was pushed last",
            "10:12 [unpinned-image] image `host:5000/a/b:v1` has no digest: its tag can be moved",
        ]
    );
}

#[test]
fn variables_that_stay() {
    let text = with_image(
        "  workspaces: [{name: src}]\n  steps:\n  - image: IMAGE\n    script: |\n      cd $(workspaces.source.path) && ls $(workspaces.src.path) $(workspaces.src.paht)\n      echo $(param.a) $(date) $(python.exe) $(uname -m) $(tasks.a.results.b) $(context.pipelineRun.name)\n    args: [$(results.r.path)]\n",
    );
    assert_eq!(
        of_task(&text)
            .iter()
            .filter(|w| w.contains("unknown-variable"))
            .map(|w| w.as_str())
            .collect::<Vec<_>>(),
        [
            "9:10 [unknown-variable] `$(workspaces.source.path)` stays as it is: no workspace `source` is declared",
            "9:65 [unknown-variable] `$(workspaces.src.paht)` stays as it is: a workspace has no `paht`",
            "10:12 [unknown-variable] `$(param.a)` stays as it is: nothing is called `param`",
            "10:57 [unknown-variable] `$(tasks.a.results.b)` stays as it is: a task outside of a pipeline's text does not see other tasks",
            "10:78 [unknown-variable] `$(context.pipelineRun.name)` stays as it is: a task outside of a pipeline's text does not see the pipeline",
            "11:12 [unknown-variable] `$(results.r.path)` stays as it is: the task declares no result `r`",
        ]
    );
}

#[test]
fn errors_that_go_unseen() {
    let of = |script: &str| {
        let lines: String = script.lines().map(|line| format!("      {line}\n")).collect();
        of_task(&with_image(&format!("  steps:\n  - image: IMAGE\n    script: |\n{lines}")))
    };
    let ignored =
        "[ignored-errors] the script goes on when this fails: it has a `#!` line, so Tekton adds no `set -e`";
    assert_eq!(of("#!/bin/sh\necho x\nmake all\necho done"), [format!("10:7 {ignored}")]);
    assert_eq!(of("#!/bin/sh\nmake \\\n  all\n# note\nmake test"), [format!("9:7 {ignored}")]);
    for fine in [
        "make all\nmake test",
        "#!/bin/sh\nset -e\nmake all\nmake test",
        "#!/bin/bash -eu\nmake all\nmake test",
        "#!/bin/sh\necho x\nmake all",
        "#!/bin/sh\nmake all || exit 1\nmake test",
        "#!/usr/bin/env python3\nimport os\nos.getcwd()",
        "#!/bin/sh\nmake all && \\\nmake test",
    ] {
        assert_eq!(of(fine), [""; 0], "{fine}");
    }
}

#[test]
fn secrets_that_are_printed() {
    let of = |script: &str| {
        let lines: String = script.lines().map(|line| format!("      {line}\n")).collect();
        of_task(&with_image(&format!(
            "  steps:\n  - image: IMAGE\n    env: [{{name: T, valueFrom: {{secretKeyRef: {{name: s, key: k}}}}}}]\n    script: |\n{lines}"
        )))
    };
    assert_eq!(
        of("date\necho \"token: $T\""),
        ["10:7 [printed-secret] this prints `T`, whose value is a secret"]
    );
    assert!(of("set -x\ncurl -H \"$T\" x")[0].contains("with `set -x` this line is printed"));
    for fine in ["echo \"$T\" | login", "echo ${T:+set}", "curl -H \"$T\" x", "set -x\ndate\nset +x\ncurl $T"]
    {
        assert_eq!(of(fine), [""; 0], "{fine}");
    }
}

#[test]
fn settings() {
    let text = with_image(
        "  steps: [{image: IMAGE, securityContext: {privileged: true}}]\n  sidecars: [{image: IMAGE, securityContext: {privileged: false}}]\n",
    );
    assert_eq!(of_task(&text), ["5:124 [privileged] a privileged container owns the machine it runs on"]);
    let old = "apiVersion: tekton.dev/v1beta1\nkind: PipelineRun\nmetadata: {name: r}\nspec: {pipelineRef: {name: p}, timeout: 0s}\n";
    assert_eq!(
        warned(&[&format!("{old}---\n{}", old.replace("name: r", "name: r2"))]),
        [
            "1:13 [old-version] tekton.dev/v1beta1 is deprecated",
            "4:41 [no-time-limit] zero means no limit: what hangs, hangs for ever",
            "9:41 [no-time-limit] zero means no limit: what hangs, hangs for ever",
        ]
    );
    assert_eq!(of_pipeline("  tasks: [{name: a, taskRef: {name: u}, timeout: '0'}]\n").len(), 1);
}

#[test]
fn comments_allow() {
    let text = "  params:\n  # sw: allow unused-param its kind takes it\n  - name: a\n    default: x\n  - name: b\n  steps:\n  - image: alpine # sw: allow floating-image\n    script: |\n      # sw: allow shell-injection trusted\n      echo $(params.b)\n";
    assert_eq!(of_task(text), [""; 0]);
    let all = format!("# sw: allow floating-image, unused-param\n{}", task(&text.replace("sw: allow", "no")));
    assert_eq!(warned(&[&all]).len(), 1, "{:?}", warned(&[&all]));
}

/// Every code is in this file, so that each has a test (those of loading and validation are tested there).
#[test]
fn every_code_is_tested() {
    let own = include_str!("lint.rs");
    let elsewhere = [
        "cluster-task",
        "foreign-kind",
        "ignored-field",
        "kustomization",
        "name-reference",
        "will-fail",
        "unknown-lint",
    ];
    for lint in LINTS.iter().filter(|lint| !elsewhere.contains(&lint.code)) {
        assert!(own.contains(&format!("[{}]", lint.code)), "no test names {}", lint.code);
    }
}

/// What the repository ships is free of warnings, or says why not.
#[test]
fn the_tasks_that_are_shipped_are_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks");
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "yaml") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    assert!(texts.len() > 5);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(warned(&texts), [""; 0]);
}
