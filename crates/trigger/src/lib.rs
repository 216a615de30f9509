//! What an event would run: an event and texts in, candidates with reasons and complete runs out. No IO.
//!
//! - [`event`]: webhooks of code hosts, what changed, and what Pipelines-as-Code wants to know of them
//! - [`triggers`]: Tekton Triggers: listeners, interceptors, bindings, templates
//! - [`pac`]: Pipelines-as-Code: annotations and `{{ variables }}`
//! - [`outcome`]: candidates and why they match or do not
//! - [`simulate`](mod@simulate): all of it, for some texts
//! - `values`: the concrete values that a reason shows
//! - `hmac`: signatures of events

pub mod event;
mod hmac;
pub mod outcome;
pub mod pac;
pub mod simulate;
pub mod triggers;
mod values;

pub use event::{Event, EventError};
pub use outcome::{Candidate, Outcome, Reason};
pub use simulate::{Given, simulate};
