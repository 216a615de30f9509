//! The questions that making a lock asks; each trait asks one, so that each answer can come from elsewhere.

use base::Digest;

use super::Pin;
use crate::definition::Platform;

/// Chooses packages.
pub trait ResolvePackages: Sync {
    /// Everything that must be installed so that `wanted` is, on top of `installed`, for `platform`. Nothing is taken for granted:
    /// packages that a distribution calls essential must be wanted, or be there.
    ///
    /// # Errors
    /// See [`ResolveError`].
    fn packages(
        &self,
        wanted: &[String],
        installed: &[Pin],
        platform: Platform,
    ) -> Result<Vec<Pin>, ResolveError>;
}

/// Looks up images.
pub trait ResolveImage: Sync {
    /// The digest of the manifest that the reference with a tag means now.
    ///
    /// # Errors
    /// See [`ResolveError`].
    fn image(&self, reference: &str) -> Result<Digest, ResolveError>;
}

/// Looks up commits.
pub trait ResolveCommit: Sync {
    /// The commit (hexadecimal) that a branch, tag or commit of the repository means now.
    ///
    /// # Errors
    /// See [`ResolveError`].
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError>;
}

/// Who answers.
#[derive(Clone, Copy)]
pub struct Resolvers<'a> {
    /// Packages.
    pub packages: &'a dyn ResolvePackages,
    /// Images.
    pub images: &'a dyn ResolveImage,
    /// Commits.
    pub commits: &'a dyn ResolveCommit,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such thing.
    #[error("{what} does not exist{hint}")]
    Unknown {
        /// What was asked for.
        what: String,
        /// What to do, with its punctuation before it; may be empty.
        hint: String,
    },
    /// It would have to be asked, and nobody may be.
    #[error("{what} is not known on this machine")]
    NotHere {
        /// What was asked for.
        what: String,
    },
    /// The tool that answers is missing, or refused.
    #[error("{what} failed: {why}")]
    Failed {
        /// What was run or asked.
        what: String,
        /// Its last words.
        why: String,
    },
}
