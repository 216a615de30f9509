//! What can go wrong between here and a registry.

use base::Digest;

use crate::auth::AuthError;
use crate::manifest::ManifestError;
use crate::store::StoreError;

/// Why something with a registry did not work. Every message names the registry and the repository.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// 401, or a token service that says no.
    #[error("registry {registry} does not let you {action} `{repository}`: {reason}")]
    Unauthorized {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// `pull from`, `push to` …
        action: &'static str,
        /// Which credentials were used or missing, and what to do.
        reason: String,
    },
    /// A certificate that nobody vouches for.
    #[error(
        "registry {registry} cannot be trusted: {reason}; give the certificate authority that signed it, or name the \
         registry as insecure"
    )]
    Untrusted {
        /// The registry.
        registry: String,
        /// What is wrong with its certificate.
        reason: String,
    },
    /// 403: the user is known and may not.
    #[error(
        "registry {registry} forbids you to {action} `{repository}` ({message}); the user of {origin} needs that right"
    )]
    Forbidden {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// `pull from`, `push to` …
        action: &'static str,
        /// The registry's words.
        message: String,
        /// Where the credentials are from.
        origin: String,
    },
    /// 404.
    #[error("registry {registry} has no {what} in repository `{repository}` ({message})")]
    NotFound {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// `manifest v1.2`, `blob sha256:…`
        what: String,
        /// The registry's words.
        message: String,
    },
    /// Another refusal.
    #[error("registry {registry} refused to {doing} (repository `{repository}`): {status} {message}")]
    Refused {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What was tried.
        doing: String,
        /// Status of the answer.
        status: u16,
        /// The registry's words.
        message: String,
    },
    /// Tried again and again in vain.
    #[error(
        "registry {registry} could not be used to {doing} (repository `{repository}`), tried {attempts} times; the last time: {reason}"
    )]
    GaveUp {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What was tried.
        doing: String,
        /// How often.
        attempts: u32,
        /// What happened last.
        reason: String,
    },
    /// An answer that breaks the protocol.
    #[error(
        "registry {registry} answered wrongly when asked to {doing} (repository `{repository}`): {reason}"
    )]
    Protocol {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What was tried.
        doing: String,
        /// What is wrong.
        reason: String,
    },
    /// Content that is not what was asked for. Nothing of it was kept.
    #[error(
        "registry {registry} gave wrong content for {expected} of repository `{repository}`: {found}; nothing was stored. \
         The registry or something between is damaged or dishonest"
    )]
    WrongContent {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: String,
    },
    /// No child of the index is for this platform.
    #[error("{reference} is not there for {platform}; it is there for {available}")]
    NoPlatform {
        /// The image.
        reference: String,
        /// What was wanted.
        platform: String,
        /// What there is.
        available: String,
    },
    /// Something that is not a manifest that is supported.
    #[error("{reference}: {source}")]
    Manifest {
        /// The image.
        reference: String,
        /// Why.
        source: ManifestError,
    },
    /// Only part of an index is in the store, so it cannot be pushed.
    #[error("{digest} is an index of which the store lacks {missing}; pull it for all platforms first")]
    PartOfIndex {
        /// The index.
        digest: Digest,
        /// A child or a blob of one.
        missing: Digest,
    },
    /// The credentials cannot be read.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The place that content was to be written to failed.
    #[error("cannot write what was fetched: {0}")]
    Write(std::io::Error),
    /// What was to be sent cannot be read.
    #[error("cannot read what was to be sent: {0}")]
    Read(std::io::Error),
    /// A setting of the client is wrong, or the system gives no threads or sockets.
    #[error("cannot make a registry client: {0}")]
    Setup(String),
    /// Somebody asked to stop.
    #[error("interrupted")]
    Cancelled,
}
