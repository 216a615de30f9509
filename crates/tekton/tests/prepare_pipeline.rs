//! Pipeline runs made ready: substitution before the run, and every way to fail before the first task.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::*;
use tekton::catalog::Catalog;
use tekton::prepare::{self, PipelineContext, Settings};
use tekton::when::NoCel;

fn failure(pipeline: Value, spec: Value) -> (&'static str, String) {
    let failure = try_prepare(&run(pipeline, spec)).unwrap_err();
    (failure.reason, failure.message)
}

fn tasks(list: Value) -> Value {
    json!({ "tasks": list })
}

#[test]
fn what_is_known_is_put_in_before_the_run() {
    let pipeline = json!({
        "params": [
            {"name": "who", "default": "me at $(context.pipelineRun.name)"},
            {"name": "list", "type": "array"},
            {"name": "o", "type": "object", "properties": {"k": {}, "d": {}}, "default": {"d": "D"}},
        ],
        "workspaces": [{"name": "w", "optional": true}, {"name": "x"}],
        "tasks": [{
            "name": "a", "displayName": "for $(params.who)",
            "params": [
                {"name": "p", "value": "$(params.who) $(params.o.k)$(params.o.d) $(context.pipeline.name)"},
                {"name": "q", "value": "$(params.list[*])"},
                {"name": "z", "value": ["$(params.list[*])", "$(workspaces.w.bound)", "$(workspaces.x.bound)"]},
                {"name": "later", "value": "$(context.pipelineTask.retries) $(tasks.b.results.r)"},
            ],
            "when": [{"input": "$(params.o.k)", "operator": "in", "values": ["$(params.list[*])", "x"]},
                     {"input": "$(params.list[*])", "operator": "notin", "values": [""]}],
            "workspaces": [{"name": "x", "subPath": "$(params.o.k)"}],
            "onError": "$(params.o.d)",
            "taskSpec": {"steps": [{"image": "i", "script": "$(params.who) $(params.unknown) $(context.pipelineRun.uid)"}]},
        }, task("b", json!({}))],
    });
    let prepared = try_prepare(&run(
        pipeline,
        json!({
            "params": [{"name": "list", "value": ["1", "2"]}, {"name": "o", "value": {"k": "K"}}, {"name": "unused", "value": ""}],
            "workspaces": [{"name": "x", "configMap": {"name": "$(params.o.k)"}}],
        }),
    ))
    .unwrap();
    let task = &prepared.spec.tasks[0];
    assert_eq!(
        json!(task.params),
        json!([
            {"name": "p", "value": "me at run KD run"},
            {"name": "q", "value": ["1", "2"]},
            {"name": "z", "value": ["1", "2", "false", "true"]},
            {"name": "later", "value": "$(context.pipelineTask.retries) $(tasks.b.results.r)"},
        ])
    );
    assert_eq!(task.display_name, "for me at run");
    assert_eq!(json!(task.when[0]), json!({"input": "K", "operator": "in", "values": ["1", "2", "x"]}));
    assert_eq!(task.when[1].input, "[\"1\",\"2\"]", "a whole array as input is its JSON text");
    assert_eq!((task.workspaces[0].sub_path.as_str(), task.on_error.as_str()), ("K", "D"));
    let script = &task.inline().unwrap().steps[0].script;
    assert_eq!(script, "me at run $(params.unknown) u-1");
    assert_eq!(prepared.run.workspaces[0].config_map.as_ref().unwrap().name, "K");
    assert_eq!(prepared.graph.parents("a"), ["b"]);
}

#[test]
fn references_to_results_order_tasks() {
    let prepared = prepared(tasks(json!([
        task("a", json!({})),
        task("by-param", json!({"params": [{"name": "p", "value": ["x", "$(tasks.a.results.r)"]}]})),
        task(
            "by-guard",
            json!({"when": [{"input": "x", "operator": "in", "values": ["$(tasks.a.results.r[*])"]}]})
        ),
        task("by-matrix", json!({"matrix": {"params": [{"name": "m", "value": "$(tasks.a.results.r[*])"}]}})),
        task(
            "by-script",
            json!({"taskSpec": {"steps": [{"image": "i", "script": "$(tasks.a.results['r'])"}]}})
        ),
        task(
            "by-env",
            json!({"taskSpec": {"steps": [{"image": "i", "env": [{"name": "E", "value": "$(tasks.a.results.s.k)"}]}]}})
        ),
        task(
            "by-sidecar",
            json!({"taskSpec": {"steps": [{"image": "i"}], "sidecars": [{"image": "$(tasks.a.results.r)"}]}})
        ),
        task("by-order", json!({"runAfter": ["a", "a"]})),
        task(
            "free",
            json!({"taskSpec": {"steps": [{"image": "i", "script": "$(tasks.a.outputs.x) $(tasks.a.status)"}]}})
        ),
    ])));
    for task in prepared.graph.tasks().filter(|t| t.starts_with("by-")) {
        assert_eq!(prepared.graph.parents(task), ["a"], "{task}");
    }
    assert!(prepared.graph.parents("free").is_empty());
}

#[test]
fn every_way_to_fail_before_the_first_task() {
    let a = || json!([task("a", json!({}))]);
    let params = |declared: Value, passed: Value| {
        failure(json!({"params": declared, "tasks": a()}), json!({ "params": passed }))
    };
    let cases = [
        (
            failure(
                tasks(json!([task("a", json!({"runAfter": ["b"]})), task("b", json!({"runAfter": ["a"]}))])),
                json!({}),
            ),
            "PipelineInvalidGraph",
            "PipelineRun ns/run's Pipeline DAG is invalid: cycle detected; task \"a\" depends on \"b\"",
        ),
        (
            failure(
                json!({"tasks": a(), "finally": [task("f", json!({})), task("f", json!({}))]}),
                json!({}),
            ),
            "PipelineInvalidGraph",
            "PipelineRun ns/run's Pipeline DAG is invalid for finally clause: task f is already present in Graph, can't add \
             it again: duplicate pipeline task",
        ),
        (
            params(json!([{"name": "p"}, {"name": "q"}]), json!([])),
            "ParameterMissing",
            "PipelineRun ns/run is missing some parameters required by Pipeline ns/run: pipelineRun missing parameters: [p q]",
        ),
        (
            params(json!([{"name": "p", "type": "array"}]), json!([{"name": "p", "value": "x"}])),
            "ParameterTypeMismatch",
            "PipelineRun ns/run parameters have mismatching types with Pipeline ns/run's parameters: parameters have \
             inconsistent types : [p]",
        ),
        (
            params(json!([{"name": "p", "enum": ["a"]}]), json!([{"name": "p", "value": "x"}])),
            "InvalidParamValue",
            "PipelineRun ns/run parameters have invalid value: param `p` value: x is not in the enum list",
        ),
        (
            params(
                json!([{"name": "o", "type": "object", "properties": {"k": {}, "l": {}}}]),
                json!([{"name": "o", "value": {"l": ""}}]),
            ),
            "ObjectParameterMissKeys",
            "PipelineRun ns/run parameters is missing object keys required by Pipeline ns/run's parameters: pipelineRun \
             missing object keys for parameters: map[o:[k]]",
        ),
        (
            failure(
                json!({
                    "params": [{"name": "l", "type": "array"}],
                    "tasks": [task("a", json!({"params": [{"name": "x", "value": "$(params.l[3])"}]}))],
                }),
                json!({"params": [{"name": "l", "value": ["0"]}]}),
            ),
            "ParamArrayIndexingInvalid",
            "PipelineRun ns/run failed validation: failed to validate Pipeline ns/run's parameter which has an invalid index \
             while referring to an array: non-existent param references:[$(params.l[3])]",
        ),
        (
            params(
                json!([{"name": "p", "default": "$(params.q)"}, {"name": "q", "default": "$(params.p)"}]),
                json!([]),
            ),
            "PipelineValidationFailed",
            "parameter resolution failed: circular dependency detected in param \"params.p\"",
        ),
        (
            failure(json!({"workspaces": [{"name": "w"}], "tasks": a()}), json!({})),
            "InvalidWorkspaceBindings",
            "PipelineRun ns/run doesn't bind Pipeline ns/run's Workspaces correctly: pipeline requires workspace with name \
             \"w\" be provided by pipelinerun",
        ),
        (
            failure(tasks(a()), json!({"taskRunSpecs": [{"pipelineTaskName": "x"}]})),
            "InvalidTaskRunSpecs",
            "PipelineRun ns/run doesn't define taskRunSpecs correctly: pipelineRun's taskrunSpecs defined wrong taskName: \
             \"x\", does not exist in Pipeline",
        ),
        (
            failure(tasks(json!([{"name": "a", "taskRef": {"name": "t"}}])), json!({})),
            "CouldntGetTask",
            "Pipeline ns/run can't be Run; it contains Tasks that don't exist: Couldn't retrieve Task \"t\": \
             tasks.tekton.dev \"t\" not found",
        ),
        (
            failure(
                tasks(
                    json!([{"name": "a", "taskSpec": {"params": [{"name": "p"}], "steps": [{"image": "i"}]}}]),
                ),
                json!({}),
            ),
            "PipelineValidationFailed",
            "Validation failed for pipelinerun run with error invalid input params for task : missing values for these \
             params which have no default values: [p]",
        ),
        (
            failure(
                tasks(json!([
                    task("a", json!({})),
                    task("b", json!({"params": [{"name": "p", "value": "$(tasks.a.results.x)"}]}))
                ])),
                json!({}),
            ),
            "InvalidTaskResultReference",
            "invalid result reference in pipeline task \"b\": \"x\" is not a named result returned by pipeline task \"a\"",
        ),
        (
            failure(
                json!({"tasks": a(), "results": [{"name": "r", "value": "$(tasks.a.results.x)"}]}),
                json!({}),
            ),
            "InvalidPipelineResultReference",
            "Failed to resolve pipeline result reference for \"run\" with error invalid pipeline result \"r\": \"x\" is not \
             a named result returned by pipeline task \"a\"",
        ),
        (
            failure(
                json!({
                    "workspaces": [{"name": "w", "optional": true}],
                    "tasks": [{
                        "name": "a", "workspaces": [{"name": "x", "workspace": "w"}],
                        "taskSpec": {"workspaces": [{"name": "x"}], "steps": [{"image": "i"}]},
                    }],
                }),
                json!({}),
            ),
            "RequiredWorkspaceMarkedOptional",
            "Optional workspace not supported by task: pipeline workspace \"w\" is marked optional but pipeline task \"a\" \
             requires it be provided",
        ),
        (
            failure(tasks(json!([task("a", json!({"when": [{"cel": "'a' == 'a'"}]}))])), json!({})),
            "CELEvaluationFailed",
            "Error evaluating CEL run: 'a' == 'a': this engine has no CEL evaluator; write the guard with input, operator \
             and values",
        ),
    ];
    for ((reason, message), expected_reason, expected) in cases {
        assert_eq!(
            (reason, message.as_str()),
            (expected_reason, format!("[User error] {expected}").as_str())
        );
    }
    let mut missing = run(json!({}), json!({"pipelineRef": {"name": "p"}}));
    missing.spec.pipeline_spec = None;
    let missing = try_prepare(&missing).unwrap_err();
    assert_eq!(missing.reason, "CouldntGetPipeline");
    assert!(
        missing.message.ends_with("for pipelineRun run: pipelines.tekton.dev \"p\" not found"),
        "{missing}"
    );
    let custom =
        failure(tasks(json!([{"name": "c", "taskRef": {"apiVersion": "x.dev/v1", "kind": "K"}}])), json!({}));
    assert!(custom.0 == "CouldntGetTask" && custom.1.contains("custom task"), "{custom:?}");
}

/// The pipelines that OKD's own builders run are accepted, with the inputs that their runs give.
#[test]
fn pipelines_of_okd_can_be_prepared() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let mut documents = Vec::new();
    let mut folders = vec![fixtures.join("okd-coreos-pipeline")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
                let text = std::fs::read_to_string(&path).unwrap();
                let source = base::Source::new(path.display().to_string(), text);
                documents.extend(tekton::load::load(&source).map(|l| l.documents).unwrap_or_default());
            }
        }
    }
    // Several overlays hold objects of one name; the first will do.
    let mut seen = std::collections::BTreeSet::new();
    documents.retain(|d| {
        let name = d.object.metadata().map(|m| format!("{}{}", m.name, m.generate_name)).unwrap_or_default();
        seen.insert((d.object.kind().to_owned(), name))
    });
    let catalog = Catalog::new(documents, &mut |prefix| format!("{prefix}1")).unwrap();
    let settings = Settings::default();
    let context = PipelineContext { settings: &settings, cel: &NoCel, ancestors: &[] };
    let mut prepared = 0;
    for run in catalog.runs() {
        let tekton::catalog::Run::Pipeline(run) = run else { continue };
        match prepare::pipeline(run, &catalog, &context) {
            Ok(pipeline) => {
                prepared += 1;
                let decision = decide(&pipeline, &facts(&[]));
                assert!(!decision.start.is_empty(), "{}: nothing starts", run.metadata.name);
            }
            Err(failure) => panic!("{}: {failure}", run.metadata.name),
        }
    }
    assert!(prepared > 0, "no run in the folder");
}

#[test]
fn a_pipeline_is_not_a_part_of_itself() {
    let settings = Settings::default();
    let refused = |own: &str, inner: &str, ancestors: &[&str]| {
        let text = format!(
            "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: {own}}}\n\
             spec: {{tasks: [{{name: t, pipelineRef: {{name: {inner}}}}}]}}\n"
        );
        let documents = tekton::load::load(&base::Source::new("p.yaml", text)).unwrap().documents;
        let catalog = Catalog::new(documents, &mut |prefix| prefix.to_owned()).unwrap();
        let ancestors: Vec<String> = ancestors.iter().map(|a| (*a).to_owned()).collect();
        let context = PipelineContext { settings: &settings, cel: &NoCel, ancestors: &ancestors };
        let mut run = run(json!({}), json!({}));
        run.spec.pipeline_spec = None;
        run.spec.pipeline_ref = Some(tekton::types::PipelineRef::named(own));
        prepare::pipeline(&run, &catalog, &context).map(|p| p.ancestors).map_err(|f| f.message)
    };
    let message = |name: &str| {
        format!(
            "[User error] PipelineRun ns/run can't be Run; couldn't resolve all references: detected cycle in \
             pipeline-in-pipeline: pipeline \"{name}\" is already running in ancestor chain"
        )
    };
    assert_eq!(refused("a", "b", &[]), Ok(vec!["a".to_owned()]));
    assert_eq!(refused("a", "a", &[]), Err(message("a")));
    assert_eq!(refused("b", "a", &["a"]), Err(message("a")));
    assert_eq!(refused("b", "c", &["a"]), Ok(vec!["a".to_owned(), "b".to_owned()]));
    // What a resolver gives may have another name than what it was asked for.
    assert_eq!(refused("a", "c", &["a"]), Err(message("a")));
}
