//! Credentials for registries, from the files and helpers that podman and docker use.
//!
//! - `places`: which files are read, in which order
//! - `file`: what stands in one file
//! - `helper`: credential helper programs
//!
//! [`Keychain`] brings them together: load once, then ask per registry and repository.

mod file;
mod helper;
mod places;

use std::fmt;
use std::path::{Path, PathBuf};

pub use places::AuthEnv;

use file::AuthFile;
use helper::Helpers;

/// A text that never shows in logs or messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be sent and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// How to prove who one is to a registry or to its token service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// User name and password (or an access token in the password's place).
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// An OAuth2 refresh token, exchanged for access tokens (`identitytoken` in auth files, user `<token>` from helpers).
    Identity(Secret),
    /// A bearer token that is sent as it is (`registrytoken`).
    Bearer(Secret),
}

/// What a keychain knows about a repository.
#[derive(Debug, Clone)]
pub struct Found {
    /// `None`: go without.
    pub credential: Option<Credential>,
    /// Where it is from, or where it was looked for: for messages.
    pub origin: String,
}

/// Why credentials could not be read.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A file that exists but cannot be read.
    #[error("cannot read the registry credentials in {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not what `podman login` writes. The content is not shown, it is secret.
    #[error(
        "{}:{line}:{column}: not a registry auth file; write it again with `podman login --authfile {} REGISTRY`",
        path.display(), path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// An entry that cannot be decoded.
    #[error(
        "the entry `{key}` in {} is not valid: {reason}; write it again with `podman login`",
        path.display()
    )]
    Entry {
        /// The file.
        path: PathBuf,
        /// The registry as it is written there.
        key: String,
        /// Why.
        reason: &'static str,
    },
    /// A helper program that does not answer as it should.
    #[error("the credential helper `{program}` (asked for by {}) {reason}", path.display())]
    Helper {
        /// The program.
        program: String,
        /// The file that names it.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
}

/// All credentials of one user.
#[derive(Debug, Clone, Default)]
pub struct Keychain {
    files: Vec<(PathBuf, AuthFile)>,
    /// Every place that was looked at, also those that do not exist.
    searched: Vec<PathBuf>,
    helpers: Helpers,
    fixed: Option<Credential>,
}

impl Keychain {
    /// No credentials at all.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// One credential for every registry, as given on a command line.
    pub fn fixed(credential: Credential) -> Self {
        Self { fixed: Some(credential), ..Self::default() }
    }

    /// Reads the files that podman, skopeo and docker would read in this environment.
    ///
    /// # Errors
    /// When one of them exists and cannot be read or understood.
    pub fn load(env: &AuthEnv) -> Result<Self, AuthError> {
        Self::from_places(env.files(), env)
    }

    /// Reads one file only (`--authfile`).
    ///
    /// # Errors
    /// When it cannot be read or understood; also when it does not exist.
    pub fn from_file(path: &Path, env: &AuthEnv) -> Result<Self, AuthError> {
        let file = AuthFile::load(path)?.ok_or_else(|| AuthError::Read {
            path: path.to_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        let helpers = Helpers::new(env.path.clone());
        let path = path.to_owned();
        Ok(Self { searched: vec![path.clone()], files: vec![(path, file)], helpers, fixed: None })
    }

    /// Those of the text of an auth file that never was on disk; `origin` is what messages call it. Helpers that it names
    /// are not run: the text may be a stranger's.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn from_text(origin: &str, text: &str) -> Result<Self, AuthError> {
        Self::default().preceded_by(origin, text)
    }

    /// Those of [`from_text`](Self::from_text) before everything that is known.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn preceded_by(&self, origin: &str, text: &str) -> Result<Self, AuthError> {
        let path = PathBuf::from(origin);
        let file = AuthFile::parse(&path, text)?.without_helpers();
        let mut all = self.clone();
        all.searched.insert(0, path.clone());
        all.files.insert(0, (path, file));
        Ok(all)
    }

    fn from_places(places: Vec<PathBuf>, env: &AuthEnv) -> Result<Self, AuthError> {
        let mut files = Vec::new();
        for path in &places {
            if let Some(file) = AuthFile::load(path)? {
                files.push((path.clone(), file));
            }
        }
        Ok(Self { files, searched: places, helpers: Helpers::new(env.path.clone()), fixed: None })
    }

    /// The credential for a repository of a registry: the first file that has one, there the most specific key.
    ///
    /// # Errors
    /// When the entry that applies is broken or its helper fails.
    pub fn find(&self, registry: &str, repository: &str) -> Result<Found, AuthError> {
        if let Some(credential) = &self.fixed {
            return Ok(Found {
                credential: Some(credential.clone()),
                origin: "the credentials given".to_owned(),
            });
        }
        for (path, file) in &self.files {
            if let Some((credential, key)) = file.find(path, registry, repository, &self.helpers)? {
                let origin = format!("`{key}` in {}", path.display());
                return Ok(Found { credential: Some(credential), origin });
            }
        }
        let places: Vec<String> = self.searched.iter().map(|p| p.display().to_string()).collect();
        let origin = if places.is_empty() { "nowhere".to_owned() } else { places.join(", ") };
        Ok(Found { credential: None, origin })
    }
}

#[cfg(test)]
mod tests;
