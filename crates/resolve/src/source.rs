//! What every resolver has in common.

use std::time::Duration;

use git::Until;
use oci::Store;
use oci::client::web::Web;
use oci::client::{Client, Proxies};
use serde::{Deserialize, Serialize};
use tekton::types::status::RefSource;

use crate::git_file::Clones;
use crate::params::Params;
use crate::problem::Problem;
use crate::{bundle, git_file, http, hub};

/// No definition that people write is larger, in bytes.
pub const LARGEST: usize = 4 << 20;

/// How long one reference may take (Tekton's `default-maximum-resolution-timeout`).
pub const LIMIT: Duration = Duration::from_secs(60);

/// The text of a definition, and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fetched {
    /// The text.
    pub text: String,
    /// Where it came from, as statuses tell it (§1.9).
    pub source: RefSource,
}

/// A reference that is understood, ready to be fetched. It holds what it needs, secrets too: nothing may show it.
pub trait Source: Send {
    /// What is asked for, for messages, without secrets.
    fn describe(&self) -> String;

    /// Whether it always means the same: a commit, a digest.
    fn is_fixed(&self) -> bool;

    /// Fetches it.
    ///
    /// # Errors
    /// See [`Problem`].
    fn fetch(&self, machine: &Machine, until: &Until) -> Result<Fetched, Problem>;
}

/// What resolvers fetch with.
pub struct Machine {
    /// Images that are here; a bundle that is among them is not fetched.
    pub store: Store,
    /// Fetches from registries with the user's credentials.
    pub client: Client,
    /// Fetches documents.
    pub web: Web,
    /// Ways through a firewall, for clients with other credentials.
    pub proxies: Proxies,
    /// Repositories that were fetched in this run.
    pub(crate) clones: Clones,
    /// Whether the network is not to be used.
    pub offline: bool,
}

/// The reference with this resolver and these parameters.
///
/// # Errors
/// An unknown resolver; parameters that are missing or mean nothing; secrets that are not there.
pub fn of(resolver: &str, params: Params<'_>) -> Result<Box<dyn Source>, Problem> {
    if let Some(open) = params.list.iter().find(|p| p.value.texts().iter().any(|text| text.contains("$("))) {
        return Err(Problem::Param(format!(
            "the param `{}` has a reference in it that has no value yet",
            open.name
        )));
    }
    Ok(match resolver {
        "git" => Box::new(git_file::GitFile::new(params)?),
        "http" => Box::new(http::HttpFile::new(params)?),
        "bundles" => Box::new(bundle::Bundle::new(params)?),
        "hub" => Box::new(hub::Hub::new(params)?),
        _ => return Err(Problem::Unknown),
    })
}

/// Bytes that were fetched, as text.
///
/// # Errors
/// When they are none.
pub(crate) fn text(what: &str, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes)
        .map_err(|_| Problem::Content { what: what.to_owned(), why: "it is not UTF-8 text".to_owned() })
}
