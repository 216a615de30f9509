//! Verdict and reports as an OCI artifact that refers to the release image, so that they travel with it.
//!
//! OCI image specification 1.1, manifest.md "Guidelines for Artifact Usage": empty configuration, `artifactType`, `subject`; the
//! verdict is the first layer, each report one more with its file name as title.

use std::collections::BTreeMap;
use std::io::Read;

use base::Digest;
use oci::manifest::{Descriptor, ImageManifest, Manifest};
use oci::media;
use oci::reference::Reference;

use super::MEDIA_TYPE;
use super::document::{Document, InvalidVerdict};
use crate::payload::content::{Content, ContentError, RawManifest, Writable};

/// Media type of a report.
pub const REPORT_MEDIA_TYPE: &str = "application/vnd.streamwright.junit.v1+xml";
/// Annotation with the name of a file.
const TITLE: &str = "org.opencontainers.image.title";
/// Annotation with the time of creation.
const CREATED: &str = "org.opencontainers.image.created";
/// Largest verdict that is read.
const VERDICT_LIMIT: u64 = 32 << 20;

/// A report of a test, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// File name, for example `etcd/junit.xml`.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Verdict and reports, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The manifest (OCI).
    pub manifest: Vec<u8>,
    /// What it points to.
    pub blobs: Vec<(Descriptor, Vec<u8>)>,
}

/// Why evidence could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// It could not be fetched.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// It is something else.
    #[error("{at} is not a verdict on a release: {reason}")]
    Other {
        /// The artifact.
        at: String,
        /// What it is instead.
        reason: String,
    },
    /// The verdict could not be read.
    #[error("reading the verdict {digest}: {source}")]
    Read {
        /// The blob.
        digest: Digest,
        /// Why.
        source: std::io::Error,
    },
    /// The verdict is not what its descriptor says.
    #[error("the verdict failed content verification: {expected} was asked for, {found} came")]
    Mismatch {
        /// In the manifest.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// The verdict is malformed.
    #[error(transparent)]
    Verdict(#[from] InvalidVerdict),
    /// The verdict is about another release than the artifact.
    #[error("the verdict is about {verdict}, but the artifact refers to {subject}")]
    Subject {
        /// In the verdict.
        verdict: Digest,
        /// In the manifest.
        subject: Digest,
    },
}

impl Evidence {
    /// Joins a verdict and its reports. `release` points to the release image's manifest; its digest must be the verdict's. The
    /// same input gives the same bytes.
    pub fn new(document: &Document, release: &Descriptor, reports: &[ReportFile]) -> Self {
        let titled = |media_type: &str, name: &str, bytes: &[u8]| {
            let mut descriptor = Descriptor::of(media_type, bytes);
            descriptor.annotations.insert(TITLE.to_owned(), name.to_owned());
            descriptor
        };
        let config = b"{}".to_vec();
        let verdict = document.to_json().into_bytes();
        let mut blobs = vec![
            (Descriptor::of(media::OCI_EMPTY, &config), config),
            (titled(MEDIA_TYPE, "verdict.json", &verdict), verdict),
        ];
        blobs.extend(reports.iter().map(|r| (titled(REPORT_MEDIA_TYPE, &r.name, &r.bytes), r.bytes.clone())));
        let subject = Descriptor::new(release.media_type.clone(), release.digest, release.size);
        let manifest = ImageManifest {
            schema_version: 2,
            media_type: Some(media::OCI_MANIFEST.to_owned()),
            artifact_type: Some(MEDIA_TYPE.to_owned()),
            config: blobs[0].0.clone(),
            layers: blobs[1..].iter().map(|(descriptor, _)| descriptor.clone()).collect(),
            subject: Some(subject),
            annotations: BTreeMap::from([(CREATED.to_owned(), document.judged.clone())]),
        };
        let manifest = serde_json::to_vec(&manifest).expect("texts, numbers and maps of them");
        Self { manifest, blobs }
    }

    /// Digest of the artifact.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }

    /// Writes the artifact into the repository of `at` (the release's, so that registries list it as a referrer). Gives its
    /// reference by digest.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn store(&self, to: &dyn Writable, at: &Reference) -> Result<Reference, ContentError> {
        let at = at.at_digest(self.digest());
        for (descriptor, bytes) in &self.blobs {
            if !to.has_blob(&at, descriptor)? {
                to.put_blob(&at, descriptor, &mut bytes.as_slice())?;
            }
        }
        let manifest =
            RawManifest { media_type: media::OCI_MANIFEST.to_owned(), bytes: self.manifest.clone() };
        to.put_manifest(&at, &manifest)?;
        Ok(at)
    }
}

/// Reads the verdict of an artifact.
///
/// # Errors
/// When it cannot be read, is no verdict, or contradicts itself.
pub fn read(content: &dyn Content, at: &Reference) -> Result<Document, EvidenceError> {
    let other = |reason: String| EvidenceError::Other { at: at.to_string(), reason };
    let raw = content.manifest(at)?;
    let manifest = match Manifest::parse(&raw.media_type, &raw.bytes).map_err(|e| other(e.to_string()))? {
        Manifest::Image(manifest) => manifest,
        Manifest::Index(_) => return Err(other("it is an index".to_owned())),
    };
    if manifest.artifact_type.as_deref() != Some(MEDIA_TYPE) {
        let kind = manifest.artifact_type.as_deref().unwrap_or("none");
        return Err(other(format!("its artifactType is {kind}, not {MEDIA_TYPE}")));
    }
    let descriptor = manifest
        .layers
        .iter()
        .find(|layer| layer.media_type == MEDIA_TYPE)
        .ok_or_else(|| other("it has no verdict in it".to_owned()))?;
    let mut bytes = Vec::new();
    content
        .blob(at, descriptor)?
        .take(VERDICT_LIMIT)
        .read_to_end(&mut bytes)
        .map_err(|source| EvidenceError::Read { digest: descriptor.digest, source })?;
    let found = Digest::of(&bytes);
    if found != descriptor.digest {
        return Err(EvidenceError::Mismatch { expected: descriptor.digest, found });
    }
    let document = Document::parse(&bytes)?;
    match &manifest.subject {
        Some(subject) if subject.digest != document.release.digest => {
            Err(EvidenceError::Subject { verdict: document.release.digest, subject: subject.digest })
        }
        _ => Ok(document),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Outcome, Release, Status};
    use super::*;
    use crate::payload::memory::Memory;

    fn release() -> Descriptor {
        Descriptor::of(media::DOCKER_MANIFEST, b"release")
    }

    fn document() -> Document {
        let release = Release { name: "1.0.0".to_owned(), digest: release().digest };
        let outcomes = vec![Outcome::new("t", true, Status::Passed)];
        Document::new(release, "2026-01-02T03:04:05Z".parse().unwrap(), outcomes)
    }

    fn at() -> Reference {
        "reg.example/s/release:1.0.0".parse().unwrap()
    }

    #[test]
    fn evidence_refers_to_the_release_and_carries_the_reports() {
        let reports = [ReportFile { name: "t/junit.xml".to_owned(), bytes: b"<testsuites/>".to_vec() }];
        let evidence = Evidence::new(&document(), &release(), &reports);
        assert_eq!(evidence, Evidence::new(&document(), &release(), &reports), "the same bytes again");
        let value: serde_json::Value = serde_json::from_slice(&evidence.manifest).unwrap();
        assert_eq!(value["artifactType"], MEDIA_TYPE);
        assert_eq!(value["subject"]["digest"], release().digest.to_string());
        assert_eq!(value["config"]["mediaType"], media::OCI_EMPTY);
        assert_eq!(value["layers"][0]["mediaType"], MEDIA_TYPE);
        assert_eq!(value["layers"][1]["annotations"][TITLE], "t/junit.xml");
        for (descriptor, bytes) in &evidence.blobs {
            assert_eq!(descriptor.digest, Digest::of(bytes));
        }
        let memory = Memory::new();
        let stored = evidence.store(&memory, &at()).unwrap();
        assert_eq!(stored.to_string(), format!("reg.example/s/release@{}", evidence.digest()));
        assert_eq!(read(&memory, &stored).unwrap(), document());
    }

    #[test]
    fn a_verdict_on_another_release_is_refused() {
        let other = Descriptor::of(media::DOCKER_MANIFEST, b"other");
        let memory = Memory::new();
        let stored = Evidence::new(&document(), &other, &[]).store(&memory, &at()).unwrap();
        assert!(read(&memory, &stored).unwrap_err().to_string().contains("but the artifact refers to"));
        let image = br#"{"schemaVersion":2,"config":{"mediaType":"a","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"layers":[]}"#;
        memory.add_manifest(
            &at(),
            RawManifest { media_type: media::OCI_MANIFEST.to_owned(), bytes: image.to_vec() },
        );
        assert!(read(&memory, &at()).unwrap_err().to_string().contains("its artifactType is none"));
        assert!(
            read(&memory, &"reg.example/s/none:1".parse().unwrap())
                .unwrap_err()
                .to_string()
                .contains("is not in memory")
        );
    }
}
