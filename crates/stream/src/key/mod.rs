//! Keys: digests of all that decides a component's image (design.md §2.3).
//!
//! A key is made in two steps, because the digests of base images are known only when they are built:
//!
//! 1. [`Inputs`]: everything that is known before a run, name by name, and its [`digest`](Inputs::digest).
//! 2. [`final_key`]: that digest with the digests of the bases and operands. The first step of a component's task computes it and
//!    looks for an image of this key.
//!
//! Equal keys mean equal inputs. A base that was rebuilt and came out the same leaves the keys of its dependents alone.
//!
//! - [`input`](mod@input): what an input is
//! - [`inputs`](mod@inputs): the inputs of every component of a stream
//! - [`policy`]: keys that leave out something about bases, for streams that rebuild less

pub mod input;
pub mod inputs;
pub mod policy;

use std::collections::BTreeMap;

use base::{Digest, Hasher};
use serde::{Deserialize, Serialize};

pub use self::input::{Input, UnknownInput};
pub use self::inputs::inputs;

/// Which way keys are made; changes when the meaning of the rest changes, and with it all keys.
pub const FORMAT: u32 = 2;
/// Written first into every digest, with the [`FORMAT`].
const INPUTS_FORMAT: &str = "streamwright inputs 2";
const KEY_FORMAT: &str = "streamwright key 2";

/// Everything about a component that is known before a run, name by name.
///
/// Values are digests (of trees and texts) or short texts (commits, arguments, versions), so that a plan can say what changed from
/// what.
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

/// The key of a component's image: its inputs and the digests of the images it starts from, and of those that it names.
///
/// `bases` are pairs of name (as the Containerfile writes it) and manifest digest, `operands` of component and digest; their order
/// does not count, repeated pairs count once. Where an image was pulled from does not count: the digest says what it is.
pub fn final_key<N: AsRef<str>>(
    inputs: &Digest,
    bases: impl IntoIterator<Item = (N, Digest)>,
    operands: impl IntoIterator<Item = (N, Digest)>,
) -> Digest {
    let all = bases
        .into_iter()
        .map(|pair| ("base", pair))
        .chain(operands.into_iter().map(|pair| ("operand", pair)));
    let mut all: Vec<(&str, String, Digest)> =
        all.map(|(kind, (name, digest))| (kind, name.as_ref().to_owned(), digest)).collect();
    all.sort();
    all.dedup();
    let mut hasher = Hasher::new();
    hasher.field(KEY_FORMAT);
    hasher.field(inputs.to_string());
    for (kind, name, digest) in &all {
        hasher.field(kind);
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
            (Input::Patch(1, "a.patch".into()), "sha256:01"),
            (Input::Arg("VERSION".into()), "1"),
            (Input::Package("bash".into()), "5.2=ab"),
        ])
        .digest();
        insta::assert_snapshot!(inputs, @"sha256:872db7f868f594dd0a7b2f0154c9a57307d15a3915bff425c0b6de130d748eb6");
        let base = [("base", Digest::of("base"))];
        insta::assert_snapshot!(final_key(&inputs, base, []), @"sha256:31861ce99680eccc8286d6115a085e0bfaa7a892a364c16783b8c5ed146988bb");
        insta::assert_snapshot!(final_key(&inputs, base, [("etcd", Digest::of("etcd"))]), @"sha256:af6659f0c09fdd0a7dc94dd905e2efc99c8215cc8d1428b87b009b9f0154b26c");
        insta::assert_snapshot!(final_key::<&str>(&inputs, [], []), @"sha256:e31dd61c79b2008d96967c83f4979c229cb0973fd9fb2615861def26ff4ff120");
        for format in [INPUTS_FORMAT, KEY_FORMAT] {
            assert!(format.ends_with(&format!(" {FORMAT}")), "records tell formats apart by this number");
        }
    }

    #[test]
    fn inputs_read_back_as_written() {
        let all = [
            Input::Commit,
            Input::Folder,
            Input::Source,
            Input::Patch(12, "patches/a b.patch".into()),
            Input::Containerfile,
            Input::Edit(3),
            Input::From(10),
            Input::Arg("A B".into()),
            Input::Label("io.x/y".into()),
            Input::Package("libstdc++6".into()),
            Input::Task,
            Input::Platform,
            Input::Epoch,
        ];
        for input in all {
            assert_eq!(Input::try_from(input.to_string()), Ok(input));
        }
        for unknown in ["weather sunny", "weather", "patch a.patch", "edit first", "from "] {
            assert!(Input::try_from(unknown.to_owned()).is_err(), "{unknown}");
        }
    }

    fn any_input() -> impl Strategy<Value = Input> {
        prop_oneof![
            Just(Input::Commit),
            Just(Input::Folder),
            Just(Input::Source),
            (1..3_usize, "[ab 1]{1,2}").prop_map(|(at, file)| Input::Patch(at, file)),
            Just(Input::Containerfile),
            (1..3_usize).prop_map(Input::Edit),
            (1..3_usize).prop_map(Input::From),
            "[AB]{1,2}".prop_map(Input::Arg),
            "[AB]{1,2}".prop_map(Input::Label),
            "[ab]{1,2}".prop_map(Input::Package),
            Just(Input::Task),
            Just(Input::Platform),
            Just(Input::Epoch),
        ]
    }

    fn any_inputs() -> impl Strategy<Value = Inputs> {
        proptest::collection::btree_map(any_input(), "[xy]{0,2}", 0..5).prop_map(Inputs)
    }

    /// Images by name: bases, or operands. The names and digests are few, so that equal ones are met.
    fn any_images() -> impl Strategy<Value = BTreeMap<String, Digest>> {
        proptest::collection::btree_map("[ab]{1,2}", "[xy]{0,1}".prop_map(Digest::of), 0..3)
    }

    proptest! {
        #[test]
        fn a_key_changes_if_and_only_if_an_input_changes(
            a in any_inputs(), b in any_inputs(),
            a_bases in any_images(), b_bases in any_images(),
            a_operands in any_images(), b_operands in any_images(),
        ) {
            let same = [
                (&a, &a_bases, &a_operands) == (&b, &b_bases, &b_operands),
                (&a, &a_bases, &a_operands) == (&a, &a_operands, &a_bases),
                (&a, &a_bases, &a_operands) == (&a, &a_bases, &b_operands),
            ];
            let key = of(&a, &a_bases, &a_operands);
            let others =
                [of(&b, &b_bases, &b_operands), of(&a, &a_operands, &a_bases), of(&a, &a_bases, &b_operands)];
            prop_assert_eq!(others.map(|other| other == key), same);
        }

        #[test]
        fn one_changed_input_changes_the_key(inputs in any_inputs(), input in any_input(), value in "[xy]{0,3}") {
            let mut changed = inputs.clone();
            changed.0.insert(input, value);
            prop_assert_eq!(inputs.digest() == changed.digest(), inputs == changed);
        }

        #[test]
        fn the_order_of_images_does_not_count(images in any_images()) {
            let inputs = Digest::of("inputs");
            let (forward, backward) = (|| images.iter().map(|(n, d)| (n, *d)), || images.iter().rev().map(|(n, d)| (n, *d)));
            prop_assert_eq!(final_key(&inputs, forward(), backward()), final_key(&inputs, backward(), forward()));
        }
    }

    fn of(inputs: &Inputs, bases: &BTreeMap<String, Digest>, operands: &BTreeMap<String, Digest>) -> Digest {
        let pairs = |images: &BTreeMap<String, Digest>| images.clone().into_iter().collect::<Vec<_>>();
        final_key(&inputs.digest(), pairs(bases), pairs(operands))
    }
}
