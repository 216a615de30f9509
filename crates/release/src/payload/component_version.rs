//! Versions of what is in an image, from its labels (payload.md §2.4).
//!
//! `io.openshift.build.versions` holds `name=1.2.3,…`; `io.openshift.build.version-display-names` holds `name=Text,…`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use semver::{BuildMetadata, Version};
use serde::Serialize;

/// The names that may be used. Others are refused unless they are allowed for a release: a name is a promise about
/// what its version means.
pub const ALLOWED_NAMES: [&str; 6] =
    ["kubernetes", "machine-os", "kernel", "crio", "kubectl", "kubernetes-tests"];

/// `kubectl` versions count only from images with these tags.
pub const KUBECTL_TAGS: [&str; 2] = ["cli", "cli-artifacts"];

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ComponentVersion {
    /// Semantic version without build metadata.
    pub version: String,
    /// What people call it; may be empty.
    pub display_name: String,
}

/// Versions by name.
pub type ComponentVersions = BTreeMap<String, ComponentVersion>;

/// Why a label is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVersions {
    /// Not `NAME=VERSION`.
    #[error("the version pair `{0}` must be NAME=VERSION")]
    Pair(String),
    /// Not `NAME=DISPLAYNAME`.
    #[error("the display name pair `{0}` must be NAME=DISPLAYNAME")]
    DisplayPair(String),
    /// One character or none.
    #[error("the version name `{0}` must be at least 2 characters")]
    ShortName(String),
    /// Other characters.
    #[error("the version name `{0}` must only be ASCII alphanumerics and internal hyphens")]
    Name(String),
    /// Other characters.
    #[error("the display name `{0}` must only be alphanumerics, spaces, and symbols in [():-.]")]
    DisplayName(String),
    /// Not semantic.
    #[error("the version pair `{pair}` must have a valid semantic version: {reason}")]
    Version {
        /// `NAME=VERSION`.
        pair: String,
        /// What is wrong.
        reason: String,
    },
}

/// Reads both labels (or annotations). An empty versions label means none, whatever the display names say.
///
/// # Errors
/// When a pair breaks the rules. A display name without version is ignored.
pub fn parse(versions: &str, display_names: &str) -> Result<ComponentVersions, InvalidVersions> {
    static DISPLAY_NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[a-zA-Z0-9\-:\t\n\f\r ().]+$").expect("a valid pattern"));
    let versions = versions.trim();
    if versions.is_empty() {
        return Ok(ComponentVersions::new());
    }
    let mut names = BTreeMap::new();
    if !display_names.is_empty() {
        for pair in display_names.split(',').map(str::trim) {
            let (name, display) =
                pair.split_once('=').ok_or_else(|| InvalidVersions::DisplayPair(pair.to_owned()))?;
            check_name(name)?;
            if !DISPLAY_NAME.is_match(display) {
                return Err(InvalidVersions::DisplayName(display.to_owned()));
            }
            names.insert(name, display);
        }
    }
    let mut result = ComponentVersions::new();
    for pair in versions.split(',').map(str::trim) {
        let (name, version) = pair.split_once('=').ok_or_else(|| InvalidVersions::Pair(pair.to_owned()))?;
        check_name(name)?;
        let mut version = Version::parse(version)
            .map_err(|e| InvalidVersions::Version { pair: pair.to_owned(), reason: e.to_string() })?;
        version.build = BuildMetadata::EMPTY;
        let display_name = names.get(name).copied().unwrap_or_default().to_owned();
        result.insert(name.to_owned(), ComponentVersion { version: version.to_string(), display_name });
    }
    Ok(result)
}

fn check_name(name: &str) -> Result<(), InvalidVersions> {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[a-z0-9]+[\-a-z0-9]*[a-z0-9]+$").expect("a valid pattern"));
    if name.len() < 2 {
        return Err(InvalidVersions::ShortName(name.to_owned()));
    }
    if NAME.is_match(name) { Ok(()) } else { Err(InvalidVersions::Name(name.to_owned())) }
}

/// The first name that is neither in [`ALLOWED_NAMES`] nor in `also`.
pub fn not_allowed<'a>(versions: &'a ComponentVersions, also: &BTreeSet<String>) -> Option<&'a str> {
    versions.keys().map(String::as_str).find(|name| !ALLOWED_NAMES.contains(name) && !also.contains(*name))
}

/// Whether a version of this name counts when it comes from the image of this tag.
pub fn counts(name: &str, tag: &str) -> bool {
    name != "kubectl" || KUBECTL_TAGS.contains(&tag)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pairs_become_versions() {
        let read = |versions: &str, names: &str| -> Vec<String> {
            let versions = parse(versions, names).unwrap();
            versions.into_iter().map(|(k, v)| format!("{k}={} {}", v.version, v.display_name)).collect()
        };
        assert_eq!(read("", "a=b"), Vec::<String>::new());
        assert_eq!(read(" a1=1.0.0+build , b-1=2.0.0-rc.1", ""), ["a1=1.0.0 ", "b-1=2.0.0-rc.1 "]);
        assert_eq!(
            read("a1=1.0.0", "a1=first,a1=b 1 c d : - (x) .,zz=unused"),
            ["a1=1.0.0 b 1 c d : - (x) ."]
        );
        assert_eq!(read("machine-os=412.86.202301061548-0", ""), ["machine-os=412.86.202301061548-0 "]);
    }

    #[test]
    fn each_rule_has_its_message() {
        for (versions, names, message) in [
            ("ab", "", "the version pair `ab` must be NAME=VERSION"),
            ("ab=1.0.0,", "", "the version pair `` must be NAME=VERSION"),
            ("a=1.0.0", "", "the version name `a` must be at least 2 characters"),
            ("a!=1.0.0", "", "the version name `a!` must only be ASCII"),
            ("a-=1.0.0", "", "the version name `a-` must only be ASCII"),
            ("Ab=1.0.0", "", "the version name `Ab` must only be ASCII"),
            ("kubernetes=v1", "", "the version pair `kubernetes=v1` must have a valid semantic version"),
            ("ab=1.0", "", "the version pair `ab=1.0` must have a valid semantic version"),
            ("ab=01.0.0", "", "must have a valid semantic version"),
            ("ab=1.0.0", "ab", "the display name pair `ab` must be NAME=DISPLAYNAME"),
            ("ab=1.0.0", "a=b", "the version name `a` must be at least 2 characters"),
            ("ab=1.0.0", "ab=!", "the display name `!` must only be"),
            ("ab=1.0.0", "ab=", "the display name `` must only be"),
        ] {
            let error = parse(versions, names).unwrap_err().to_string();
            assert!(
                error.starts_with(message) || error.ends_with(message) || error.contains(message),
                "{error}"
            );
        }
    }

    #[test]
    fn only_known_names_are_allowed() {
        let versions = parse("kubernetes=1.0.0,weird=1.0.0", "").unwrap();
        assert_eq!(not_allowed(&versions, &BTreeSet::new()), Some("weird"));
        assert_eq!(not_allowed(&versions, &BTreeSet::from(["weird".to_owned()])), None);
        assert!(counts("kubectl", "cli") && !counts("kubectl", "tests") && counts("kubernetes", "tests"));
    }
}
