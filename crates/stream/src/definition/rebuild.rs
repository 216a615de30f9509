//! When components are rebuilt that nobody changed.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a component is rebuilt because of what it starts from (OBS has the same three, under the same name).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Rebuild {
    /// When anything below it came out as another image, however far down the change was made.
    #[default]
    Transitive,
    /// When a component that it starts from directly was itself changed, or an image from outside is another one.
    Direct,
    /// Only when it was itself changed.
    Local,
}

impl Rebuild {
    /// All of them, the strongest first.
    pub const ALL: [Self; 3] = [Self::Transitive, Self::Direct, Self::Local];

    /// As it is written: `transitive`, `direct`, `local`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transitive => "transitive",
            Self::Direct => "direct",
            Self::Local => "local",
        }
    }
}

/// Which components that an overlay inherits are built in it (OBS calls it `linkedbuild`).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RebuildInherited {
    /// None: what no operation of this overlay is about keeps the image of the streams below, whatever its bases became here.
    None,
    /// Those that start from something that is another one here.
    #[default]
    Affected,
    /// All: no image is taken from the repositories of other streams.
    All,
}

impl RebuildInherited {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Affected, Self::All];

    /// As it is written: `none`, `affected`, `all`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Affected => "affected",
            Self::All => "all",
        }
    }
}

/// A word that is none of those there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of {1}")]
pub struct UnknownWord(String, String);

fn find<T: Copy>(text: &str, all: &[T], word: fn(T) -> &'static str) -> Result<T, UnknownWord> {
    let found = all.iter().copied().find(|one| word(*one) == text);
    let words = || all.iter().map(|one| word(*one)).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| UnknownWord(text.to_owned(), words()))
}

impl FromStr for Rebuild {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        find(text, &Self::ALL, Self::as_str)
    }
}

impl FromStr for RebuildInherited {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        find(text, &Self::ALL, Self::as_str)
    }
}
