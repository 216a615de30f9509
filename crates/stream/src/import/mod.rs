//! Streams made of what others have.
//!
//! - [`payload`]: a published release payload

pub mod payload;
