//! Waivers name a finding, and say why.

use base::diagnostic::suggestion;
use base::{Diagnostic, Diagnostics};

use super::Scope;
use crate::definition::waiver::day;
use crate::lint::code;

pub(super) fn check(scope: Scope<'_>, findings: &mut Diagnostics) {
    let Scope { stream, places, .. } = scope;
    for (index, waiver) in stream.waivers.iter().enumerate() {
        let index = index.to_string();
        let field = |name| ["waivers", index.as_str(), name];
        if code::find(&waiver.code).is_none() {
            let finding =
                Diagnostic::error("unknown-code", format!("no finding has the code `{}`", waiver.code));
            let help = suggestion(&waiver.code, code::LINTS.iter().map(|lint| lint.code));
            findings.push(places.at(&field("code"), finding).help(help));
        }
        if waiver.why.trim().is_empty() {
            let finding = Diagnostic::error("waiver-without-why", "the waiver does not say why");
            let help = "write what whoever reads it next year needs to know";
            findings.push(places.at(&field("why"), finding).help(help));
        }
        if let Some(Err(finding)) = waiver.expires.as_deref().map(day) {
            findings.push(places.at(&field("expires"), *finding));
        }
        // The component of an inherited one may have been removed since.
        let unknown = waiver.component.as_ref().filter(|name| !stream.components.contains_key(*name));
        if let (Some(component), None) = (unknown, &waiver.inherited) {
            let message = format!("the waiver is about the component `{component}`, which does not exist");
            let finding = places.at(&field("component"), Diagnostic::error("unknown-component", message));
            findings.push(scope.no_component(component, finding, "remove the waiver"));
        }
    }
}
