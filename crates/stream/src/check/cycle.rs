//! Components that depend on each other.

use base::Diagnostic;

use super::Scope;
use crate::graph::Cycle;

/// The codes of [`finding`].
pub(super) const CODES: [&str; 2] = ["operand-cycle", "base-cycle"];

/// Says who depends on whom, and where; of an overlay also which of its operations say so.
pub(super) fn finding(scope: Scope<'_>, cycle: &Cycle) -> Diagnostic {
    let path = cycle.path.join(" → ");
    let mut places = Vec::new();
    let mut names_operand = false;
    for pair in cycle.path.windows(2) {
        let [from, to] = pair else { continue };
        let Some(node) = cycle.nodes.get(from) else { continue };
        let base = node.bases.values().find(|base| base.image.component() == Some(to));
        if let Some(base) = base {
            places.push((&base.source, base.span, format!("`{from}` starts from `{to}`")));
            let entry = base.entry.as_ref().map(|entry| scope.places.key(&["bases", entry]));
            if let Some((source, span)) = entry.filter(|(source, _)| scope.is_operation(source)) {
                places.push((source, span, format!("this makes it `{to}`")));
            }
        } else if let Some((source, span)) = node.operands.get(to) {
            names_operand = true;
            places.push((source, *span, format!("`{from}` has the operand `{to}`")));
        }
    }
    let mut finding = if names_operand {
        Diagnostic::error("operand-cycle", format!("components depend on each other: {path}"))
            .help("an image can only name one that is built before it: take one of them out of `operands`")
    } else {
        let help = if scope.is_overlay() {
            "let one of them start from something else, with `setBase`, or `change` and its `from`"
        } else {
            "let one of them start from something else: change its FROM, or the entry in `bases`"
        };
        Diagnostic::error("base-cycle", format!("components start from each other: {path}")).help(help)
    };
    for (index, (source, span, note)) in places.into_iter().enumerate() {
        finding = if index == 0 { finding.at(source, span) } else { finding.related(source, span, note) };
    }
    finding
}
