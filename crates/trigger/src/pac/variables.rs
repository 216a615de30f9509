//! `{{ revision }}` and so on.
//!
//! Pipelines-as-Code puts values into the text of a file before anything reads it as YAML. So does this; but what is made of the
//! text must be the same as if the values had been put into its strings. A value that becomes YAML of its own is an error:
//! whoever names a branch would write the pipeline.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base::{Diagnostic, Source, Span};
use expression::{Scope, evaluate};
use regex::Regex;
use serde_json::{Value as Json, json};
use tekton::yaml::{self, Kind, Node};

use crate::event::{Event, Facts};
use crate::simulate::Given;
use crate::values::quoted;

/// Values by name.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

/// A text with its variables filled in.
#[derive(Debug, Clone)]
pub struct Filled {
    /// The text.
    pub source: Source,
    /// What is dangerous or not known in it.
    pub found: Vec<Diagnostic>,
}

impl Variables {
    /// Those of an event.
    pub fn of(event: &Event, facts: &Facts, given: &Given) -> Self {
        let short = |branch: &str| {
            let name = branch.strip_prefix("refs/heads/").or_else(|| branch.strip_prefix("refs/tags/"));
            name.unwrap_or(branch).to_owned()
        };
        let repo_url = if facts.clone_url.is_empty() { &facts.target_url } else { &facts.clone_url };
        let mut values = BTreeMap::from([
            ("revision", facts.revision.clone()),
            ("repo_url", repo_url.clone()),
            ("repo_owner", facts.owner.to_lowercase()),
            ("repo_name", facts.name.to_lowercase()),
            ("target_branch", short(&facts.target_branch)),
            ("source_branch", short(&facts.source_branch)),
            ("source_url", facts.source_url.clone()),
            ("sender", facts.sender.to_lowercase()),
            ("event", facts.event.clone()),
            ("event_type", facts.event_type.clone()),
            ("event_title", facts.title.clone()),
            (
                "trigger_comment",
                facts.comment.as_deref().unwrap_or_default().replace("\r\n", "\\n").replace('\n', "\\n"),
            ),
            ("pull_request_labels", facts.labels.join("\\n")),
            ("target_namespace", "default".to_owned()),
            ("git_auth_secret", given.git_auth_secret.clone()),
        ]);
        if let Some(number) = &facts.number {
            values.insert("pull_request_number", number.clone());
        }
        if let Some(tag) = facts.target_branch.strip_prefix("refs/tags/").filter(|_| event.body.is_object()) {
            values.insert("git_tag", tag.to_owned());
        }
        Self(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Adds one, instead of one of the same name.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// As the variable `pac` of filters.
    pub fn to_json(&self) -> Json {
        json!(self.0)
    }

    /// Fills in what a text has of them. What is no variable stays, as Pipelines-as-Code leaves it.
    pub fn fill(&self, source: &Source, scope: &Scope) -> Filled {
        let mut places: Vec<(Span, String, String)> = Vec::new();
        let mut found = Vec::new();
        if let Some(variable) = VARIABLE.as_ref() {
            for part in variable.captures_iter(source.text()) {
                let (Some(all), Some(name)) = (part.get(0), part.get(1)) else { continue };
                let (span, name) = (Span::new(all.start(), all.end()), name.as_str().trim());
                match self.value(name, scope) {
                    Some(value) => places.push((span, name.to_owned(), value)),
                    None => {
                        let message =
                            format!("`{name}` is no variable of this event, so the text stays as it is");
                        found.push(Diagnostic::warning("unknown-variable", message).at(source, span));
                    }
                }
            }
        }
        let text = replaced(source.text(), &places, |_, value| value.to_owned());
        let filled = Source::new(source.name(), text);
        found.extend(escapes(source, &filled, &places));
        Filled { source: filled, found }
    }

    fn value(&self, name: &str, scope: &Scope) -> Option<String> {
        if let Some(value) = self.0.get(name) {
            return Some(value.clone());
        }
        if !["body", "headers", "files"].iter().any(|start| name.starts_with(start)) {
            return None;
        }
        evaluate(name, scope).ok().map(|value| match value {
            Json::String(text) => text,
            other => other.to_string(),
        })
    }
}

static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{\{([^}]{2,})\}\}").ok());

fn replaced(text: &str, places: &[(Span, String, String)], value: impl Fn(usize, &str) -> String) -> String {
    let (mut out, mut at) = (String::new(), 0);
    for (index, (span, _, text_of)) in places.iter().enumerate() {
        out.push_str(&text[at..span.start]);
        out.push_str(&value(index, text_of));
        at = span.end;
    }
    out + &text[at..]
}

/// The first value that becomes YAML of its own.
fn escapes(source: &Source, filled: &Source, places: &[(Span, String, String)]) -> Option<Diagnostic> {
    let plain =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-./@+=~".contains(c));
    let harmless = |text: &str| plain(text) || text.is_empty() || is_address(text);
    if places.iter().all(|(_, _, value)| harmless(value)) {
        return None;
    }
    // Words that stand for the values cannot change how the text is read.
    let word = |index: usize| format!("variable0{index}0value");
    let safe = replaced(
        source.text(),
        places,
        |index, value| if harmless(value) { value.to_owned() } else { word(index) },
    );
    let Ok(expected) = yaml::parse(&Source::new(source.name(), safe)) else { return None };
    let expected: Vec<Json> = expected.iter().map(|node| with_values(node, places, &word)).collect();
    let actual = yaml::parse(filled).map(|nodes| nodes.iter().map(Node::to_json).collect::<Vec<_>>());
    if actual.is_ok_and(|actual| actual == expected) {
        return None;
    }
    // Which one: each alone.
    let guilty = places.iter().position(|(_, _, value)| {
        !harmless(value) && {
            let alone = |raw: bool| {
                replaced(source.text(), places, |_, other| match other == value {
                    true if raw => value.clone(),
                    true => word(0),
                    false if harmless(other) => other.to_owned(),
                    false => "x".to_owned(),
                })
            };
            let one = [(Span::default(), String::new(), value.clone())];
            let nodes = |text| yaml::parse(&Source::new("text", text));
            match (nodes(alone(true)), nodes(alone(false))) {
                (Ok(raw), Ok(safe)) => {
                    !raw.iter().map(Node::to_json).eq(safe.iter().map(|node| with_values(node, &one, &word)))
                }
                _ => true,
            }
        }
    });
    let (span, name, value) = &places[guilty.unwrap_or(0)];
    let message =
        format!("the value {} of `{name}` does not stay a text here: it is read as YAML", quoted(value));
    let help = "whoever sends the event writes the pipeline this way; take a variable with a fixed form, or check the value in `on-cel-expression`";
    Some(Diagnostic::error("variable-becomes-yaml", message).at(source, *span).help(help))
}

/// Whether a text is an address that YAML reads as one word.
fn is_address(text: &str) -> bool {
    text.contains("://")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./@+=~:%?".contains(c))
        && !text.ends_with(':')
}

/// A tree with the values in the place of the words that stand for them.
fn with_values(node: &Node, places: &[(Span, String, String)], word: &impl Fn(usize) -> String) -> Json {
    let put = |text: &str| {
        let mut text = text.to_owned();
        if text.contains("variable0") {
            for (index, (_, _, value)) in places.iter().enumerate().rev() {
                text = text.replace(&word(index), value);
            }
        }
        text
    };
    match &node.kind {
        Kind::String(text) => Json::String(put(text)),
        Kind::Sequence(items) => items.iter().map(|item| with_values(item, places, word)).collect(),
        Kind::Mapping(entries) => {
            Json::Object(entries.iter().map(|e| (put(&e.key), with_values(&e.value, places, word))).collect())
        }
        _ => node.to_json(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str, branch: &str) -> Filled {
        let event = Event::read(
            r#"{"a": {"b": [1, "x"]}, "t": "v"}"#,
            &[("X-GitHub-Event".to_owned(), "push".to_owned())],
        )
        .unwrap();
        let mut variables = Variables::of(&event, &Facts::default(), &Given::default());
        variables.set("source_branch", branch.to_owned());
        let scope = super::super::expression::template_scope(
            &event,
            &crate::event::Changes::default(),
            &variables.to_json(),
        );
        variables.fill(&Source::new("f.yaml", text), &scope)
    }

    #[test]
    fn variables_body_and_headers() {
        let text = r#"{a: "{{ source_branch }}", b: "{{body.t}} {{ headers['X-Github-Event'] }}", c: "{{ nope }} {{ body.none }}", d: '{{ body.a.b }}'}"#;
        let made = filled(text, "feature/x");
        assert_eq!(
            made.source.text(),
            r#"{a: "feature/x", b: "v push", c: "{{ nope }} {{ body.none }}", d: '[1,"x"]'}"#
        );
        let codes: Vec<&str> = made.found.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["unknown-variable", "unknown-variable"]);
    }

    #[test]
    fn a_branch_that_becomes_yaml_is_an_error() {
        for (text, branch) in [
            ("a: \"{{ source_branch }}\"", "x\"\nserviceAccountName: \"admin"),
            ("a: {{ source_branch }}", "x\nserviceAccountName: admin"),
            ("a: {{ source_branch }}", "[1, 2]"),
            ("a: '{{ source_branch }}'", "it's"),
            ("a: \"{{ source_branch }}\"", "back\\nslash"),
        ] {
            let made = filled(text, branch);
            assert_eq!(
                made.found.iter().map(|d| d.code).collect::<Vec<_>>(),
                ["variable-becomes-yaml"],
                "{text} {branch}"
            );
            assert_eq!(
                made.found[0].location().unwrap(),
                format!("f.yaml:1:{}", text.find("{{").unwrap() + 1)
            );
        }
        for (text, branch) in [
            ("a: \"{{ source_branch }}\"", "it's $(x) #1"),
            ("a: {{ source_branch }}", "a'b"),
            ("s: |\n  echo \"{{ source_branch }}\"\n", "a\"b: c"),
            ("a: {{ source_branch }}", "7"),
        ] {
            assert!(filled(text, branch).found.is_empty(), "{text} {branch}");
        }
    }

    proptest! {
        #[test]
        fn no_branch_adds_a_field_unseen(branch in "[a-z\"'\\\\:\n {}\\[\\],#&*!|>%@-]{0,12}") {
            let made = filled("a: \"{{ source_branch }}\"\nb: 1\n", &branch);
            let json = yaml::parse(&made.source).map(|n| n[0].to_json());
            let expected = json!({"a": branch, "b": 1});
            prop_assert_eq!(made.found.is_empty(), json.is_ok_and(|j| j == expected));
        }
    }
}
