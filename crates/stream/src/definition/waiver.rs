//! What is said about findings, and the day until which something is meant.

use base::Diagnostic;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Says that a finding about the stream is known and no mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Waiver {
    /// The code of the finding, one of [these](stream-lints.md).
    pub code: String,
    /// The component that the finding is about; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Why it is no mistake.
    pub why: String,
    /// The last day on which the waiver is meant, as `2026-12-31`; after it, the finding is there again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The stream that it was inherited from; none for the stream's own.
    #[serde(skip)]
    pub inherited: Option<String>,
}

/// A day as `expires` has it: `2026-12-31`.
///
/// # Errors
/// Another text, in words that say how to write it.
pub fn day(text: &str) -> Result<Date, Box<Diagnostic>> {
    text.parse().map_err(|_| {
        let finding = Diagnostic::error("bad-date", format!("`{text}` is not a day"));
        Box::new(finding.help("write it like 2026-12-31"))
    })
}
