//! All of it, for some texts.

use std::collections::BTreeSet;

use base::{Diagnostics, Source};
use tekton::yaml::{self, Node};

use crate::event::{Changes, Event, EventError, Facts};
use crate::outcome::{Candidate, Outcome, Place};
use crate::pac::annotations::{Annotations, PREFIX};
use crate::pac::comment::Asked;
use crate::pac::expression::template_scope;
use crate::pac::matching::{Occasion, judge};
use crate::pac::repository::add_params;
use crate::pac::variables::Variables;
use crate::triggers::listener;
use crate::triggers::objects::Objects;
use crate::triggers::trigger::Shared;

/// What is not in the event.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Which files changed; else those that a push lists.
    pub changes: Option<Changes>,
    /// Facts that are given instead of being read from the event: see [`crate::event::facts::SETTABLE`].
    pub facts: Vec<(String, String)>,
    /// The id of the event, in Tekton Triggers.
    pub event_id: String,
    /// What `$(uid)` is.
    pub uid: String,
    /// The name of the secret with credentials for git, in Pipelines-as-Code.
    pub git_auth_secret: String,
}

/// Reads a file of the repository whose path stands in an annotation: its text, or why there is none.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// What an event would run of some texts.
///
/// # Errors
/// When Pipelines-as-Code is asked for, and the event does not tell what it needs.
pub fn simulate(
    event: &Event,
    texts: &[Source],
    given: &Given,
    read: ReadFile<'_>,
) -> Result<Outcome, EventError> {
    let mut outcome = Outcome::default();
    let own = given.changes.clone().or_else(|| Changes::of_push(event));
    let as_code = texts.iter().any(|text| text.text().contains(PREFIX));
    let facts = if as_code { Some(Facts::read(event, &given.facts)?) } else { None };
    let variables =
        facts.as_ref().map(|facts| variables(event, facts, own.as_ref(), texts, given, &mut outcome));
    let sources = match &variables {
        Some((variables, scope)) => fill(texts, variables, scope, &mut outcome),
        None => texts.to_vec(),
    };
    let parsed = parse(sources, &mut outcome);
    let mut objects = Objects::default();
    each(&parsed, &mut |object| objects.add(object));
    if let (Some(facts), Some((variables, scope))) = (&facts, &variables) {
        let asked = facts.comment.as_deref().map(Asked::read);
        let occasion = Occasion { event, facts, changes: own.as_ref(), asked };
        let mut wanted = BTreeSet::new();
        each(&parsed, &mut |object| {
            if is_run_as_code(object) {
                let mut candidate = judge(object, &occasion, &mut outcome.findings);
                if candidate.matched {
                    candidate.notes.extend(facts.assumed.iter().cloned());
                    remote(object, &mut candidate, &mut wanted);
                }
                outcome.candidates.push(candidate);
            }
        });
        let mut more = Vec::new();
        let texts: Vec<Source> = wanted
            .into_iter()
            .filter(|path| !parsed.iter().any(|(source, _)| same_file(source.name(), path)))
            .filter_map(|path| match read(&path) {
                Ok(text) => Some(Source::new(path, text)),
                Err(why) => {
                    let message = format!("an annotation names {path}, which cannot be read: {why}");
                    more.push(base::Diagnostic::error("missing-file", message));
                    None
                }
            })
            .collect();
        outcome.findings.extend(more);
        outcome.sources = fill(&texts, variables, scope, &mut outcome);
    }
    let shared = Shared { event, changes: own.as_ref(), objects: &objects, given };
    outcome.candidates.extend(listener::candidates(&shared, &mut outcome.findings));
    outcome.sources.splice(0..0, parsed.iter().map(|(source, _)| source.clone()));
    Ok(outcome)
}

/// The variables of an event with the params of the Repository in these texts, and what expressions in them may use.
fn variables(
    event: &Event,
    facts: &Facts,
    changes: Option<&Changes>,
    texts: &[Source],
    given: &Given,
    outcome: &mut Outcome,
) -> (Variables, expression::Scope) {
    let none = Changes::default();
    let mut variables = Variables::of(event, facts, given);
    let scope = template_scope(event, changes.unwrap_or(&none), &variables.to_json());
    for text in texts.iter().filter(|text| text.text().contains("kind: Repository")) {
        let Ok(nodes) = yaml::parse(text) else { continue };
        let mut objects = Objects::default();
        let places = || nodes.iter().map(|node| Place { node, source: text });
        places().for_each(|place| objects.add(place));
        let is_repository = |p: &Place<'_>| {
            p.text("apiVersion").is_some_and(|v| v.starts_with(PREFIX))
                && p.text("kind") == Some("Repository")
        };
        for repository in places().filter(is_repository) {
            let mut notes = Vec::new();
            add_params(repository, &scope, &objects, &mut variables, &mut notes, &mut outcome.findings);
            for note in notes {
                outcome.findings.push(repository.warning("spec.params", "no-value", note));
            }
        }
    }
    (variables, scope)
}

fn fill(
    texts: &[Source],
    variables: &Variables,
    scope: &expression::Scope,
    outcome: &mut Outcome,
) -> Vec<Source> {
    let mut sources = Vec::new();
    for text in texts {
        if !text.text().contains("{{") {
            sources.push(text.clone());
            continue;
        }
        let filled = variables.fill(text, scope);
        outcome.findings.extend(filled.found);
        sources.push(filled.source);
    }
    sources
}

fn parse(sources: Vec<Source>, outcome: &mut Outcome) -> Vec<(Source, Vec<Node>)> {
    let mut parsed = Vec::new();
    for source in sources {
        match yaml::parse(&source) {
            Ok(nodes) => parsed.push((source, nodes)),
            Err(problems) => add_new(&mut outcome.findings, problems),
        }
    }
    parsed
}

/// A text that a variable broke is told once, by the variable.
fn add_new(findings: &mut Diagnostics, problems: Diagnostics) {
    let name = |d: &base::Diagnostic| d.place.as_ref().map(|(source, _)| source.name().to_owned());
    for problem in problems {
        let told = findings
            .0
            .iter()
            .any(|known| known.code == "variable-becomes-yaml" && name(known) == name(&problem));
        if !told {
            findings.push(problem);
        }
    }
}

fn each<'a>(parsed: &'a [(Source, Vec<Node>)], what: &mut impl FnMut(Place<'a>)) {
    for (source, nodes) in parsed {
        for node in nodes {
            let place = Place { node, source };
            if place.text("kind") == Some("List") {
                place.list("items").for_each(&mut *what);
            } else {
                what(place);
            }
        }
    }
}

/// A PipelineRun that is annotated, or stands where Pipelines-as-Code looks for them.
fn is_run_as_code(object: Place<'_>) -> bool {
    object.text("kind") == Some("PipelineRun")
        && object.text("apiVersion").is_some_and(|v| v.starts_with("tekton.dev/"))
        && (Annotations::of(object).any() || object.source.name().split('/').any(|part| part == ".tekton"))
}

/// Files that annotations name; what only a network has is noted.
fn remote(run: Place<'_>, candidate: &mut Candidate, wanted: &mut BTreeSet<String>) {
    let annotations = Annotations::of(run);
    for (name, _) in annotations.entries() {
        let base = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
        if !matches!(base, "task" | "pipeline") {
            continue;
        }
        for path in annotations.list(name).into_iter().filter_map(Result::ok).flatten() {
            if path.contains("://") {
                candidate.notes.push(format!("{name} {path} is not fetched; name a copy of the file too"));
            } else if path.ends_with(".yaml") || path.ends_with(".yml") {
                wanted.insert(path);
            } else {
                candidate
                    .notes
                    .push(format!("{name} {path} is of a hub and not fetched; name a copy of the file too"));
            }
        }
    }
}

fn same_file(known: &str, path: &str) -> bool {
    known == path || known.strip_suffix(path).is_some_and(|before| before.ends_with('/'))
}
