//! Functions on texts whose result can be as large as a product: their cost is known before they do anything.

use cel::{ExecutionError, Value};

use crate::budget::Budget;

/// The methods that are replaced by those of this module.
pub const NAMES: [&str; 4] = ["replace", "join", "split", "format"];

/// What a piece of a split text weighs.
const PIECE: u64 = 48;

/// Calls one of [`NAMES`].
///
/// # Errors
/// Wrong arguments, and more than the budget has.
pub fn call(name: &str, this: &Value, args: &[Value], budget: &Budget) -> Result<Value, ExecutionError> {
    match (name, this, args) {
        ("replace", Value::String(text), [Value::String(from), Value::String(to)]) => {
            charge_replacing(text, from, to, budget)?;
            Ok(text.replace(from.as_str(), to).into())
        }
        ("replace", Value::String(text), [Value::String(from), Value::String(to), Value::Int(most)]) => {
            charge_replacing(text, from, to, budget)?;
            match usize::try_from(*most) {
                Ok(most) => Ok(text.replacen(from.as_str(), to, most).into()),
                // As in Go, a negative limit is none.
                Err(_) => Ok(text.replace(from.as_str(), to).into()),
            }
        }
        ("split", Value::String(text), [Value::String(at)]) => split(text, at, -1, budget),
        ("split", Value::String(text), [Value::String(at), Value::Int(most)]) => {
            split(text, at, *most, budget)
        }
        ("join", Value::List(_), []) => join(name, this, "", budget),
        ("join", Value::List(_), [Value::String(between)]) => join(name, this, between, budget),
        ("format", ..) => {
            Err(ExecutionError::function_error(name, "it is not evaluated here; join texts with +"))
        }
        _ => Err(ExecutionError::function_error(
            name,
            format!(
                "it cannot be called on a value of type {} with {} arguments of these types",
                this.type_of(),
                args.len()
            ),
        )),
    }
}

fn charge_replacing(text: &str, from: &str, to: &str, budget: &Budget) -> Result<(), ExecutionError> {
    let places = text.len().checked_div(from.len()).map_or(text.len() + 1, |n| n + 1) as u64;
    budget.charge(text.len() as u64 + places.saturating_mul(to.len() as u64))
}

/// As Go's `strings.SplitN`: no text between the pieces means each character, a negative limit none.
fn split(text: &str, at: &str, most: i64, budget: &Budget) -> Result<Value, ExecutionError> {
    let pieces = text.len().checked_div(at.len()).unwrap_or(text.len()) as u64 + 1;
    budget.charge(text.len() as u64 + pieces.saturating_mul(PIECE))?;
    let limit = usize::try_from(most).unwrap_or(usize::MAX);
    let pieces: Vec<Value> = if limit == 0 {
        Vec::new()
    } else if at.is_empty() {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if found.len() + 1 == limit {
                found.push(Value::from(rest));
                break;
            }
            let (piece, after) = rest.split_at(first.len_utf8());
            found.push(Value::from(piece));
            rest = after;
        }
        found
    } else {
        text.splitn(limit, at).map(Value::from).collect()
    };
    Ok(Value::from(pieces))
}

fn join(name: &str, list: &Value, between: &str, budget: &Budget) -> Result<Value, ExecutionError> {
    let Value::List(items) = list else { return Ok(Value::Null) };
    budget.weigh(list)?;
    budget.charge((items.len() as u64).saturating_mul(between.len() as u64))?;
    let texts: Option<Vec<&str>> =
        items.iter().map(|item| if let Value::String(s) = item { Some(s.as_str()) } else { None }).collect();
    texts
        .map(|texts| Value::from(texts.join(between)))
        .ok_or_else(|| ExecutionError::function_error(name, "the list has something else than texts in it"))
}
