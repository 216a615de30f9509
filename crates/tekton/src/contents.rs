//! Config maps and secrets as bytes by key.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::catalog::Catalog;

/// The keys and contents of a config map or secret.
pub type Contents = BTreeMap<String, Vec<u8>>;

/// Which kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
        })
    }
}

/// All contents of an object; `None` when there is no such object.
///
/// # Errors
/// When a value is not base64.
pub fn contents(catalog: &Catalog, kind: Kind, name: &str) -> Result<Option<Contents>, ObjectError> {
    let (texts, encoded) = match kind {
        Kind::ConfigMap => match catalog.config_map(name) {
            Some(o) => (&o.data, &o.binary_data),
            None => return Ok(None),
        },
        Kind::Secret => match catalog.secret(name) {
            Some(o) => (&o.string_data, &o.data),
            None => return Ok(None),
        },
    };
    let mut all = Contents::new();
    for (key, value) in encoded {
        // Base64 of files is often wrapped; the decoder of Kubernetes skips line breaks too.
        let packed: Vec<u8> = value.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        let bytes = STANDARD.decode(packed).map_err(|_| ObjectError::NotBase64 {
            kind,
            name: name.to_owned(),
            key: key.clone(),
        })?;
        all.insert(key.clone(), bytes);
    }
    all.extend(texts.iter().map(|(k, v)| (k.clone(), v.clone().into_bytes())));
    Ok(Some(all))
}

/// The contents of an object that must be there; none when it is missing and `optional`.
///
/// # Errors
/// When it is missing and not optional, or a value is not base64.
pub fn required(
    catalog: &Catalog,
    kind: Kind,
    name: &str,
    optional: Option<bool>,
) -> Result<Contents, ObjectError> {
    match contents(catalog, kind, name)? {
        Some(found) => Ok(found),
        None if optional == Some(true) => Ok(Contents::new()),
        None => Err(ObjectError::Missing { kind, name: name.to_owned() }),
    }
}

/// One value; `None` when object or key is missing and `optional`.
///
/// # Errors
/// When it is missing and not optional, or a value is not base64.
pub fn value(
    catalog: &Catalog,
    kind: Kind,
    name: &str,
    key: &str,
    optional: Option<bool>,
) -> Result<Option<Vec<u8>>, ObjectError> {
    match required(catalog, kind, name, optional)?.remove(key) {
        Some(bytes) => Ok(Some(bytes)),
        None if optional == Some(true) => Ok(None),
        None => Err(ObjectError::MissingKey { kind, name: name.to_owned(), key: key.to_owned() }),
    }
}

/// Why a config map or secret could not be used; the first two in Kubernetes' words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// It is in none of the files given.
    #[error("{kind} \"{name}\" not found; add it to the files of this run")]
    Missing {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// It lacks the key.
    #[error("couldn't find key {key} in {kind} {name}")]
    MissingKey {
        /// The object's kind.
        kind: Kind,
        /// The object's name.
        name: String,
        /// The key.
        key: String,
    },
    /// A value under `data` or `binaryData` is not base64.
    #[error(
        "key {key} of {kind} {name} is not base64; write plain text under stringData (secret) or data (configmap)"
    )]
    NotBase64 {
        /// The object's kind.
        kind: Kind,
        /// The object's name.
        name: String,
        /// The key.
        key: String,
    },
}
