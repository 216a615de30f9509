//! Resolvers against what they resolve: repositories made by git, servers on this machine, bundles in a registry.

#![allow(clippy::unwrap_used)]

mod bundle;
mod git;
mod http;
mod hub;
mod keep;
mod support;
mod vendor;
