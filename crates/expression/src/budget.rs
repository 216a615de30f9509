//! What an evaluation may cost.
//!
//! The evaluator itself has no limit. So the tree of an expression is changed before it is evaluated: what a loop goes over, what is
//! put into a list or a map, and what is added up passes through a function that charges its weight. No expression can call
//! that function itself: its name cannot be written.

use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, MapExpr, StructExpr};
use cel::objects::Key;
use cel::{ExecutionError, Value};

/// The function that charges for its argument and gives it back.
pub const CHARGE: &str = "@charge";

/// Bytes that an evaluation may go over or build.
const BUDGET: u64 = 128 << 20;

/// What a value weighs beside its text.
const EACH: u64 = 192;

/// What is said when nothing is left.
const SPENT: &str = "it goes over too much data";

/// What is left.
#[derive(Debug)]
pub struct Budget(AtomicU64);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU64::new(BUDGET))
    }
}

impl Budget {
    /// Takes `bytes` off.
    ///
    /// # Errors
    /// When there is not so much left; from then on, always: a loop may go on after an error in it.
    pub fn charge(&self, bytes: u64) -> Result<(), ExecutionError> {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(bytes);
        self.0.store(left, Ordering::Relaxed);
        self.check()
    }

    /// Whether anything is left.
    ///
    /// # Errors
    /// When there is not.
    pub fn check(&self) -> Result<(), ExecutionError> {
        if self.0.load(Ordering::Relaxed) > 0 {
            return Ok(());
        }
        Err(ExecutionError::function_error("expression", SPENT))
    }

    /// Takes the weight of a value off.
    ///
    /// # Errors
    /// Those of [`Budget::charge`].
    pub fn weigh(&self, value: &Value) -> Result<(), ExecutionError> {
        self.charge(weight(value))
    }
}

fn weight(value: &Value) -> u64 {
    let inside = match value {
        Value::String(s) => s.len() as u64,
        Value::Bytes(b) => b.len() as u64,
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Map(map) => map
            .map
            .iter()
            .map(|(key, value)| {
                let key = if let Key::String(s) = key { s.len() as u64 } else { 0 };
                EACH + key + weight(value)
            })
            .sum(),
        _ => 0,
    };
    EACH + inside
}

/// Puts charges into a tree, and [`crate::text`]'s functions in the place of those they stand for.
pub fn meter(tree: &mut IdedExpr) {
    within(tree, None);
}

/// `accumulator`: the name of what the loop around this step adds up; the evaluator does that in place.
fn within(tree: &mut IdedExpr, accumulator: Option<&str>) {
    match &mut tree.expr {
        Expr::Comprehension(c) => {
            for part in [&mut c.iter_range, &mut c.accu_init, &mut c.loop_cond, &mut c.result] {
                within(part, None);
            }
            let accumulator = c.accu_var.clone();
            within(&mut c.loop_step, Some(&accumulator));
            charged(&mut c.iter_range);
        }
        Expr::Call(call) => {
            let in_place = adds_to(call, accumulator);
            for part in call.target.as_deref_mut().into_iter().chain(&mut call.args) {
                within(part, accumulator);
            }
            if call.target.is_some() && crate::text::NAMES.contains(&call.func_name.as_str()) {
                call.func_name.insert(0, '@');
            }
            if call.func_name == ADD && !in_place {
                charged(tree);
            }
        }
        Expr::List(list) => {
            for element in &mut list.elements {
                within(element, None);
                charged(element);
            }
        }
        Expr::Select(select) => within(&mut select.operand, None),
        Expr::Map(MapExpr { entries }) | Expr::Struct(StructExpr { entries, .. }) => {
            for entry in entries {
                match &mut entry.expr {
                    EntryExpr::MapEntry(entry) => {
                        within(&mut entry.key, None);
                        within(&mut entry.value, None);
                        charged(&mut entry.value);
                    }
                    EntryExpr::StructField(field) => {
                        within(&mut field.value, None);
                        charged(&mut field.value);
                    }
                }
            }
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}

/// The name of `+` in trees.
const ADD: &str = "_+_";

fn adds_to(call: &CallExpr, accumulator: Option<&str>) -> bool {
    let first = call.args.first().map(|a| &a.expr);
    call.func_name == ADD
        && matches!((first, accumulator), (Some(Expr::Ident(name)), Some(accumulator)) if name == accumulator)
}

fn charged(tree: &mut IdedExpr) {
    let inner = std::mem::take(tree);
    let id = inner.id;
    let call = CallExpr { func_name: CHARGE.to_owned(), target: None, args: vec![inner] };
    *tree = IdedExpr { id, expr: Expr::Call(call) };
}
