//! Names and lists of annotations.

use base::{Diagnostic, Diagnostics, diagnostic::did_you_mean};

use crate::outcome::Place;

/// The beginning of all of them.
pub const PREFIX: &str = "pipelinesascode.tekton.dev/";

/// Those that people write.
const KNOWN: [&str; 15] = [
    "on-event",
    "on-target-branch",
    "on-cel-expression",
    "on-path-change",
    "on-path-change-ignore",
    "on-label",
    "on-comment",
    "max-keep-runs",
    "cancel-in-progress",
    "target-namespace",
    "task",
    "pipeline",
    "git-auth-secret",
    "log-url",
    "execution-order",
];

/// The annotations of a run.
#[derive(Debug, Clone, Copy)]
pub struct Annotations<'a> {
    run: Place<'a>,
}

impl<'a> Annotations<'a> {
    /// Those of this PipelineRun.
    pub fn of(run: Place<'a>) -> Self {
        Self { run }
    }

    /// Whether it has any.
    pub fn any(&self) -> bool {
        self.entries().next().is_some()
    }

    /// Names without the prefix, and values.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let entries = self.run.at("metadata.annotations").map(|a| a.node.entries()).unwrap_or_default();
        entries
            .iter()
            .filter_map(|e| Some((e.key.strip_prefix(PREFIX)?, e.value.as_str().unwrap_or_default())))
    }

    /// The value of an annotation.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.entries().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The elements of an annotation: `[a, b]`, or one word. `&#44;` is a comma.
    ///
    /// # Errors
    /// When it is empty or written in another way.
    pub fn list(&self, name: &str) -> Option<Result<Vec<String>, Box<Diagnostic>>> {
        self.get(name).map(|value| {
            read_list(value).ok_or_else(|| {
                let message =
                    format!("`{name}` must be a list like \"[a, b]\" or one word, and is `{value}`");
                Box::new(self.error(name, "bad-annotation", message))
            })
        })
    }

    /// An error that points at an annotation.
    pub fn error(&self, name: &str, code: &'static str, message: impl Into<String>) -> Diagnostic {
        self.run.error(&Self::path(name), code, message)
    }

    /// Annotations that nobody reads.
    pub fn check(&self, found: &mut Diagnostics) {
        for (name, _) in self.entries() {
            let base = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
            if KNOWN.contains(&name) || (matches!(base, "task" | "pipeline") && base != name) {
                continue;
            }
            let warning = self.run.warning(
                &Self::path(name),
                "unknown-annotation",
                format!("Pipelines-as-Code does not read `{name}`"),
            );
            found.push(match did_you_mean(name, KNOWN) {
                Some(help) => warning.help(help),
                None => warning,
            });
        }
    }

    fn path(name: &str) -> String {
        format!("metadata.annotations[{PREFIX}{name}]")
    }
}

fn read_list(value: &str) -> Option<Vec<String>> {
    let value = value.trim();
    let comma = |text: &str| text.trim().replace("&#44;", ",");
    match value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
        Some(inner) => {
            let items: Vec<String> = inner.split(',').map(comma).collect();
            items.first().is_some_and(|first| !first.is_empty()).then_some(items)
        }
        None if value.is_empty() || value.contains(['[', ']']) || value.contains(char::is_whitespace) => None,
        None => Some(vec![comma(value)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_words() {
        let texts = |list: &[&str]| Some(list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        assert_eq!(read_list("[main, release-*]"), texts(&["main", "release-*"]));
        assert_eq!(read_list(" main "), texts(&["main"]));
        assert_eq!(read_list("[a&#44;b,c]"), texts(&["a,b", "c"]));
        for refused in ["", "[]", "a b", "[a", "a]"] {
            assert_eq!(read_list(refused), None, "{refused}");
        }
    }
}
