//! Components that start from each other.

use base::Diagnostic;

use crate::graph::Cycle;

/// Says who starts from whom, and where.
pub(super) fn finding(cycle: &Cycle) -> Diagnostic {
    let message = format!("components start from each other: {}", cycle.path.join(" → "));
    let mut finding = Diagnostic::error("base-cycle", message)
        .help("let one of them start from something else: change its FROM, or the entry in `bases`");
    for pair in cycle.path.windows(2) {
        let [from, to] = pair else { continue };
        let Some(node) = cycle.nodes.get(from) else { continue };
        let base = node.bases.values().find(|base| base.image.component() == Some(to));
        if let Some(base) = base {
            if finding.place.is_none() {
                finding = finding.at(&base.source, base.span);
            } else {
                finding = finding.related(&base.source, base.span, format!("`{from}` starts from `{to}`"));
            }
        }
    }
    finding
}
