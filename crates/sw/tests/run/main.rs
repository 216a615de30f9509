//! `sw run`: Tekton YAML through the binary, in containers of both runtimes.
//!
//! - [`values`]: params and results
//! - [`workspaces`]: folders that steps share
//! - [`containers`]: what a step finds in its container, and what it cannot do there
//! - [`flow`]: what runs, in which order, and what does not
//! - [`sidecars`]: what runs beside the steps
//! - [`ends`]: timeouts, signals, exit codes
//! - [`limits`]: what it cannot do to the machine
//! - [`rootless`]: what is different without root
//! - [`records`]: events, `sw runs`, `sw logs`

#![allow(clippy::unwrap_used)]

mod containers;
mod ends;
#[path = "../env/mod.rs"]
mod env;
mod flow;
mod limits;
mod records;
mod rootless;
mod sidecars;
mod values;
mod workspaces;
