//! `release-metadata`: the release's version and the releases it may follow (payload.md §1.4).

use semver::Version;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::go::fold;
use crate::go::json::{indented, sorted};

/// `kind` of the file.
const KIND: &str = "cincinnati-metadata-v0";

/// What a payload's `release-metadata` file says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReleaseMetadata {
    /// `cincinnati-metadata-v0`, or what the file says instead.
    pub kind: String,
    /// Version of the release.
    pub version: String,
    /// Versions that may be updated to this one, sorted as text.
    pub previous: Vec<String>,
    /// Versions that this one may be updated to, sorted as text. Rarely used: they do not exist yet.
    pub next: Vec<String>,
    /// Free facts: `url`, `description`, `release.openshift.io/architecture`, ….
    pub metadata: Map<String, Value>,
}

/// Why the facts about a release are refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidReleaseMetadata {
    /// The release's name.
    #[error(
        "the release name must be a semantic version, `{name}` is not ({reason}); write MAJOR.MINOR.PATCH with an optional suffix, such as 4.22.0-okd.3"
    )]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: semver::Error,
    },
    /// A previous or next version.
    #[error(
        "`{version}` is not a valid semantic version ({reason}); remove it from the {list} versions or correct it"
    )]
    Version {
        /// `previous` or `next`.
        list: &'static str,
        /// The version.
        version: String,
        /// What is wrong with it.
        reason: semver::Error,
    },
    /// The file is not JSON of that shape.
    #[error("invalid release metadata: {0}")]
    Json(#[from] serde_json::Error),
    /// The file is JSON of another shape.
    #[error("invalid release metadata: {0}")]
    Shape(&'static str),
}

impl ReleaseMetadata {
    /// For a new release. Empty entries of the lists are dropped, the others sorted.
    ///
    /// # Errors
    /// When a version is not a semantic version.
    pub fn new(
        name: &str,
        previous: &[String],
        next: &[String],
        metadata: Map<String, Value>,
    ) -> Result<Self, InvalidReleaseMetadata> {
        let version = Version::parse(name)
            .map_err(|reason| InvalidReleaseMetadata::Name { name: name.to_owned(), reason })?;
        Ok(Self {
            kind: KIND.to_owned(),
            version: version.to_string(),
            previous: versions("previous", previous)?,
            next: versions("next", next)?,
            metadata,
        })
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When it is not JSON, or a field has another type. `kind` and versions are not checked: readers show what is there.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidReleaseMetadata> {
        let value: Value = serde_json::from_slice(bytes)?;
        let shape = InvalidReleaseMetadata::Shape;
        let map = value.as_object().ok_or(shape("not an object"))?;
        let text = |name: &str, wrong| match fold::field(map, name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(value) => value.as_str().map(str::to_owned).ok_or(shape(wrong)),
        };
        let list = |name: &str, wrong| match fold::field(map, name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or(shape(wrong)))
                .collect::<Result<_, _>>(),
            Some(_) => Err(shape(wrong)),
        };
        let metadata = match fold::field(map, "metadata") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(metadata)) => metadata.clone(),
            Some(_) => return Err(shape("`metadata` is not an object")),
        };
        Ok(Self {
            kind: text("kind", "`kind` is not a text")?,
            version: text("version", "`version` is not a text")?,
            previous: list("previous", "`previous` is not a list of texts")?,
            next: list("next", "`next` is not a list of texts")?,
            metadata,
        })
    }

    /// The file's bytes: JSON, indented by two spaces, no line feed at the end.
    pub fn to_json(&self) -> Vec<u8> {
        indented(self, "  ")
    }

    /// The previous versions, oldest first; as they are when one is not a semantic version.
    pub fn upgrades(&self) -> Vec<String> {
        let parsed: Result<Vec<Version>, _> = self.previous.iter().map(|v| Version::parse(v)).collect();
        match parsed {
            Ok(mut versions) => {
                // Precedence only: build metadata does not order.
                versions.sort_by(Version::cmp_precedence);
                versions.iter().map(Version::to_string).collect()
            }
            Err(_) => self.previous.clone(),
        }
    }
}

fn versions(list: &'static str, given: &[String]) -> Result<Vec<String>, InvalidReleaseMetadata> {
    let parse = |version: &String| {
        Version::parse(version).map(|v| v.to_string()).map_err(|reason| InvalidReleaseMetadata::Version {
            list,
            version: version.clone(),
            reason,
        })
    };
    let mut versions: Vec<String> =
        given.iter().filter(|v| !v.is_empty()).map(parse).collect::<Result<_, _>>()?;
    versions.sort();
    Ok(versions)
}

impl Serialize for ReleaseMetadata {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            kind: &'a str,
            version: &'a str,
            previous: &'a [String],
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            next: &'a [String],
            #[serde(skip_serializing_if = "Option::is_none")]
            metadata: Option<Value>,
        }
        Written {
            kind: &self.kind,
            version: &self.version,
            previous: &self.previous,
            next: &self.next,
            metadata: (!self.metadata.is_empty()).then(|| sorted(Value::Object(self.metadata.clone()))),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn list(versions: &[&str]) -> Vec<String> {
        versions.iter().map(|v| (*v).to_owned()).collect()
    }

    #[test]
    fn lists_are_sorted_as_text_and_shown_as_versions() {
        let previous = list(&["4.9.0", "", "4.10.0", "4.9.0-rc.1"]);
        let metadata = ReleaseMetadata::new("4.10.1", &previous, &[], Map::new()).unwrap();
        assert_eq!(metadata.previous, ["4.10.0", "4.9.0", "4.9.0-rc.1"]);
        assert_eq!(metadata.upgrades(), ["4.9.0-rc.1", "4.9.0", "4.10.0"]);
    }

    #[test]
    fn the_file_has_previous_always_and_the_rest_when_there_is_some() {
        let plain = ReleaseMetadata::new("1.0.0", &[], &[], Map::new()).unwrap();
        let text = |m: &ReleaseMetadata| String::from_utf8(m.to_json()).unwrap();
        assert_eq!(
            text(&plain),
            "{\n  \"kind\": \"cincinnati-metadata-v0\",\n  \"version\": \"1.0.0\",\n  \"previous\": []\n}"
        );
        let Value::Object(facts) = json!({"url": "https://a/?x&y", "a": 1.0}) else { panic!() };
        let full = ReleaseMetadata::new("1.0.0", &[], &list(&["1.0.1"]), facts).unwrap();
        assert!(text(&full).ends_with(
            "\"next\": [\n    \"1.0.1\"\n  ],\n  \"metadata\": {\n    \"a\": 1,\n    \"url\": \"https://a/?x\\u0026y\"\n  }\n}"
        ));
        let read = ReleaseMetadata::parse(&full.to_json()).unwrap();
        assert_eq!(text(&read), text(&full));
    }

    #[test]
    fn versions_are_checked_and_named() {
        let message = |name: &str, previous: &[&str], next: &[&str]| {
            ReleaseMetadata::new(name, &list(previous), &list(next), Map::new()).unwrap_err().to_string()
        };
        assert!(
            message("abc", &[], &[]).starts_with("the release name must be a semantic version, `abc` is not")
        );
        assert!(message("1.0.0", &["1.0"], &[]).starts_with("`1.0` is not a valid semantic version"));
        assert!(message("1.0.0", &[], &["v1.0.0"]).contains("next versions"));
    }

    #[test]
    fn real_metadata_is_written_again_byte_for_byte() {
        let Some(fixtures) = testkit::fixtures() else { return };
        let bytes =
            std::fs::read(fixtures.join("payload-4.12.0/release-manifests/release-metadata")).unwrap();
        assert_eq!(ReleaseMetadata::parse(&bytes).unwrap().to_json(), bytes);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        for bad in
            ["[]", "{\"version\":1}", "{\"previous\":{}}", "{\"previous\":[1]}", "{\"metadata\":[]}", "{"]
        {
            assert!(ReleaseMetadata::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
