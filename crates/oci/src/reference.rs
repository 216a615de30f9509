//! Image references: `registry/repository:tag@digest`.
//!
//! The grammar is the one of the distribution project (reference.go); Docker's short names are expanded as Docker does.

use std::fmt;
use std::str::FromStr;

use base::Digest;

/// The registry that names without one belong to.
pub const DOCKER_HUB: &str = "docker.io";

/// Where an image is: a registry, a repository in it, and a tag, a digest, both, or neither.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// A text that is not an image reference, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {reason}")]
pub struct InvalidReference {
    text: String,
    reason: String,
}

impl Reference {
    /// From parts.
    ///
    /// # Errors
    /// When a part breaks the grammar.
    pub fn new(
        registry: &str,
        repository: &str,
        tag: Option<&str>,
        digest: Option<Digest>,
    ) -> Result<Self, InvalidReference> {
        let text = || format!("{registry}/{repository}");
        let invalid = |reason| InvalidReference { text: text(), reason };
        check_registry(registry).map_err(invalid)?;
        check_repository(repository).map_err(invalid)?;
        tag.map(check_tag).transpose().map_err(invalid)?;
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// Host and optional port of the registry: `docker.io`, `localhost:5000`, `[::1]:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Path below the registry: `library/debian`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one is written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one is written.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// `registry/repository`, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// What selects the manifest within the repository, as registries take it in a URL: the digest, else the tag, else `latest`.
    pub fn selector(&self) -> String {
        self.digest.map_or_else(|| self.tag().unwrap_or("latest").to_owned(), |d| d.to_string())
    }

    /// The same repository at this digest, without a tag.
    #[must_use]
    pub fn at_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// The same repository at this tag, without a digest.
    ///
    /// # Errors
    /// When `tag` breaks the grammar.
    pub fn at_tag(&self, tag: &str) -> Result<Self, InvalidReference> {
        Self::new(&self.registry, &self.repository, Some(tag), None)
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let invalid = |reason: &dyn fmt::Display| InvalidReference {
            text: text.to_owned(),
            reason: reason.to_string(),
        };
        if text.is_empty() {
            return Err(invalid(&"it is empty"));
        }
        if text.contains("://") {
            return Err(invalid(&"write it without a scheme such as `docker://` or `https://`"));
        }
        let (rest, digest) = match text.split_once('@') {
            None => (text, None),
            Some((rest, digest)) => {
                if !digest.starts_with("sha256:") && digest.contains(':') {
                    return Err(invalid(&"only sha256 digests are supported"));
                }
                (rest, Some(digest.parse::<Digest>().map_err(|e| invalid(&e))?))
            }
        };
        // A colon after the last slash starts the tag; before it, it is the registry's port.
        let path_start = rest.rfind('/').map_or(0, |i| i + 1);
        let (name, tag) = match rest[path_start..].split_once(':') {
            Some((last, tag)) => (&rest[..path_start + last.len()], Some(tag)),
            None => (rest, None),
        };
        let (registry, repository) = split_name(name);
        if registry == DOCKER_HUB && repository.len() == 64 && Digest::from_hex(repository).is_ok() {
            return Err(invalid(&"64 hex digits are an image id, not a name; write NAME@sha256:…"));
        }
        let repository = if registry == DOCKER_HUB && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        Self::new(registry, &repository, tag, digest).map_err(|e| invalid(&e.reason))
    }
}

/// Docker's rule: the first component is a registry when it looks like a host: a dot, a colon, upper case, or `localhost`.
fn split_name(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (if first == "index.docker.io" { DOCKER_HUB } else { first }, rest)
        }
        _ => (DOCKER_HUB, name),
    }
}

impl fmt::Display for Reference {
    /// The full form; parsing it gives the same reference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl serde::Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether `name` may name a repository: lower-case path components, at most 255 characters
/// (distribution specification, "Pulling manifests").
///
/// # Errors
/// A sentence fragment that says what is wrong.
pub fn check_repository(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the repository is missing".to_owned());
    }
    if name.len() > 255 {
        return Err(format!("the repository has {} characters, at most 255 are allowed", name.len()));
    }
    match name.split('/').find(|component| !is_path_component(component)) {
        None => Ok(()),
        Some("") => Err(format!("the repository `{name}` has an empty component")),
        Some(component) if component.bytes().any(|b| b.is_ascii_uppercase()) => {
            Err(format!("the repository must be lower case (`{component}` is not)"))
        }
        Some(component) => Err(format!(
            "`{component}` is not a repository component (a-z and 0-9, with single `.`, one or two `_`, or `-` between)"
        )),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = |b: Option<&u8>| b.is_some_and(|b| alphanumeric(*b));
    ends(bytes.first())
        && ends(bytes.last())
        && bytes.split(|b| alphanumeric(*b)).all(|separator| {
            matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-')
        })
}

/// Whether `tag` may name a manifest in a repository: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
///
/// # Errors
/// A sentence fragment that says what is wrong.
pub fn check_tag(tag: &str) -> Result<(), String> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if tag.is_empty() {
        return Err("the tag is empty".to_owned());
    }
    if tag.len() > 128 {
        return Err(format!("the tag has {} characters, at most 128 are allowed", tag.len()));
    }
    if word(tag.as_bytes()[0]) && tag.bytes().all(|b| word(b) || matches!(b, b'.' | b'-')) {
        return Ok(());
    }
    Err(format!("`{tag}` is not a tag (letters, digits, `_`, `.`, `-`; not starting with `.` or `-`)"))
}

fn check_registry(registry: &str) -> Result<(), String> {
    let invalid = || format!("`{registry}` is not a registry host");
    let (host, port) = match registry.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or_else(invalid)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| invalid())?;
            let port = match port {
                "" => None,
                _ => Some(port.strip_prefix(':').ok_or_else(invalid)?),
            };
            (None, port)
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(registry), None),
        },
    };
    if let Some(host) = host {
        let label = |l: &str| {
            !l.is_empty()
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if host.len() > 253 || !host.split('.').all(label) {
            return Err(invalid());
        }
    }
    match port {
        Some(port) if port.parse::<u16>().is_err() || !port.bytes().all(|b| b.is_ascii_digit()) => {
            Err(format!("`{port}` is not a port (of registry `{registry}`)"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
