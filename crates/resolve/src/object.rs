//! The one object that a text must hold.

use base::{Diagnostics, Severity, Source};
use tekton::load::{Document, load};
use tekton::validate::validate;

use crate::problem::Problem;
use crate::source::Fetched;

/// What a reference wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// A task.
    Task,
    /// A pipeline.
    Pipeline,
    /// A step action.
    StepAction,
}

impl Wanted {
    /// The kind, as it is written in files.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Pipeline => "Pipeline",
            Self::StepAction => "StepAction",
        }
    }
}

/// The object of a text that was fetched, in the current version, checked as admission does.
///
/// # Errors
/// When the text holds not exactly one object, one of another kind, or one that a cluster would refuse.
pub fn read(fetched: &Fetched, wanted: Wanted) -> Result<Document, Problem> {
    let what = match fetched.source.entry_point.as_str() {
        "" => fetched.source.uri.clone(),
        entry => format!("{entry} of {}", fetched.source.uri),
    };
    let wrong = |why: String| Problem::Content { what: what.clone(), why };
    let loaded = load(&Source::new(what.as_str(), fetched.text.as_str())).map_err(|e| wrong(first(&e)))?;
    let names: Vec<String> = loaded
        .documents
        .iter()
        .map(|d| format!("{} {}", d.object.kind(), d.object.metadata().map_or("", |m| m.name.as_str())))
        .collect();
    let [document]: [Document; 1] =
        loaded.documents.try_into().map_err(|found: Vec<Document>| match found.len() {
            0 => wrong("it holds no object".to_owned()),
            n => wrong(format!(
                "it holds {n} objects ({}); a reference needs a file with one",
                names.join(", ")
            )),
        })?;
    if document.object.kind() != wanted.kind() {
        return Err(wrong(format!("it holds a {} where a {} is needed", names.join(""), wanted.kind())));
    }
    let findings = validate(&document);
    if findings.has_errors() {
        return Err(wrong(first(&findings)));
    }
    Ok(document)
}

/// The first error with its place, and how many more there are.
fn first(findings: &Diagnostics) -> String {
    let mut errors = findings.0.iter().filter(|d| d.severity == Severity::Error);
    let Some(error) = errors.next() else { return "it cannot be read".to_owned() };
    let line =
        error.place.as_ref().map(|(source, span)| format!(" (line {})", source.position(span.start).0));
    let more = match errors.count() {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    format!("{}{}{more}", error.message, line.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tekton::types::status::RefSource;

    use super::*;

    fn of(text: &str) -> Result<Document, String> {
        let source =
            RefSource { uri: "git+https://h/x".into(), entry_point: "t.yaml".into(), ..RefSource::default() };
        read(&Fetched { text: text.into(), source }, Wanted::Task).map_err(|e| e.to_string())
    }

    const TASK: &str =
        "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: a}\nspec: {steps: [{image: i}]}\n";

    #[test]
    fn exactly_one_object_of_the_kind() {
        assert!(of(&format!("---\n{TASK}---\n")).is_ok());
        assert_eq!(
            of(&format!("{TASK}---\n{}", TASK.replace("name: a", "name: b"))).unwrap_err(),
            "t.yaml of git+https://h/x: it holds 2 objects (Task a, Task b); a reference needs a file with one"
        );
        assert!(of("# nothing\n").unwrap_err().contains("no object"));
        assert!(of("not yaml: [").is_err());
        let pipeline =
            TASK.replace("kind: Task", "kind: Pipeline").replace("steps", "tasks").replace("{image: i}", "");
        assert!(of(&pipeline).is_err());
    }

    #[test]
    fn old_versions_are_converted_and_admission_is_asked() {
        let old = of(&TASK.replace("tekton.dev/v1", "tekton.dev/v1beta1")).unwrap();
        assert_eq!(old.object.kind(), "Task");
        let refused = of(&TASK.replace("{image: i}", "")).unwrap_err();
        assert!(refused.contains("missing field(s)"), "{refused}");
    }
}
