//! The step cache: a task that would do again what it did is not run again (`--cache`).
//!
//! What decides is the key: a digest of all that steps can see, keyed with a secret of this cache so that it tells nothing
//! of what went in. Under it lies what came of it: states of steps, results, logs, and what changed in the volumes.
//!
//! - [`tree`]: the content of a folder as a value, and the difference of two
//! - [`mod@key`]: what a task sees
//! - [`volumes`]: which tasks of a run share a volume at the same time
//! - [`store`]: entries and contents on disk
//! - [`attempt`]: an attempt with the cache before and after it

pub mod attempt;
pub mod key;
pub mod store;
pub mod tree;
pub mod volumes;

pub use store::StepCache;
