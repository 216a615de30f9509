//! The file `stream.lock`.

use base::{Diagnostic, Diagnostics, Source, Span};
use tekton::decode::{Keys, decode};
use tekton::yaml as tree;

use super::Lock;
use crate::yaml;

/// What stands at the top of the file.
const HEADER: &str = "\
# What every name in stream.yaml resolved to: same lock, same inputs. Written by `sw`; keep it in version control.
";

/// Reads a lock.
///
/// # Errors
/// Text that is no lock: each finding with its line, and what to do.
pub fn parse(source: &Source) -> Result<Lock, Diagnostics> {
    let nodes = tree::parse(source)?;
    if let Some(entry) = nodes.first().and_then(|root| root.entry("platform")) {
        let finding = Diagnostic::error("old-lock", "this lock is of an earlier version, for one platform");
        let help = "remove it, and the next build writes a new one; or remove this line, and put `packages` below the platform's name";
        return Err(finding.at(source, entry.key_span).help(help).into());
    }
    let empty = tree::Node { kind: tree::Kind::Null, span: Span::new(0, 0) };
    decode(nodes.first().unwrap_or(&empty), source, Keys::Exact).map_err(|mut findings: Diagnostics| {
        for finding in &mut findings.0 {
            let advice = "stream.lock is not written by hand: take the committed one, or remove it and the next build writes a new one";
            finding.help = Some(finding.help.take().map_or_else(|| advice.to_owned(), |help| format!("{help}\n{advice}")));
        }
        findings
    })
}

/// The file of a lock: sorted, one fact a line, so that versions can be compared.
///
/// # Errors
/// Never for a lock; the type is that of the serialiser.
pub fn write(lock: &Lock) -> Result<String, serde_json::Error> {
    Ok(HEADER.to_owned() + &yaml::document(lock)?)
}

/// Where a lock says something: a commit, an image, a package as [`Required::written`](super::required::Required::written) has it.
pub fn place(source: &Source, written: &str) -> Option<Span> {
    let start = source.text().find(written)?;
    Some(Span::new(start, start + written.len()))
}
