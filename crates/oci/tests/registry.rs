//! The registry server, asked by hand and by the tools that people use.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "registry/distribution.rs"]
mod distribution;
#[path = "registry/limits.rs"]
mod limits;
#[path = "registry/protocol.rs"]
mod protocol;
#[path = "registry/tools.rs"]
mod tools;
#[path = "registry/uploads.rs"]
mod uploads;
