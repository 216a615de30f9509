//! What is in an image, as far as its layers tell without running it: Debian packages, and files that run with the rights of others.
//!
//! - [`inventory`]: layers to what the image holds
//! - [`rules`]: what of that is not to be there

pub mod inventory;
pub mod rules;

pub use inventory::{Inventory, InventoryError, read};
pub use rules::{Finding, Rules};
