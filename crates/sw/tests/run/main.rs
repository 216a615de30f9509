//! `sw run`: Tekton YAML through the binary, in containers of both runtimes.
//!
//! - [`values`]: params and results
//! - [`artifacts`]: what tasks and steps say went in and came out
//! - [`workspaces`]: folders that steps share
//! - [`cluster`]: how the cluster is configured that a run is for
//! - [`containers`]: what a step finds in its container, and what it cannot do there
//! - [`flow`]: what runs, in which order, and what does not
//! - [`nested`]: pipelines in pipelines
//! - [`pods`]: what a run says about its pods
//! - [`sidecars`]: what runs beside the steps
//! - [`ends`]: timeouts, signals, exit codes
//! - [`limits`]: what it cannot do to the machine
//! - [`rootless`]: what is different without root
//! - [`records`]: events, `sw runs`, `sw logs`
//! - [`secrets`]: what is hidden, and where
//! - [`shell`]: a look into the container of a step that failed
//! - [`watch`]: again after each change

#![allow(clippy::unwrap_used)]

mod artifacts;
mod cluster;
mod containers;
mod ends;
#[path = "../env/mod.rs"]
mod env;
mod flow;
mod limits;
mod nested;
mod pods;
mod records;
mod rootless;
mod secrets;
mod shell;
mod sidecars;
mod values;
mod watch;
mod workspaces;
