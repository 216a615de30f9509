//! What a rebased image says about itself: an entry at the end of its history.
//!
//! Not a label: images that are built on it would inherit that, and say of themselves what is true of their base.

use std::fmt;
use std::str::FromStr;

use base::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What stands in the entry's field `created_by`.
const CREATED_BY: &str = "streamwright layer rebase";

/// What an image was rebased from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The image that was built.
    pub image: Digest,
    /// The base that it was built on.
    pub from: Digest,
    /// The base that it stands on now.
    pub to: Digest,
}

impl Provenance {
    /// What a configuration says; none for an image that was built.
    pub fn of(config: &Value) -> Option<Self> {
        let last = config.get("history")?.as_array()?.last()?;
        if last.get("created_by")?.as_str()? != CREATED_BY {
            return None;
        }
        last.get("comment")?.as_str()?.parse().ok()
    }

    /// The same of the bytes of a configuration.
    pub fn read(config: &[u8]) -> Option<Self> {
        Self::of(&serde_json::from_slice(config).ok()?)
    }

    /// Puts it into a configuration.
    pub(super) fn note(&self, config: &mut Value) {
        let mut entry = json!({"created_by": CREATED_BY, "comment": self.to_string(), "empty_layer": true});
        if let Some(created) = config.get("created").filter(|created| created.is_string()) {
            entry["created"] = created.clone();
        }
        if let Some(history) = config["history"].as_array_mut() {
            history.push(entry);
        }
    }
}

impl fmt::Display for Provenance {
    /// `image sha256:…, base sha256:… to sha256:…`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {}, base {} to {}", self.image, self.from, self.to)
    }
}

/// A text that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not what a rebased image says about itself")]
pub struct NotProvenance;

impl FromStr for Provenance {
    type Err = NotProvenance;

    fn from_str(text: &str) -> Result<Self, NotProvenance> {
        let (image, bases) =
            text.strip_prefix("image ").and_then(|rest| rest.split_once(", base ")).ok_or(NotProvenance)?;
        let (from, to) = bases.split_once(" to ").ok_or(NotProvenance)?;
        let digest = |text: &str| text.parse().map_err(|_| NotProvenance);
        Ok(Self { image: digest(image)?, from: digest(from)?, to: digest(to)? })
    }
}
