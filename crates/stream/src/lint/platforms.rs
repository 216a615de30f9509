//! What is not on every platform of the stream, and what is on others.

use base::Diagnostic;

use super::code::{ARCH_PARITY, UNUSED_PLATFORMS};
use super::{Finding, Subject, or_waive};
use crate::definition::Platform;
use crate::definition::platform::listed;

/// Members of the payload that a platform of the stream lacks.
pub(super) fn missing(subject: Subject<'_>) -> Vec<Finding> {
    let stream = &subject.graphs.stream;
    let mut findings = Vec::new();
    let members = stream.components.iter().filter(|(_, one)| one.payload && one.stand_in.is_none());
    for (name, component) in members {
        let without: Vec<&Platform> = stream.platforms.iter().filter(|p| !component.is_on(**p)).collect();
        if without.is_empty() {
            continue;
        }
        let without = listed(without);
        let code = ARCH_PARITY.code;
        let finding = Diagnostic::warning(code, format!("`{name}` is in the payload, but not on {without}"));
        let instead = format!(
            "let it be on {without} too, take it out of the payload, or name what has its tag there, `standIn: COMPONENT`"
        );
        let help = or_waive(subject.definition, &instead, code, Some(name));
        let finding = subject.definition.places.at(&["components", name, "platforms"], finding);
        findings.push(Finding::about(name, finding.help(help)));
    }
    findings
}

/// Platforms that a component names and the stream is not for. A stream below may be for more.
pub(super) fn unused(subject: Subject<'_>) -> Vec<Finding> {
    let stream = &subject.graphs.stream;
    let mut findings = Vec::new();
    for (name, component) in stream.components.iter().filter(|(_, component)| component.inherited.is_none()) {
        let only = component.platforms.iter().flatten();
        let beyond: Vec<&Platform> = only.filter(|platform| !stream.platforms.contains(platform)).collect();
        if beyond.is_empty() {
            continue;
        }
        let message = format!("`{name}` is for {}, and the stream is not", listed(beyond));
        let finding = Diagnostic::warning(UNUSED_PLATFORMS.code, message);
        let help =
            format!("remove it here, or add it to the stream's `platforms: [{}]`", listed(&stream.platforms));
        let finding = subject.definition.places.at(&["components", name, "platforms"], finding);
        findings.push(Finding::about(name, finding.help(help)));
    }
    findings
}
