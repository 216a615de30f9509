//! The verdict on one release, as JSON.

use base::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::go::time;

use super::MEDIA_TYPE;
use super::judge::{Decision, Excuse, judge};
use super::outcome::Outcome;

/// What was decided about which release, when, and on which grounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Always [`MEDIA_TYPE`]: says which version of this form it is.
    media_type: String,
    /// The release.
    pub release: Release,
    /// When it was judged, RFC 3339.
    pub judged: String,
    /// The decision.
    pub verdict: Decision,
    /// Why it was rejected.
    pub excuses: Vec<Excuse>,
    /// All tests, blocking or not.
    pub outcomes: Vec<Outcome>,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Digest of its image.
    pub digest: Digest,
}

/// Why a text is not a verdict.
#[derive(Debug, thiserror::Error)]
pub enum InvalidVerdict {
    /// Not JSON of that shape.
    #[error("not a verdict: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version.
    #[error("the verdict has the form `{0}`, this version reads {MEDIA_TYPE}; use the version that wrote it")]
    Version(String),
}

impl Document {
    /// Judges a release.
    pub fn new(release: Release, judged: Timestamp, outcomes: Vec<Outcome>) -> Self {
        let verdict = judge(&outcomes);
        Self {
            media_type: MEDIA_TYPE.to_owned(),
            release,
            judged: time::seconds(judged),
            verdict: verdict.decision,
            excuses: verdict.excuses,
            outcomes,
        }
    }

    /// The JSON text, indented by two spaces, with a line feed at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts, numbers and lists of them");
        text.push('\n');
        text
    }

    /// Reads the JSON text. Unknown fields are ignored.
    ///
    /// # Errors
    /// When it is not JSON of this form.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidVerdict> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Form {
            media_type: String,
        }
        let form: Form = serde_json::from_slice(text)?;
        if form.media_type != MEDIA_TYPE {
            return Err(InvalidVerdict::Version(form.media_type));
        }
        Ok(serde_json::from_slice(text)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Cases, Status};
    use super::*;
    use std::time::Duration;

    fn document() -> Document {
        let release = Release { name: "1.0.0".to_owned(), digest: Digest::of("release") };
        let failed = Outcome {
            duration: Some(Duration::from_millis(1500)),
            cases: Some(Cases { total: 2, passed: 2, ..Cases::default() }),
            message: Some("exit code 1".to_owned()),
            ..Outcome::new("etcd", true, Status::Failed)
        };
        let outcomes = vec![failed, Outcome::new("haproxy", false, Status::TimedOut)];
        Document::new(release, "2026-01-02T03:04:05.6Z".parse().unwrap(), outcomes)
    }

    #[test]
    fn the_form_is_stable() {
        insta::assert_snapshot!(document().to_json(), @r#"
        {
          "mediaType": "application/vnd.streamwright.verdict.v1+json",
          "release": {
            "name": "1.0.0",
            "digest": "sha256:a4d451ec23463726f72c43d64c710968f6b602cd653b4de8adee1b556240a829"
          },
          "judged": "2026-01-02T03:04:05Z",
          "verdict": "rejected",
          "excuses": [
            {
              "test": "etcd",
              "message": "failed: exit code 1"
            }
          ],
          "outcomes": [
            {
              "test": "etcd",
              "blocking": true,
              "status": "failed",
              "message": "exit code 1",
              "seconds": 1.5,
              "cases": {
                "total": 2,
                "passed": 2,
                "failed": 0,
                "skipped": 0,
                "flaky": 0
              }
            },
            {
              "test": "haproxy",
              "blocking": false,
              "status": "timed-out"
            }
          ]
        }
        "#);
    }

    #[test]
    fn it_is_read_back() {
        let document = document();
        assert_eq!(Document::parse(document.to_json().as_bytes()).unwrap(), document);
    }

    #[test]
    fn other_forms_are_refused() {
        let newer = document().to_json().replace("verdict.v1", "verdict.v2");
        assert!(Document::parse(newer.as_bytes()).unwrap_err().to_string().contains("verdict.v2+json"));
        assert!(Document::parse(b"{}").unwrap_err().to_string().starts_with("not a verdict"));
        let negative = document().to_json().replace("1.5", "-1.5");
        assert!(Document::parse(negative.as_bytes()).is_err());
    }
}
