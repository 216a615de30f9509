//! One package at one version with its digest.

use std::fmt;
use std::str::FromStr;

use base::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A package that is pinned; written `name=version=<sha256 hex>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin {
    /// The package's name (Debian policy 5.6.1).
    pub name: String,
    /// Its version, with epoch and revision (Debian policy 5.6.12).
    pub version: String,
    /// The SHA-256 of the package file.
    pub sha256: Digest,
}

/// A text that is no pin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a pinned package: {why}; it is written name=version=<sha256, 64 hex digits>")]
pub struct InvalidPin {
    text: String,
    why: &'static str,
}

/// Whether `name` can be the name of a Debian package: two or more of `a-z 0-9 + - .`, the first a letter or digit.
pub fn is_package_name(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() >= 2
        && name.bytes().next().is_some_and(letter)
        && name.bytes().all(|b| letter(b) || b"+-.".contains(&b))
}

/// Whether `version` can be a Debian version.
pub fn is_package_version(version: &str) -> bool {
    version.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-~:".contains(&b))
}

impl FromStr for Pin {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Self, InvalidPin> {
        let invalid = |why| InvalidPin { text: text.to_owned(), why };
        let mut parts = text.split('=');
        let (Some(name), Some(version), Some(sha256), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid("it does not have three parts"));
        };
        if !is_package_name(name) {
            return Err(invalid("the name is none"));
        }
        if !is_package_version(version) {
            return Err(invalid("the version is none"));
        }
        let sha256 = Digest::from_hex(sha256).map_err(|_| invalid("the digest is none"))?;
        Ok(Self { name: name.to_owned(), version: version.to_owned(), sha256 })
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}={}", self.name, self.version, self.sha256.hex())
    }
}

impl Serialize for Pin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
