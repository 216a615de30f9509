//! Guards in the Common Expression Language (tekton.md §2.18).
//!
//! There are no variables: Tekton puts params and results into the text before it is evaluated.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use cel::{Context, ExecutionError, ParseErrors, Program, Value};
use tekton::when::Cel;

/// Longer expressions are refused; a guard of a pipeline is a line.
const LONGEST: usize = 4096;

/// Parser and evaluator call themselves, at most once for each byte of the longest expression. The kernel gives this memory
/// only when it is touched.
const STACK: usize = 256 << 20;

/// At most so much of an evaluator's message is shown: it may quote whole values.
const LONGEST_MESSAGE: usize = 300;

/// Evaluates guards in this process. An expression can neither run for long nor take much memory: its length is limited, and
/// so are loops, which (without variables) only go over what is written in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evaluator;

impl Cel for Evaluator {
    fn evaluate(&self, expression: &str) -> Result<bool, String> {
        if expression.len() > LONGEST {
            return Err(format!(
                "the expression is {} bytes long, and at most {LONGEST} are evaluated; let a task decide and compare its result",
                expression.len()
            ));
        }
        std::thread::scope(|scope| {
            let evaluation = std::thread::Builder::new()
                .name("cel".to_owned())
                .stack_size(STACK)
                .spawn_scoped(scope, || evaluate(expression))
                .map_err(|e| format!("cannot evaluate the expression: {e}"))?;
            evaluation
                .join()
                .unwrap_or_else(|_| Err("the evaluator cannot cope with this expression".to_owned()))
        })
    }
}

fn evaluate(expression: &str) -> Result<bool, String> {
    let program = Program::compile(expression).map_err(|e| syntax(&e))?;
    if loops(program.expression()) > 1 {
        return Err(
            "a loop inside or over a loop is not evaluated; let a task decide and compare its result".into(),
        );
    }
    match program.execute(&Context::default()) {
        Ok(Value::Bool(truth)) => Ok(truth),
        Ok(other) => {
            Err(format!("the result is of type {}, but a guard must be true or false", other.type_of()))
        }
        Err(e) => Err(meaning(&e)),
    }
}

/// How deep loops (`all`, `exists`, `map`, …) are nested, where one over the result of another counts as nested.
fn loops(of: &IdedExpr) -> usize {
    let most = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(loops).max().unwrap_or(0);
    match &of.expr {
        Expr::Comprehension(c) => {
            let each = [&c.accu_init, &c.loop_cond, &c.loop_step, &c.result];
            1 + loops(&c.iter_range) + most(&mut each.into_iter())
        }
        Expr::Call(call) => most(&mut call.target.as_deref().into_iter().chain(&call.args)),
        Expr::List(list) => most(&mut list.elements.iter()),
        Expr::Select(select) => loops(&select.operand),
        Expr::Map(cel::common::ast::MapExpr { entries })
        | Expr::Struct(cel::common::ast::StructExpr { entries, .. }) => {
            let deep = entries.iter().map(|entry| match &entry.expr {
                EntryExpr::MapEntry(e) => loops(&e.key).max(loops(&e.value)),
                EntryExpr::StructField(e) => loops(&e.value),
            });
            deep.max().unwrap_or(0)
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 0,
    }
}

fn syntax(errors: &ParseErrors) -> String {
    match errors.errors.first() {
        Some(first) => {
            let message = first.msg.strip_prefix("Syntax error: ").unwrap_or(&first.msg);
            shortened(&format!("syntax error at column {}: {message}", first.pos.1.max(1)))
        }
        None => "syntax error".to_owned(),
    }
}

fn meaning(error: &ExecutionError) -> String {
    match error {
        ExecutionError::UndeclaredReference(name) => shortened(&format!(
            "there is nothing called `{name}`; write texts in quotes, as in '$(params.name)' == 'value'"
        )),
        other => shortened(&other.to_string()),
    }
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
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
        ] {
            assert_eq!(truth(expression), expected, "{expression}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_plainly() {
        assert!(error("yes == 'yes'").starts_with("there is nothing called `yes`; write texts in quotes"));
        assert_eq!(error("'a'"), "the result is of type string, but a guard must be true or false");
        assert!(error("'a' == ").starts_with("syntax error at column "), "{}", error("'a' == "));
        assert!(error("").starts_with("syntax error"), "{}", error(""));
        assert!(error("'a'.matches('(')").contains("regex"), "{}", error("'a'.matches('(')"));
        assert!(error("1 / 0 == 1").contains("zero"), "{}", error("1 / 0 == 1"));
        assert!(error("nothing('a')").contains("nothing"), "{}", error("nothing('a')"));
    }

    #[test]
    fn what_an_expression_may_cost_is_limited() {
        let long = format!("'{}' == ''", "x".repeat(LONGEST));
        assert!(error(&long).starts_with("the expression is 4104 bytes long"), "{}", error(&long));
        for nested in [
            "[1].all(x, [2].all(y, x < y))",
            "[1].map(x, x).all(x, x == 1)",
            "{'a': [1].map(x, [x].map(y, y))} == {}",
        ] {
            assert!(error(nested).starts_with("a loop inside or over a loop"), "{nested}");
        }
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
        ] {
            // Whatever it says, it comes back.
            let _ = Evaluator.evaluate(&deep);
        }
        let values = format!("'{}' < 1", "x".repeat(4000));
        assert!(error(&values).chars().count() <= LONGEST_MESSAGE + 1);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "[ -~]{0,40}|[a-z0-9'\"\\[\\](){}.,:?!=<>&|+*/% -]{0,60}|\\PC{0,20}") {
            let _ = Evaluator.evaluate(&text);
        }
    }
}
