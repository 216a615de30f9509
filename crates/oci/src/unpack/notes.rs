//! What is worth knowing about an unpacked layer.

use serde::{Deserialize, Serialize};

/// Most skipped things that are kept by name.
const KEPT: usize = 100;

/// Kept beside the layer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Notes {
    /// Entries of the tar.
    pub entries: u64,
    /// Bytes of the uncompressed tar.
    pub bytes: u64,
    /// The layer hides everything below it.
    pub opaque_root: bool,
    /// What could not be done as the layer says, the first hundred.
    pub skipped: Vec<Skipped>,
    /// How many there were in all.
    pub skipped_total: u64,
}

/// Something that could not be done as the layer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Name of the entry, with unprintable bytes escaped.
    pub entry: String,
    /// What was left out, and why.
    pub reason: String,
}

impl Notes {
    pub(super) fn skip(&mut self, entry: &[u8], reason: impl Into<String>) {
        self.skipped_total += 1;
        if self.skipped.len() < KEPT {
            self.skipped.push(Skipped { entry: entry.escape_ascii().to_string(), reason: reason.into() });
        }
    }
}
