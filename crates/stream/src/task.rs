//! The Tekton tasks that a stream uses.

use std::collections::BTreeMap;

use base::{Diagnostic, Diagnostics, Digest, Source, Span};
use tekton::load::{Object, load};
use tekton::types::{ParamSpec, ParamValue, Task};

/// A task with its text.
#[derive(Debug, Clone)]
pub struct TaskDefinition {
    /// What it says.
    pub task: Task,
    source: Source,
    /// Its document, comments above it included.
    document: Span,
    /// Its name, for pointing at.
    name: Span,
    digest: Digest,
}

impl TaskDefinition {
    /// Its document as it was written, with a line break at the end.
    pub fn text(&self) -> &str {
        self.source.text().get(self.document.start..self.document.end).unwrap_or_default()
    }

    /// The digest of [its text](Self::text).
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The file, and the place of its name in it.
    pub fn place(&self) -> (&Source, Span) {
        (&self.source, self.name)
    }

    /// The declared parameter `name`.
    pub fn param(&self, name: &str) -> Option<&ParamSpec> {
        self.task.spec.params.iter().find(|param| param.name == name)
    }

    /// Whether it declares the result `name`.
    pub fn has_result(&self, name: &str) -> bool {
        self.task.spec.results.iter().any(|result| result.name == name)
    }

    /// Whether it declares the workspace `name`.
    pub fn has_workspace(&self, name: &str) -> bool {
        self.task.spec.workspaces.iter().any(|workspace| workspace.name == name)
    }

    /// Whether it builds from a Containerfile: it has the parameter `containerfile`, and not with an empty default.
    pub fn takes_containerfile(&self) -> bool {
        let empty = ParamValue::String(String::new());
        self.param("containerfile").is_some_and(|param| param.default.as_ref() != Some(&empty))
    }
}

/// Tasks by name.
#[derive(Debug, Clone, Default)]
pub struct Tasks(BTreeMap<String, TaskDefinition>);

impl Tasks {
    /// Reads files of tasks: first those of the stream, then those that come with the program; the first task of a name wins.
    /// A file may hold several documents; what is not a Task is passed over.
    ///
    /// # Errors
    /// Files that are not YAML, or hold a Task that is none; two tasks of one name within `own`.
    pub fn new(own: &[Source], shipped: &[Source]) -> Result<Self, Diagnostics> {
        let mut tasks = Self::default();
        let mut findings = Diagnostics::default();
        for source in own {
            for task in read(source, &mut findings) {
                let name = task.task.metadata.name.clone();
                let (source, span) = (task.source.clone(), task.name);
                if let Some(first) = tasks.0.insert(name.clone(), task) {
                    let finding =
                        Diagnostic::error("duplicate-task", format!("there are two tasks `{name}`"));
                    findings.push(
                        finding
                            .at(&source, span)
                            .related(first.place().0, first.place().1, "the first one")
                            .help("rename one of them"),
                    );
                }
            }
        }
        for source in shipped {
            for task in read(source, &mut findings) {
                tasks.0.entry(task.task.metadata.name.clone()).or_insert(task);
            }
        }
        findings.into_result(tasks)
    }

    /// The task called `name`.
    pub fn get(&self, name: &str) -> Option<&TaskDefinition> {
        self.0.get(name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }
}

fn read(source: &Source, findings: &mut Diagnostics) -> Vec<TaskDefinition> {
    let loaded = match load(source) {
        Ok(loaded) => loaded.documents,
        Err(errors) => {
            findings.extend(errors);
            return Vec::new();
        }
    };
    let spans = documents(source.text());
    let mut tasks = Vec::new();
    for document in loaded {
        let Object::Task(task) = document.object else { continue };
        let node = document.node;
        if task.metadata.name.is_empty() {
            let finding = Diagnostic::error("task-without-name", "the task has no name");
            let help = "write `metadata: {name: …}`: streams use it by this name";
            findings.push(finding.at(source, node.span_of("metadata")).help(help));
            continue;
        }
        let holds = |span: &&Span| span.start <= node.span.start && node.span.start < span.end;
        let whole = spans.iter().find(holds).copied().unwrap_or(node.span);
        let name = node.span_of("metadata.name");
        let digest = Digest::of(source.text().get(whole.start..whole.end).unwrap_or_default());
        tasks.push(TaskDefinition { task, source: source.clone(), document: whole, name, digest });
    }
    tasks
}

/// The documents of a text, without the lines `---` between them. Only there can a line begin so (YAML 1.2.2, 9.1.2).
fn documents(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if line.starts_with("---") && line[3..].chars().next().is_none_or(char::is_whitespace) {
            found.push(Span::new(start, at));
            start = end;
        }
        at = end;
    }
    found.push(Span::new(start, at));
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn task(name: &str, image: &str) -> String {
        format!(
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec:\n  steps: [{{image: {image}}}]\n"
        )
    }

    #[test]
    fn the_text_is_kept_and_the_streams_own_task_wins() {
        let first = format!("# Two tasks.\n---\n# One.\n{}--- \n{}", task("one", "own"), task("two", "own"));
        let own = Source::new("tasks/own.yaml", first);
        let shipped =
            Source::new("shipped.yaml", task("one", "shipped") + "---\n" + &task("three", "shipped"));
        let tasks = Tasks::new(&[own], &[shipped]).unwrap();
        assert_eq!(tasks.names().collect::<Vec<_>>(), ["one", "three", "two"]);
        assert_eq!(tasks.get("one").unwrap().text(), format!("# One.\n{}", task("one", "own")));
        assert_eq!(tasks.get("three").unwrap().text(), task("three", "shipped"));
    }

    #[test]
    fn two_tasks_of_one_name() {
        let text = task("one", "a") + "---\n" + &task("one", "b");
        let errors = Tasks::new(&[Source::new("tasks/own.yaml", text)], &[]).unwrap_err();
        insta::assert_snapshot!(errors.render(false), @"
        error[duplicate-task]: there are two tasks `one`
         --> tasks/own.yaml:9:18
          |
        3 | metadata: {name: one}
          |                  --- the first one
        ...
        9 | metadata: {name: one}
          |                  ^^^
          |
          = help: rename one of them
        ");
    }

    #[test]
    fn a_task_without_name() {
        let text = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {}\nspec: {steps: [{image: a}]}\n";
        let errors = Tasks::new(&[Source::new("tasks/own.yaml", text)], &[]).unwrap_err();
        insta::assert_snapshot!(errors.render(false), @"
        error[task-without-name]: the task has no name
         --> tasks/own.yaml:3:1
          |
        3 | metadata: {}
          | ^^^^^^^^
          |
          = help: write `metadata: {name: …}`: streams use it by this name
        ");
    }

    #[test]
    fn an_unknown_field_of_a_task() {
        let errors = Tasks::new(&[Source::new("tasks/own.yaml", task("one", "a") + "  stesp: []\n")], &[])
            .unwrap_err();
        insta::assert_snapshot!(errors.render(false), @r#"
        error[unknown-field]: unknown field "stesp"
         --> tasks/own.yaml:6:3
          |
        6 |   stesp: []
          |   ^^^^^
          |
          = help: did you mean `steps`? allowed here: params, displayName, description, steps, volumes, stepTemplate, sidecars, workspaces, results
        "#);
    }
}
