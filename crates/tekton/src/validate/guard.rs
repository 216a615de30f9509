//! When expressions (§3.2 #28).

use super::finding::{At, Findings};
use crate::types::WhenExpression;

/// The guards of a step or pipeline task.
pub(super) fn all(f: &mut Findings<'_>, guards: &[WhenExpression], at: &At) {
    for (i, guard) in guards.iter().enumerate() {
        one(f, guard, at.index("when", i));
    }
}

fn one(f: &mut Findings<'_>, guard: &WhenExpression, at: At) {
    let WhenExpression { input, operator, values, cel } = guard;
    if !cel.is_empty() {
        if !f.features.cel {
            f.error_with_help(
                format!("feature flag enable-cel-in-whenexpression should be set to true to use CEL: {cel} in WhenExpression"),
                &[at],
                "write input, operator and values instead, or set the flag in the ConfigMap feature-flags",
            );
        } else if !input.is_empty() || !operator.is_empty() || !values.is_empty() {
            let shown = format!("{{{input} {operator} [{}] {cel}}}", values.join(" "));
            f.error(
                format!("cel and input+operator+values cannot be set in one WhenExpression: {shown}"),
                &[at.untold()],
            );
        }
        return;
    }
    if *guard == WhenExpression::default() {
        f.missing(at);
    } else if !matches!(operator.as_str(), "in" | "notin") {
        f.invalid(format!("operator {operator:?} is not recognized. valid operators: in,notin"), at);
    } else if values.is_empty() {
        f.invalid("expecting non-empty values field", at);
    }
}
