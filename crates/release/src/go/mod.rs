//! What Go's standard library would print or accept. Payload files are compared byte for byte with those of Go
//! programs, so its habits are part of the format.
//!
//! - [`json`]: as `encoding/json` writes: HTML escapes, key order of maps, numbers
//! - [`fold`]: as `encoding/json` reads: field names match in any case
//! - [`columns`]: as `text/tabwriter` aligns
//! - [`time`]: as `time.Time` is written

pub mod columns;
pub mod fold;
pub mod json;
pub mod time;
