#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::catalog::Catalog;

fn outline(spec: Value, given: &[Param]) -> PipelineOutline {
    let spec: PipelineSpec = serde_json::from_value(spec).unwrap();
    pipeline("p", &spec, given, &Catalog::default()).unwrap()
}

fn inline(name: &str, fields: Value) -> Value {
    let mut task = json!({"name": name, "taskSpec": {"steps": [{"image": "i", "script": "true"}]}});
    task.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    task
}

fn edges_of(outline: &PipelineOutline) -> Vec<String> {
    let reasons = |e: &Edge| e.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    outline.edges.iter().map(|e| format!("{} > {}: {}", e.from, e.to, reasons(e))).collect()
}

#[test]
fn a_task_stands_on_the_level_after_its_latest_parent() {
    let outline = outline(
        json!({"tasks": [
            inline("last", json!({"runAfter": ["first", "middle"]})),
            inline("first", json!({})),
            inline("middle", json!({"runAfter": ["first"]})),
            inline("alone", json!({})),
        ], "finally": [inline("end", json!({}))]}),
        &[],
    );
    assert_eq!(outline.levels, [vec!["first", "alone"], vec!["middle"], vec!["last"]]);
    assert_eq!(outline.finally, ["end"]);
    assert_eq!(outline.tasks.len(), 5);
}

#[test]
fn every_edge_says_where_it_comes_from() {
    let outline = outline(
        json!({"tasks": [
            inline("a", json!({})),
            inline("b", json!({
                "runAfter": ["a"],
                "params": [{"name": "x", "value": "$(tasks.a.results.r) $(tasks.a.results.r)"}],
                "when": [{"input": "$(tasks.a.results['s'])", "operator": "in", "values": ["1"]}],
                "matrix": {"params": [{"name": "m", "value": ["$(tasks.c.results.list[0])"]}]},
                "workspaces": [{"name": "w", "subPath": "$(tasks.c.results.dir)"}],
            })),
            inline("c", json!({})),
            {"name": "d", "taskSpec": {"steps": [{"image": "i"}, {"image": "$(tasks.a.results.image)"}]}},
        ], "finally": [
            inline("end", json!({"params": [
                {"name": "how", "value": "$(tasks.b.status)"}, {"name": "r", "value": "$(tasks.a.results.r)"},
            ]})),
        ]}),
        &[],
    );
    assert_eq!(
        edges_of(&outline),
        [
            "a > b: runAfter; result r in param x; result s in when",
            "c > b: result list in matrix m; result dir in workspace w",
            "a > d: result image in step unnamed-1",
            "b > end: status in param how",
            "a > end: result r in param r",
        ]
    );
}

/// The edges that are explained are those that the engine orders by, no more and no fewer.
#[test]
fn edges_are_those_of_the_graph() {
    let use_of = |field: &str| format!("$(tasks.{field}.results.r)");
    let names = [
        "after", "param", "list", "include", "when", "values", "path", "name", "error", "show", "step",
        "sidecar",
    ];
    let mut tasks: Vec<Value> = names.iter().map(|name| inline(name, json!({}))).collect();
    tasks.push(json!({
        "name": "all", "runAfter": ["after"], "onError": use_of("error"),
        "params": [{"name": "x", "value": {"key": use_of("param")}}],
        "when": [{"input": use_of("when"), "operator": "in", "values": [use_of("values")]}],
        "workspaces": [{"name": "w", "subPath": use_of("path")}],
        "displayName": use_of("show"),
        "taskSpec": {
            "steps": [{"image": "i", "script": use_of("step")}],
            "sidecars": [{"image": "i", "args": [use_of("sidecar")]}],
        },
    }));
    tasks.push(json!({
        "name": "fanned", "taskRef": {"name": use_of("name")}, "displayName": use_of("show"),
        "matrix": {
            "params": [{"name": "m", "value": [use_of("list")]}],
            "include": [{"name": "i", "params": [{"name": "n", "value": use_of("include")}]}],
        },
    }));
    let spec: PipelineSpec = serde_json::from_value(json!({ "tasks": tasks })).unwrap();
    let outline = pipeline("p", &spec, &[], &Catalog::default()).unwrap();
    let mut explained = 0;
    for task in &spec.tasks {
        let mut expected = parents(task);
        expected.sort();
        expected.dedup();
        let mut found: Vec<String> =
            outline.edges.iter().filter(|e| e.to == task.name).map(|e| e.from.clone()).collect();
        found.sort();
        assert_eq!(found, expected, "{}", task.name);
        explained += found.len();
    }
    assert_eq!(
        explained,
        names.len(),
        "every task is used once; a matrixed task's displayName orders nothing"
    );
}

#[test]
fn fan_out_is_counted_where_the_lists_are_known() {
    let spec = json!({
        "params": [{"name": "list", "type": "array"}],
        "tasks": [inline("t", json!({"matrix": {
            "params": [{"name": "a", "value": ["$(params.list[*])"]}, {"name": "b", "value": ["1", "2"]}],
            "include": [{"name": "i", "params": [{"name": "c", "value": "3"}]}],
        }}))],
    });
    let fan_out = |given: &[Param]| outline(spec.clone(), given).tasks[0].matrix.clone().unwrap();
    assert_eq!(fan_out(&[]), FanOut { params: vec!["a".into(), "b".into(), "c".into()], runs: None });
    let given = [Param::new("list", vec!["x".to_owned(), "y".into(), "z".into()])];
    assert_eq!(fan_out(&given).runs, Some(6));
}

#[test]
fn a_matrix_beyond_all_limits_is_not_built() {
    let list: Vec<String> = (0..500).map(|i| i.to_string()).collect();
    let lists: Vec<Value> = ["a", "b", "c", "d"].map(|n| json!({"name": n, "value": list})).into();
    let spec = json!({"tasks": [inline("t", json!({"matrix": {"params": lists}}))]});
    assert_eq!(outline(spec, &[]).tasks[0].matrix.as_ref().unwrap().runs, None);
}

#[test]
fn guards_and_what_a_task_runs() {
    let outline = outline(
        json!({"tasks": [
            {"name": "missing", "taskRef": {"name": "nowhere"}},
            {"name": "custom", "taskRef": {"apiVersion": "example.dev/v1", "kind": "Wait", "name": "w"}},
            {"name": "nested", "pipelineRef": {"name": "inner"}},
            inline("guarded", json!({"when": [
                {"input": "a\"b", "operator": "notin", "values": ["x", "y"]}, {"cel": "1 == 1"},
            ]})),
        ]}),
        &[],
    );
    assert!(matches!(&outline.tasks[0].runs, Runs::Unknown { task, problem }
        if task == "nowhere" && problem.contains("not found")));
    assert_eq!(outline.tasks[1].runs, Runs::Custom { kind: "Wait".into() });
    assert!(
        matches!(&outline.tasks[2].runs, Runs::Pipeline { pipeline: Some(inner), outline: None, problem: Some(problem) }
        if inner == "inner" && problem.contains("not found"))
    );
    assert_eq!(outline.tasks[3].when, [r#""a\"b" notin ["x", "y"]"#, "1 == 1"]);
}

#[test]
fn pipelines_in_pipelines_are_looked_into_but_not_without_end() {
    // Each pipeline has the next one twice: 2^40 in all.
    let text = (0..40).map(|i| {
        format!(
            "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: p{i}}}\nspec: {{tasks: [\
             {{name: a, pipelineRef: {{name: p{n}}}}}, {{name: b, pipelineRef: {{name: p{n}}}}}]}}\n---\n",
            n = i + 1
        )
    });
    let source = base::Source::new("p.yaml", text.collect::<String>());
    let documents = crate::load::load(&source).unwrap().documents;
    let catalog = Catalog::new(documents, &mut |prefix| prefix.to_owned()).unwrap();
    let first = catalog.pipeline("p0").unwrap();
    let outline = pipeline("p0", &first.spec, &[], &catalog).unwrap();
    let inner = |node: &Node| match &node.runs {
        Runs::Pipeline { outline, problem, .. } => (outline.clone(), problem.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(inner(&outline.tasks[0]).0.unwrap().name, "p1");
    assert_eq!(inner(&outline.tasks[1]).1.unwrap(), "there are too many pipelines in this one");
}

#[test]
fn steps_take_the_image_of_the_template_and_names_by_position() {
    let spec: TaskSpec = serde_json::from_value(json!({
        "stepTemplate": {"image": "base"},
        "steps": [{"name": "own", "image": "i"}, {"script": "true"}, {"name": "act", "ref": {"name": "action"}}],
        "sidecars": [{"image": "db"}],
    }))
    .unwrap();
    let TaskOutline { content, .. } = task("t", &spec, &Catalog::default());
    let steps: Vec<_> = content.steps.iter().map(|s| (&*s.name, &*s.image, s.action.as_deref())).collect();
    assert_eq!(steps, [("own", "i", None), ("unnamed-1", "base", None), ("act", "", Some("action"))]);
    assert_eq!((&*content.sidecars[0].name, &*content.sidecars[0].image), ("sidecar", "db"));
}

#[test]
fn a_circle_is_no_outline() {
    let spec =
        json!({"tasks": [inline("a", json!({"runAfter": ["b"]})), inline("b", json!({"runAfter": ["a"]}))]});
    let spec: PipelineSpec = serde_json::from_value(spec).unwrap();
    assert!(matches!(pipeline("p", &spec, &[], &Catalog::default()), Err(GraphError::Cycle { .. })));
}
