//! One JSON object a line on standard output: every event of a run.

use std::io::Write;

use engine::event::{Event, Observer};

/// Prints events.
#[derive(Debug, Default)]
pub struct JsonLines;

impl Observer for JsonLines {
    fn event(&self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            // Whoever reads may have gone away; the journal on disk has everything.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }
}
