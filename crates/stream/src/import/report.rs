//! What an import could not carry over, and what it decided.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

/// Findings of an import, for the person who goes on with its result.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What it is about.
    pub title: String,
    /// What was decided, a sentence each.
    pub decisions: Vec<String>,
    /// What is left over: by field, with what it says in each input that has it.
    left: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Why the fields with this beginning are not carried over.
    reasons: Vec<(&'static str, &'static str)>,
}

impl Report {
    /// An empty one. `reasons` say for beginnings of fields why they have no place in a stream.
    pub fn new(title: &str, reasons: &[(&'static str, &'static str)]) -> Self {
        Self { title: title.to_owned(), reasons: reasons.to_vec(), ..Self::default() }
    }

    /// Notes everything that is still in `rest`, of the input called `who`.
    pub fn left(&mut self, who: &str, rest: &Value) {
        self.walk(who, &mut String::new(), rest);
    }

    fn walk(&mut self, who: &str, path: &mut String, rest: &Value) {
        if let Value::Object(fields) = rest
            && !fields.is_empty()
            && path.matches('.').count() < 3
        {
            for (key, value) in fields {
                let before = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                self.walk(who, path, value);
                path.truncate(before);
            }
            return;
        }
        let said = self.left.entry(path.clone()).or_default().entry(rest.to_string()).or_default();
        if !said.iter().any(|other| other == who) {
            said.push(who.to_owned());
        }
    }

    /// How many fields are left over.
    pub fn fields(&self) -> usize {
        self.left.len()
    }

    /// How many inputs have a field that is left over.
    pub fn inputs_with(&self, field: &str) -> usize {
        self.left.get(field).map_or(0, |said| said.values().map(Vec::len).sum())
    }

    /// The report as Markdown.
    pub fn text(&self) -> String {
        let mut text = format!("# {}\n", self.title);
        // Writing to a string cannot fail.
        if !self.decisions.is_empty() {
            text.push_str("\n## Decided on the way\n\n");
            for decision in &self.decisions {
                let _ = writeln!(text, "- {decision}");
            }
        }
        if self.left.is_empty() {
            return text;
        }
        text.push_str("\n## Not carried over\n\nEvery field that a stream has no place for, with what it says and who says it.\n");
        let mut last = "";
        for (field, said) in &self.left {
            let count = self.inputs_with(field);
            let _ = writeln!(text, "\n### {field} ({count})\n");
            let reason = self.reasons.iter().find(|(start, _)| field.starts_with(start));
            if let Some((_, why)) = reason.filter(|(start, _)| *start != last) {
                let _ = writeln!(text, "{why}\n");
            }
            last = reason.map_or("", |(start, _)| start);
            for (value, who) in said {
                let _ = writeln!(text, "- `{}`: {}", value.replace('`', "'"), who.join(", "));
            }
        }
        text
    }
}
