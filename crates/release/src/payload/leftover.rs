//! References that no substitution reached. The replacement rules miss some silently (payload.md §2.5), so a payload can
//! ship manifests that point outside itself; these checks say where.

use std::sync::LazyLock;

use base::{Diagnostic, Source, Span};
use regex::Regex;
use serde_json::Value;

use super::document;
use super::substitution::version::PLACEHOLDER;

/// Finds what should have been replaced in the files of a payload.
#[derive(Debug)]
pub struct Leftovers {
    /// Literals that stand for components in any component's `image-references`.
    sources: Option<Regex>,
    /// The payload's own pull specs: a literal may be the repository that they are in.
    pull_specs: Vec<String>,
}

impl Leftovers {
    /// Looks for these literals, but not where they are part of one of the payload's `pull_specs`.
    pub fn new<'a>(
        sources: impl IntoIterator<Item = &'a str>,
        pull_specs: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut sources: Vec<&str> = sources.into_iter().collect();
        sources.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        sources.dedup();
        let literals: Vec<String> = sources.iter().map(|s| regex::escape(s)).collect();
        let build = |literals: String| {
            regex::RegexBuilder::new(&format!(r"(?:{literals})(?::[\w][\w.-]*|@\w+:[[:xdigit:]]+)?"))
                .size_limit(256 << 20)
                .build()
                .expect("escaped literals in a valid pattern, some kilobytes each")
        };
        Self {
            sources: (!literals.is_empty()).then(|| build(literals.join("|"))),
            pull_specs: pull_specs.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Warnings about one file of the payload, in the order of their places: literals and version placeholders that are still
    /// there, and images in containers that are not named by digest.
    pub fn check(&self, name: &str, bytes: &[u8]) -> Vec<Diagnostic> {
        let text = String::from_utf8_lossy(bytes);
        let mut found: Vec<(Span, &str, String, &'static str)> = Vec::new();
        if let Some(sources) = &self.sources {
            for at in sources.find_iter(&text).filter(|m| is_whole_reference(&text, m.start(), m.end())) {
                if self.pull_specs.iter().any(|pull_spec| pull_spec == at.as_str()) {
                    continue;
                }
                found.push((
                    Span::new(at.start(), at.end()),
                    "unreplaced-image",
                    format!("image `{}` was not replaced by its pull spec", at.as_str()),
                    "put it between quotes or white space, two characters away from the next image",
                ));
            }
        }
        for (at, _) in text.match_indices(PLACEHOLDER) {
            found.push((
                Span::new(at, at + PLACEHOLDER.len()),
                "unreplaced-version",
                format!("version placeholder `{PLACEHOLDER}` was not replaced"),
                "only `0.0.1-snapshot` and `0.0.1-snapshot-NAME` after a non-word character are replaced",
            ));
        }
        if super::manifest_check::is_manifest(name) {
            for image in images_by_tag(&text) {
                let start = text.find(&image).unwrap_or_default();
                let span = Span::new(start, start + image.len());
                if !found.iter().any(|(other, ..)| other.start < span.end && span.start < other.end) {
                    found.push((
                        span,
                        "image-without-digest",
                        format!("image `{image}` is not named by digest: clusters may get something else than was tested"),
                        "list it in the component's image-references, so that the payload pins it",
                    ));
                }
            }
        }
        found.sort_by_key(|(span, ..)| *span);
        let source = Source::new(name, text.as_ref());
        found
            .into_iter()
            .map(|(span, code, message, help)| {
                Diagnostic::warning(code, message).at(&source, span).help(help)
            })
            .collect()
    }
}

/// Whether a literal stands alone: not the start or end of a longer name, not a URL with a port and a path.
fn is_whole_reference(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let mut after = text[end..].chars();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let starts = before.is_none_or(|c| !word(c) && !matches!(c, '/' | '.' | '-'));
    let ends = match after.next() {
        None => true,
        Some('.') => after.next().is_none_or(|c| !word(c)),
        Some(c) => !word(c) && !matches!(c, '/' | '-'),
    };
    starts && ends
}

/// Images that the containers of a manifest name without a digest: in `image`, and as values in `env`, `args` and `command`.
fn images_by_tag(text: &str) -> Vec<String> {
    let mut images = Vec::new();
    for (_, value) in document::all(text).unwrap_or_default() {
        collect(&value, &mut images);
    }
    images.sort();
    images.dedup();
    images
}

fn collect(value: &Value, images: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(key.as_str(), "containers" | "initContainers" | "ephemeralContainers") {
                    value.as_array().into_iter().flatten().for_each(|c| collect_container(c, images));
                }
                collect(value, images);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, images)),
        _ => {}
    }
}

fn collect_container(container: &Value, images: &mut Vec<String>) {
    static TAGGED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:[a-z0-9-]+\.)+[a-z]+(?::[0-9]+)?(?:/[a-z0-9._-]+)+:\w[\w.-]*$")
            .expect("a valid pattern")
    });
    let image = container.get("image").and_then(Value::as_str);
    let open = |i: &&str| !i.is_empty() && !i.contains('@') && !i.contains("{{") && !i.contains('$');
    images.extend(image.filter(open).map(str::to_owned));
    let list = |field: &str| container.get(field).and_then(Value::as_array).into_iter().flatten();
    let variables = list("env").filter_map(|e| e.get("value")?.as_str());
    let words = list("args").chain(list("command")).filter_map(Value::as_str);
    // `--image=NAME`
    let values = words.map(|word| word.split_once('=').map_or(word, |(_, value)| value));
    images.extend(variables.chain(values).filter(|value| TAGGED.is_match(value)).map(str::to_owned));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        let leftovers = Leftovers::new(["q.io/a/etcd", "q.io/a/etcd-operator"], ["q.io/a/etcd@sha256:0123"]);
        leftovers.check(name, text.as_bytes()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_silent_miss_is_reported() {
        for missed in [
            "x=q.io/a/etcd,y",
            "(q.io/a/etcd)",
            "x: [q.io/a/etcd:v1]",
            "end q.io/a/etcd.",
            "q.io/a/etcd;",
            "{q.io/a/etcd}",
        ] {
            let lines = found("f.txt", missed);
            assert_eq!(lines.len(), 1, "{missed}");
            assert!(lines[0].contains("q.io/a/etcd") && lines[0].contains("was not replaced"), "{lines:?}");
        }
        assert_eq!(
            found("f", "v: x0.0.1-snapshot")[0],
            "f:1:5: version placeholder `0.0.1-snapshot` was not replaced"
        );
    }

    #[test]
    fn longer_names_and_urls_are_something_else() {
        for other in [
            "m/q.io/a/etcd",
            "xq.io/a/etcd",
            "q.io/a/etcd-x",
            "q.io/a/etcd/y",
            "q.io/a/etcd.x",
            "https://q.io/a/etcd:8443/x",
        ] {
            assert_eq!(found("f.txt", other), Vec::<String>::new(), "{other}");
        }
        assert!(found("f", "(q.io/a/etcd-operator)")[0].contains("`q.io/a/etcd-operator`"));
    }

    #[test]
    fn the_payloads_own_pull_specs_are_meant() {
        assert_eq!(found("f", "(q.io/a/etcd@sha256:0123)"), Vec::<String>::new());
        assert_eq!(found("f", "(q.io/a/etcd@sha256:4567)").len(), 1);
    }

    #[test]
    fn containers_without_digest_are_reported_once() {
        let text = "spec:\n  containers:\n  - image: q.io/b:latest\n  - image: q.io/c@sha256:00\n  - image: '{{.X}}'\n";
        let lines = found("f.yaml", text);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].starts_with("f.yaml:3:12: image `q.io/b:latest` is not named by digest"),
            "{lines:?}"
        );
        assert_eq!(found("f.txt", text), Vec::<String>::new());
        assert_eq!(
            found("f.yaml", "spec: {containers: [{image: q.io/a/etcd:x}]}").len(),
            1,
            "one finding per place"
        );
    }

    #[test]
    fn the_image_that_a_real_release_forgot_is_found() {
        let Some(fixtures) = testkit::fixtures() else { return };
        let leftovers = Leftovers::new([], []);
        let mut images = Vec::new();
        for entry in std::fs::read_dir(fixtures.join("payload-4.12.0/release-manifests")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with("0000_") {
                continue;
            }
            let warnings = leftovers.check(&name, &std::fs::read(&path).unwrap());
            images
                .extend(warnings.into_iter().filter(|d| d.code == "image-without-digest").map(|d| d.message));
        }
        assert!(
            images.iter().any(|m| m.contains("quay.io/openshift/origin-control-plane:latest")),
            "{images:?}"
        );
        assert!(images.len() < 20, "a pinned image was reported: {images:?}");
    }
}
