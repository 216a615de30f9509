//! Webhooks of code hosts.
//!
//! - [`read`](mod@read): a text into an [`Event`]
//! - [`headers`]: names in any case
//! - [`provider`]: which code host sent it
//! - [`facts`]: what Pipelines-as-Code wants to know of it
//! - [`changes`]: which files changed

mod bitbucket;
pub mod changes;
pub mod facts;
mod github;
mod gitlab;
pub mod headers;
pub mod provider;
pub mod read;

pub use changes::Changes;
pub use facts::Facts;
pub use headers::Headers;
pub use provider::Provider;
pub use read::{Event, EventError};
