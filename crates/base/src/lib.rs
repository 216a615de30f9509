//! What every other crate speaks: diagnostics that point into text, digests, names, time, exit codes. No IO.
//!
//! - [`source`]: a named text and a span in it
//! - [`diagnostic`]: what is wrong, where, and what to do
//! - [`digest`]: `sha256:…`, computed and parsed
//! - [`name`]: random suffixes for generated names
//! - [`clock`]: time as a value that tests can set
//! - [`exit`]: the exit codes of the program
//! - [`size`]: bytes and durations as people read them
//! - [`together`]: many questions at the same time
//! - [`wildcard`]: patterns with `*`

pub mod clock;
pub mod diagnostic;
pub mod digest;
pub mod exit;
pub mod name;
pub mod size;
pub mod source;
pub mod together;
pub mod wildcard;

pub use clock::{Clock, SystemClock};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use digest::{Digest, Hasher};
pub use exit::Exit;
pub use source::{Source, Span};
