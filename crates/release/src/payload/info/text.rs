//! A release for people, aligned as `oc adm release info` does (payload.md §3.3).

use serde_json::Value;

use crate::go::columns::{align, cell};
use crate::go::time;
use crate::payload::image_stream::Tag;
use crate::payload::{COMMIT_ID, SOURCE_LOCATION};

use super::{ReleaseInfo, digest_or_pull_spec};

/// What is shown of each image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageColumn {
    /// Its digest.
    #[default]
    Digest,
    /// Its pull spec.
    PullSpec,
    /// Repository and commit of its source.
    Commit,
    /// A page that shows the commit of its source.
    CommitUrl,
}

impl ReleaseInfo {
    /// The whole text, with an empty line at the end.
    pub fn to_text(&self, column: ImageColumn) -> String {
        let mut out = Sections::default();
        let mut head = format!(
            "Name:\t{}\nDigest:\t{}\nCreated:\t{}\nOS/Arch:\t{}\nManifests:\t{}\n",
            cell(self.name()),
            self.pull_digest(),
            cell(&self.created().map_or_else(|| time::rewritten(None), created)),
            cell(&self.platform()),
            self.manifests.len()
        );
        if !self.other_files.is_empty() {
            head.push_str(&format!("Metadata files:\t{}\n", self.other_files.len()));
        }
        head.push_str(&format!("\nPull From:\t{}\n", self.image.at_digest(self.pull_digest())));
        if let Some(metadata) = &self.metadata {
            let upgrades = match metadata.upgrades() {
                upgrades if upgrades.is_empty() => "<none>".to_owned(),
                upgrades => upgrades.join(", "),
            };
            let version = cell(&metadata.version);
            head.push_str(&format!(
                "\nRelease Metadata:\n  Version:\t{version}\n  Upgrades:\t{}\n",
                cell(&upgrades)
            ));
            out.add(&head);
            head.clear();
            out.add(&facts(&metadata.metadata));
        }
        if !self.versions.is_empty() {
            head.push_str("\nComponent Versions:\n");
            for (name, version) in &self.versions {
                let (version, display) = (cell(&version.version), cell(&version.display_name));
                head.push_str(&format!("  {}\t{version}\t{display}\n", cell(name)));
            }
        }
        out.add(&head);
        out.add(&self.images_text(column));
        if !self.warnings.is_empty() {
            let lines: String = self.warnings.iter().map(|w| format!("* {}\n", cell(w))).collect();
            out.add(&format!("\nWarnings:\n{lines}"));
        }
        out.0.push('\n');
        out.0
    }

    fn images_text(&self, column: ImageColumn) -> String {
        // The headers of the columns with commits end with a tab, which pads them.
        let mut text = String::from(match column {
            ImageColumn::Digest => "\nImages:\n  NAME\tDIGEST\n",
            ImageColumn::PullSpec => "\nImages:\n  NAME\tPULL SPEC\n",
            ImageColumn::Commit => "\nImages:\n  NAME\tREPO\tCOMMIT\t\n",
            ImageColumn::CommitUrl => "\nImages:\n  NAME\tURL\t\n",
        });
        for tag in &self.references.tags {
            let Some(pull_spec) = tag.pull_spec() else { continue };
            let shown = match column {
                ImageColumn::Digest => cell(digest_or_pull_spec(pull_spec)),
                ImageColumn::PullSpec => cell(pull_spec),
                ImageColumn::Commit => {
                    format!("{}\t{}", cell(tag.annotation(SOURCE_LOCATION)), cell(tag.annotation(COMMIT_ID)))
                }
                ImageColumn::CommitUrl => cell(&commit_url(tag)),
            };
            text.push_str(&format!("  {}\t{shown}\n", cell(&tag.name)));
        }
        text
    }
}

/// Parts of the text, each aligned by itself.
#[derive(Default)]
struct Sections(String);

impl Sections {
    fn add(&mut self, tabbed: &str) {
        self.0.push_str(&align(tabbed));
    }
}

/// The facts of the metadata that say something.
fn facts(metadata: &serde_json::Map<String, Value>) -> String {
    let says_something = |value: &Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    let mut facts: Vec<_> = metadata.iter().filter(|(_, value)| says_something(value)).collect();
    facts.sort_by_key(|(name, _)| *name);
    let mut text = String::from("  Metadata:\n");
    for (name, value) in facts {
        let value = match value {
            Value::String(value) => value.clone(),
            other => other.to_string(),
        };
        text.push_str(&format!("    {}:\t{}\n", cell(name), cell(&value)));
    }
    text
}

/// In UTC, whole seconds; as written when it is not a time.
fn created(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), time::seconds)
}

/// Pages are known for github.com; elsewhere repository and commit.
fn commit_url(tag: &Tag) -> String {
    let (location, commit) = (tag.annotation(SOURCE_LOCATION), tag.annotation(COMMIT_ID));
    let path = location
        .strip_prefix("https://github.com/")
        .or_else(|| location.strip_prefix("http://github.com/"))
        .or_else(|| location.strip_prefix("git@github.com:"))
        .map(|path| path.trim_end_matches('/').trim_end_matches(".git"));
    match path {
        Some(path) => format!("https://github.com/{path}/commit/{commit}"),
        None => format!("{location} {commit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_have_pages_at_github_only() {
        let url = |location: &str| {
            let mut tag = Tag::new("a", "b");
            tag.annotations = Some(
                [(SOURCE_LOCATION, location), (COMMIT_ID, "c0ffee")]
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .into(),
            );
            commit_url(&tag)
        };
        assert_eq!(url("https://github.com/o/r"), "https://github.com/o/r/commit/c0ffee");
        assert_eq!(url("git@github.com:o/r.git"), "https://github.com/o/r/commit/c0ffee");
        assert_eq!(url("https://salsa.debian.org/o/r"), "https://salsa.debian.org/o/r c0ffee");
    }

    #[test]
    fn facts_that_say_nothing_are_hidden() {
        let Value::Object(map) =
            serde_json::json!({"url": "u", "description": "", "list": [], "n": 0, "a": [1]})
        else {
            panic!()
        };
        assert_eq!(facts(&map), "  Metadata:\n    a:\t[1]\n    n:\t0\n    url:\tu\n");
    }
}
