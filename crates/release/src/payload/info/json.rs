//! A release for programs: the keys of `oc adm release info -o json`, in their order (payload.md §3.4).

use serde::Serialize;
use serde_json::Value;

use crate::go::json::indented;
use crate::payload::component_version::ComponentVersions;
use crate::payload::image_stream::ImageStream;
use crate::payload::release_config::as_decoded;
use crate::payload::release_metadata::ReleaseMetadata;

use super::ReleaseInfo;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    image: String,
    digest: String,
    content_digest: String,
    list_digest: String,
    config: Value,
    metadata: Option<&'a ReleaseMetadata>,
    references: &'a ImageStream,
    /// Always null; kept because programs may look for it.
    versions: (),
    display_versions: Option<&'a ComponentVersions>,
    versions_tags: Option<&'a std::collections::BTreeMap<String, String>>,
    /// What a look at every image would say; `null` without it.
    images: (),
    warnings: Option<&'a [String]>,
}

impl ReleaseInfo {
    /// The JSON text, indented by two spaces, with a line feed at the end.
    pub fn to_json(&self) -> String {
        let written = Written {
            image: self.image.to_string(),
            digest: self.digest.to_string(),
            content_digest: self.digest.to_string(),
            list_digest: self.list_digest.map(|d| d.to_string()).unwrap_or_default(),
            config: as_decoded(&self.config),
            metadata: self.metadata.as_ref(),
            references: &self.references,
            versions: (),
            display_versions: Some(&self.versions).filter(|v| !v.is_empty()),
            versions_tags: Some(&self.version_tags).filter(|v| !v.is_empty()),
            images: (),
            warnings: Some(self.warnings.as_slice()).filter(|w| !w.is_empty()),
        };
        let mut text = String::from_utf8_lossy(&indented(&written, "  ")).into_owned();
        text.push('\n');
        text
    }
}
