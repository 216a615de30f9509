//! Whether a text is plain Tekton that any cluster takes.

use base::{Diagnostic, Diagnostics, Severity, Source};

use crate::decode::Keys;
use crate::load::{Document, load_with};
use crate::types::{API_V1, API_V1BETA1};
use crate::validate::{Features, validate_with};
use crate::yaml::Node;

/// Reads a text as a strict decoder does (keys spelled exactly, no unknown fields, current versions only, no foreign
/// kinds) and validates every object for a cluster that was installed and not configured. Warnings count as errors.
///
/// What we render ourselves must pass.
///
/// # Errors
/// Everything that a cluster would not take or that is certain to fail there.
pub fn check(source: &Source) -> Result<Vec<Document>, Diagnostics> {
    let loaded = load_with(source, Keys::Exact)?;
    let mut found = loaded.warnings;
    for document in &loaded.documents {
        let version = document.node.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
        let step_action = document.object.kind() == "StepAction";
        let current = if step_action { API_V1BETA1 } else { API_V1 };
        if version.starts_with("tekton.dev/") && version != current {
            found.push(
                Diagnostic::error(
                    "old-version",
                    format!("{} is written in {version}", document.object.kind()),
                )
                .at(&document.source, document.node.span_of("apiVersion"))
                .help(format!("write apiVersion: {current}")),
            );
        }
        found.extend(validate_with(document, &Features::stock()));
    }
    for problem in &mut found.0 {
        problem.severity = Severity::Error;
    }
    found.into_result(loaded.documents)
}
