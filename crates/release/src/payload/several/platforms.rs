//! The platforms of a release.

use oci::manifest::Platform;
use oci::manifest::platform::names;

use super::SeveralError;

/// Platforms of which each machine has at most one, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasePlatforms(Vec<Platform>);

impl ReleasePlatforms {
    /// In any order.
    ///
    /// # Errors
    /// When there is none, or an image for one of them would be one for another, too.
    pub fn new(platforms: &[Platform]) -> Result<Self, SeveralError> {
        let mut sorted = platforms.to_vec();
        sorted.sort_by_key(Platform::to_string);
        if sorted.is_empty() {
            return Err(SeveralError::NoPlatforms);
        }
        for (at, one) in sorted.iter().enumerate() {
            if let Some(other) = sorted[at + 1..].iter().find(|p| p.accepts(one) || one.accepts(p)) {
                return Err(SeveralError::SamePlatform { one: one.to_string(), other: other.to_string() });
            }
        }
        Ok(Self(sorted))
    }

    /// In the order of their names.
    pub fn as_slice(&self) -> &[Platform] {
        &self.0
    }

    /// In the order of their names.
    pub fn iter(&self) -> std::slice::Iter<'_, Platform> {
        self.0.iter()
    }

    /// The one that an image for `stated` is for.
    pub(super) fn of(&self, stated: &Platform) -> Option<&Platform> {
        self.0.iter().find(|platform| platform.accepts(stated))
    }
}

impl std::fmt::Display for ReleasePlatforms {
    /// `linux/amd64, linux/arm64`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&names(&self.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn platforms(names: &[&str]) -> Result<ReleasePlatforms, SeveralError> {
        ReleasePlatforms::new(&names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn their_order_is_not_that_of_the_command_line() {
        let sorted = platforms(&["linux/s390x", "linux/arm64", "linux/amd64"]).unwrap();
        assert_eq!(sorted.to_string(), "linux/amd64, linux/arm64, linux/s390x");
        assert_eq!(platforms(&["linux/arm/v7", "linux/arm/v6"]).unwrap().iter().len(), 2);
    }

    #[test]
    fn no_machine_has_two_of_them() {
        for same in [
            ["linux/amd64", "linux/amd64"],
            ["linux/arm64", "linux/arm64/v8"],
            ["linux/arm64/v9", "linux/arm64"],
            ["linux/arm/v7", "linux/arm"],
        ] {
            let message = platforms(&same).unwrap_err().to_string();
            assert!(message.contains("are the same machines"), "{same:?}: {message}");
        }
        assert!(platforms(&[]).is_err());
    }
}
