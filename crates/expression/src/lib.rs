//! The Common Expression Language (CEL), evaluated with limits: an expression can neither run for long nor take much memory,
//! whatever it says and whatever its variables hold. This is the only place that knows the evaluator.
//!
//! - [`evaluate`](mod@evaluate): an expression to its value; [`ExpressionError`]
//! - [`scope`]: the variables and functions that it may use
//! - `budget`: what an evaluation may cost
//! - `text`: functions on texts whose cost is a product
//! - `convert`: JSON values to those of the evaluator and back

mod budget;
mod convert;
pub mod evaluate;
pub mod scope;
mod text;

pub use evaluate::{ExpressionError, evaluate, syntax};
pub use scope::Scope;
