//! `image-references`: the component images of a payload, in the form of an OpenShift image stream (payload.md §1.3).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::go::fold;
use crate::go::json::indented;

use super::document::{self, InvalidDocument};

/// `kind` of an image stream.
const KIND: &str = "ImageStream";
/// `apiVersion` of an image stream.
const API_VERSION: &str = "image.openshift.io/v1";
/// `from.kind` of the tags that payload tools look at.
const DOCKER_IMAGE: &str = "DockerImage";

/// What a payload's (or a component's) `image-references` file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageStream {
    /// Name of the release.
    pub name: String,
    /// When the release was created, RFC 3339.
    pub created: Option<String>,
    /// Annotations of the whole stream.
    pub annotations: BTreeMap<String, String>,
    /// The images.
    pub tags: Vec<Tag>,
}

/// One image of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tag {
    /// Name of the component.
    pub name: String,
    /// Where its source is, which versions it has; `None` when the image was not looked at.
    pub annotations: Option<BTreeMap<String, String>>,
    /// What the tag points to.
    pub from: Option<From>,
    /// Whether image streams in a cluster keep the outside pull spec.
    pub reference: bool,
    /// Generation of the spec tag in a live stream.
    pub generation: Option<i64>,
    /// How a cluster imports the image.
    pub import_policy: ImportPolicy,
    /// `Source`, `Local` or empty.
    pub reference_policy: String,
}

/// What a tag points to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct From {
    /// `DockerImage` in payloads; `ImageStreamTag` and `ImageStreamImage` in clusters.
    pub kind: String,
    /// Namespace of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The pull spec.
    pub name: String,
}

/// How a cluster imports an image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportPolicy {
    /// Without TLS verification.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// Again and again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub scheduled: bool,
    /// `Legacy` or `PreserveOriginal`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub import_mode: String,
}

/// Why a file is not a list of image references.
#[derive(Debug, thiserror::Error)]
pub enum InvalidImageStream {
    /// Neither YAML nor JSON.
    #[error("unable to load release image-references: {0}")]
    Document(#[from] InvalidDocument),
    /// Another kind of object.
    #[error(
        "unrecognized image-references in release payload: write `kind: ImageStream` and `apiVersion: image.openshift.io/v1` (found {0})"
    )]
    Kind(String),
    /// A field has another type than it must have.
    #[error("unable to load release image-references: `{field}` must be {expected}")]
    Field {
        /// Path of the field.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
}

impl Tag {
    /// A tag that points to a pull spec, without annotations.
    pub fn new(name: impl Into<String>, pull_spec: impl Into<String>) -> Self {
        let from = From { kind: DOCKER_IMAGE.to_owned(), namespace: String::new(), name: pull_spec.into() };
        Self { name: name.into(), from: Some(from), ..Self::default() }
    }

    /// The pull spec, when the tag points to an image in a registry. Payload tools skip all other tags.
    pub fn pull_spec(&self) -> Option<&str> {
        self.from.as_ref().filter(|from| from.kind == DOCKER_IMAGE).map(|from| from.name.as_str())
    }

    /// An annotation, empty when it is not set.
    pub fn annotation(&self, key: &str) -> &str {
        self.annotations.as_ref().and_then(|a| a.get(key)).map_or("", String::as_str)
    }
}

impl ImageStream {
    /// Reads YAML or JSON; field names may be in any case, as Go's decoder allows (payload.md §2.5).
    ///
    /// # Errors
    /// When it is not a document, another kind, or a field that matters has the wrong type. Unknown fields are ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidImageStream> {
        let value = document::first(&String::from_utf8_lossy(bytes))?;
        let found = |word: &str| InvalidImageStream::Kind(word.to_owned());
        let root = value.as_object().ok_or_else(|| found("no object"))?;
        let kind = fold::text(root, "kind").unwrap_or_default();
        let api_version = fold::text(root, "apiVersion").unwrap_or_default();
        if kind != KIND || api_version != API_VERSION {
            return Err(found(&format!("kind `{kind}`, apiVersion `{api_version}`")));
        }
        let empty = Map::new();
        let metadata = fold::object(root, "metadata").unwrap_or(&empty);
        let tags = match fold::object(root, "spec").and_then(|spec| fold::field(spec, "tags")) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(tags)) => {
                tags.iter().enumerate().map(|(i, tag)| read_tag(i, tag)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(wrong("spec.tags", "a list")),
        };
        Ok(Self {
            name: fold::text(metadata, "name").unwrap_or_default().to_owned(),
            created: fold::text(metadata, "creationTimestamp").map(str::to_owned),
            annotations: read_annotations("metadata", metadata)?.unwrap_or_default(),
            tags,
        })
    }

    /// The file's bytes: JSON, indented by two spaces, no line feed at the end (payload.md §1.3).
    pub fn to_json(&self) -> Vec<u8> {
        indented(self, "  ")
    }

    /// The tag of this name.
    pub fn tag(&self, name: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.name == name)
    }
}

fn wrong(field: impl Into<String>, expected: &'static str) -> InvalidImageStream {
    InvalidImageStream::Field { field: field.into(), expected }
}

fn read_tag(index: usize, value: &Value) -> Result<Tag, InvalidImageStream> {
    let path = format!("spec.tags[{index}]");
    let map = value.as_object().ok_or_else(|| wrong(path.clone(), "an object"))?;
    let name = match fold::field(map, "name") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(name)) => name.clone(),
        Some(_) => return Err(wrong(format!("{path}.name"), "a text; quote it")),
    };
    let from = match fold::field(map, "from") {
        None | Some(Value::Null) => None,
        Some(Value::Object(from)) => Some(From {
            kind: fold::text(from, "kind").unwrap_or_default().to_owned(),
            namespace: fold::text(from, "namespace").unwrap_or_default().to_owned(),
            name: fold::text(from, "name").unwrap_or_default().to_owned(),
        }),
        Some(_) => return Err(wrong(format!("{path}.from"), "an object")),
    };
    let import = fold::object(map, "importPolicy");
    let flag = |map: Option<&Map<String, Value>>, name: &str| {
        map.and_then(|m| fold::field(m, name)).and_then(Value::as_bool).unwrap_or_default()
    };
    Ok(Tag {
        name,
        annotations: read_annotations(&path, map)?,
        from,
        reference: flag(Some(map), "reference"),
        generation: fold::field(map, "generation").and_then(Value::as_i64),
        import_policy: ImportPolicy {
            insecure: flag(import, "insecure"),
            scheduled: flag(import, "scheduled"),
            import_mode: import.and_then(|m| fold::text(m, "importMode")).unwrap_or_default().to_owned(),
        },
        reference_policy: fold::object(map, "referencePolicy")
            .and_then(|m| fold::text(m, "type"))
            .unwrap_or_default()
            .to_owned(),
    })
}

/// Keys of annotations are data: their case matters.
fn read_annotations(
    path: &str,
    map: &Map<String, Value>,
) -> Result<Option<BTreeMap<String, String>>, InvalidImageStream> {
    let Some(Value::Object(annotations)) = fold::field(map, "annotations") else { return Ok(None) };
    let text = |(key, value): (&String, &Value)| match value {
        Value::String(text) => Ok((key.clone(), text.clone())),
        Value::Null => Ok((key.clone(), String::new())),
        _ => Err(wrong(format!("{path}.annotations.{key}"), "a text; quote it")),
    };
    annotations.iter().map(text).collect::<Result<_, _>>().map(Some)
}

/// The written form: field order of the Go types, with the fields that Go always writes.
mod written {
    use super::{BTreeMap, From, ImportPolicy, Serialize};

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Stream<'a> {
        pub kind: &'static str,
        pub api_version: &'static str,
        pub metadata: Metadata<'a>,
        pub spec: Spec<'a>,
        pub status: Status,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Metadata<'a> {
        #[serde(skip_serializing_if = "str::is_empty")]
        pub name: &'a str,
        pub creation_timestamp: Option<&'a str>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub annotations: &'a BTreeMap<String, String>,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Spec<'a> {
        pub lookup_policy: LookupPolicy,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub tags: Vec<Tag<'a>>,
    }

    #[derive(Serialize)]
    pub struct LookupPolicy {
        pub local: bool,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Tag<'a> {
        pub name: &'a str,
        pub annotations: Option<&'a BTreeMap<String, String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub from: Option<&'a From>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        pub reference: bool,
        pub generation: Option<i64>,
        pub import_policy: &'a ImportPolicy,
        pub reference_policy: ReferencePolicy<'a>,
    }

    impl<'a> Tag<'a> {
        pub fn of(tag: &'a super::Tag) -> Self {
            Self {
                name: &tag.name,
                annotations: tag.annotations.as_ref(),
                from: tag.from.as_ref(),
                reference: tag.reference,
                generation: tag.generation,
                import_policy: &tag.import_policy,
                reference_policy: ReferencePolicy { r#type: &tag.reference_policy },
            }
        }
    }

    #[derive(Serialize)]
    pub struct ReferencePolicy<'a> {
        pub r#type: &'a str,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Status {
        pub docker_image_repository: &'static str,
    }
}

impl Serialize for ImageStream {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written::Stream {
            kind: KIND,
            api_version: API_VERSION,
            metadata: written::Metadata {
                name: &self.name,
                creation_timestamp: self.created.as_deref(),
                annotations: &self.annotations,
            },
            spec: written::Spec {
                lookup_policy: written::LookupPolicy { local: false },
                tags: self.tags.iter().map(written::Tag::of).collect(),
            },
            status: written::Status { docker_image_repository: "" },
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_real_file_is_written_again_byte_for_byte() {
        let Some(fixtures) = testkit::fixtures() else { return };
        let path = fixtures.join("payload-4.12.0/release-manifests/image-references");
        let bytes = std::fs::read(path).unwrap();
        let stream = ImageStream::parse(&bytes).unwrap();
        assert_eq!(stream.tags.len(), 183);
        assert_eq!(String::from_utf8(stream.to_json()).unwrap(), String::from_utf8(bytes).unwrap());
    }

    #[test]
    fn field_names_match_in_any_case_and_other_kinds_are_refused() {
        let yaml = "Kind: ImageStream\napiversion: image.openshift.io/v1\nspec:\n  Tags:\n  - NAME: a\n    from: {Kind: DockerImage, Name: q/a}\n";
        let stream = ImageStream::parse(yaml.as_bytes()).unwrap();
        assert_eq!(stream.tags, [Tag::new("a", "q/a")]);
        for other in ["kind: Foo\napiVersion: v1\n", "- a\n", ""] {
            let message = ImageStream::parse(other.as_bytes()).unwrap_err().to_string();
            assert!(message.starts_with("unrecognized image-references in release payload"), "{message}");
        }
    }

    #[test]
    fn wrong_types_name_the_field() {
        let parse = |tags: &str| {
            let text =
                format!("kind: ImageStream\napiVersion: image.openshift.io/v1\nspec: {{tags: {tags}}}\n");
            ImageStream::parse(text.as_bytes()).unwrap_err().to_string()
        };
        assert!(parse("[{name: 1}]").contains("`spec.tags[0].name`"));
        assert!(parse("[{name: a, annotations: {k: 1}}]").contains("spec.tags[0].annotations.k"));
        assert!(parse("{}").contains("`spec.tags` must be a list"));
    }

    #[test]
    fn copied_fields_are_kept() {
        let json = r#"{"kind":"ImageStream","apiVersion":"image.openshift.io/v1","metadata":{"name":"n"},"spec":{"tags":[
            {"name":"a","annotations":{},"from":{"kind":"ImageStreamTag","namespace":"x","name":"y:z"},"reference":true,
             "generation":3,"importPolicy":{"insecure":true,"importMode":"PreserveOriginal"},"referencePolicy":{"type":"Source"}}]}}"#;
        let text = String::from_utf8(ImageStream::parse(json.as_bytes()).unwrap().to_json()).unwrap();
        for part in [
            "\"creationTimestamp\": null",
            "\"annotations\": {}",
            "\"namespace\": \"x\"",
            "\"reference\": true,\n        \"generation\": 3",
            "\"insecure\": true,\n          \"importMode\": \"PreserveOriginal\"",
            "\"type\": \"Source\"",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
