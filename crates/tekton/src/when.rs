//! Guards: whether a step or pipeline task may run.

use thiserror::Error;

use crate::types::WhenExpression;

/// Evaluates CEL expressions; the engine brings one if it has one.
pub trait Cel {
    /// The truth of `expression`, which holds no references any more.
    ///
    /// # Errors
    /// What is wrong with it: syntax, an unknown name, a result that is not a boolean.
    fn evaluate(&self, expression: &str) -> Result<bool, String>;
}

/// The evaluator of an engine that has none: refuses every expression.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCel;

impl Cel for NoCel {
    fn evaluate(&self, _: &str) -> Result<bool, String> {
        Err("this engine has no CEL evaluator; write the guard with input, operator and values".into())
    }
}

/// A CEL guard that has no truth; the run fails with `CELEvaluationFailed` (§2.18).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{expression}: {problem}")]
pub struct CelError {
    /// The expression after substitution.
    pub expression: String,
    /// What the evaluator said.
    pub problem: String,
}

/// Whether one guard holds: `input` is (or is not) among `values`, or the CEL expression is true (§2.18).
///
/// # Errors
/// Only CEL expressions can fail.
pub fn holds(guard: &WhenExpression, cel: &dyn Cel) -> Result<bool, CelError> {
    if !guard.cel.is_empty() {
        return cel
            .evaluate(&guard.cel)
            .map_err(|problem| CelError { expression: guard.cel.clone(), problem });
    }
    let found = guard.values.contains(&guard.input);
    Ok(if guard.operator == "notin" { !found } else { found })
}

/// Whether all guards hold; no guard holds.
///
/// # Errors
/// The first CEL expression that fails, also behind a guard that does not hold, as on a cluster.
pub fn all_hold(guards: &[WhenExpression], cel: &dyn Cel) -> Result<bool, CelError> {
    let mut all = true;
    for guard in guards {
        all &= holds(guard, cel)?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn guard(input: &str, operator: &str, values: &[&str]) -> WhenExpression {
        let values = values.iter().map(|v| (*v).to_owned()).collect();
        WhenExpression { input: input.into(), operator: operator.into(), values, cel: String::new() }
    }

    #[test]
    fn in_and_notin() {
        for (input, operator, values, expected) in [
            ("a", "in", &["a", "b"][..], true),
            ("c", "in", &["a", "b"], false),
            ("a", "notin", &["a", "b"], false),
            ("c", "notin", &["a", "b"], true),
            ("", "in", &[""], true),
            ("$(tasks.a.results.r)", "notin", &["x"], true),
        ] {
            assert_eq!(
                holds(&guard(input, operator, values), &NoCel).unwrap(),
                expected,
                "{input} {operator}"
            );
        }
        assert!(all_hold(&[], &NoCel).unwrap());
        assert!(!all_hold(&[guard("a", "in", &["a"]), guard("a", "in", &["b"])], &NoCel).unwrap());
    }

    #[test]
    fn cel_needs_an_evaluator() {
        struct True;
        impl Cel for True {
            fn evaluate(&self, _: &str) -> Result<bool, String> {
                Ok(true)
            }
        }
        let cel = WhenExpression { cel: "'a' == 'a'".into(), ..WhenExpression::default() };
        assert!(holds(&cel, &True).unwrap());
        let error = all_hold(&[guard("a", "in", &["b"]), cel], &NoCel).unwrap_err();
        assert!(error.to_string().starts_with("'a' == 'a': this engine has no CEL evaluator"), "{error}");
    }
}
