//! An expression to its value.

use std::sync::Arc;

use cel::common::value::CowVal;
use cel::{Context, Env, ExecutionError, FunctionContext, IdedExpr, ParseErrors, Value};
use serde_json::Value as Json;

use crate::budget::{self, Budget};
use crate::convert::{from_json, to_json};
use crate::scope::{Function, Scope};
use crate::text;

/// Longer expressions are refused; people write lines.
const LONGEST: usize = 4096;

/// Parser and evaluator call themselves, at most once for each byte of the longest expression. The kernel gives this memory
/// only when it is touched.
const STACK: usize = 256 << 20;

/// At most so much of an evaluator's message is shown: it may quote whole values.
const LONGEST_MESSAGE: usize = 300;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpressionError {
    /// It is no expression, whatever the variables are.
    Syntax(String),
    /// It cannot be evaluated with these variables.
    Evaluation(String),
}

impl std::fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax(message) | Self::Evaluation(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ExpressionError {}

/// The value of an expression, as JSON.
///
/// # Errors
/// What is wrong with it, for the person who wrote it.
pub fn evaluate(expression: &str, scope: &Scope) -> Result<Json, ExpressionError> {
    apart(expression, || {
        let tree = parse(expression)?;
        value(tree, scope)
    })
}

/// Whether a text is an expression at all.
///
/// # Errors
/// What is wrong with it.
pub fn syntax(expression: &str) -> Result<(), ExpressionError> {
    apart(expression, || parse(expression).map(drop))
}

/// Does it with enough stack for any expression.
fn apart<T: Send>(
    expression: &str,
    work: impl FnOnce() -> Result<T, ExpressionError> + Send,
) -> Result<T, ExpressionError> {
    if expression.len() > LONGEST {
        return Err(ExpressionError::Syntax(format!(
            "the expression is {} bytes long, and at most {LONGEST} are evaluated; let a task decide and compare its result",
            expression.len()
        )));
    }
    std::thread::scope(|scope| {
        let evaluation =
            std::thread::Builder::new().name("cel".to_owned()).stack_size(STACK).spawn_scoped(scope, work);
        let evaluation = evaluation
            .map_err(|e| ExpressionError::Evaluation(format!("cannot evaluate the expression: {e}")))?;
        evaluation.join().unwrap_or_else(|_| {
            Err(ExpressionError::Evaluation("the evaluator cannot cope with this expression".to_owned()))
        })
    })
}

fn parse(expression: &str) -> Result<IdedExpr, ExpressionError> {
    let mut tree = Env::stdlib().parser().parse(expression).map_err(|e| told(&e))?;
    budget::meter(&mut tree);
    Ok(tree)
}

fn value(tree: IdedExpr, scope: &Scope) -> Result<Json, ExpressionError> {
    let context = context(scope).map_err(|e| ExpressionError::Evaluation(e.to_string()))?;
    let value = Value::resolve(&tree, &context).map_err(|e| meaning(&e))?;
    to_json(&value).map_err(|what| ExpressionError::Evaluation(format!("the result is {what}")))
}

fn context<'a>(scope: &Scope) -> Result<Context<'a, 'a>, Box<dyn std::error::Error>> {
    let mut environment = Env::stdlib();
    cel::extensions::strings(&mut environment)?;
    let mut context = Context::with_env(Arc::new(environment));
    for (name, value) in &scope.variables {
        context.add_variable_from_value(name.as_str(), from_json(value));
    }
    let budget = Arc::new(Budget::default());
    for (name, function) in &scope.functions {
        let (function, budget) = (function.clone(), budget.clone());
        context.add_function(name, move |call: &FunctionContext<'_, '_>| given(call, &function, &budget))?;
    }
    for name in text::NAMES {
        let budget = budget.clone();
        let function = move |call: &FunctionContext<'_, '_>| {
            budget.check()?;
            let (this, args) = arguments(call)?;
            text::call(name, &this.unwrap_or(Value::Null), &args, &budget)
        };
        context.add_function(&format!("@{name}"), function)?;
    }
    context.add_function(budget::CHARGE, charging(budget))?;
    Ok(context)
}

/// A function as the evaluator keeps it.
type Native = Box<
    dyn for<'context, 'call> Fn(
            &mut FunctionContext<'context, 'call>,
        ) -> Result<CowVal<'context, 'call>, ExecutionError>
        + Send
        + Sync,
>;

/// Weighs its argument and gives it back as it is.
fn charging(budget: Arc<Budget>) -> Native {
    Box::new(move |call| {
        budget.check()?;
        let argument = call.args.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
        budget.weigh(&Value::try_from(argument.as_ref())?)?;
        Ok(argument)
    })
}

type Arguments = (Option<Value>, Vec<Value>);

fn arguments(call: &FunctionContext<'_, '_>) -> Result<Arguments, ExecutionError> {
    let this = call.this.as_ref().map(|value| Value::try_from(value.as_ref())).transpose()?;
    let args = call.args.iter().map(|value| Value::try_from(value.as_ref())).collect::<Result<_, _>>()?;
    Ok((this, args))
}

fn given(
    call: &FunctionContext<'_, '_>,
    function: &Function,
    budget: &Budget,
) -> Result<Value, ExecutionError> {
    budget.check()?;
    let (this, args) = arguments(call)?;
    let mut values = Vec::with_capacity(args.len() + 1);
    for value in this.iter().chain(&args) {
        budget.weigh(value)?;
        values.push(to_json(value).map_err(|what| call.error(what))?);
    }
    let result = from_json(&function(&values).map_err(|why| call.error(why))?);
    budget.weigh(&result)?;
    Ok(result)
}

fn told(errors: &ParseErrors) -> ExpressionError {
    ExpressionError::Syntax(match errors.errors.first() {
        Some(first) => {
            let message = first.msg.strip_prefix("Syntax error: ").unwrap_or(&first.msg);
            shortened(&format!("syntax error at column {}: {message}", first.pos.1.max(1)))
        }
        None => "syntax error".to_owned(),
    })
}

fn meaning(error: &ExecutionError) -> ExpressionError {
    ExpressionError::Evaluation(match error {
        ExecutionError::UndeclaredReference(name) => {
            shortened(&format!("there is nothing called `{}`", name.trim_start_matches('@')))
        }
        ExecutionError::NoSuchKey(key) => shortened(&format!("there is no key `{key}`")),
        ExecutionError::FunctionError { function, message } => {
            shortened(&format!("{}: {message}", function.trim_start_matches('@')))
        }
        other => shortened(&other.to_string()),
    })
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
    use serde_json::json;

    use super::*;

    fn with(body: Json, expression: &str) -> Result<Json, String> {
        let scope = Scope::default()
            .variable("body", body)
            .function("twice", |args| Ok(json!(format!("{0}{0}", args[0].as_str().ok_or("no text")?))));
        evaluate(expression, &scope).map_err(|e| e.to_string())
    }

    #[test]
    fn variables_functions_and_texts() {
        let body = json!({"count": 2, "measure": 1.5, "ref": "refs/heads/main", "tags": ["a", "b"], "sha": "abcdef",
            "commits": [{"files": ["x.go", "docs/a.md"]}, {"files": []}], "none": null});
        for (expression, expected) in [
            ("body.count == 2.0", json!(true)),
            ("body.count == 2", json!(true)),
            ("body.count + 1.0", json!(3)),
            ("int(body.count) + 2", json!(4)),
            ("body.measure * 3.0", json!(4.5)),
            ("body.ref.split('/')[2]", json!("main")),
            ("'a,b,c'.split(',', 2)", json!(["a", "b,c"])),
            ("'abc'.split('')", json!(["a", "b", "c"])),
            ("body.tags.join('-')", json!("a-b")),
            ("'a.b.c'.replace('.', '-', 1)", json!("a-b.c")),
            ("'Ab'.lowerAscii() + 'Ab'.upperAscii()", json!("abAB")),
            ("body.commits.exists(c, c.files.exists(f, f.endsWith('.md')))", json!(true)),
            ("body.commits.map(c, size(c.files))", json!([2, 0])),
            ("body.tags.filter(t, t != 'a')", json!(["b"])),
            ("body.sha.twice()", json!("abcdefabcdef")),
            ("twice(body.sha)", json!("abcdefabcdef")),
            ("has(body.sha) && !has(body.missing) && !('x' in body)", json!(true)),
            ("{'a': body.none, 'b': [body.count]}", json!({"a": null, "b": [2]})),
            ("body.none == null", json!(true)),
        ] {
            assert_eq!(with(body.clone(), expression), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_plainly() {
        let error = |expression| with(json!({"a": 1}), expression).unwrap_err();
        assert_eq!(error("body.b"), "there is no key `b`");
        assert_eq!(error("nothing"), "there is nothing called `nothing`");
        assert_eq!(error("nothing('a')"), "there is nothing called `nothing`");
        assert_eq!(error("twice(1)"), "twice: no text");
        assert!(error("'%s'.format(['a'])").starts_with("format: it is not evaluated here"));
        assert!(error("'a'.split(1)").starts_with("split: it cannot be called"), "{}", error("'a'.split(1)"));
        assert!(error("body.a ==").starts_with("syntax error at column "));
        assert!(error("body.a * 3").contains("mul"), "{}", error("body.a * 3"));
        assert!(matches!(syntax("a =="), Err(ExpressionError::Syntax(_))));
        assert_eq!(syntax("a == b"), Ok(()));
    }

    #[test]
    fn what_goes_over_too_much_is_stopped() {
        let many = json!({"xs": vec![1; 3000], "text": "x".repeat(100_000)});
        let error = |expression| with(many.clone(), expression).unwrap_err();
        for expression in [
            "body.xs.exists(a, body.xs.exists(b, body.xs.exists(c, body.xs.exists(d, false))))",
            "body.xs.map(a, body.xs.map(b, body.xs))",
            "body.xs.map(a, body)",
            "body.xs.map(a, {'a': body})",
            "body.xs.map(a, body.text + body.text)",
            "body.text.replace('x', body.text)",
            "body.text.replace('', body.text)",
            "body.xs.map(a, body.text).join(body.text)",
            "body.xs.map(a, body.text.split(''))",
            "body.xs.map(a, twice(body.text))",
        ] {
            assert!(
                error(expression).ends_with("goes over too much data"),
                "{expression}: {}",
                error(expression)
            );
        }
        assert_eq!(
            with(many.clone(), "body.xs.all(x, x == 1.0) && body.xs.map(x, x + 1.0)[2999] == 2.0"),
            Ok(json!(true))
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "[a-z0-9'\"\\[\\](){}.,:?!=<>&|+*/% @-]{0,60}|\\PC{0,20}") {
            let _ = with(json!({"a": [1, "b"]}), &text);
        }
    }
}
