//! Whether manifests are Kubernetes objects that the cluster version operator loads (payload.md §2.6 and §7.1).

use std::collections::HashMap;

use base::{Diagnostic, Source, Span};
use serde_json::Value;

use super::document;

/// Whether a payload file is a manifest by its name; all others are carried along unread.
pub fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|extension| name.ends_with(extension))
}

/// Errors of one component file, as it is in the image: the first document must be an object with `kind` and `apiVersion`.
/// `name` is `TAG/FILE`.
pub fn check_original(name: &str, bytes: &[u8]) -> Option<Diagnostic> {
    if !is_manifest(name) {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new(name, text.as_ref());
    let map = match document::first(&text) {
        Err(e) => {
            return Some(
                Diagnostic::error("invalid-yaml", format!("invalid YAML/JSON: {e}"))
                    .at(&source, e.span)
                    .help("correct the file in the component's /manifests, or give it another extension if it is no manifest"),
            );
        }
        Ok(Value::Object(map)) => map,
        Ok(_) => {
            return Some(
                Diagnostic::error(
                    "not-an-object",
                    format!("not a valid YAML/JSON object, got: {}", beginning(&text)),
                )
                .at(&source, Span::new(0, text.len().min(1)))
                .help("files that are not manifests need another extension than .yaml, .yml and .json"),
            );
        }
    };
    let set = |field: &str| map.get(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    (!set("kind") || !set("apiVersion")).then(|| {
        Diagnostic::error(
            "not-kubernetes",
            "manifests must contain Kubernetes API objects with 'kind' and 'apiVersion' set",
        )
        .at(&source, Span::new(0, text.len().min(1)))
        .help("files that are not manifests need another extension than .yaml, .yml and .json")
    })
}

fn beginning(text: &str) -> String {
    const LENGTH: usize = 30;
    let shown: String = text.chars().take(LENGTH).collect();
    let shown = shown.trim_end();
    if text.chars().count() > LENGTH { format!("{shown}...") } else { shown.to_owned() }
}

/// Errors of one payload file as a cluster would meet them: every document needs `kind` and `metadata.name`, and no object may
/// stand twice in one file. Any of these makes the whole payload unusable in a cluster.
pub fn check_loadable(name: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    if !is_manifest(name) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new(name, text.as_ref());
    let documents = match document::all(&text) {
        Ok(documents) => documents,
        Err(e) => {
            return vec![
                Diagnostic::error("invalid-yaml", format!("invalid YAML/JSON: {e}"))
                    .at(&source, e.span)
                    .help("every document of the file must parse, or clusters refuse the whole payload"),
            ];
        }
    };
    let mut errors = Vec::new();
    let mut seen: HashMap<Identity, Span> = HashMap::new();
    for (i, (offset, value)) in documents.iter().enumerate() {
        let place = Span::new(*offset, *offset + 1);
        let identity = match Identity::of(value) {
            Ok(identity) => identity,
            Err(reason) => {
                let message = format!("document {} {reason}", i + 1);
                errors.push(
                    Diagnostic::error("incomplete-object", message)
                        .at(&source, place)
                        .help("clusters refuse the whole payload; complete the document or remove it"),
                );
                continue;
            }
        };
        let description = identity.to_string();
        if let Some(first) = seen.insert(identity, place) {
            errors.push(
                Diagnostic::error("duplicate-object", format!("{description} is defined twice in one file"))
                    .at(&source, place)
                    .related(&source, first, "first defined here")
                    .help("clusters refuse the whole payload; remove one of the two"),
            );
        }
    }
    errors
}

/// What makes an object one object in a cluster.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Identity {
    group: String,
    kind: String,
    namespace: String,
    name: String,
}

impl Identity {
    fn of(value: &Value) -> Result<Self, String> {
        let map = value.as_object().ok_or("is not an object")?;
        let text = |value: Option<&Value>, field: &str| match value {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(format!("has a `{field}` that is not a text; quote it")),
        };
        let metadata = map.get("metadata");
        let field = |name: &str| metadata.and_then(|m| m.get(name));
        let api_version = text(map.get("apiVersion"), "apiVersion")?;
        let identity = Self {
            group: api_version.split_once('/').map_or("", |(group, _)| group).to_owned(),
            kind: text(map.get("kind"), "kind")?,
            namespace: text(field("namespace"), "metadata.namespace")?,
            name: text(field("name"), "metadata.name")?,
        };
        if identity.kind.is_empty() {
            return Err("has no `kind`".to_owned());
        }
        if identity.name.is_empty() {
            return Err("has no `metadata.name`".to_owned());
        }
        Ok(identity)
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        f.write_str(" `")?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        write!(f, "{}`", self.name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

    #[test]
    fn the_first_document_must_be_an_object_of_kubernetes() {
        let check = |file: &str, text: &str| check_original(file, text.as_bytes()).map(|d| d.to_string());
        assert!(check("o/a.yaml", "a: [1\n").unwrap().contains("invalid YAML/JSON: "));
        assert_eq!(
            check("o/a.yaml", "- a\n").unwrap(),
            "o/a.yaml:1:1: not a valid YAML/JSON object, got: - a"
        );
        assert!(
            check("o/a.json", "[\"0123456789012345678901234567890\"]").unwrap().ends_with("678901234567...")
        );
        assert!(check("o/a.yml", "").unwrap().contains("not a valid YAML/JSON object"));
        for incomplete in ["a: b\n", "kind: A\n", "kind: ''\napiVersion: v1\n", "kind: 1\napiVersion: v1\n"] {
            let message = check("o/a.yaml", incomplete).unwrap();
            assert!(message.contains("'kind' and 'apiVersion' set"), "{message}");
        }
        assert_eq!(
            check("o/a.yaml", &format!("{MAP}---\na: b\n")),
            None,
            "only the first document counts here"
        );
        assert_eq!(check("o/README.md", "- a"), None);
        assert_eq!(check("o/a.yaml.txt", "- a"), None);
    }

    #[test]
    fn what_a_cluster_would_refuse_is_refused() {
        let check = |text: &str| -> Vec<String> {
            check_loadable("f.yaml", text.as_bytes()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(check(&format!("{MAP}---\n# nothing\n---\n")), Vec::<String>::new());
        assert_eq!(check(&format!("{MAP}---\na: b\n")), ["f.yaml:5:1: document 2 has no `kind`"]);
        assert_eq!(check("kind: A\napiVersion: v1\n"), ["f.yaml:1:1: document 1 has no `metadata.name`"]);
        assert_eq!(
            check("kind: A\nmetadata: {name: 1}\n"),
            ["f.yaml:1:1: document 1 has a `metadata.name` that is not a text; quote it"]
        );
        assert_eq!(
            check(&format!("{MAP}---\n{MAP}")),
            ["f.yaml:5:1: ConfigMap `a` is defined twice in one file"]
        );
        assert_eq!(check(&format!("{MAP}---\n- a\n")), ["f.yaml:5:1: document 2 is not an object"]);
        assert_eq!(check(&format!("{MAP}---\na: [\n")).len(), 1);
    }

    #[test]
    fn same_name_in_another_group_or_namespace_is_another_object() {
        let object = |api: &str, namespace: &str| {
            format!("apiVersion: {api}\nkind: A\nmetadata: {{name: a, namespace: {namespace}}}\n---\n")
        };
        let text = [object("v1", "x"), object("v1", "w"), object("g/v1", "x"), object("g/v2", "z")].concat();
        assert!(check_loadable("f.yaml", text.as_bytes()).is_empty());
        let again = [object("g/v1", "x"), object("g/v2", "x")].concat();
        assert!(
            check_loadable("f.yaml", again.as_bytes())[0].message.starts_with("A.g `x/a` is defined twice")
        );
    }

    #[test]
    fn a_real_payload_passes() {
        let Some(fixtures) = testkit::fixtures() else { return };
        let mut objects = 0;
        for entry in std::fs::read_dir(fixtures.join("payload-4.12.0/release-manifests")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(check_original(&name, &bytes), None);
            assert_eq!(check_loadable(&name, &bytes), [], "{name}");
            if is_manifest(&name) {
                objects += document::all(&String::from_utf8_lossy(&bytes)).unwrap().len();
            }
        }
        assert_eq!(objects, 1002, "documents in the payload (payload.md §1.6)");
    }

    /// Payloads that the cluster version operator's own tests load.
    #[test]
    fn payloads_that_clusters_load_pass() {
        let Some(fixtures) = testkit::fixtures() else { return };
        for case in std::fs::read_dir(fixtures.join("payload-cases")).unwrap() {
            let dir = case.unwrap().path().join("release-manifests");
            for entry in std::fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                assert_eq!(check_loadable(&name, &std::fs::read(&path).unwrap()), [], "{}", path.display());
            }
            let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
            let references =
                crate::payload::image_stream::ImageStream::parse(&read("image-references")).unwrap();
            let metadata =
                crate::payload::release_metadata::ReleaseMetadata::parse(&read("release-metadata"));
            assert_eq!(references.name, metadata.unwrap().version);
        }
    }
}
