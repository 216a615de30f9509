//! Which image is as good as built: the keys of each [`Rebuild`], and where such an image may come from.
//!
//! The key of [`Rebuild::Transitive`] has the digests of the bases in it and is [`final_key`](super::final_key). The weaker ones
//! leave out what they do not ask about, so that they are known before a run.

use base::{Digest, Hasher};

use crate::definition::overlay::Operation;
use crate::definition::{Definition, Rebuild, RebuildInherited};

/// Written first into the digests, as for the other keys.
const DIRECT_FORMAT: &str = "streamwright key 2 direct";
const LOCAL_FORMAT: &str = "streamwright key 2 local";

/// What is asked of an image before it is used instead of a build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Which key it must have.
    pub rebuild: Rebuild,
    /// Where it may come from.
    pub whence: Whence,
}

/// Where an image may come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Whence {
    /// The stream's own repository, else the repositories of other streams.
    #[default]
    Anywhere,
    /// The repositories of other streams, else the stream's own.
    OthersFirst,
    /// The stream's own repository alone.
    Own,
}

impl Policy {
    /// That of a component, by what the stream says, or an overlay of what it inherits.
    pub fn of(definition: &Definition, component: &str) -> Self {
        let stream = &definition.stream;
        let asked = Self { rebuild: stream.rebuild, whence: Whence::Anywhere };
        if stream.components.get(component).is_none_or(|one| one.inherited.is_none()) {
            return asked;
        }
        match stream.rebuild_inherited {
            RebuildInherited::Affected => asked,
            RebuildInherited::All => Self { whence: Whence::Own, ..asked },
            RebuildInherited::None if is_altered(definition, component) => asked,
            RebuildInherited::None => Self { rebuild: Rebuild::Local, whence: Whence::OthersFirst },
        }
    }

    /// What the parameter `rebuild` of a component's task says: a [`Rebuild`], or `inherited` for the image of the streams below.
    pub fn as_str(self) -> &'static str {
        match self.whence {
            Whence::OthersFirst => INHERITED,
            Whence::Anywhere | Whence::Own => self.rebuild.as_str(),
        }
    }

    /// What [`as_str`](Self::as_str) gave; where images may come from is not in it otherwise.
    pub fn parse(text: &str) -> Result<Self, crate::definition::rebuild::UnknownWord> {
        if text == INHERITED {
            return Ok(Self { rebuild: Rebuild::Local, whence: Whence::OthersFirst });
        }
        Ok(Self { rebuild: text.parse()?, whence: Whence::Anywhere })
    }

    /// The knob that asks for less than [`Rebuild::Transitive`], as it is written in a stream; none if none does.
    pub fn knob(self) -> Option<&'static str> {
        match (self.whence, self.rebuild) {
            (Whence::OthersFirst, _) => Some("rebuildInherited: none"),
            (_, Rebuild::Transitive) => None,
            (_, Rebuild::Direct) => Some("rebuild: direct"),
            (_, Rebuild::Local) => Some("rebuild: local"),
        }
    }
}

const INHERITED: &str = "inherited";

/// Whether the uppermost stream itself says something about how a component is built.
fn is_altered(definition: &Definition, component: &str) -> bool {
    definition.history.applied.iter().any(|applied| {
        let about_components = matches!(
            applied.operation,
            Operation::Add(_)
                | Operation::Replace(_)
                | Operation::Patch(_)
                | Operation::Pin(_)
                | Operation::Change(_)
        );
        applied.stream == definition.stream.name
            && about_components
            && applied.operation.target() == component
    })
}

/// The keys of a component that leave out something about its bases. Its image is found under each of them, the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeakKeys {
    /// That of [`Rebuild::Direct`].
    pub direct: Digest,
    /// That of [`Rebuild::Local`].
    pub local: Digest,
}

/// What a weak key has of a base or an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WeakImage {
    /// An image from outside.
    Image(Digest),
    /// The digest of the [`Inputs`](super::Inputs) of a component.
    Inputs(Digest),
}

impl WeakKeys {
    /// The keys of a component with these inputs, bases by name, and operands by component; their order does not count.
    pub fn new<'a>(
        inputs: Digest,
        bases: impl IntoIterator<Item = (&'a str, WeakImage)>,
        operands: impl IntoIterator<Item = (&'a str, WeakImage)>,
    ) -> Self {
        let (bases, operands) = (bases.into_iter(), operands.into_iter());
        let all = bases.map(|(name, image)| ("base", name, image));
        let mut all: Vec<_> = all.chain(operands.map(|(name, image)| ("operand", name, image))).collect();
        all.sort_unstable();
        all.dedup();
        let mut direct = Hasher::new();
        direct.field(DIRECT_FORMAT);
        direct.field(inputs.to_string());
        for (edge, name, image) in all {
            let (kind, digest) = match image {
                WeakImage::Image(digest) => ("image", digest),
                WeakImage::Inputs(digest) => ("inputs", digest),
            };
            direct.field(edge);
            direct.field(name);
            direct.field(kind);
            direct.field(digest.to_string());
        }
        let mut local = Hasher::new();
        local.field(LOCAL_FORMAT);
        local.field(inputs.to_string());
        Self { direct: direct.finish(), local: local.finish() }
    }

    /// The key of a policy; none for [`Rebuild::Transitive`].
    pub fn of(&self, rebuild: Rebuild) -> Option<Digest> {
        match rebuild {
            Rebuild::Transitive => None,
            Rebuild::Direct => Some(self.direct),
            Rebuild::Local => Some(self.local),
        }
    }
}

/// The tag under which the image of a key is found.
pub fn tag(rebuild: Rebuild, key: &Digest) -> String {
    format!("{}{}", tag_prefix(rebuild), key.hex())
}

/// What such tags begin with.
pub fn tag_prefix(rebuild: Rebuild) -> &'static str {
    match rebuild {
        Rebuild::Transitive => "key-",
        Rebuild::Direct => "direct-",
        Rebuild::Local => "local-",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Images = std::collections::BTreeMap<String, WeakImage>;

    #[test]
    fn golden() {
        // As for the other keys: a change here rebuilds everything everywhere. Raise the formats and say so.
        let (inputs, image) = (Digest::of("inputs"), Digest::of("base"));
        let keys =
            WeakKeys::new(inputs, [("base", WeakImage::Image(image))], [("etcd", WeakImage::Inputs(image))]);
        insta::assert_snapshot!(keys.direct, @"sha256:25cebd417c61cfa98cb8a1276a729ecbf9ddac29d7159e5b4ce43291cfb0fae6");
        insta::assert_snapshot!(keys.local, @"sha256:53fe9b418100a9888597d7225a54894552618dc8a819500818a6043769af55d4");
    }

    fn any_images() -> impl Strategy<Value = Images> {
        let digest = "[xy]{0,1}".prop_map(Digest::of);
        let base = (any::<bool>(), digest)
            .prop_map(|(image, of)| if image { WeakImage::Image(of) } else { WeakImage::Inputs(of) });
        proptest::collection::btree_map("[ab]{1,2}", base, 0..3)
    }

    proptest! {
        #[test]
        fn each_key_changes_with_what_it_asks_about(
            a in "[xy]{0,1}", b in "[xy]{0,1}",
            a_bases in any_images(), b_bases in any_images(), a_operands in any_images(), b_operands in any_images(),
        ) {
            let of = |inputs: &str, bases: &Images, operands: &Images| {
                let bases = bases.iter().map(|(name, image)| (name.as_str(), *image));
                let operands = operands.iter().map(|(name, image)| (name.as_str(), *image));
                WeakKeys::new(Digest::of(inputs), bases, operands)
            };
            let (first, second) = (of(&a, &a_bases, &a_operands), of(&b, &b_bases, &b_operands));
            prop_assert_eq!(first.local == second.local, a == b);
            let same = a == b && a_bases == b_bases && a_operands == b_operands;
            prop_assert_eq!(first.direct == second.direct, same);
            prop_assert_ne!(first.direct, first.local);
        }
    }
}
