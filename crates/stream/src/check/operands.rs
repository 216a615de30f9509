//! Components whose images others name by digest.

use std::collections::BTreeMap;

use base::diagnostic::suggestion;
use base::{Diagnostic, Diagnostics};

use super::Scope;
use crate::contract::operand_argument;
use crate::definition::Platform;
use crate::graph::Node;

/// Notes the operands of every component that is built.
pub(super) fn resolve(
    scope: Scope<'_>,
    nodes: &mut BTreeMap<Platform, BTreeMap<String, Node>>,
    findings: &mut Diagnostics,
) {
    let Scope { stream, places, .. } = scope;
    for (name, component) in stream.components.iter().filter(|(_, component)| !component.is_prebuilt()) {
        let mut arguments: BTreeMap<String, &str> = BTreeMap::new();
        for (index, operand) in component.operands.iter().enumerate() {
            let path = ["components", name, "operands", &index.to_string()];
            if !stream.components.contains_key(operand) {
                let finding = unknown(scope, name, operand);
                findings.push(places.at(&path, finding));
                continue;
            }
            let (source, span) = places.value(&path);
            let argument = operand_argument(operand);
            match arguments.insert(argument.clone(), operand) {
                Some(other) if other != operand => {
                    let message = format!(
                        "the operands `{other}` and `{operand}` are both {argument} in the Containerfile"
                    );
                    let help =
                        "give one of these components a name that differs in more than `-`, `.` and `_`";
                    let finding = Diagnostic::error("operands-alike", message).at(source, span);
                    findings.push(finding.help(help));
                }
                _ => {}
            }
            for (platform, nodes) in &mut *nodes {
                let there = nodes.contains_key(operand);
                match nodes.get_mut(name) {
                    Some(node) if there => {
                        node.operands.insert(operand.clone(), (source.clone(), span));
                    }
                    Some(_) => {
                        let message =
                            format!("`{name}` has the operand `{operand}`, which is not on {platform}");
                        let finding =
                            Diagnostic::error("component-not-on-platform", message).at(source, span);
                        let help = format!(
                            "leave `{name}` out on {platform} too, with `platforms`; or let `{operand}` be there"
                        );
                        findings.push(finding.help(help));
                    }
                    None => {}
                }
            }
        }
    }
}

/// An operand that is not there: removed by an overlay, or never was.
fn unknown(scope: Scope<'_>, name: &str, operand: &str) -> Diagnostic {
    const CODE: &str = "unknown-operand";
    if let Some(removed) = scope.history.removed(operand) {
        let message = format!("`{name}` has the operand `{operand}`, which `{}` removes", removed.stream);
        let note = "removed here";
        let help = format!(
            "say what `{name}` names without it: `change: {{component: {name}, operands: […]}}`; or keep `{operand}`"
        );
        return Diagnostic::error(CODE, message).related(&removed.source, removed.span, note).help(help);
    }
    let message = format!("`{name}` has the operand `{operand}`, which does not exist");
    let help = suggestion(operand, scope.stream.components.keys().map(String::as_str));
    Diagnostic::error(CODE, message).help(help)
}
