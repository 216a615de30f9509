//! The pipeline of a stream as a template: what its tasks refer to, and which waits for which.
//!
//! - [`reference`]: `$(tasks.NAME…)` in its texts
//! - [`order`]: which task waits for which
//! - [`offered`]: what the contract offers a task

pub mod offered;
pub mod order;
pub mod reference;

pub use order::Order;

#[cfg(test)]
mod tests;
