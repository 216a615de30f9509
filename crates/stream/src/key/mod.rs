//! Keys: digests of all that decides a component's image (design.md §2.3).
//!
//! A key is made in two steps, because the digests of base images are known only when they are built:
//!
//! 1. [`Inputs`]: everything that is known before a run, name by name, and its [`digest`](Inputs::digest).
//! 2. [`final_key`]: that digest with the digests of the bases. The first step of a component's task computes it and looks for an
//!    image of this key.
//!
//! Equal keys mean equal inputs. A base that was rebuilt and came out the same leaves the keys of its dependents alone.
//!
//! - [`inputs`](mod@inputs): the inputs of every component of a stream

pub mod inputs;

use std::collections::BTreeMap;

use base::{Digest, Hasher};
use serde::{Deserialize, Serialize};

pub use self::inputs::inputs;

/// Written first into every digest; changes when the meaning of the rest changes, and with it all keys.
const INPUTS_FORMAT: &str = "streamwright inputs 1";
const KEY_FORMAT: &str = "streamwright key 1";

/// What an input is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Input {
    /// The tree that the image is built from, its Containerfile apart.
    Source,
    /// The text of the Containerfile.
    Containerfile,
    /// Which task builds it, with its whole definition.
    Task,
    /// Operating system and processor.
    Platform,
    /// The time that the image pretends to be made at (`SOURCE_DATE_EPOCH`).
    Epoch,
    /// A build argument, by name.
    Arg(String),
    /// An image label, by name.
    Label(String),
    /// A distribution package, by name.
    Package(String),
}

impl From<Input> for String {
    fn from(input: Input) -> Self {
        match input {
            Input::Source => "source".to_owned(),
            Input::Containerfile => "containerfile".to_owned(),
            Input::Task => "task".to_owned(),
            Input::Platform => "platform".to_owned(),
            Input::Epoch => "epoch".to_owned(),
            Input::Arg(name) => format!("arg {name}"),
            Input::Label(name) => format!("label {name}"),
            Input::Package(name) => format!("package {name}"),
        }
    }
}

impl TryFrom<String> for Input {
    type Error = UnknownInput;

    fn try_from(text: String) -> Result<Self, UnknownInput> {
        Ok(match text.split_once(' ') {
            Some(("arg", name)) => Self::Arg(name.to_owned()),
            Some(("label", name)) => Self::Label(name.to_owned()),
            Some(("package", name)) => Self::Package(name.to_owned()),
            None if text == "source" => Self::Source,
            None if text == "containerfile" => Self::Containerfile,
            None if text == "task" => Self::Task,
            None if text == "platform" => Self::Platform,
            None if text == "epoch" => Self::Epoch,
            _ => return Err(UnknownInput(text)),
        })
    }
}

/// An input that this version does not know, from a record that a newer one wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an input of a key")]
pub struct UnknownInput(String);

impl std::fmt::Display for Input {
    /// `source`, `arg NAME`, …
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from(self.clone()))
    }
}

/// Everything about a component that is known before a run, name by name.
///
/// Values are digests (of trees and texts) or short texts (arguments, versions), so that a plan can say what changed from what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs(pub BTreeMap<Input, String>);

impl Inputs {
    /// The labels among it.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let label = |(input, value): (&Input, &String)| match input {
            Input::Label(name) => Some((name.clone(), value.clone())),
            _ => None,
        };
        self.0.iter().filter_map(label).collect()
    }

    /// One digest for all of it.
    ///
    /// SHA-256 over the format's name, then name and value of each input in the order of [`Input`], each as a [field](Hasher::field).
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.field(INPUTS_FORMAT);
        for (input, value) in &self.0 {
            hasher.field(String::from(input.clone()));
            hasher.field(value);
        }
        hasher.finish()
    }
}

/// The key of a component's image: its inputs and the digests of the images it starts from.
///
/// `bases` are pairs of name (as the Containerfile writes it) and manifest digest; their order does not count, repeated
/// pairs count once. Where a base was pulled from does not count: the digest says what it is.
pub fn final_key<N: AsRef<str>>(inputs: &Digest, bases: impl IntoIterator<Item = (N, Digest)>) -> Digest {
    let mut bases: Vec<(String, Digest)> =
        bases.into_iter().map(|(name, digest)| (name.as_ref().to_owned(), digest)).collect();
    bases.sort();
    bases.dedup();
    let mut hasher = Hasher::new();
    hasher.field(KEY_FORMAT);
    hasher.field(inputs.to_string());
    for (name, digest) in &bases {
        hasher.field(name);
        hasher.field(digest.to_string());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn inputs(pairs: &[(Input, &str)]) -> Inputs {
        Inputs(pairs.iter().map(|(input, value)| (input.clone(), (*value).to_owned())).collect())
    }

    #[test]
    fn golden() {
        // Registries hold images under these keys: a change here rebuilds everything everywhere. Raise the formats and say so.
        let inputs = inputs(&[
            (Input::Source, "sha256:00"),
            (Input::Arg("VERSION".into()), "1"),
            (Input::Package("bash".into()), "5.2=ab"),
        ])
        .digest();
        insta::assert_snapshot!(inputs, @"sha256:5a31685ca43dd6117bbf1900b74ada6b9b47993568c450768a787b4095285f69");
        insta::assert_snapshot!(final_key(&inputs, [("base", Digest::of("base"))]), @"sha256:4c6f409cdc613f4d0c60b4504fa9481e35801b10b2009dbaef80d4d3461bf681");
        insta::assert_snapshot!(final_key::<&str>(&inputs, []), @"sha256:926594e76aeb549a9588def913e7d423aa1d09ed6b91f5b286f5488e9ce58872");
    }

    #[test]
    fn inputs_read_back_as_written() {
        let all = [
            Input::Source,
            Input::Containerfile,
            Input::Task,
            Input::Platform,
            Input::Epoch,
            Input::Arg("A B".into()),
            Input::Label("io.x/y".into()),
            Input::Package("libstdc++6".into()),
        ];
        for input in all {
            assert_eq!(Input::try_from(input.to_string()), Ok(input));
        }
        assert!(Input::try_from("weather sunny".to_owned()).is_err());
    }

    fn any_input() -> impl Strategy<Value = Input> {
        prop_oneof![
            Just(Input::Source),
            Just(Input::Containerfile),
            Just(Input::Task),
            Just(Input::Platform),
            Just(Input::Epoch),
            "[AB]{1,2}".prop_map(Input::Arg),
            "[AB]{1,2}".prop_map(Input::Label),
            "[ab]{1,2}".prop_map(Input::Package),
        ]
    }

    fn any_inputs() -> impl Strategy<Value = Inputs> {
        proptest::collection::btree_map(any_input(), "[xy]{0,2}", 0..5).prop_map(Inputs)
    }

    fn any_bases() -> impl Strategy<Value = BTreeMap<String, Digest>> {
        proptest::collection::btree_map("[ab]{1,2}", "[xy]{0,1}".prop_map(Digest::of), 0..3)
    }

    proptest! {
        #[test]
        fn a_key_changes_if_and_only_if_an_input_changes(
            a in any_inputs(), b in any_inputs(), a_bases in any_bases(), b_bases in any_bases(),
        ) {
            let of = |inputs: &Inputs, bases: &BTreeMap<String, Digest>| {
                final_key(&inputs.digest(), bases.iter().map(|(n, d)| (n, *d)))
            };
            prop_assert_eq!(of(&a, &a_bases) == of(&b, &b_bases), a == b && a_bases == b_bases);
        }

        #[test]
        fn one_changed_input_changes_the_key(inputs in any_inputs(), input in any_input(), value in "[xy]{0,3}") {
            let mut changed = inputs.clone();
            changed.0.insert(input, value);
            prop_assert_eq!(inputs.digest() == changed.digest(), inputs == changed);
        }

        #[test]
        fn the_order_of_bases_does_not_count(bases in any_bases()) {
            let inputs = Digest::of("inputs");
            let forward = final_key(&inputs, bases.iter().map(|(n, d)| (n, *d)));
            let backward = final_key(&inputs, bases.iter().rev().map(|(n, d)| (n, *d)));
            prop_assert_eq!(forward, backward);
        }
    }
}
