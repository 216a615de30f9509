//! Guards in the Common Expression Language (tekton.md §2.18).
//!
//! There are no variables: Tekton puts params and results into the text before it is evaluated.

use expression::{ExpressionError, Scope, evaluate};
use serde_json::Value;
use tekton::when::Cel;

/// Evaluates guards in this process; what they may cost is limited.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evaluator;

impl Cel for Evaluator {
    fn evaluate(&self, expression: &str) -> Result<bool, String> {
        match evaluate(expression, &Scope::default()) {
            Ok(Value::Bool(truth)) => Ok(truth),
            Ok(other) => {
                Err(format!("the result is {}, but a guard must be true or false", described(&other)))
            }
            Err(ExpressionError::Evaluation(why)) if why.starts_with("there is nothing called") => {
                Err(format!("{why}; write texts in quotes, as in '$(params.name)' == 'value'"))
            }
            Err(why) => Err(why.to_string()),
        }
    }
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn truth(expression: &str) -> bool {
        Evaluator.evaluate(expression).unwrap_or_else(|e| panic!("{expression}: {e}"))
    }

    fn error(expression: &str) -> String {
        Evaluator.evaluate(expression).unwrap_err()
    }

    #[test]
    fn guards_of_the_examples() {
        // pipelinerun-with-cel-when-expressions, as Tekton substitutes them.
        for (expression, expected) in [
            ("'README.md' == 'README.md'", true),
            ("'yes' == 'yes'", true),
            ("'yes'=='missing'", false),
            ("'README.md'!='README.md'", false),
            ("'monday'=='friday'", false),
            ("'Succeeded'=='Failure'", false),
            ("'Completed'=='Failure'", false),
            ("'Completed'=='Succeeded'", false),
            ("'Succeeded'=='Succeeded'", true),
            ("'Completed'=='Completed'", true),
        ] {
            assert_eq!(truth(expression), expected, "{expression}");
        }
    }

    #[test]
    fn operators_functions_and_loops() {
        for (expression, expected) in [
            ("'release/v0.3'.startsWith('release/') && !('a' in ['b', 'c'])", true),
            ("'v1.2.3'.matches('^v[0-9]+')", true),
            ("size('abc') > 3 || 1 + 1 == 2", true),
            ("['a', 'b'].exists(x, x == 'b') && ['a'].all(x, x != 'b')", true),
            ("int('7') < 7", false),
            ("'naïve' == \"naïve\" ? true : false", true),
            ("duration('90m') > duration('1h') && duration('-1h30m') < duration('0s')", true),
            (
                "timestamp('2024-05-01T12:00:00Z') + duration('24h') == timestamp('2024-05-02T14:00:00+02:00')",
                true,
            ),
            ("timestamp('2024-05-01T00:00:00Z') > timestamp('2024-06-01T00:00:00Z')", false),
            ("timestamp('2024-05-01T23:00:00Z').getFullYear() == 2024", true),
        ] {
            assert_eq!(truth(expression), expected, "{expression}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_plainly() {
        assert!(error("yes == 'yes'").starts_with("there is nothing called `yes`; write texts in quotes"));
        assert_eq!(error("'a'"), "the result is a text, but a guard must be true or false");
        assert!(error("'a' == ").starts_with("syntax error at column "), "{}", error("'a' == "));
        assert!(error("").starts_with("syntax error"), "{}", error(""));
        assert!(error("'a'.matches('(')").contains("regex"), "{}", error("'a'.matches('(')"));
        assert!(error("1 / 0 == 1").contains("zero"), "{}", error("1 / 0 == 1"));
        for wrong in [
            "timestamp('yesterday') > timestamp('2024-05-01T00:00:00Z')",
            "duration('soon') > duration('1h')",
        ] {
            assert!(!error(wrong).is_empty(), "{wrong}");
        }
        assert!(error("nothing('a')").contains("nothing"), "{}", error("nothing('a')"));
    }

    #[test]
    fn what_an_expression_may_cost_is_limited() {
        let long = format!("'{}' == ''", "x".repeat(4096));
        assert!(error(&long).starts_with("the expression is 4104 bytes long"), "{}", error(&long));
        assert!(truth("[1].all(x, [2].all(y, x < y)) && [1].map(x, x).all(x, x == 1)"));
        let hundreds = format!("[{}]", vec!["1"; 400].join(","));
        let nested =
            format!("{hundreds}.all(x, {hundreds}.all(y, {hundreds}.all(z, {hundreds}.all(u, true))))");
        assert!(error(&nested).ends_with("goes over too much data"), "{}", error(&nested));
        let deep = format!("{}true{}", "(".repeat(2000), ")".repeat(2000));
        assert!(error(&deep).starts_with("syntax error"), "{}", error(&deep));
        for deep in [
            "!".repeat(4000) + "true",
            "[".repeat(4000),
            "{1:".repeat(1300),
            "f(".repeat(2000),
            "a".to_owned() + &".a".repeat(2000),
            "a".to_owned() + &"[1]".repeat(1300),
            "true?".repeat(800),
            "true".to_owned() + &"?true:true".repeat(400),
            "true".to_owned() + &"||true".repeat(600),
            "''".to_owned() + &"+''".repeat(1300),
            "[1]".to_owned() + &".map(x,x)".repeat(400),
            "-".repeat(4000) + "1 == 1",
            "1".to_owned() + &"+1".repeat(2000) + " == 0",
            "duration('9223372036854775807h') == duration('1s')".to_owned(),
            "timestamp('9999-12-31T23:59:59Z') + duration('2000000h') == timestamp('0001-01-01T00:00:00Z')"
                .to_owned(),
        ] {
            // Whatever it says, it comes back.
            let _ = Evaluator.evaluate(&deep);
        }
        let values = format!("'{}' < 1", "x".repeat(4000));
        assert!(error(&values).chars().count() < 400);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "[ -~]{0,40}|[a-z0-9'\"\\[\\](){}.,:?!=<>&|+*/% -]{0,60}|\\PC{0,20}") {
            let _ = Evaluator.evaluate(&text);
        }
    }
}
