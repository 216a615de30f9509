//! `sw release`: payloads for one platform and for several, in registries.
//!
//! - [`several`], [`one`]: what the commands do
//! - [`tools`]: what other tools make of it
//! - [`place`]: a registry with images, and `sw`
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "only the server is needed")]
#[path = "../../../oci/tests/support/debian.rs"]
mod debian;
mod one;
mod place;
mod several;
mod tools;
