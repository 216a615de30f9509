//! A person's decision about images, before they become a release: a question and an answer, as OCI artifacts beside releases.
//!
//! Both are manifests without content (OCI image specification 1.1, manifest.md "Guidelines for Artifact Usage"); what they say is in
//! their annotations. Tags name them after what they are about, so that the same images need no second decision.

use std::collections::BTreeMap;

use base::{Digest, Hasher};
use jiff::Timestamp;
use oci::manifest::{Descriptor, ImageManifest, Manifest};
use oci::media;

use crate::go::time;

/// The type of a question.
pub const QUESTION_TYPE: &str = "application/vnd.streamwright.approval-question.v1";
/// The type of an answer.
pub const ANSWER_TYPE: &str = "application/vnd.streamwright.approval.v1";
/// The content of the configuration and the layer that say nothing.
pub const EMPTY: &[u8] = b"{}";

const CREATED: &str = "org.opencontainers.image.created";
const STREAM: &str = "dev.streamwright.stream";
const IMAGES: &str = "dev.streamwright.images";
const SUBJECT: &str = "dev.streamwright.subject";
const DECISION: &str = "dev.streamwright.decision";
const BY: &str = "dev.streamwright.by";
const WHY: &str = "dev.streamwright.why";

/// What is asked: whether these images may become a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The stream.
    pub stream: String,
    /// The images, each `TAG=DIGEST`, sorted.
    pub images: Vec<String>,
    /// When it was asked, RFC 3339.
    pub asked: String,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The [subject](Question::subject) of the question.
    pub subject: Digest,
    /// Whether the images may become a release.
    pub approved: bool,
    /// Who says so.
    pub by: String,
    /// Why; may be empty.
    pub why: String,
    /// When, RFC 3339.
    pub at: String,
}

/// Why a manifest is no question or answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no {what}: {reason}")]
pub struct InvalidApproval {
    what: &'static str,
    reason: String,
}

impl Question {
    /// A question about images, each `TAG=…@DIGEST`; where they are does not count.
    pub fn new(stream: &str, images: &[String], asked: Timestamp) -> Self {
        let named = |image: &String| match (image.split_once('='), image.rsplit_once('@')) {
            (Some((tag, _)), Some((_, digest))) => format!("{tag}={digest}"),
            _ => image.clone(),
        };
        let mut images: Vec<String> = images.iter().map(named).collect();
        images.sort();
        Self { stream: stream.to_owned(), images, asked: time::seconds(asked) }
    }

    /// The digest of what is asked about: stream and images.
    pub fn subject(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.field("approval");
        hasher.field(&self.stream);
        self.images.iter().for_each(|image| hasher.field(image));
        hasher.finish()
    }

    /// The name by which people answer: the beginning of the subject.
    pub fn id(&self) -> String {
        self.subject().short()
    }

    /// Its manifest.
    pub fn manifest(&self) -> Vec<u8> {
        let said =
            [(CREATED, self.asked.clone()), (STREAM, self.stream.clone()), (IMAGES, self.images.join("\n"))];
        artifact(QUESTION_TYPE, said.into())
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, InvalidApproval> {
        let mut said = Said::read("question", QUESTION_TYPE, media_type, bytes)?;
        let images = said.take(IMAGES)?.lines().map(str::to_owned).collect();
        Ok(Self { stream: said.take(STREAM)?, images, asked: said.take(CREATED)? })
    }
}

impl Answer {
    /// A decision about a question.
    pub fn new(question: &Question, approved: bool, by: &str, why: &str, at: Timestamp) -> Self {
        let (by, why) = (by.to_owned(), why.to_owned());
        Self { subject: question.subject(), approved, by, why, at: time::seconds(at) }
    }

    /// Its manifest.
    pub fn manifest(&self) -> Vec<u8> {
        let decision = if self.approved { "approved" } else { "rejected" };
        let said = [
            (CREATED, self.at.clone()),
            (SUBJECT, self.subject.to_string()),
            (DECISION, decision.to_owned()),
            (BY, self.by.clone()),
            (WHY, self.why.clone()),
        ];
        artifact(ANSWER_TYPE, said.into())
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is something else, or neither approves nor rejects.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, InvalidApproval> {
        let mut said = Said::read("answer", ANSWER_TYPE, media_type, bytes)?;
        let approved = match said.take(DECISION)?.as_str() {
            "approved" => true,
            "rejected" => false,
            other => return Err(said.wrong(format!("it decides `{other}`"))),
        };
        let subject = said.take(SUBJECT)?;
        let subject = subject.parse().map_err(|_| said.wrong(format!("`{subject}` is no digest")))?;
        Ok(Self { subject, approved, by: said.take(BY)?, why: said.take(WHY)?, at: said.take(CREATED)? })
    }

    /// `approved by NAME at TIME: why`.
    pub fn to_text(&self) -> String {
        let decision = if self.approved { "approved" } else { "rejected" };
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        format!("{decision} by {} at {}{why}", self.by, self.at)
    }
}

/// The tag of the question with this id.
pub fn question_tag(id: &str) -> String {
    format!("approval-{id}-asked")
}

/// The tag of the answer to it.
pub fn answer_tag(id: &str) -> String {
    format!("approval-{id}")
}

/// The id of the question that has this tag.
pub fn asked_by(tag: &str) -> Option<&str> {
    let id = tag.strip_prefix("approval-")?.strip_suffix("-asked")?;
    is_id(id).then_some(id)
}

/// Whether a text can be the id of a question.
pub fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
}

fn artifact(artifact_type: &str, said: BTreeMap<&str, String>) -> Vec<u8> {
    let empty = Descriptor::of(media::OCI_EMPTY, EMPTY);
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: Some(media::OCI_MANIFEST.to_owned()),
        artifact_type: Some(artifact_type.to_owned()),
        config: empty.clone(),
        layers: vec![empty],
        subject: None,
        annotations: said.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    };
    serde_json::to_vec(&manifest).expect("texts, numbers and maps of them")
}

/// The annotations of an artifact.
struct Said {
    what: &'static str,
    annotations: BTreeMap<String, String>,
}

impl Said {
    fn read(
        what: &'static str,
        wanted: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Self, InvalidApproval> {
        let wrong = |reason: String| InvalidApproval { what, reason };
        match Manifest::parse(media_type, bytes).map_err(|e| wrong(e.to_string()))? {
            Manifest::Image(found) if found.artifact_type.as_deref() == Some(wanted) => {
                Ok(Self { what, annotations: found.annotations })
            }
            Manifest::Image(found) => {
                let kind = found.artifact_type.as_deref().unwrap_or("none").to_owned();
                Err(wrong(format!("its artifactType is {kind}, not {wanted}")))
            }
            Manifest::Index(_) => Err(wrong("it is an index".to_owned())),
        }
    }

    fn wrong(&self, reason: String) -> InvalidApproval {
        InvalidApproval { what: self.what, reason }
    }

    fn take(&mut self, key: &str) -> Result<String, InvalidApproval> {
        self.annotations.remove(key).ok_or_else(|| self.wrong(format!("it has no annotation {key}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn question(images: &[&str]) -> Question {
        let images: Vec<String> = images.iter().map(|image| (*image).to_owned()).collect();
        Question::new("tiny", &images, "2026-01-02T03:04:05.6Z".parse().unwrap())
    }

    #[test]
    fn a_question_is_about_digests_wherever_they_are_and_in_whatever_order() {
        let (a, b) = (Digest::of("a"), Digest::of("b"));
        let here =
            question(&[&format!("app=127.0.0.1:1/t/app@{a}"), &format!("base=127.0.0.1:1/t/base@{b}")]);
        let there = question(&[&format!("base=quay.io/t/base@{b}"), &format!("app=quay.io/t/app@{a}")]);
        assert_eq!((here.subject(), here.id().len()), (there.subject(), 12));
        assert_ne!(here.subject(), question(&[&format!("app=quay.io/t/app@{b}")]).subject());
        let read = Question::parse(media::OCI_MANIFEST, &here.manifest()).unwrap();
        assert_eq!(read, here);
    }

    #[test]
    fn an_answer_is_read_back_and_nothing_else_is_one() {
        let answer =
            Answer::new(&question(&[]), false, "jo", "the scan", "2026-01-02T03:04:05Z".parse().unwrap());
        let bytes = answer.manifest();
        assert_eq!(Answer::parse(media::OCI_MANIFEST, &bytes).unwrap(), answer);
        assert_eq!(answer.to_text(), "rejected by jo at 2026-01-02T03:04:05Z: the scan");
        let refused = |bytes: &[u8]| Answer::parse(media::OCI_MANIFEST, bytes).unwrap_err().to_string();
        assert!(refused(&question(&[]).manifest()).contains("its artifactType is"));
        let maybe = String::from_utf8(bytes).unwrap().replace("rejected", "maybe");
        assert_eq!(refused(maybe.as_bytes()), "this is no answer: it decides `maybe`");
    }

    #[test]
    fn tags_name_questions() {
        let id = question(&[]).id();
        assert_eq!(asked_by(&question_tag(&id)), Some(id.as_str()));
        assert_eq!(asked_by(&answer_tag(&id)), None);
        assert_eq!(asked_by("approval-../x-asked"), None);
    }
}
