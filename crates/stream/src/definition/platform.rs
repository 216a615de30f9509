//! Operating system and processor.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Origin, Stream};

/// Operating system and processor of images.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Platform {
    /// 64-bit Intel and AMD.
    #[default]
    #[serde(rename = "linux/amd64")]
    Amd64,
    /// 64-bit ARM.
    #[serde(rename = "linux/arm64")]
    Arm64,
    /// 64-bit POWER, little endian.
    #[serde(rename = "linux/ppc64le")]
    Ppc64le,
    /// IBM Z.
    #[serde(rename = "linux/s390x")]
    S390x,
}

impl Platform {
    /// All that there are.
    pub const ALL: [Self; 4] = [Self::Amd64, Self::Arm64, Self::Ppc64le, Self::S390x];

    /// As in OCI references to platforms: `linux/amd64`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "linux/amd64",
            Self::Arm64 => "linux/arm64",
            Self::Ppc64le => "linux/ppc64le",
            Self::S390x => "linux/s390x",
        }
    }

    /// The processor, in the words of Go, OCI and Kubernetes: `amd64`.
    pub fn architecture(self) -> &'static str {
        let name = self.as_str();
        name.split_once('/').map_or(name, |(_, architecture)| architecture)
    }

    /// The platform of Linux on this processor; none for one that OpenShift does not run on.
    pub fn of_architecture(architecture: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.architecture() == architecture)
    }
}

impl fmt::Display for Platform {
    /// `linux/amd64`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|platform| platform.as_str() == text);
        known.ok_or_else(|| format!("no platform of a stream; write one of {}", listed(&Self::ALL)))
    }
}

/// `linux/amd64, linux/arm64`
pub fn listed<'a>(platforms: impl IntoIterator<Item = &'a Platform>) -> String {
    platforms.into_iter().map(|platform| platform.as_str()).collect::<Vec<_>>().join(", ")
}

/// What streams that do not say it are for.
pub(super) fn default_platforms() -> BTreeSet<Platform> {
    BTreeSet::from([Platform::default()])
}

impl Stream {
    /// Tags of the payload whose components are not for `platform`, each with the component that stands in there.
    pub fn stand_ins(&self, platform: Platform) -> BTreeMap<String, String> {
        let elsewhere = self.components.iter().filter(|(_, component)| !component.is_on(platform));
        let tagged = elsewhere.filter_map(|(name, component)| {
            Some((component.payload_tag(name)?.to_owned(), component.stand_in.clone()?))
        });
        tagged.collect()
    }

    /// The stream as it is on one of its platforms: with the components, bases and tests that are there, each image the one
    /// for that platform.
    #[must_use]
    pub fn on(&self, platform: Platform) -> Self {
        let mut stream = self.clone();
        stream.platforms = BTreeSet::from([platform]);
        stream.components.retain(|_, component| component.is_on(platform));
        for component in stream.components.values_mut() {
            component.platforms = None;
            if let Origin::Images(images) = &mut component.source {
                // Checks refuse one that has none; an empty reference is never pulled.
                component.source = Origin::Image(images.remove(&platform).unwrap_or_default());
            }
        }
        let left_out =
            |name: &String| self.components.contains_key(name) && !stream.components.contains_key(name);
        stream.tests.retain(|_, test| {
            let here = test.platforms.as_ref().is_none_or(|only| only.contains(&platform));
            here && !test.images.values().any(left_out)
        });
        stream
    }
}
