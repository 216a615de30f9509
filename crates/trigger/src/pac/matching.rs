//! Whether a run matches an event, and why.

use base::Diagnostics;
use expression::{ExpressionError, evaluate};
use regex::Regex;
use serde_json::{Value as Json, json};

use super::annotations::Annotations;
use super::comment::Asked;
use super::{expression as cel, glob};
use crate::event::{Changes, Event, Facts};
use crate::outcome::{Candidate, Place};
use crate::values::{line, of_expression, quoted, shown};

/// So many paths are shown in a reason.
const PATHS: usize = 5;

/// What a run is matched with.
pub struct Occasion<'a> {
    /// The event.
    pub event: &'a Event,
    /// What is known of it.
    pub facts: &'a Facts,
    /// Which files changed, when that is known.
    pub changes: Option<&'a Changes>,
    /// What its comment asks for.
    pub asked: Option<Asked>,
}

/// Judges a PipelineRun.
pub fn judge(run: Place<'_>, occasion: &Occasion<'_>, found: &mut Diagnostics) -> Candidate {
    let name = run.name().trim_end_matches('-');
    let mut candidate = Candidate::new("PipelineRun", name, run);
    let annotations = Annotations::of(run);
    annotations.check(found);
    let mut judge = Judge { annotations, occasion, candidate: &mut candidate, found };
    let matched = judge.all(name);
    candidate.matched = matched;
    if matched {
        remarks(&mut candidate, &annotations);
        candidate.runs.push(renamed(run.node.to_json()));
    }
    candidate
}

struct Judge<'a> {
    annotations: Annotations<'a>,
    occasion: &'a Occasion<'a>,
    candidate: &'a mut Candidate,
    found: &'a mut Diagnostics,
}

impl Judge<'_> {
    fn all(&mut self, name: &str) -> bool {
        let facts = self.occasion.facts;
        if let Some(why) = &facts.ignored {
            return self.candidate.because("event", false, why);
        }
        if !self.annotations.any() {
            return self.candidate.because(
                "annotations",
                false,
                "it has no annotations of pipelinesascode.tekton.dev",
            );
        }
        if let Some(decided) = facts.comment.as_ref().and_then(|comment| self.comment(comment, name)) {
            return decided;
        }
        if facts.event_type == "pull_request_labeled" && self.annotations.get("on-label").is_none() {
            return self.candidate.because(
                "on-label",
                false,
                "the event is about labels, and the run does not ask for any",
            );
        }
        if let Some(text) = self.annotations.get("on-cel-expression") {
            return self.cel(text);
        }
        self.lists()
    }

    /// `None` when the other annotations decide.
    fn comment(&mut self, comment: &str, name: &str) -> Option<bool> {
        if let Some(pattern) = self.annotations.get("on-comment") {
            let trimmed = comment.trim();
            match Regex::new(pattern) {
                Ok(regex) if regex.is_match(trimmed) => {
                    return Some(self.candidate.because(
                        "on-comment",
                        true,
                        format!("{pattern} matches {}", quoted(trimmed)),
                    ));
                }
                Ok(_) => {
                    self.candidate.because(
                        "on-comment",
                        false,
                        format!("{pattern} does not match {}", quoted(trimmed)),
                    );
                }
                Err(e) => {
                    let why = e
                        .to_string()
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .trim_start_matches("error: ")
                        .to_owned();
                    let message = format!("the regular expression cannot be read: {why}");
                    self.found.push(self.annotations.error("on-comment", "bad-regex", message));
                    return Some(self.candidate.because(
                        "on-comment",
                        false,
                        "its regular expression cannot be read",
                    ));
                }
            }
        }
        match self.occasion.asked.as_ref()? {
            Asked::Run(wanted) if wanted == name => Some(self.candidate.because(
                "comment",
                true,
                format!("the comment asks for `{wanted}` by name"),
            )),
            Asked::Run(wanted) => Some(self.candidate.because(
                "comment",
                false,
                format!("the comment asks for `{wanted}` only"),
            )),
            Asked::All(command) => {
                if command == "/retest" {
                    self.candidate.notes.push(
                        "/retest leaves out what has succeeded before; here nothing is known of that"
                            .to_owned(),
                    );
                }
                self.candidate.because(
                    "comment",
                    true,
                    format!("`{command}` asks for all that match the pull request"),
                );
                None
            }
            Asked::Cancel => {
                Some(self.candidate.because("comment", false, "`/cancel` stops runs and starts none"))
            }
            Asked::Nothing => {
                let why = "the comment is no command (/test, /retest, /ok-to-test, /cancel)";
                Some(self.candidate.because("comment", false, why))
            }
        }
    }

    fn cel(&mut self, text: &str) -> bool {
        const SUBJECT: &str = "on-cel-expression";
        for other in ["on-event", "on-target-branch", "on-label", "on-path-change", "on-path-change-ignore"] {
            if self.annotations.get(other).is_some() {
                self.candidate
                    .notes
                    .push(format!("`{other}` is not looked at, because there is an `on-cel-expression`"));
            }
        }
        let Occasion { event, facts, changes, .. } = *self.occasion;
        let scope = cel::scope(text, event, facts, changes);
        let shown_text = line(text);
        let values = of_expression(text, &scope);
        match evaluate(text, &scope) {
            Ok(Json::Bool(true)) => self.candidate.because(SUBJECT, true, format!("{shown_text}{values}")),
            Ok(Json::Bool(false)) => {
                self.candidate.because(SUBJECT, false, format!("{shown_text} is false{values}"))
            }
            Ok(other) => self.candidate.because(
                SUBJECT,
                false,
                format!("{shown_text} is {}, neither true nor false", shown(&other)),
            ),
            Err(ExpressionError::Evaluation(_))
                if changes.is_none() && (text.contains("pathChanged") || text.contains("files.")) =>
            {
                self.candidate.because(SUBJECT, false, self.no_files())
            }
            Err(ExpressionError::Evaluation(why)) => {
                self.candidate.because(SUBJECT, false, format!("{shown_text}: {why}{values}"))
            }
            Err(ExpressionError::Syntax(why)) => {
                let message = format!("the expression cannot be read: {why}");
                self.found.push(self.annotations.error(SUBJECT, "bad-expression", message));
                self.candidate.because(SUBJECT, false, "it cannot be read")
            }
        }
    }

    fn lists(&mut self) -> bool {
        let facts = self.occasion.facts;
        for needed in ["on-event", "on-target-branch"] {
            if self.annotations.get(needed).is_none() {
                let why = "it is missing; a run needs `on-event` and `on-target-branch`, or `on-cel-expression`, or `on-comment`";
                return self.candidate.because(needed, false, why);
            }
        }
        let event = facts.event.as_str();
        let target = facts.target_branch.as_str();
        self.list("on-event", "the event is", &[event], |wanted, got| Ok(wanted == got), true)
            && self.list("on-target-branch", "the target branch is", &[target], glob::branch, true)
            && self.paths("on-path-change", true)
            && self.labels()
            && self.paths("on-path-change-ignore", false)
    }

    fn labels(&mut self) -> bool {
        let labels: Vec<&str> = self.occasion.facts.labels.iter().map(String::as_str).collect();
        self.list("on-label", "the labels are", &labels, |wanted, got| Ok(wanted == got), true)
    }

    fn paths(&mut self, name: &str, wanted: bool) -> bool {
        if self.annotations.get(name).is_none() {
            return true;
        }
        let Some(changes) = self.occasion.changes else {
            return self.candidate.because(name, false, self.no_files());
        };
        self.list(name, "changed are", &changes.all(), glob::matches, wanted)
    }

    fn no_files(&self) -> String {
        "it is not known which files changed: give them with --changed-files FILE or --git DIR BASE..HEAD"
            .to_owned()
    }

    /// Looks at an annotation, if there is one: whether some pattern of it fits some value, as `wanted`.
    fn list(
        &mut self,
        name: &str,
        what: &str,
        values: &[&str],
        fits: impl Fn(&str, &str) -> Result<bool, String>,
        wanted: bool,
    ) -> bool {
        let patterns = match self.annotations.list(name) {
            None => return true,
            Some(Ok(patterns)) => patterns,
            Some(Err(problem)) => {
                self.found.push(*problem);
                return self.candidate.because(name, false, "it cannot be read");
            }
        };
        let mut fit = None;
        for pattern in &patterns {
            for value in values {
                match fits(pattern, value) {
                    Ok(true) => fit = fit.or(Some((pattern, *value))),
                    Ok(false) => {}
                    Err(why) => {
                        self.found.push(self.annotations.error(name, "bad-pattern", why));
                        return self.candidate.because(name, false, "it cannot be read");
                    }
                }
            }
        }
        let list = patterns.join(", ");
        match (fit, wanted) {
            (Some((pattern, value)), true) => {
                self.candidate.because(name, true, format!("{pattern} is {}", quoted(value)))
            }
            (Some((pattern, value)), false) => {
                self.candidate.because(name, false, format!("{pattern} is {}", quoted(value)))
            }
            (None, true) => {
                self.candidate.because(name, false, format!("[{list}], but {what} {}", told(values)))
            }
            (None, false) => self.candidate.because(name, true, format!("none of [{list}] changed")),
        }
    }
}

/// Some values for a reason.
fn told(values: &[&str]) -> String {
    if values.is_empty() {
        return "none".to_owned();
    }
    let some: Vec<String> = values.iter().take(PATHS).map(|v| quoted(v)).collect();
    let more = values.len().saturating_sub(PATHS);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", some.join(", "))
}

fn remarks(candidate: &mut Candidate, annotations: &Annotations<'_>) {
    if let Some(count) = annotations.get("max-keep-runs") {
        candidate.notes.push(format!("a cluster keeps the last {count} runs (max-keep-runs)"));
    }
    if annotations.get("cancel-in-progress") == Some("true") {
        candidate
            .notes
            .push("a cluster cancels an earlier run for the same branch (cancel-in-progress)".to_owned());
    }
    if let Some(namespace) = annotations.get("target-namespace") {
        candidate.notes.push(format!(
            "a cluster runs it only for the Repository in namespace {namespace} (target-namespace)"
        ));
    }
}

/// Pipelines-as-Code gives each run a new name that begins with the one in the file.
fn renamed(mut run: Json) -> Json {
    if let Some(name) = run["metadata"]["name"].as_str().map(|name| format!("{name}-"))
        && let Some(metadata) = run["metadata"].as_object_mut()
    {
        metadata.shift_remove("name");
        metadata.entry("generateName").or_insert(json!(name));
    }
    run
}
