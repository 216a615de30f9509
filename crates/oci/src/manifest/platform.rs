//! Operating system and CPU.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Descriptor, Index, null_is_default};

/// The name of a platform is short; what is longer is none.
const LONGEST_NAME: usize = 40;
/// How many platforms of an index a message names.
const MOST_NAMES: usize = 12;

/// What machine an image is for (OCI image specification, image-index.md, "platform"). Names are Go's: `amd64`, `arm64`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// CPU: `amd64`, `arm64`, `ppc64le`, `s390x`.
    pub architecture: String,
    /// Operating system: `linux`.
    pub os: String,
    /// CPU variant: `v8` of arm64, `v3` of amd64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Version of the operating system (Windows).
    #[serde(default, rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Required features of the operating system (Windows).
    #[serde(
        default,
        rename = "os.features",
        deserialize_with = "null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub os_features: Vec<String>,
}

impl Platform {
    /// An operating system on a CPU, any variant.
    pub fn new(os: impl Into<String>, architecture: impl Into<String>) -> Self {
        Self {
            architecture: architecture.into(),
            os: os.into(),
            variant: None,
            os_version: None,
            os_features: Vec::new(),
        }
    }

    /// Linux on the CPU that this program was compiled for.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self::new("linux", architecture)
    }

    /// Whether something built for `other` runs here: same system and CPU; when a variant is asked for, the same variant.
    pub fn accepts(&self, other: &Self) -> bool {
        self.os == other.os
            && self.architecture == other.architecture
            && self.variant.as_ref().is_none_or(|_| self.effective_variant() == other.effective_variant())
    }

    /// Whether both are the same system on the same CPU, variants that mean the same being one.
    pub fn is_same_machine(&self, other: &Self) -> bool {
        self.os == other.os
            && self.architecture == other.architecture
            && self.effective_variant() == other.effective_variant()
    }

    /// Its name, for messages about what others wrote; none when that is no platform's name. `unknown` is what builders say of
    /// attestations.
    pub fn name(&self) -> Option<String> {
        let name = self.to_string();
        let is_one = self.os != "unknown" && name.len() <= LONGEST_NAME && name.parse::<Self>().is_ok();
        is_one.then_some(name)
    }

    /// Variants that mean the same: arm64 is `v8` when nothing is said, arm is `v7`, amd64 is `v1` (containerd's rules).
    fn effective_variant(&self) -> &str {
        match (self.architecture.as_str(), self.variant.as_deref().unwrap_or_default()) {
            ("arm64", "" | "8") => "v8",
            ("arm", "" | "7") => "v7",
            ("amd64", "") => "v1",
            (_, variant) => variant,
        }
    }
}

impl Index {
    /// The child for a platform; the plainest variant when several fit, and the only child when it does not say its platform.
    pub fn select(&self, wanted: &Platform) -> Option<&Descriptor> {
        let fitting = |d: &&Descriptor| d.platform.as_ref().is_some_and(|p| wanted.accepts(p));
        let plain = |d: &&Descriptor| {
            d.platform.as_ref().is_some_and(|p| p.effective_variant() == wanted.effective_variant())
        };
        let mut fit = self.manifests.iter().filter(fitting);
        let first = fit.clone().next();
        fit.find(plain).or(first).or(match self.manifests.as_slice() {
            [only] if only.platform.is_none() => Some(only),
            _ => None,
        })
    }

    /// The platforms that there are images for, each once, in the order of the children; only those that have a name.
    pub fn offered(&self) -> Vec<Platform> {
        let mut seen = HashSet::new();
        let stated = self.manifests.iter().filter_map(|child| child.platform.as_ref());
        stated.filter(|platform| platform.name().is_some_and(|name| seen.insert(name))).cloned().collect()
    }

    /// The platforms of the children, for messages: `linux/amd64, linux/arm64`; the first ones of many.
    pub fn platforms(&self) -> String {
        names(&self.offered())
    }
}

/// Platforms for messages: `linux/amd64, linux/arm64`, or `none`; the first ones of many.
pub fn names(platforms: &[Platform]) -> String {
    let mut shown: Vec<String> = platforms.iter().take(MOST_NAMES).map(Platform::to_string).collect();
    if platforms.len() > MOST_NAMES {
        shown.push("…".to_owned());
    }
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        let variant = self.variant.as_ref().filter(|variant| !variant.is_empty());
        variant.map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

/// A text that is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform; write OS/CPU or OS/CPU/VARIANT, such as linux/amd64 or linux/arm64/v8")]
pub struct InvalidPlatform(String);

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, InvalidPlatform> {
        let word = |w: &str| {
            !w.is_empty()
                && w.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.'))
        };
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [os, cpu] if word(os) && word(cpu) => Ok(Self::new(*os, *cpu)),
            [os, cpu, variant] if word(os) && word(cpu) && word(variant) => {
                Ok(Self { variant: Some((*variant).to_owned()), ..Self::new(*os, *cpu) })
            }
            _ => Err(InvalidPlatform(text.to_owned())),
        }
    }
}
