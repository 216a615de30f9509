//! Documents with all that they refer to.

use resolve::Resolving;
use resolve::vendor::{Vendored, vendor};
use tekton::catalog::Catalog;
use tekton::load::load;

use crate::support::{Place, Repository, documents, task};

const PIPELINE: &str = "\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: p}
spec:
  tasks:
  - name: first   # kept
    taskRef:
      resolver: git
      params:
      - {name: url, value: URL}
      - {name: pathInRepo, value: a.yaml}
    # kept, too
  - name: second
    taskRef: {resolver: git, params: [{name: url, value: URL}, {name: pathInRepo, value: b.yaml}]}
";

const RUN: &str = "\
# The run.
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {generateName: r-}
spec:
  params: [{name: where, value: p.yaml}]
  pipelineRef:
    resolver: git
    params:
    - {name: url, value: URL}
    - {name: pathInRepo, value: $(params.where)}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {token: hunter2}
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: same}
spec: {steps: [{image: example.com/own, script: 'true'}]}
";

fn run(place: &Place, text: &str) -> Result<Vendored, String> {
    let documents = documents(text);
    let catalog = Catalog::new(documents, &mut |prefix| format!("{prefix}x")).unwrap();
    let remote = place.remote();
    let resolving = Resolving { catalog: &catalog, remote: &remote };
    vendor(catalog.documents(), &resolving).map_err(|e| e.render(false))
}

fn repository(place: &Place) -> Repository {
    let repository = Repository::new(place.path("repo"));
    repository.write("p.yaml", &PIPELINE.replace("URL", repository.url()));
    repository.write("a.yaml", &task("a"));
    repository.write("b.yaml", &task("same"));
    repository.commit();
    repository
}

#[test]
fn references_become_names_and_all_else_stays() {
    let place = Place::new();
    let repository = repository(&place);
    let made = run(&place, &RUN.replace("URL", repository.url())).unwrap();
    let file = |name: &str| {
        &made.files.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name}: {:?}", made.files)).1
    };
    let own = file("run.yaml");
    assert!(own.starts_with("# The run.\n"), "{own}");
    assert!(own.contains("  pipelineRef:\n    name: p\n---"), "{own}");
    assert!(!own.contains("hunter2") && own.contains("Secret s is not here"), "{own}");
    let pipeline = file("pipeline-p.yaml");
    assert!(pipeline.starts_with("# From git+"), "{pipeline}");
    assert!(
        pipeline.contains("- name: first   # kept\n    taskRef:\n      name: a\n    # kept, too\n"),
        "{pipeline}"
    );
    assert!(file("task-a.yaml").ends_with(&task("a")), "as it was fetched");
    let second = made.definitions.iter().find(|d| d.kind == "Task" && d.name != "a").unwrap();
    assert!(second.name.starts_with("same-"), "a name that is taken gets a digest: {}", second.name);
    assert!(pipeline.contains(&format!("taskRef: {{\"name\": \"{}\"}}", second.name)), "{pipeline}");
    assert!(file(&second.file).contains(&format!("\n  name: {}\n", second.name)));
    let all: String = made.files.iter().map(|(_, text)| format!("{text}\n---\n")).collect();
    let read = load(&base::Source::new("all", all)).unwrap().documents;
    assert_eq!(read.len(), 5);
    assert!(read.iter().all(|d| resolve::walk::references(d).is_empty()));
    assert_eq!(made.images.iter().collect::<Vec<_>>(), ["example.com/i:1", "example.com/own"]);
    assert!(
        made.notes.iter().any(|n| n.contains("Pipeline p was fetched for the params of this run")),
        "{:?}",
        made.notes
    );
}

#[test]
fn what_depends_on_a_run_cannot_be_vendored() {
    let place = Place::new();
    let repository = repository(&place);
    let text = PIPELINE.replace("URL", repository.url()).replace("b.yaml", "$(tasks.first.results.file)");
    let refused = run(&place, &text).unwrap_err();
    assert!(refused.contains("`pathInRepo` depends on what a run is given or does"), "{refused}");
    assert!(refused.contains("run.yaml:14"), "{refused}");
}

#[test]
fn step_actions_of_tasks_come_along() {
    let place = Place::new();
    let repository = repository(&place);
    repository.write(
        "action.yaml",
        "apiVersion: tekton.dev/v1beta1\nkind: StepAction\nmetadata: {name: act}\nspec: {image: example.com/act, script: x}\n",
    );
    let url = repository.url();
    let with_action = format!(
        "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{name: a}}\nspec:\n  steps:\n  - name: s\n    ref:\n      resolver: git\n      params: [{{name: url, value: {url}}}, {{name: pathInRepo, value: action.yaml}}]\n"
    );
    repository.write("a.yaml", &with_action);
    repository.commit();
    let made = run(&place, &PIPELINE.replace("URL", url)).unwrap();
    let task = &made.files.iter().find(|(n, _)| n == "task-a.yaml").unwrap().1;
    assert!(task.contains("    ref:\n      name: act\n"), "{task}");
    assert!(made.files.iter().any(|(n, _)| n == "stepaction-act.yaml"));
    assert!(made.images.contains("example.com/act"));
}

#[test]
fn references_in_anchors_are_refused_rather_than_broken() {
    let place = Place::new();
    let repository = repository(&place);
    let text = format!(
        "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: p}}\nspec:\n  tasks:\n  - name: x\n    taskRef: &r\n      resolver: git\n      params: [{{name: url, value: {}}}, {{name: pathInRepo, value: a.yaml}}]\n  - name: z\n    taskRef: *r\n",
        repository.url()
    );
    // One place stands for both: replaced once, it is right for both; anything else must be refused.
    match run(&place, &text) {
        Ok(made) => assert!(made.files[0].1.contains("&r\n      name: a\n"), "{}", made.files[0].1),
        Err(refused) => assert!(refused.contains("without anchors"), "{refused}"),
    }
}
