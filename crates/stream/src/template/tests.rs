#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use base::{Diagnostics, Source};
use tekton::load::{Object, load};
use tekton::types::{Pipeline, PipelineTask};

use crate::check::check;
use crate::definition::{Definition, File, TemplateDefinition, parse, parse_file};
use crate::key;
use crate::lock::Lock;
use crate::overlay::flatten;
use crate::plan::plan;
use crate::render::{Request, render};
use crate::sample::{self, Nothing, STREAM, TASKS};
use crate::task::Tasks;

/// Tasks for the pipeline beside those of the sample.
const MORE_TASKS: &str = "
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: scan}
spec:
  params: [{name: image}, {name: component}, {name: deny, type: array, default: []}]
  results: [{name: found}]
  workspaces: [{name: evidence}]
  steps: [{image: sw}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: approval}
spec:
  params: [{name: images, type: array}, {name: repository}, {name: reports, type: array, default: []}]
  steps: [{image: sw}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: kaniko}
spec:
  params: [{name: context}, {name: containerfile, default: Containerfile}, {name: bases, type: array}, {name: labels, type: array}, {name: packages, type: array}]
  results: [{name: image}]
  workspaces: [{name: source}]
  steps: [{image: kaniko}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: notify}
spec:
  params: [{name: release}, {name: text, default: \"\"}]
  steps: [{image: sw}]
";

fn tasks() -> Tasks {
    let sources = [Source::new("tasks/all.yaml", TASKS), Source::new("tasks/more.yaml", MORE_TASKS)];
    Tasks::new(&sources, &[]).unwrap()
}

fn below() -> Definition {
    parse(&Source::new("stream.yaml", STREAM)).unwrap()
}

fn overlay(below: &Definition, operations: &str) -> Result<Definition, Diagnostics> {
    let text = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: edge\nrepository: localhost:5757/edge\nfrom: {{path: ../below}}\noperations:\n{operations}"
    );
    let File::Overlay(overlay) = parse_file(&Source::new("edge.yaml", text))? else { panic!("no overlay") };
    flatten(below, &overlay)
}

fn with(operations: &str) -> Result<Pipeline, Diagnostics> {
    rendered(&overlay(&below(), operations)?)
}

fn text(definition: &Definition) -> Result<String, Diagnostics> {
    let (files, tasks) = (sample::files(), tasks());
    let graphs = check(definition, &files, &tasks)?.graphs;
    let empty = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Lock\nstream: {}\nepoch: 1\npackages: {{}}\nimages: {{}}\ncommits: {{}}\n",
        graphs.stream.name
    );
    let lock: Lock = crate::lock::text::parse(&Source::new("stream.lock", empty))?;
    let inputs = key::inputs(&graphs, &definition.places, &lock, &files, &tasks)?;
    let plan = plan(&graphs, &lock, &inputs, &Nothing, &BTreeSet::new());
    Ok(render(Request { graphs: &graphs, lock: &lock, plan: &plan, tasks: &tasks })?.text())
}

fn rendered(definition: &Definition) -> Result<Pipeline, Diagnostics> {
    let text = text(definition)?;
    let documents = load(&Source::new("rendered", text)).unwrap().documents;
    for document in &documents {
        assert_eq!(tekton::validate::validate(document), Diagnostics::default());
    }
    let mut pipelines = documents.into_iter().filter_map(|document| match document.object {
        Object::Pipeline(pipeline) => Some(pipeline),
        _ => None,
    });
    Ok(pipelines.next().unwrap())
}

fn refused(operations: &str) -> String {
    with(operations).map(|pipeline| pipeline.metadata.name).unwrap_err().render(false)
}

/// `task ← what it runs after`, of all tasks.
fn order(pipeline: &Pipeline) -> String {
    let line = |task: &PipelineTask| {
        let mut line = task.name.clone();
        if !task.run_after.is_empty() {
            line = format!("{line} ← {}", task.run_after.join(" "));
        }
        line
    };
    pipeline.spec.all_tasks().map(line).collect::<Vec<_>>().join("\n")
}

fn param<'a>(pipeline: &'a Pipeline, task: &str, name: &str) -> Vec<&'a str> {
    let task = pipeline.spec.task(task).unwrap();
    task.params.iter().find(|param| param.name == name).map(|param| param.value.texts()).unwrap_or_default()
}

const SCAN: &str =
    "  - insertTask: {task: scan, definition: {each: component, after: build, taskRef: {name: scan}}}\n";
const APPROVAL: &str = "  - insertTask: {task: approval, definition: {before: assemble, taskRef: {name: approval}, timeout: 24h}}\n";

#[test]
fn a_scan_after_each_build_and_an_approval_before_the_assembly() {
    let pipeline = with(&format!("{SCAN}{APPROVAL}")).unwrap();
    insta::assert_snapshot!(order(&pipeline), @"
    base
    etcd
    scan-base
    scan-etcd
    approval ← scan-base scan-etcd
    assemble ← approval
    test-etcd ← assemble
    verdict
    ");
    assert_eq!(param(&pipeline, "scan-etcd", "image"), ["$(tasks.etcd.results.image)"]);
    assert_eq!(param(&pipeline, "scan-etcd", "component"), ["etcd"]);
    assert_eq!(param(&pipeline, "approval", "images"), ["etcd=$(tasks.etcd.results.image)"]);
    let workspaces: Vec<_> =
        pipeline.spec.task("scan-etcd").unwrap().workspaces.iter().map(|w| &w.name).collect();
    assert_eq!(workspaces, ["evidence"]);
    assert_eq!(pipeline.spec.task("approval").unwrap().timeout.as_ref().unwrap().text(), "24h");
    // The run leaves time for it.
    let text = text(&overlay(&below(), &format!("{SCAN}{APPROVAL}")).unwrap()).unwrap();
    assert!(text.contains("    pipeline: 36h0m0s\n"), "{text}");
    // The order in which it is said does not count.
    assert_eq!(with(&format!("{APPROVAL}{SCAN}")).unwrap(), pipeline);
}

#[test]
fn references_are_of_the_same_component_or_all_of_them() {
    let pipeline = with(&format!(
        "{SCAN}  - insertTask:\n      task: approval\n      definition:\n        before: assemble\n        taskRef: {{name: approval}}\n        params:\n          - name: reports\n            value: [first, \"$(component.name)=$(tasks.scan.results.found)\"]\n  - setTask: {{task: scan, params: [{{name: deny, value: [\"$(component.name)-debug\"]}}, {{name: component, value: \"the $(tasks.build.results.image)\"}}]}}\n"
    ))
    .unwrap();
    assert_eq!(
        param(&pipeline, "approval", "reports"),
        ["first", "base=$(tasks.scan-base.results.found)", "etcd=$(tasks.scan-etcd.results.found)"]
    );
    assert_eq!(param(&pipeline, "scan-etcd", "deny"), ["etcd-debug"]);
    assert_eq!(param(&pipeline, "scan-etcd", "component"), ["the $(tasks.etcd.results.image)"]);
    assert_eq!(order(&pipeline).lines().nth(4), Some("approval"), "what references imply is not said again");
}

#[test]
fn one_operation_lets_another_task_build_what_names_none() {
    let pipeline =
        with("  - setTask: {task: build, taskRef: {name: kaniko}, timeout: 2h, retries: 1}\n").unwrap();
    let task = |name: &str| pipeline.spec.task(name).unwrap();
    let of = |name: &str| task(name).task_ref.as_ref().unwrap().name.clone();
    assert_eq!((of("base"), of("etcd")), ("debian-base".to_owned(), "kaniko".to_owned()));
    assert_eq!((task("etcd").timeout.as_ref().unwrap().text(), task("etcd").retries), ("2h", 1));
    let names: Vec<_> = task("etcd").params.iter().map(|param| param.name.as_str()).collect();
    assert_eq!(names, ["context", "bases", "labels", "packages"]);
}

#[test]
fn a_component_that_is_there_already_is_not_scanned_and_order_goes_through_what_is_not_there() {
    let image = format!("r.example/etcd@sha256:{}", "b".repeat(64));
    let pipeline = with(&format!(
        "{SCAN}  - replace: {{component: etcd, source: {{image: '{image}'}}}}\n  - removeTest: {{test: etcd}}\n  - insertTask: {{task: notify, definition: {{after: test, onError: continue, taskRef: {{name: notify}}, params: [{{name: release, value: x}}]}}}}\n"
    ))
    .unwrap();
    insta::assert_snapshot!(order(&pipeline), @"
    base
    scan-base
    assemble ← scan-base
    notify ← assemble
    verdict
    ");
}

#[test]
fn a_template_of_the_streams_own() {
    let text = "apiVersion: streamwright.dev/v1alpha1\nkind: PipelineTemplate\ntasks:\n  build: {each: component, taskRef: {name: containerfile}}\n  assemble: {taskRef: {name: assemble}}\n  test: {each: test, runAfter: [assemble]}\n  notify:\n    runAfter: [test]\n    onError: continue\n    taskSpec:\n      params: [{name: release}, {name: own, default: x}]\n      steps: [{image: a, script: 'echo $(params.release)'}]\nfinally:\n  verdict: {taskRef: {name: verdict}}\n";
    let mut definition = below();
    definition.set_pipeline(&TemplateDefinition::parse(&Source::new("tasks/pipeline.yaml", text)).unwrap());
    let pipeline = rendered(&definition).unwrap();
    assert_eq!(pipeline.spec.task("notify").unwrap().run_after, ["test-etcd"]);
    assert_eq!(param(&pipeline, "notify", "release"), ["$(tasks.assemble.results.image)"]);
    let (file, _) = definition.places.written(&["pipeline", "tasks", "notify", "runAfter"]).unwrap();
    assert_eq!(file.name(), "tasks/pipeline.yaml");
    // Typing errors point into the file.
    let errors = TemplateDefinition::parse(&Source::new(
        "tasks/pipeline.yaml",
        text.replace("runAfter: [a", "runafter: [a"),
    ));
    insta::assert_snapshot!(errors.unwrap_err().render(false), @r#"
    error[unknown-field]: unknown field "runafter"
     --> tasks/pipeline.yaml:6:22
      |
    6 |   test: {each: test, runafter: [assemble]}
      |                      ^^^^^^^^
      |
      = help: did you mean `runAfter`? allowed here: each, after, before, displayName, description, taskRef, taskSpec, when, retries, runAfter, params, matrix, workspaces, timeout, onError
    "#);
}

#[test]
fn what_does_not_fit_together_is_told_where_it_is_said() {
    let cases: BTreeMap<&str, String> = BTreeMap::from([
        ("no-such-task", "  - setTask: {task: biuld, timeout: 3h}\n".to_owned()),
        ("there-already", "  - insertTask: {task: test, definition: {after: build, taskRef: {name: scan}}}\n".to_owned()),
        ("no-position", "  - insertTask: {task: scan, definition: {each: component, taskRef: {name: scan}}}\n".to_owned()),
        ("no-verdict", "  - removeTask: {task: verdict, why: quick}\n".to_owned()),
        ("removed-and-set", "  - removeTask: {task: verdict}\n  - setTask: {task: verdict, timeout: 1m}\n".to_owned()),
        ("nothing-waits", "  - insertTask: {task: notify, definition: {runAfter: [assemble], taskRef: {name: notify}}}\n".to_owned()),
        ("cycle", format!("{SCAN}  - moveTask: {{task: scan, after: assemble, before: build}}\n")),
        ("unknown-after", "  - insertTask: {task: scan, definition: {each: component, after: biuld, taskRef: {name: scan}}}\n".to_owned()),
        ("unknown-tekton-task", "  - insertTask: {task: scan, definition: {each: component, after: build, taskRef: {name: scam}}}\n".to_owned()),
        ("unknown-result", format!("{SCAN}  - setTask: {{task: scan, params: [{{name: component, value: $(tasks.build.results.imagge)}}]}}\n")),
        ("unknown-param", format!("{SCAN}  - setTask: {{task: scan, params: [{{name: denny, value: [x]}}]}}\n")),
        ("several", "  - setTask: {task: assemble, params: [{name: version, value: $(tasks.build.results.image)}]}\n".to_owned()),
        ("referred-to", format!("{SCAN}  - insertTask: {{task: approval, definition: {{runAfter: [scan], before: assemble, taskRef: {{name: approval}}}}}}\n  - removeTask: {{task: scan}}\n")),
        ("into-finally", format!("{SCAN}  - moveTask: {{task: scan, after: verdict}}\n")),
        ("other-builder", "  - setTask: {task: build, taskRef: {name: kanico}}\n".to_owned()),
        ("own-of-test", "  - setTask: {task: test, taskRef: {name: scan}}\n".to_owned()),
        ("missing-param", "  - insertTask: {task: note, definition: {each: component, after: build, taskRef: {name: notify}}}\n".to_owned()),
    ]);
    let all: Vec<String> =
        cases.into_iter().map(|(case, operations)| format!("# {case}\n{}", refused(&operations))).collect();
    // What is offered is not the point here, and grows.
    let all: Vec<&str> = all
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| line.split(": component, context").next().unwrap_or(line))
        .collect();
    insta::assert_snapshot!("refused", all.join("\n"));
}
